"""A URL as the owner types it, and who is asked as whom in which order."""

from __future__ import annotations

import pytest
from aiohttp import web

from optout.adapters.doctor.visits import BROWSER, Target, arrive, load_target, visit_all
from optout.adapters.fetcher import Fetcher
from optout.crawlers.registry import bundled_registry
from tests.served import served

REGISTRY = bundled_registry()


@pytest.mark.parametrize(
    ("url", "authority", "page"),
    [
        ("https://Photos.Example", "photos.example", "/"),
        ("https://photos.example:8443/a/b?c", "photos.example:8443", "/a/b?c"),
        ("http://[::1]:80/", "[::1]", "/"),
    ],
)
def test_a_url_says_where_and_which_page(url: str, authority: str, page: str) -> None:
    target = load_target(url, "")
    assert target is not None
    assert (target.authority, target.page) == (authority, page)


@pytest.mark.parametrize("url", ["", "photos.example", "ftp://photos.example", "https://", "http://x:99999999/", "//x"])
def test_what_is_no_url_is_none(url: str) -> None:
    assert load_target(url, "") is None


async def test_everybody_comes_once_in_the_order_that_shows_a_cache() -> None:
    came: list[tuple[str, str, str | None]] = []

    async def answer(request: web.Request) -> web.Response:
        agent = request.headers["User-Agent"]
        kind = "person" if agent == BROWSER else "search" if "Googlebot" in agent else "crawler"
        came.append((kind, request.path, request.headers.get("Optout-Doctor")))
        return web.Response(text=request.headers["Host"])

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    crawler, search = REGISTRY.by_name("GPTBot"), REGISTRY.by_name("Googlebot")
    assert crawler is not None
    assert search is not None
    async with served(app) as port, Fetcher() as fetcher:
        target = Target(scheme="http", netloc="site.example", page="/p", connect=f"127.0.0.1:{port}")
        visits = await visit_all(fetcher, target, crawler=crawler, search=search, number="n", opened=("/robots.txt",))
    assert [(kind, path) for kind, path, _ in came] == [
        ("person", "/p"),
        ("person", "/p"),
        ("crawler", "/p"),
        ("crawler", visits.nonce),
        ("person", visits.nonce),
        ("crawler", "/robots.txt"),
        ("person", "/robots.txt"),
        ("search", "/p"),
        ("person", "/p"),
    ]
    assert {number for _, _, number in came} == {"n"}
    assert visits.person.body == b"site.example"


@pytest.mark.parametrize(("location", "page"), [("/b", "/b"), ("http://other.example/c", "/a"), ("/a", "/a")])
async def test_redirects_are_followed_as_far_as_the_site_goes(location: str, page: str) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/a":
            return web.Response(status=301, headers={"Location": location})
        return web.Response(text="there")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as port, Fetcher() as fetcher:
        start = Target(scheme="http", netloc="site.example", page="/a", connect=f"127.0.0.1:{port}")
        target, seen = await arrive(fetcher, start)
    assert target.page == page
    assert seen.status == (200 if page == "/b" else 301)
