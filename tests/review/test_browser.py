"""The pages in a real Chromium: first visit, filter, a record, an export that verifies; axe; no foreign host."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from aiohttp import ClientSession

from optout.evidence.bundle.verify import verify
from tests.browser import Page, open_page
from tests.review.setting import log_of_visits

pytestmark = pytest.mark.browser
AXE = (files("axe_core_python") / "axe.min.js").read_text()
PATHS = (
    "/",
    "/records",
    "/records/r1",
    "/crawlers/GPTBot",
    "/works",
    "/policy?url=https://a.example/art/1.jpg",
    "/export",
)
POLICY = "version: 1\nsites: [a.example]\nmode: enforce\ndefault: allow\non_error: allow\n"


@asynccontextmanager
async def running(place: Path, *more: str) -> AsyncIterator[tuple[str, str]]:
    """`optout review` as its user runs it: the pages' address, and the link that it prints."""
    home = log_of_visits(place / "evidence")
    (place / "policy.yaml").write_text(POLICY)
    (place / "works.csv").write_text("title,path\nHeron,/art/1.jpg\nNobody's,/none\n")
    words = (str(home), "--policy", str(place / "policy.yaml"), "--works", str(place / "works.csv"), *more)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "optout", "review", *words), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while not (line := (await process.stdout.readline()).decode().strip()).startswith("http"):
                pass
        yield line.partition("/enter")[0], line
    finally:
        process.send_signal(signal.SIGINT)
        await process.wait()


async def go(page: Page, address: str) -> None:
    """Open another address in the page."""
    await page.call("Page.navigate", url=address)
    await page.until(f"location.href.startsWith({address.partition('?')[0]!r}) && document.readyState === 'complete'")


async def violations(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 A and AA; it is put in by the browser, past the page's own policy."""
    await page.run(AXE + "; true")
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    found = "r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.target).join(' '))"
    script = f"axe.run(document, {{runOnly: {json.dumps(tags)}}}).then(r => {found})"
    return list(await page.run(script))


@asynccontextmanager
async def entered(place: Path) -> AsyncIterator[tuple[Page, str]]:
    async with running(place) as (base, link), open_page("about:blank") as page:
        await go_in(page, base, link)
        yield page, base


async def go_in(page: Page, base: str, link: str) -> None:
    await page.call("Page.navigate", url=link)
    await page.until(f"location.href === {base + '/'!r} && document.readyState === 'complete'")


async def test_first_visit_filter_record_export_verify(tmp_path: Path) -> None:
    async with entered(tmp_path) as (page, base):
        assert await page.run("document.querySelector('h1').textContent") == "Who came for your work"
        await page.run(
            "document.getElementById('crawler').value = 'CCBot'; document.querySelector('form.filters').submit()"
        )
        await page.until("location.search.includes('crawler=CCBot') && document.readyState === 'complete'")
        assert await page.run("document.querySelector('.figures strong').textContent") == "1"
        await go(page, f"{base}/records")
        await page.run("document.querySelector('tbody a').click()")
        await page.until("location.pathname.startsWith('/records/r') && document.readyState === 'complete'")
        assert "Disallow: /" in await page.run("document.querySelector('pre mark').textContent")
        await go(page, f"{base}/export?crawler=GPTBot")
        csrf = await page.run("document.querySelector('input[name=csrf]').value")
        cookies = (await page.call("Network.getCookies", urls=[base]))["cookies"]
        (cookie,) = cookies
        assert cookie["httpOnly"]
        assert cookie["sameSite"] == "Strict"
        address, mine = f"{base}/export?crawler=GPTBot", {cookie["name"]: cookie["value"]}
        async with ClientSession(cookies=mine) as client, client.post(address, data={"csrf": csrf}) as answer:
            bundle = await answer.read()
        key = (tmp_path / "evidence" / "vkey").read_text().strip()
        assert verify(bundle, key)["verdict"] == "sound"
        assert page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_on_any_page(tmp_path: Path, scheme: str) -> None:
    async with entered(tmp_path) as (page, base):
        await page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for path in PATHS:
            await go(page, f"{base}{path}")
            assert await violations(page) == [], path
        assert page.errors == []


async def test_a_phone_shows_every_page_without_scrolling_sideways(tmp_path: Path) -> None:
    async with entered(tmp_path) as (page, base):
        await page.call("Emulation.setDeviceMetricsOverride", width=360, height=740, deviceScaleFactor=1, mobile=True)
        for path in PATHS:
            await go(page, f"{base}{path}")
            assert await page.run("document.documentElement.scrollWidth <= 360"), path


async def test_no_page_asks_another_host_or_runs_a_script(tmp_path: Path) -> None:
    async with entered(tmp_path) as (page, base):
        for path in PATHS:
            await go(page, f"{base}{path}")
            names = await page.run("performance.getEntriesByType('resource').map(e => e.name)")
            assert all(name.startswith(base) for name in names), names
            assert await page.run("document.scripts.length") == 0
        assert page.errors == []


async def test_two_tabs_share_a_session_and_the_link_is_spent(tmp_path: Path) -> None:
    async with running(tmp_path) as (base, link), open_page("about:blank") as page:
        await go_in(page, base, link)
        await go(page, f"{base}/records")
        await go(page, f"{base}/")
        assert await page.run("document.querySelector('h1').textContent") == "Who came for your work"
        async with ClientSession() as other, other.get(link) as answer:
            assert answer.status == 403
            assert "once" in await answer.text()
