"""Routed Caddy and Apache: possible crawlers meet Optout, people never do, and both without Optout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.doors.forward_auth_doors import site
from tests.doors.raw_origin import RawOrigin
from tests.doors.routed_doors import routed
from tests.doors.table import DOCUMENT
from tests.judge import leaves, user_agent
from tests.served import CHROME, ask, served

KINDS = ("caddy", "apache")
GPTBOT = user_agent("GPTBot")
ALLOWING = {**DOCUMENT, "policy": DOCUMENT["policy"].replace("on_error: refuse", "on_error: allow")}
OBSERVING = {
    **DOCUMENT,
    "policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1).replace(", mode: observe}", "}"),
}


def requests(place: Path) -> list[dict[str, object]]:
    return [leaf for leaf in leaves(place / "evidence") if leaf["type"] == "crawl.request"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_crawler_is_answered_by_optout_and_a_person_by_the_site(kind: str, tmp_path: Path) -> None:
    async with served(site(DOCUMENT)) as origin, routed(kind, DOCUMENT, tmp_path, origin=origin) as port:
        await ask(port, "/", GPTBOT)  # until its first answer the site is not known to declare anything
        refused = await ask(port, "/studio/1?a=b", GPTBOT)
        page = await ask(port, "/studio/1", GPTBOT, more="Accept: text/html\r\n")
        passed = await ask(port, "/shop/", GPTBOT)
        person = await ask(port, "/studio/1", CHROME)
    assert (refused.status, json.loads(refused.body)["clause"]) == (403, "studio")
    assert refused.first("cache-control") == "no-store"
    assert b"Not for training." in page.body
    assert [(answer.status, answer.body) for answer in (passed, person)] == [(200, b"a page")] * 2
    assert person.all("tdm-reservation") == ["0"]
    assert person.first("link") == '<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"'
    found = requests(tmp_path)
    assert [leaf["decision.action"] for leaf in found] == ["allow", "deny", "deny", "allow"]
    assert {leaf["server.address"] for leaf in found} == {"site.example"}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_routed_request_reaches_the_site_as_it_came(kind: str, tmp_path: Path) -> None:
    targets = ("/shop//a/%2F?x=%20", "/a/b;c=d/%41", "/q?", "/a%3fb?c?d")
    with RawOrigin() as origin:
        async with routed(kind, DOCUMENT, tmp_path, origin=origin.port) as port:
            for target in targets:
                await ask(port, target, user_agent("bingbot"), more="X-Forwarded-For: 66.249.66.1\r\n")
            posted = await ask(port, "/form", user_agent("bingbot"), method="POST", more="Content-Length: 0\r\n")
        lines = [seen.line.decode() for seen in origin.heads if b"/robots.txt" not in seen.line]
    assert posted.status == 200
    asked = [line for line in lines if "tdmrep" not in line]
    assert asked == [*(f"GET {target} HTTP/1.1" for target in targets), "POST /form HTTP/1.1"]


@pytest.mark.parametrize("kind", KINDS)
async def test_without_optout_a_policy_that_refuses_on_error_refuses_ai_crawlers_alone(
    kind: str, tmp_path: Path
) -> None:
    async with served(site(DOCUMENT)) as origin, routed(kind, DOCUMENT, tmp_path, origin=origin, up=False) as port:
        refused = await ask(port, "/", GPTBOT)
        others = [await ask(port, "/", agent) for agent in (CHROME, user_agent("Googlebot"), user_agent("bingbot"))]
        opened = await ask(port, "/terms", GPTBOT)
        robots = await ask(port, "/robots.txt", GPTBOT)
    assert refused.status == 503
    assert refused.first("retry-after") == "30"
    assert refused.first("cache-control") == "no-store"
    assert [answer.status for answer in (*others, opened, robots)] == [200] * 5


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("document", [ALLOWING, OBSERVING], ids=["allow", "observe"])
async def test_without_optout_everybody_gets_the_site_where_the_policy_allows_on_error(
    kind: str, document: dict[str, str], tmp_path: Path
) -> None:
    async with served(site(document)) as origin, routed(kind, document, tmp_path, origin=origin, up=False) as port:
        answers = [await ask(port, "/studio/1", agent) for agent in (GPTBOT, user_agent("Googlebot"), CHROME)]
    assert [(answer.status, answer.body) for answer in answers] == [(200, b"a page")] * 3
