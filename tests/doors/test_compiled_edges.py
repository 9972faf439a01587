"""Compiled edges in real front ends: what the engine says, or what the list of losses says of it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from optout.compilers.access_log import Line, parse_line
from optout.compilers.access_log.forms import in_common_form
from optout.compilers.edge import NAME, OPERATOR, Answer, Edge
from optout.crawlers.model import Purpose
from optout.crawlers.registry import bundled_registry
from optout.decision import is_always_open
from optout.policy.model import Action
from optout.targets import is_malformed, readings
from tests.doors.edge_doors import COMMANDS, Front, compiled, edge, edge_door
from tests.doors.forward_auth_doors import site
from tests.doors.table import DOCUMENT, Row, rows
from tests.doors.test_every_door import EXPECTED, seen, send, told
from tests.judge import publishes, user_agent
from tests.served import CHROME, ask, served
from tests.served import Answer as Received

KINDS = tuple(COMMANDS)
REGISTRY = bundled_registry()
ROWS = tuple(row for row in rows() if row.kind != "host")  # an edge is made for one site
GPTBOT = user_agent("GPTBot")
APP = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) Mobile/15E148 [FBAN/FBIOS;FBAV/480.0.0]"


def answered_first(kind: str, row: Row) -> bool:
    """Whether the front end answers by itself before it asks anything (`front-end-answers-first`)."""
    path = row.target.partition("?")[0]
    broken = is_malformed(path) and "%00" not in path and "%5C" not in path
    above = path.startswith("/%2e%2e/")
    return {"haproxy": False, "caddy": broken, "apache": broken or above or "%00" in path}[kind]


def is_read_in_several_ways(row: Row) -> bool:
    """Whether a target is ambiguous, to an edge: a needless escape (`%70`) is, too."""
    return len(readings(row.target)) > 1 or "%70" in row.target


def expected(made: Edge, row: Row) -> dict[str, object]:
    """What the engine says of a row, or for a target that can be read in several ways the edge's own answer."""
    wanted = told(row)
    problem = wanted.get("problem")
    if isinstance(problem, dict) and problem.get("clause") != "reservation":
        problem.pop("tdm_policy", None)  # the loss `tdm-policy-member`
    claim = REGISTRY.recognize(row.agent)
    group = next((each for each in made.classes if claim and claim.crawler in each.crawlers), None)
    path = row.target.partition("?")[0]
    is_open = is_always_open(row.target, made.policy, publishes())
    is_plain = not is_read_in_several_ways(row)
    if claim is None or group is None or is_plain or is_open or (is_malformed(path) and wanted["refused"] == 400):
        return wanted
    answer = group.ambiguous
    assert isinstance(answer, Answer)
    words = {NAME: claim.crawler.name, OPERATOR: claim.crawler.operator}
    body = answer.json
    for mark, text in words.items():
        body = body.replace(mark, text.encode())
    said = {key: value for key, value in json.loads(body).items() if key != "instance"}
    names = ("cache-control", "vary", "link")
    fields = {name: sorted(answer.fields.all(name)) for name in names if answer.fields.all(name)}
    return {"refused": answer.status, "content-type": ["application/problem+json"], **fields, "problem": said}


def received(answer: Received) -> dict[str, object]:
    """What came, with `Vary` as Optout writes it: Apache takes the blanks out."""
    found = seen(answer)
    if found.get("vary") == ["User-Agent,Signature-Agent"]:
        found["vary"] = ["User-Agent, Signature-Agent"]
    return found


def lines_of(front: Front) -> list[Line]:
    found = [parse_line(in_common_form(line)) for line in front.logged()]
    assert all(isinstance(line, Line) for line in found), found
    return [line for line in found if isinstance(line, Line)]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_edge_says_what_the_engine_says_and_logs_crawlers_alone(kind: str, tmp_path: Path) -> None:
    made = compiled(DOCUMENT)
    logged: list[Line] = []
    async with served(site(DOCUMENT)) as origin, edge(kind, tmp_path, origin=origin, made=made) as front:
        for row in ROWS:
            answer = await send(front.port, row)
            if not answered_first(kind, row):
                wanted, had = expected(made[0], row), received(answer)
                if is_read_in_several_ways(row):  # what a reservation says of one is a matter of reading, too
                    had = {key: value for key, value in had.items() if key in wanted}
                assert had == wanted, str(row)
            if kind == "haproxy":  # a datagram each: read before there are too many
                logged += lines_of(front)
        await front.stop()
        logged += lines_of(front)
    recorded = [row for row in ROWS if (outcome := EXPECTED.outcome(row)) and outcome.record]
    recorded = [row for row in recorded if not answered_first(kind, row)]
    assert sorted(map(noted, logged)) == sorted(to_note(made[0], row) for row in recorded)  # Apache keeps no order
    assert {line.front for line in logged} == {kind}
    assert all(line.enforced for line in logged)
    assert len({line.id for line in logged}) == len(logged)


Noted = tuple[str, str, str, bool, str, str, str, int]


def noted(line: Line) -> Noted:
    """What a line says; of a pass not the status, which is the site's."""
    status = line.status if line.action is not Action.ALLOW and line.status is not None else 0
    who = (line.user_agent, line.method, line.path, line.has_query)
    return *who, line.action.value, line.code, line.clause, status


def to_note(made: Edge, row: Row) -> Noted:
    """What a line of a row has to say."""
    claim = REGISTRY.recognize(row.agent, dict(row.fields).get("Signature-Agent"))
    assert claim is not None
    path, query, _ = row.target.partition("?")
    who = (row.agent, row.method, "" if Purpose.USER_FETCH in claim.crawler.purposes else path, bool(query))
    wanted = expected(made, row)
    if not wanted["refused"]:
        return *who, "allow", "", "", 0
    refusal = expected(made, replace(row, method="GET")) if row.method == "HEAD" else wanted  # HEAD has no body to read
    problem = refusal["problem"]
    assert isinstance(problem, dict)
    return *who, problem["action"], problem["code"], problem["clause"], int(str(wanted["refused"]))


@pytest.mark.parametrize("kind", KINDS)
async def test_people_get_the_same_octets_with_and_without_an_edge(kind: str, tmp_path: Path) -> None:
    document = {key: value for key, value in DOCUMENT.items() if key != "tdmrep"}
    document["policy"] = document["policy"].replace("license: /license.xml\n", "")
    async with (
        served(site(document)) as origin,
        edge(kind, tmp_path / "with", origin=origin, made=compiled(document)) as front,
        edge(kind, tmp_path / "without", origin=origin, made=None) as plain,
    ):
        for agent in (CHROME, APP, "curl/8.5.0", "NotGPTBot/1.0", user_agent("bingbot")):
            for target in ("/", "/studio/1", "/drafts/x?y", "//a", "/robots.txt"):
                for method in ("GET", "HEAD", "POST"):
                    more = "Accept: text/html\r\n" + ("Content-Length: 0\r\n" if method == "POST" else "")
                    one, other = [
                        await ask(each.port, target, agent, method=method, more=more) for each in (front, plain)
                    ]
                    assert _undated(one) == _undated(other), (agent, target, method)
        await front.stop()
        assert front.logged() == []


def _undated(answer: Received) -> tuple[int, list[bytes], bytes]:
    head = [line for line in answer.head.split(b"\r\n") if not line.lower().startswith(b"date:")]
    return answer.status, head, answer.body


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crawler_hides_behind_no_other_field(kind: str, tmp_path: Path) -> None:
    async with edge_door(kind, DOCUMENT, tmp_path) as port:
        second = await ask(port, "/studio/1", CHROME, more=f"User-Agent: {GPTBOT}\r\n")
        third = await ask(port, "/studio/1", CHROME, more=f"User-Agent: x\r\nUser-Agent: {GPTBOT}\r\n")
        absolute = await ask(port, "http://site.example/studio/1", GPTBOT)
    assert [second.status, third.status, absolute.status] == [403, 403, 403]


LONG = {
    "names of others": "gptbo " * 1100,
    "addresses": "http://a.b/" * 600,
    "mail": "a.b-c@d " * 800,
    "brackets": "(x" * 3400,
    "letters beyond ASCII": "é" * 3000,
    "quotes": '"\\' * 3000,
}


@pytest.mark.parametrize("kind", KINDS)
async def test_length_hides_nobody_and_is_logged(kind: str, tmp_path: Path) -> None:
    async with served(site(DOCUMENT)) as origin, edge(kind, tmp_path, origin=origin, made=compiled(DOCUMENT)) as front:
        by_agent = [await ask(front.port, "/studio/1", f"{before} GPTBot/1.0") for before in LONG.values()]
        by_path = await ask(front.port, "/studio/" + "a/b'\"" * 1200, GPTBOT)
        by_both = await ask(front.port, "/studio/" + "x" * 6000, "/" * 6000 + " GPTBot/1.0")
        await front.stop()
        logged = lines_of(front)
    assert {answer.status for answer in (*by_agent, by_path, by_both)} == {403}
    assert [line.crawler for line in logged] == ["GPTBot"] * (len(LONG) + 2)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_signer_is_recognized_without_a_name_in_the_user_agent(kind: str, tmp_path: Path) -> None:
    policy = (
        "version: 1\nmode: enforce\ndefault: allow\non_error: allow\nsites: [site.example]\n"
        "clauses: [{action: deny, purpose: user-fetch, path: /no/}]\n"
    )
    async with edge_door(kind, {"policy": policy}, tmp_path) as port:
        signed = await ask(port, "/no/", CHROME, more='Signature-Agent: "https://chatgpt.com"\r\n')
        other = await ask(port, "/no/", CHROME, more='Signature-Agent: "https://chatgpt.com.evil.example"\r\n')
    assert signed.status == 403
    assert json.loads(signed.body)["agent"]["operator"] == "OpenAI"
    assert other.status == 200


@pytest.mark.parametrize("kind", KINDS)
async def test_the_number_in_a_refusal_is_in_the_log_and_never_twice(kind: str, tmp_path: Path) -> None:
    async with served(site(DOCUMENT)) as origin, edge(kind, tmp_path, origin=origin, made=compiled(DOCUMENT)) as front:
        answers = [await ask(front.port, "/studio/1", GPTBOT) for _ in range(3)]
        page = await ask(front.port, "/studio/1", GPTBOT, more="Accept: text/html\r\n")
        await front.stop()
        logged = lines_of(front)
    numbers = [json.loads(answer.body)["instance"].removeprefix("urn:uuid:") for answer in answers]
    (number,) = {line.id for line in logged} - set(numbers)  # in any order: each is logged when its connection ends
    assert len(logged) == 4
    assert page.first("content-type") == "text/html; charset=utf-8"
    assert number.encode() in page.body


@pytest.mark.parametrize("kind", KINDS)
async def test_a_policy_that_observes_refuses_nobody_and_logs_what_it_would_have_told(
    kind: str, tmp_path: Path
) -> None:
    document = {**DOCUMENT, "policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)}
    document["policy"] = document["policy"].replace(", mode: observe}", "}")
    async with served(site(document)) as origin, edge(kind, tmp_path, origin=origin, made=compiled(document)) as front:
        answer = await ask(front.port, "/studio/1", GPTBOT)
        await front.stop()
        (line,) = lines_of(front)
    assert (answer.status, answer.body) == (200, b"a page")
    assert (line.action, line.code, line.clause, line.enforced, line.status) == (
        *("deny", "clause", "studio"),
        False,
        200,
    )


@pytest.mark.parametrize("kind", KINDS)
async def test_a_license_server_is_named_in_a_challenge(kind: str, tmp_path: Path) -> None:
    policy = (
        "version: 1\nmode: enforce\ndefault: require-license\non_error: allow\nsites: [site.example]\n"
        "contact: a@site.example\nlicense: /license.xml\nlicense_server: https://license.example/\n"
    )
    async with edge_door(kind, {"policy": policy}, tmp_path) as port:
        answer = await ask(port, "/", GPTBOT)
        opened = await ask(port, "/license.xml", GPTBOT)
    assert answer.status == 401
    assert answer.all("www-authenticate") == [
        'License error="invalid_request", error_description="A license token is required"'
    ]
    assert json.loads(answer.body)["license_server"] == "https://license.example/"
    assert (opened.status, opened.body) == (200, b"a page")


HOSTILE = (
    r'He said "no"; 100% {env.HOME} {$HOME} ${HOME} $HOME %{HTTP_HOST} %[src] $1 %1 \n \" \\ ` <b>&amp;</b>'
    " [E=X:1],S=9] # | , ; é ☃ </script>"
)
HOSTILE_ROBOTS = """
User-agent: GPTBot
Disallow: /a"b'c{env.HOME}`d
Disallow: /$HOME/%{x}/[E=A,S=1]
Disallow: /back\\slash\\
Disallow: /pipe|x^y
Disallow: /*.(php|js)?+$
"""
HOSTILE_POLICY = f"""
version: 1
mode: enforce
default: allow
on_error: allow
on_reservation: deny
contact: https://other.example/?a=$HOME&b=%25%7Bx
terms: https://other.example/'x'?$1
tdm_policy: https://other.example/tdm.json?a=$HOME
sites: [site.example]
clauses:
  - id: hostile
    action: deny
    purpose: train
    path: ["/no/", "/it's \\"quoted\\" `and` {{more}} $x", '/%%20\\']
    reason: {json.dumps(HOSTILE)}
"""
HOSTILE_DOCUMENT = {"policy": HOSTILE_POLICY, "robots": HOSTILE_ROBOTS}


@pytest.mark.parametrize("kind", KINDS)
async def test_what_an_owner_and_a_site_write_is_said_and_never_done(kind: str, tmp_path: Path) -> None:
    async with edge_door(kind, HOSTILE_DOCUMENT, tmp_path) as port:
        told_json = await ask(port, "/no/", GPTBOT)
        told_page = await ask(port, "/no/", GPTBOT, more="Accept: text/html\r\n")
        by_robots = [
            await ask(port, target, GPTBOT)
            for target in ("/a\"b'c{env.HOME}`d", "/$HOME/%7Bx%7D/", "/pipe|x^y/z", "/a.(php|js)?+")
        ]
    problem = json.loads(told_json.body)
    assert problem["reason"] == HOSTILE
    assert problem["contact"] == "https://other.example/?a=$HOME&b=%25%7Bx"
    embedded = told_page.body.partition(b'<script type="application/problem+json">')[2].partition(b"</script>")[0]
    assert json.loads(embedded)["reason"] == HOSTILE
    assert b"<b>" not in told_page.body
    reasons = [json.loads(answer.body).get("reason") for answer in by_robots if answer.status == 403]
    assert reasons == ["Disallow: /a\"b'c{env.HOME}`d", "Disallow: /pipe|x^y", "Disallow: /*.(php|js)?+$"]
