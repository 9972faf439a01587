"""What is asked of a site, where it is asked, and what is not."""

from __future__ import annotations

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from optout.adapters.fetcher import MOST_REDIRECTS, Fetcher
from optout.adapters.survey import MOST_REQUESTS, find_site, images, survey
from optout.errors import UsageError
from optout.lint.rules.site import SiteSource
from tests.calls import calls_of
from tests.served import served

BASE = "http://site.example/gallery/"


async def _surveyed(app: web.Application) -> tuple[SiteSource, list[str]]:
    asked: list[str] = []
    async with served(app) as port, Fetcher() as fetcher:
        site = find_site(f"http://localhost:{port}/", allow_private=True)
        source = await survey(fetcher, site, asked.append)
    return source, [url.removeprefix(site.base) for url in asked]


def _app(page: str = "<p>", robots: web.Response | None = None) -> web.Application:
    async def any_page(_: web.Request) -> web.Response:
        return web.Response(text=page, content_type="text/html")

    async def any_robots(_: web.Request) -> web.Response:
        return web.Response(status=404) if robots is None else robots

    app = web.Application()
    app.router.add_get("/", any_page)
    app.router.add_get("/robots.txt", any_robots)
    return app


async def test_a_redirect_of_robots_txt_is_followed_five_times_and_no_further() -> None:
    async def on(request: web.Request) -> web.Response:
        raise web.HTTPFound(f"/robots/{int(request.match_info.get('number', '0')) + 1}")

    app = web.Application()
    app.router.add_get("/robots.txt", on)
    app.router.add_get("/robots/{number}", on)
    app.router.add_get("/", on)
    source, _ = await _surveyed(app)
    assert len(source.robots.hops) == MOST_REDIRECTS
    assert source.robots.status == 302


@pytest.mark.parametrize(
    "location", ["http://192.0.2.1/robots.txt", "http://localhost:1/robots.txt", "file:///etc/passwd", "//[", ""]
)
async def test_no_redirect_leads_to_another_host_or_port(location: str) -> None:
    source, asked = await _surveyed(_app(robots=web.Response(status=302, headers={"Location": location})))
    assert source.robots.hops == ()
    assert asked.count("/robots.txt") == 1


async def test_images_and_terms_elsewhere_are_not_asked() -> None:
    page = '<img src="http://192.0.2.1/a.jpg"><img src="data:x"><img src="/one.jpg"><img src="/two.jpg">'
    source, asked = await _surveyed(_app(page))
    assert asked[-1] == "/one.jpg"
    assert source.image_target == "/one.jpg"
    assert len(asked) <= MOST_REQUESTS


def test_the_address_is_looked_up_once_and_kept_for_every_scheme() -> None:
    site = find_site("http://localhost/", allow_private=True)
    assert site.connect("http://localhost/x").rpartition(":")[2] == "80"
    assert site.connect("https://localhost/x").rpartition(":")[2] == "443"
    assert site.connect("https://localhost/x").rpartition(":")[0].strip("[]") == site.address


@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/"])
def test_an_inner_address_needs_a_word_of_the_owner(url: str) -> None:
    with pytest.raises(UsageError, match="not public"):
        find_site(url, allow_private=False)
    assert find_site(url, allow_private=True).address


def test_what_is_quoted_is_no_source() -> None:
    page = (
        b"""<IMG alt="<b> src=no" src=/one.jpg><image src=/x><img\nsrc='two.jpg#part'><img data-src=a src="a&amp;b">"""
    )
    assert images(page, BASE) == [
        "http://site.example/one.jpg",
        "http://site.example/gallery/two.jpg",
        "http://site.example/gallery/a&b",
    ]


@given(st.binary(max_size=300))
def test_no_page_raises(page: bytes) -> None:
    assert all(url.startswith("http") for url in images(b"<img src=" + page, BASE))


@pytest.mark.parametrize("piece", [b"<img ", b"<img src=a>", b'<img alt="', b"<img a a a a", b"<img src   "])
def test_work_is_bounded_whatever_the_page_holds(piece: bytes) -> None:
    def work(times: int) -> int:
        return calls_of(lambda: images(piece * times, BASE))

    assert work(8000) <= 2 * work(1000) + 1000
