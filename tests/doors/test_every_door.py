"""One table through every door over real sockets: what the engine says, or a listed difference (docs/doors/README.md).

A difference is listed by door with the kind of rows that it concerns; a test fails for one that is listed and does not
show, as for one that shows and is not listed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from optout.crawlers.registry import bundled_registry
from optout.engine import Engine, Outcome
from optout.messages import Fields, parse_authority
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, Published, known, parse_published
from optout.testing import make_request
from tests.doors.all_doors import DOORS
from tests.doors.differences import DIFFERENCES
from tests.doors.table import DOCUMENT, POLICY, ROBOTS, TDMREP, Row, rows
from tests.judge import leaves
from tests.served import CHROME, Answer, connected

ROWS = tuple(rows())
OF_THE_MOMENT = {"id", "time_us", "mono_us", "decision.us", "network.protocol.version", "v"}
TELLING = ("content-type", "cache-control", "vary", "link", "www-authenticate", "retry-after")
DECLARING = ("tdm-reservation", "tdm-policy")


class Expected:
    """What the engine by itself says of a row."""

    def __init__(self) -> None:
        registry = bundled_registry()
        policy = load_policy(POLICY.encode(), "policy.yaml", registry)
        self._engine = Engine(policy_set([policy]), registry)
        self._policy = policy

    def outcome(self, row: Row) -> Outcome | None:
        published = self._published(row)
        request = make_request(f"http://{row.host}{row.target}", row.agent, method=row.method, headers=row.fields)
        return self._engine.explain(request, published)

    def declared(self, row: Row) -> Fields:
        authority = parse_authority(row.host, "http") or ""
        policy = self._engine.policies.find(authority)
        if policy is None or row.method not in ("GET", "HEAD"):
            return Fields()
        return self._engine.declare(
            policy=policy, authority=authority, target=row.target, published=self._published(row)
        )

    def _published(self, row: Row) -> Published:
        authority = parse_authority(row.host, "http") or ""
        robots, tdmrep = known(ROBOTS_NAME, ROBOTS.encode()), known(TDMREP_NAME, TDMREP.encode())
        return parse_published(robots, tdmrep, authority=authority)


EXPECTED = Expected()


async def send(port: int, row: Row) -> Answer:
    lines = [f"{row.method} {row.target} HTTP/1.1", f"Host: {row.host}", f"User-Agent: {row.agent}"]
    lines += [f"{name}: {value}" for name, value in row.fields]
    if row.method in ("POST", "PUT", "PATCH"):
        lines.append("Content-Length: 0")
    if not any(name == "Connection" for name, _ in row.fields):
        lines.append("Connection: close")
    async with connected(port) as raw:
        await raw.send(("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogateescape"))
        return await raw.answer(row.method)


def told(row: Row) -> dict[str, object]:
    """What a visitor sees of a row, by the engine."""
    outcome = EXPECTED.outcome(row)
    response = outcome.response if outcome else None
    if response is None:
        return {"refused": False, **_fields(EXPECTED.declared(row).all, *DECLARING)}
    body = b"" if row.method == "HEAD" else response.body
    return {"refused": response.status, **_fields(response.fields.all, *DECLARING, *TELLING), "problem": _problem(body)}


def seen(answer: Answer) -> dict[str, object]:
    """The same, of a door's answer."""
    if answer.status < 400 or answer.status in (404, 405):  # what the site itself says
        return {"refused": False, **_fields(answer.all, *DECLARING)}
    return {
        "refused": answer.status,
        **_fields(answer.all, *DECLARING, *TELLING),
        "problem": _problem(answer.body),
    }


def _fields(get: Callable[[str], Iterable[str]], *names: str) -> dict[str, object]:
    return {name: sorted(get(name)) for name in names if list(get(name))}


def _problem(body: bytes) -> object:
    if body.startswith(b"<!DOCTYPE"):
        body = body.partition(b'<script type="application/problem+json">')[2].partition(b"</script>")[0]
    try:
        problem = json.loads(body)
    except ValueError:
        return body
    return {key: value for key, value in problem.items() if key != "instance"}


def lasting(record: Mapping[str, object]) -> dict[str, object]:
    """A record without what differs from one moment to the next."""
    return {
        key: value
        for key, value in record.items()
        if key not in OF_THE_MOMENT
        and not key.startswith(("writer.", "clock.", "private.", "peer.", "notice.", "observed."))
    }


def _same(record: Mapping[str, object], other: Mapping[str, object]) -> bool:
    """Whether two records can be of one request."""
    keys = ("user_agent.original", "http.request.method", "url.path", "server.address")
    return all(record.get(key) == other.get(key) for key in keys)


def differences(answers: list[Answer], found: list[dict[str, object]]) -> dict[Row, str]:
    """The rows at which a door says, or writes down, something else than the engine, and what."""
    differing: dict[Row, str] = {}
    left = list(found)
    for row, answer in zip(ROWS, answers, strict=True):
        wanted, had = told(row), seen(answer)
        if wanted != had:
            differing[row] = f"told {had}\ninstead of {wanted}"
        outcome = EXPECTED.outcome(row)
        if outcome is None or outcome.record is None:
            continue
        record = lasting(outcome.record.public)
        if not left or not _same(record, left[0]):
            differing[row] = f"{differing.get(row, '')}\nnot recorded"
        elif (written := lasting(left.pop(0))) != record:
            changed = {key for key in {*written, *record} if written.get(key) != record.get(key)}
            differing[row] = f"{differing.get(row, '')}\nrecorded otherwise: " + ", ".join(
                f"{key} {written.get(key)!r} instead of {record.get(key)!r}" for key in sorted(changed)
            )
    assert not left or differing, f"recorded although the engine would not: {left[0]}"
    return differing


@pytest.mark.parametrize("name", DOORS)
async def test_a_door_says_what_the_engine_says_or_a_listed_difference(name: str, quiet_place: Path) -> None:
    async with DOORS[name](DOCUMENT, quiet_place) as port:
        for warm in {row.host: row for row in ROWS}.values():  # until its first answer no site declares anything
            await send(port, replace(warm, agent=CHROME, target="/robots.txt", method="GET", fields=()))
        await send(port, Row(agent="warm/1.0 GPTBot/1.0", target="/robots.txt"))
        answers = [await send(port, row) for row in ROWS]
    records = [leaf for leaf in leaves(quiet_place / "evidence") if leaf["type"] == "crawl.request"][1:]
    differing = differences(answers, records)
    listed = [each for each in DIFFERENCES if name in each.doors]
    unlisted = [(row, what) for row, what in differing.items() if not any(each.concerns(row) for each in listed)]
    assert not unlisted, f"{len(unlisted)} of {len(ROWS)} rows:\n" + "\n\n".join(
        f"{row}\n{what}" for row, what in unlisted[:5]
    )
    for each in listed:
        assert any(each.concerns(row) for row in differing), f"{each.code} is listed and does not show"


def test_the_table_is_large() -> None:
    assert len(ROWS) >= 300
    assert len(set(ROWS)) == len(ROWS)


def test_the_documentation_lists_every_difference() -> None:
    text = (Path(__file__).parents[2] / "docs" / "doors" / "README.md").read_text()
    for each in DIFFERENCES:
        line = f"| {', '.join(each.doors)} | `{each.code}` | {each.text} |"
        assert line in text, line
