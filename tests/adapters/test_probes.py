"""Probes: who stands for each class, the mark that they carry, and the proof that a site is the owner's."""

from __future__ import annotations

import pytest
from aiohttp import web

from optout.adapters.fetcher import Fetcher
from optout.adapters.probes import CLASSES, MOST_PROBES, PROOF_PATH, chosen, is_owners, new_nonce, probe
from optout.adapters.survey import find_site
from optout.crawlers.registry import bundled_registry
from optout.evidence.probe import FIELD, ProbeCheck
from optout.lint.rules.site import Answer, SiteSource
from optout.testing import make_request
from tests.served import served

NOTHING = SiteSource(
    robots=Answer(url="/robots.txt", status=404),
    tdmrep=Answer(url="/t", status=404),
    ai_txt=Answer(url="/ai.txt", status=404),
    page=Answer(url="/", status=200),
    target="/a?b",
)
KEY = b"k" * 32


def test_every_class_has_a_crawler_that_is_taken_for_itself_alone() -> None:
    registry = bundled_registry()
    found = chosen(registry, b"")
    assert [purpose for purpose, _ in found] == list(CLASSES)
    for purpose, crawler in found:
        claim = registry.recognize(crawler.examples[0])
        assert claim is not None
        assert (claim.crawler, claim.crawler.purpose) == (crawler, purpose)


def test_one_that_robots_txt_names_stands_for_its_class() -> None:
    assert chosen(bundled_registry(), b"User-agent: ClaudeBot\nDisallow: /\n")[0][1].name == "ClaudeBot"


@pytest.mark.parametrize("key", [None, KEY])
async def test_each_class_asks_once_and_its_mark_is_good_for_that_request_alone(key: bytes | None) -> None:
    seen: list[web.Request] = []

    async def page(request: web.Request) -> web.Response:
        seen.append(request)
        return web.Response(text="hello")

    app = web.Application()
    app.router.add_get("/a", page)
    told: list[str] = []
    async with served(app) as port, Fetcher() as fetcher:
        site = find_site(f"http://127.0.0.1:{port}/a?b", allow_private=True)
        found = await probe(fetcher, site, NOTHING, bundled_registry(), key=key, pause_s=0.0, told=told.append)
    assert len(seen) == len(told) == MOST_PROBES == len(found) + 1
    check = ProbeCheck(KEY)
    for request in seen:
        mark = request.headers.get(FIELD)
        assert (mark is None) is (key is None)
        if mark is not None:
            url, agent = f"http://127.0.0.1:{port}{request.raw_path}", request.headers["User-Agent"]
            made = make_request(url, agent, headers=((FIELD, mark),))
            assert check.takes(made, int(mark.split("t=")[1].split(";")[0]) * 1_000_000)
    assert {each.status for each in found} == {200}


@pytest.mark.parametrize(
    ("status", "before", "after", "proves"),
    [(200, "", "", True), (200, " ", "\r\n", True), (200, "x", "", False), (404, "", "", False), (302, "", "", False)],
)
async def test_the_word_must_be_there_and_nothing_else(status: int, before: str, after: str, proves: bool) -> None:
    nonce = new_nonce()

    async def word(_: web.Request) -> web.Response:
        return web.Response(status=status, text=f"{before}{nonce}{after}")

    app = web.Application()
    app.router.add_get(PROOF_PATH, word)
    async with served(app) as port, Fetcher() as fetcher:
        site = find_site(f"http://127.0.0.1:{port}/", allow_private=True)
        assert await is_owners(fetcher, site, nonce) is proves
