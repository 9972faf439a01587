"""A real nginx that decides by itself, or routes to Optout, says what the engine says, or a listed loss."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from optout.compilers.access_log import Line, parse_line
from tests.doors.forward_auth_doors import free_port
from tests.doors.nginx_doors import check, compiled_door, edge_files, routed_door, running
from tests.doors.table import DOCUMENT, Row
from tests.doors.test_every_door import EXPECTED, ROWS, seen, send, told
from tests.judge import leaves
from tests.served import CHROME, ask

Door = Callable[[dict[str, str], Path], AbstractAsyncContextManager[int]]
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2)"


def is_nginx_own(row: Row) -> bool:
    """front-end-answers: nginx answers these 400 before it knows a server block."""
    return row.target.startswith("/%2e%2e") or (row.kind == "malformed" and row.target != "/a%5Cb")


def is_about_another_site(row: Row) -> bool:
    """one-site: the block is the site's, whatever the Host."""
    return row.kind == "host" and row.host in ("site.example:8080", "photos.example", "other.example")


def is_ambiguous(row: Row) -> bool:
    """ambiguous-targets."""
    return row.kind == "ambiguous" or row.target == "/%70ress/a"


COMPILED_LOSSES = (is_nginx_own, is_about_another_site, is_ambiguous)


async def test_a_compiled_nginx_says_what_the_engine_says(tmp_path: Path) -> None:
    different: list[Row] = []
    async with compiled_door(DOCUMENT, tmp_path) as port:
        for row in ROWS:
            answer = seen(await send(port, row))
            if answer == told(row):
                continue
            assert any(loss(row) for loss in COMPILED_LOSSES), f"{row}: {answer}, not {told(row)}"
            different.append(row)
    for loss in COMPILED_LOSSES:
        assert any(map(loss, different)), f"{loss.__name__} is no difference"


async def test_an_ambiguous_target_is_never_answered_more_mildly_than_the_engine_answers_it(tmp_path: Path) -> None:
    async with compiled_door(DOCUMENT, tmp_path) as port:
        for row in filter(is_ambiguous, ROWS):
            if told(row)["refused"]:
                assert (await send(port, row)).status >= 400, row


async def test_a_compiled_nginx_writes_a_line_for_each_crawler_and_none_for_a_person(tmp_path: Path) -> None:
    rows = [row for row in ROWS if not any(loss(row) for loss in COMPILED_LOSSES)]
    async with compiled_door(DOCUMENT, tmp_path) as port:
        for row in rows:
            await send(port, row)
    lines = [parse_line(line) for line in (tmp_path / "optout.log").read_bytes().splitlines()]
    expected = [(row, outcome) for row in rows if (outcome := EXPECTED.outcome(row)) and outcome.record]
    assert len(lines) == len(expected)
    for line, (row, outcome) in zip(lines, expected, strict=True):
        assert isinstance(line, Line), (row, line)
        decision = outcome.decision
        refused = outcome.response is not None
        assert (line.crawler, line.action) == (decision.agent.claim.crawler.name, decision.action), row
        assert (line.code, line.clause) == ((decision.deciding.code, decision.clause) if refused else ("", "")), row
        assert line.method == row.method
        assert line.user_agent == row.agent
        assert line.path in ("", row.target.partition("?")[0])
        assert (line.path == "") == (decision.agent.purpose.value == "user-fetch"), row
        assert not refused or line.status == outcome.response.status


async def test_a_routed_nginx_says_what_the_engine_says(tmp_path: Path) -> None:
    async with routed_door(DOCUMENT, tmp_path) as port:
        for row in ROWS:
            answer, engine = seen(await send(port, row)), told(row)
            if is_about_another_site(row):  # judged as it came; what it declares was made for one site
                answer, engine = ({"refused": each["refused"]} for each in (answer, engine))
            assert answer == engine or is_nginx_own(row), f"{row}: {answer}, not {engine}"
    recorded = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    expected = [row for row in ROWS if not is_nginx_own(row) and (found := EXPECTED.outcome(row)) and found.record]
    assert len(recorded) == len(expected)


@pytest.mark.parametrize("door", [compiled_door, routed_door])
async def test_an_internal_location_is_nobodys(door: Door, tmp_path: Path) -> None:
    async with door(DOCUMENT, tmp_path) as port:
        for target in ("/.optout/ask", "/.optout/none", *(f"/.optout/{place.name}" for place in tmp_path.iterdir())):
            assert (await ask(port, target, CHROME)).status in (200, 404)


async def test_a_policy_that_observes_refuses_nobody_and_logs(tmp_path: Path) -> None:
    document = DOCUMENT | {"policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)}
    async with compiled_door(document, tmp_path) as port:
        answer = await ask(port, "/studio/1", GPTBOT)
    assert answer.status == 200
    assert answer.first("tdm-reservation") is None
    (line,) = (parse_line(line) for line in (tmp_path / "optout.log").read_bytes().splitlines())
    assert isinstance(line, Line)
    assert (line.enforced, line.action.value, line.status) == (False, "deny", 200)


async def test_every_refusal_has_a_number_of_its_own_which_is_in_the_log(tmp_path: Path) -> None:
    async with compiled_door(DOCUMENT, tmp_path) as port:
        bodies = [(await ask(port, "/studio/1", GPTBOT)).body for _ in range(2)]
    lines = [parse_line(line) for line in (tmp_path / "optout.log").read_bytes().splitlines()]
    for body, line in zip(bodies, lines, strict=True):
        assert isinstance(line, Line)
        assert f'"urn:uuid:{line.id}"'.encode() in body
    assert len({line.id for line in lines if isinstance(line, Line)}) == 2


MANY = "User-agent: CCBot\n" + "".join(f"Disallow: /section-{at % 97}/page-{at}/\n" for at in range(10_000))


async def test_ten_thousand_rules_load_and_decide(tmp_path: Path) -> None:
    edge_files(DOCUMENT | {"robots": MANY}, tmp_path)
    port = free_port()
    server = f"listen 127.0.0.1:{port}; include {tmp_path}/optout-server.conf; location / {{ return 204; }}"
    http = f"include {tmp_path}/optout-http.conf; server {{ {server} }}"
    code, words = check(tmp_path, http)
    assert code == 0, words
    async with running(tmp_path, http) as server:
        for at in (0, 1, 4_711, 9_999):
            answer = await ask(port, f"/section-{at % 97}/page-{at}/x", "CCBot/2.0")
            assert answer.status == 402
            assert f"Disallow: /section-{at % 97}/page-{at}/".encode() in answer.body
        assert (await ask(port, "/section-1/page-10001/", "CCBot/2.0")).status == 204
        memory = resident_kb(server.pid)
    assert memory < 100_000, memory


def resident_kb(pid: int) -> int:
    """The memory of the master, which has read everything; a worker shares it."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])
