"""Documents made from the policy: every door that carries answers serves them, to people and to crawlers alike."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

import pytest

from optout.compilers.documents import compile_documents
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from tests.doors.all_doors import DOORS
from tests.doors.forward_auth_doors import TAGGED
from tests.doors.table import DOCUMENT
from tests.judge import SITE, leaves
from tests.served import CHROME, connected

POLICY = """
version: 1
mode: enforce
sites: site.example
default: allow
on_error: refuse
contact: me@site.example
license: /license.xml
tdm_policy: https://site.example/tdm-policy.json
documents: {from: generated, sitemaps: "https://site.example/sitemap.xml"}
clauses:
  - {id: none, action: deny, purpose: [train, dataset]}
"""
CARRYING = sorted(name for name in DOORS if not name.startswith("forward-auth"))
LINK = '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"'


@pytest.mark.parametrize("name", CARRYING)
async def test_every_door_serves_what_the_policy_says_and_decides_by_it(name: str, tmp_path: Path) -> None:
    made = compile_documents(
        load_policy(POLICY.encode(), "policy.yaml", bundled_registry()),
        bundled_registry(),
        authority=SITE,
    )
    assert len(made.files) == 5
    async with DOORS[name]({**DOCUMENT, "policy": POLICY}, tmp_path) as port:
        for agent in (CHROME, "GPTBot/1.2"):
            for path, served in made.files.items():
                answer = await _ask(port, "GET", path, agent)
                assert (answer.status, answer.body) == (200, served.data), (agent, path)
                assert answer.first("content-type") == served.media_type
                assert answer.first("content-length") == str(len(served.data))
        head = await _ask(port, "HEAD", "/robots.txt", CHROME)
        assert (head.status, head.body) == (200, b"")
        assert head.first("content-length") == str(len(made.files["/robots.txt"].data))
        declared = await _ask(port, "GET", "/robots.txt", CHROME)
        assert declared.first("tdm-reservation") == "1"
        assert declared.first("link") == LINK
        assert (await _ask(port, "GET", "/a/page", "GPTBot/1.2")).status == 403
        page = await _ask(port, "GET", "/a/page", CHROME)
        assert (page.status, page.first("content-usage"), page.first("x-robots-tag")) == (
            200,
            "train-ai=n",
            "noai, noimageai",
        )
        own = await _ask(port, "GET", TAGGED, CHROME)
        assert own.all("x-robots-tag") == ["noai"]  # the site's own word stands
        async with asyncio.timeout(20):
            while len(_outcomes(tmp_path)) < 5:
                await asyncio.sleep(0.05)
    found = {str(each["served.sha256"]) for each in _outcomes(tmp_path) if "served.sha256" in each}
    assert found == {
        hashlib.sha256(made.files[path].data).hexdigest() for path in ("/robots.txt", "/.well-known/tdmrep.json")
    }
    refused = [each for each in leaves(tmp_path / "evidence") if each.get("decision.action") == "deny"]
    robots = hashlib.sha256(made.files["/robots.txt"].data).hexdigest()
    assert {each["robots.sha256"] for each in refused} == {robots}


async def _ask(port: int, method: str, path: str, agent: str):  # type: ignore[no-untyped-def]
    async with connected(port) as raw:
        head = f"{method} {path} HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n"
        await raw.send(f"{head}Connection: close\r\n\r\n".encode())
        return await raw.answer(method)


def _outcomes(place: Path) -> list[dict[str, object]]:
    return [each for each in leaves(place / "evidence") if each["type"] == "crawl.outcome"]
