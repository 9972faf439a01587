"""The application: every page, its twin, hostile words on each, another tenant's records on none."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient

from optout.engine import Engine
from optout.errors import EvidenceError
from optout.evidence.segments import Entry
from optout.policy.loader import load_policy, policy_set
from optout.review.gate import Gate
from optout.review.works import parse_works
from tests.judge import bundled_registry
from tests.review.setting import HOSTILE, log_of_visits, opened

PAGES = [
    *("/", "/records", "/records/r1", "/records/r5", "/crawlers/GPTBot", "/works", "/policy", "/export"),
    *("/policy?url=https://a.example/art/1.jpg", "/?crawler=GPTBot&since=2026-11-18&until=2026-11-19"),
]
POLICY = "version: 1\nsites: [a.example]\nmode: enforce\ndefault: allow\non_error: allow\n"
WORKS = b"title,path,creator\n<b>One</b>,/art/1.jpg,Ann\nTwo,/art/2.jpg,=1+1\nNone,/nobody,Ann\n"


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on") or name == "style"]
        for name, value in attrs:
            if name in ("href", "src", "action"):
                assert (value or "").startswith(("/", "#")), value

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def _reveal(_log: Path, _entry: Entry, by: str, reason: str) -> dict[str, object] | None:
    return {"client.address": "203.0.113.7", "told": f"{by}: {reason}"}


def _export(scope: dict[str, str], by: str) -> tuple[dict[str, Any], bytes | None]:
    if scope["crawler"] == "nobody":
        raise EvidenceError("nothing fits", "choose more")
    personal = {"user_agents": 2, "from_headers": [HOSTILE], "private_parts": 0}
    told = {"visits": 3, "records": 4, "documents": 1, "gaps": 1, "personal": personal}
    return told, f"{by} {scope}".encode() if scope.get("do") else None


@pytest.fixture
async def pages(tmp_path: Path) -> AsyncIterator[tuple[TestClient[Any, Any], Gate]]:
    registry = bundled_registry()
    engine = Engine(policy_set([load_policy(POLICY.encode(), "policy.yaml", registry)]), registry)
    more = {"engine": engine, "works": parse_works(WORKS), "reveal": _reveal, "export": _export}
    async with opened(log_of_visits(tmp_path / "evidence"), **more) as found:
        yield found


@pytest.mark.parametrize("path", PAGES)
async def test_each_page_is_there_with_a_twin_and_nothing_foreign_works(
    pages: tuple[TestClient[Any, Any], Gate], path: str
) -> None:
    client, _ = pages
    answer = await client.get(path)
    assert answer.status == 200
    text = await answer.text()
    tags = _Tags()
    tags.feed(text)
    assert not {"script", "b", "iframe", "object"} & set(tags.names)
    words = "".join(tags.words)
    assert all(char.isprintable() or char in "\n\t" for char in words)
    assert "/secret" not in text
    assert "49" not in words.replace("2026", "") or "{{7*7}}" in words  # nobody's template was run
    twin = path.partition("?")
    name = "/overview" if twin[0] == "/" else twin[0]
    told = await (await client.get(f"{name}.json{twin[1]}{twin[2]}")).json()
    assert isinstance(told, dict)
    assert "/secret" not in json.dumps(told)


async def test_it_speaks_the_reader_s_language(pages: tuple[TestClient[Any, Any], Gate]) -> None:
    client, _ = pages
    german = await (await client.get("/", headers={"Accept-Language": "de-AT,de;q=0.9,en;q=0.5"})).text()
    assert '<html lang="de">' in german
    assert "Wer wegen Ihrer Werke kam" in german
    other = await (await client.get("/", headers={"Accept-Language": "x" * 5000})).text()
    assert '<html lang="en">' in other
    assert '<html lang="de">' in await (await client.get("/?lang=de")).text()


@pytest.mark.parametrize("path", ["/records/none", "/records/person", "/crawlers/nobody-knows", "/none", "/records/"])
async def test_what_is_not_there_is_said_so(pages: tuple[TestClient[Any, Any], Gate], path: str) -> None:
    client, _ = pages
    assert (await client.get(path)).status == 404
    assert (await client.get(f"{path}.json")).status == 404


async def test_the_private_part_is_read_with_a_reason_alone(pages: tuple[TestClient[Any, Any], Gate]) -> None:
    client, gate = pages
    csrf = next(iter(gate._sessions.values()))[0].csrf
    without = await client.post("/records/r1/reveal", data={"csrf": csrf, "reason": "  "})
    assert without.status == 400
    assert "203.0.113.7" not in await without.text()
    answer = await client.post("/records/r1/reveal", data={"csrf": csrf, "reason": "court order"})
    text = await answer.text()
    assert "203.0.113.7" in text
    assert "owner: court order" in text
    assert (await client.post("/records/none/reveal", data={"csrf": csrf, "reason": "x"})).status == 404


async def test_a_bundle_is_looked_at_and_then_made(pages: tuple[TestClient[Any, Any], Gate]) -> None:
    client, gate = pages
    csrf = next(iter(gate._sessions.values()))[0].csrf
    look = await (await client.get("/export?crawler=GPTBot&case=mine")).text()
    assert "Personal data that would be disclosed" in look
    made = await client.post("/export?crawler=GPTBot&case=mine", data={"csrf": csrf})
    assert made.headers["Content-Type"] == "application/zip"
    assert b"'crawler': 'GPTBot'" in await made.read()
    fault = await client.post("/export?crawler=nobody", data={"csrf": csrf})
    assert fault.status == 409
    assert "nothing fits" in await fault.text()


async def test_the_table_of_works_is_safe_as_a_spreadsheet(tmp_path: Path) -> None:
    from optout.cli.evidence.rows import csv_row

    home = log_of_visits(tmp_path / "evidence")
    async with opened(home, works=parse_works(WORKS), csv_row=csv_row) as (client, _):
        rows = (await (await client.get("/works.csv")).text()).splitlines()
        assert rows[0].startswith("path,title,creator")
        assert any(row.startswith("/art/2.jpg,Two,'=1+1") for row in rows)
        assert rows[1].count(",") == rows[0].count(",")


async def test_a_tenant_sees_nothing_of_another(tmp_path: Path) -> None:
    home = log_of_visits(tmp_path / "evidence")
    async with opened(home) as (client, gate):
        for name, (session, until) in list(gate._sessions.items()):
            from dataclasses import replace

            gate._sessions[name] = replace(session, tenant="bob"), until
        for path in ("/overview.json", "/records.json"):
            text = await (await client.get(path)).text()
            assert "CCBot" in text
            assert "GPTBot" not in text
        assert (await client.get("/records/r1")).status == 404
        assert (await client.get("/records/r4")).status == 200


async def test_a_log_that_grows_is_seen_and_one_without_visits_teaches(tmp_path: Path) -> None:
    from tests.evidence.setting import SOON_S, open_log
    from tests.review.setting import visit

    log = open_log(tmp_path / "evidence")
    async with opened(tmp_path / "evidence") as (client, _):
        assert "No AI crawler has come yet." in await (await client.get("/")).text()
        log.append(visit("n1", "GPTBot", "/")).result(SOON_S)
        import asyncio

        async with asyncio.timeout(20):
            while "GPTBot" not in await (await client.get("/")).text():
                await asyncio.sleep(0.2)
    log.close()


async def test_a_damaged_record_is_said_and_the_rest_is_shown(tmp_path: Path) -> None:
    home = log_of_visits(tmp_path / "evidence")
    (segment,) = sorted((home / "segments").iterdir())
    data = bytearray(segment.read_bytes())
    at = data.index(b'"CCBot/1.0')
    data[at + 1 : at + 3] = b"XX"
    segment.write_bytes(data)
    async with opened(home) as (client, _):
        for path in ("/", "/records"):
            text = await (await client.get(path)).text()
            assert "6 records of this log are damaged" in text, "it, and what lies behind it in its file"
            assert "GPTBot" in text
