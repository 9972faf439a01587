"""deploy/nginx-php-fpm with a real nginx and a real php-fpm: what is shipped is what runs, but for ports and paths."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import ssl
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from optout.compilers.nginx.route import compile_route
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from tests.certificates import make_pair
from tests.doors.edge_doors import compiled
from tests.doors.forward_auth_doors import forward_auth, free_port
from tests.doors.nginx_doors import configuration, running, write
from tests.judge import leaves
from tests.served import CHROME, HANG_GUARD_S, Answer, Raw

SHIPPED = Path(__file__).parent.parent.parent / "deploy" / "nginx-php-fpm"
SITE = "photos.example"
GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2)"
CLAUDE = "Mozilla/5.0 (compatible; Claude-User/1.0)"
INDEX = """<?php
http_response_code(isset($_GET['code']) ? (int) $_GET['code'] : 200);
header('X-App: wordpress');
echo json_encode([$_SERVER['REQUEST_METHOD'], $_SERVER['REQUEST_URI'], $_SERVER['QUERY_STRING'],
    $_SERVER['DOCUMENT_URI'], $_SERVER['REMOTE_ADDR'], $_SERVER['HTTPS'] ?? '', file_get_contents('php://input')]);
"""
ROBOTS = "User-agent: GPTBot\nDisallow: /private/\n"
FPM = """
[global]
error_log = {place}/fpm.log
daemonize = no
[www]
user = {user}
group = {group}
listen = {place}/fpm.sock
pm = static
pm.max_children = 2
"""


@dataclass
class Site:
    """The running site: two ports, and the program that serves them."""

    place: Path
    plain: int
    tls: int
    nginx: asyncio.subprocess.Process

    async def ask(
        self,
        target: str,
        agent: str = CHROME,
        *,
        method: str = "GET",
        body: bytes = b"",
        more: str = "",
        plain: bool = False,
    ) -> Answer:
        """The response to one request for the site, over TLS unless `plain`."""
        context = ssl.create_default_context(cafile=str(self.place / "photos.example.pem"))
        port = self.plain if plain else self.tls
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", port, ssl=None if plain else context, server_hostname=None if plain else SITE
        )
        more += f"Content-Length: {len(body)}\r\nConnection: close\r\n"
        head = f"{method} {target} HTTP/1.1\r\nHost: {SITE}\r\nUser-Agent: {agent}\r\n{more}\r\n"
        try:
            async with asyncio.timeout(HANG_GUARD_S):
                raw = Raw(reader, writer)
                await raw.send(head.encode() + body)
                return await raw.answer(method)
        finally:
            writer.close()

    async def use(self, *, routed: bool) -> None:
        """Put the site's `include` line into use, or out of it, and reload nginx until it answers so."""
        text = _site_conf(self.place, self.plain, self.tls, routed=routed)
        (self.place / "nginx.conf").write_text(configuration(self.place, text))
        before = _workers(self.nginx.pid)
        self.nginx.send_signal(signal.SIGHUP)
        async with asyncio.timeout(HANG_GUARD_S):
            while not (now := _workers(self.nginx.pid)) or now & before:
                await asyncio.sleep(0.02)


def _workers(pid: int) -> set[str]:
    return set(Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _site_conf(place: Path, plain: int, tls: int, *, routed: bool = True) -> str:
    text = (SHIPPED / "site.conf").read_text()
    for old, new in (
        ("listen 80;", f"listen 127.0.0.1:{plain};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{tls} ssl;"),
        ("/var/www/photos;", f"{place}/www;"),
        ("/etc/letsencrypt/live/photos.example/fullchain.pem", f"{place}/photos.example.pem"),
        ("/etc/letsencrypt/live/photos.example/privkey.pem", f"{place}/photos.example.key"),
        ("unix:/run/php/php8.2-fpm.sock", f"unix:{place}/fpm.sock"),
        ("#include /etc/nginx/optout/", f"include {place}/" if routed else f"#include {place}/"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return f"include {place}/route-http.conf;\n{text}"


@asynccontextmanager
async def php_fpm(place: Path) -> AsyncIterator[None]:
    """A php-fpm of the current user."""
    user = getpass.getuser()
    (place / "fpm.conf").write_text(FPM.format(place=place, user=user, group=user))
    program = shutil.which("php-fpm8.2") or "/usr/sbin/php-fpm8.2"
    options = ["-R"] if os.geteuid() == 0 else []
    with (place / "fpm.txt").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            program, *options, "-y", place / "fpm.conf", stdout=log, stderr=log
        )
    try:
        async with asyncio.timeout(60):
            while not (place / "fpm.sock").exists():
                assert server.returncode is None, (place / "fpm.txt").read_text()
                await asyncio.sleep(0.02)
        yield
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


def _policy(*pairs: tuple[str, str]) -> str:
    text = (SHIPPED / "policy.yaml").read_text()
    for old, new in (("mode: observe", "mode: enforce"), *pairs):
        assert old in text, old
        text = text.replace(old, new)
    return text


@asynccontextmanager
async def wordpress(place: Path, policy: str | None = None) -> AsyncIterator[Site]:
    """The site with its include made and in use; Optout itself is not started."""
    www = place / "www"
    (www / ".well-known" / "acme-challenge").mkdir(parents=True)
    (www / "wp-content" / "uploads").mkdir(parents=True)
    (www / "index.php").write_text(INDEX)
    (www / "wp-login.php").write_text("<?php echo 'login';")
    (www / "robots.txt").write_text(ROBOTS)
    (www / ".well-known" / "acme-challenge" / "token_1").write_text("answer")
    (www / "wp-content" / "uploads" / "é 1.jpg").write_bytes(b"a picture" * 500)
    (www / "wp-content" / "uploads" / "bad.php").write_text("<?php echo 'never';")
    policy = policy or _policy()
    (place / "policy.yaml").write_text(policy)
    certificate, key = make_pair(place, SITE)
    certificate.replace(place / "photos.example.pem")
    key.replace(place / "photos.example.key")
    edge, registry = compiled({"policy": policy, "robots": ROBOTS}, authority=SITE)
    write(compile_route(edge.policy, registry, edge=edge, socket=str(place / "auth.sock")).files, place)
    plain, tls = free_port(), free_port()
    async with php_fpm(place), running(place, _site_conf(place, plain, tls)) as nginx:
        yield Site(place, plain, tls, nginx)


@asynccontextmanager
async def with_optout(place: Path, policy: str | None = None) -> AsyncIterator[Site]:
    """The site, and Optout beside it."""
    async with AsyncExitStack() as stack:
        site = await stack.enter_async_context(wordpress(place, policy))
        documents = ("--upstream", f"http://127.0.0.1:{site.plain}")
        await stack.enter_async_context(
            forward_auth(place, place / "policy.yaml", "--dialect", "nginx-route", *documents)
        )
        yield site


PAGES = (
    *("/", "/2026/11/a-post/", "/?s=x&y=%20", "/wp-login.php", "/wp-content/uploads/%C3%A9%201.jpg", "/robots.txt"),
    *("/wp-content/uploads/bad.php", "/none.php", "/?code=404", "/a%3Fb", "/.well-known/acme-challenge/token_1"),
    *("/.well-known/acme-challenge/none", "//2026//11/", "/%zz"),
)


def shown(answer: Answer) -> tuple[int, bytes, tuple[bytes, ...]]:
    """All that a visitor gets, but for the moment."""
    lines = (line for line in answer.head.split(b"\r\n")[1:] if not line.lower().startswith(b"date:"))
    return answer.status, answer.body, tuple(sorted(lines))


def crawls(place: Path) -> list[dict[str, object]]:
    return [leaf for leaf in leaves(place / "evidence") if leaf["type"] == "crawl.request"]


async def test_a_person_gets_the_same_with_and_without_optout(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        routed = [shown(await site.ask(page)) for page in PAGES]
        posted = shown(await site.ask("/wp-login.php", method="POST", body=b"log=me"))
        await site.use(routed=False)
        assert routed == [shown(await site.ask(page)) for page in PAGES]
        assert posted == shown(await site.ask("/wp-login.php", method="POST", body=b"log=me"))
    assert crawls(tmp_path) == []


async def test_a_crawler_is_refused_whole_and_on_record(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        answer = await site.ask("/2026/11/a-post/?x=1", GPTBOT)
        page = await site.ask("/", GPTBOT, more="Accept: text/html\r\n")
        head = await site.ask("/", GPTBOT, method="HEAD")
    assert (answer.status, answer.first("content-type")) == (403, "application/problem+json")
    assert b"These photographs are not for training." in answer.body
    assert answer.first("cache-control") == "no-store"
    assert page.body.startswith(b"<!DOCTYPE html>")
    assert (head.status, head.body) == (403, b"")
    first, *rest = crawls(tmp_path)
    assert len(rest) == 2
    assert (first["url.path"], first["server.address"], first["url.scheme"]) == ("/2026/11/a-post/", SITE, "https")
    assert (first["decision.action"], first["http.response.status_code"]) == ("deny", 403)


async def test_what_passes_reaches_the_site_as_it_came_and_is_on_record_once(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        passed = [shown(await site.ask(page, CLAUDE)) for page in PAGES]
        posted = await site.ask("/form?x=1", CLAUDE, method="POST", body=b"k=v" * 5000)
        ranged = await site.ask("/wp-content/uploads/%C3%A9%201.jpg", CLAUDE, more="Range: bytes=0-3\r\n")
        await site.use(routed=False)
        assert passed == [shown(await site.ask(page, CLAUDE)) for page in PAGES]
        assert shown(posted) == shown(await site.ask("/form?x=1", CLAUDE, method="POST", body=b"k=v" * 5000))
    assert posted.body.endswith(b'k=v"]')
    assert (ranged.status, ranged.body) == (206, b"a pi")
    assert len(crawls(tmp_path)) == len(PAGES) - 1 + 2  # nginx answers the broken escape by itself


async def test_files_that_are_always_open_answer_a_refused_crawler(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        robots = await site.ask("/robots.txt", GPTBOT)
        token = await site.ask("/.well-known/acme-challenge/token_1", GPTBOT)
        plain = await site.ask("/.well-known/acme-challenge/token_1", GPTBOT, plain=True)
    assert (robots.status, robots.body) == (200, ROBOTS.encode())
    assert (token.status, token.body) == (plain.status, plain.body) == (200, b"answer")


async def test_the_redirect_to_https_stays_and_ends_at_the_answer(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        for agent in (CHROME, GPTBOT):
            moved = await site.ask("/a?b=c", agent, plain=True)
            assert (moved.status, moved.first("location")) == (301, f"https://{SITE}/a?b=c")
        assert (await site.ask("/a?b=c", GPTBOT)).status == 403


@pytest.mark.parametrize(("on_error", "status"), [("allow", 200), ("refuse", 503)])
async def test_while_optout_is_down_the_policy_says_what_a_crawler_gets(
    on_error: str, status: int, tmp_path: Path
) -> None:
    async with wordpress(tmp_path, _policy(("on_error: allow", f"on_error: {on_error}"))) as site:
        answer = await site.ask("/2026/?a=b", GPTBOT, method="POST", body=b"k=v")
        assert answer.status == status
        assert (await site.ask("/2026/")).status == 200
        assert (await site.ask("/2026/", "Mozilla/5.0 (compatible; Googlebot/2.1)")).status == 200
        assert (await site.ask("/robots.txt", GPTBOT)).status == 200
        missing = await site.ask("/?code=404", "Mozilla/5.0 (compatible; Googlebot/2.1)")
    assert missing.status == 404
    if on_error == "refuse":
        assert answer.first("retry-after") == "30"
    else:
        assert b'"POST"' in answer.body
        assert b"k=v" in answer.body


async def test_a_refusal_of_optout_s_own_is_not_swallowed_by_the_fallback(tmp_path: Path) -> None:
    policy = _policy(("action: deny", "action: require-license"))
    async with with_optout(tmp_path, policy) as site:
        answer = await site.ask("/", GPTBOT)
    assert (answer.status, answer.first("content-type")) == (402, "application/problem+json")


async def test_undone_the_crawler_gets_the_page(tmp_path: Path) -> None:
    async with with_optout(tmp_path) as site:
        assert (await site.ask("/", GPTBOT)).status == 403
        await site.use(routed=False)
        assert (await site.ask("/", GPTBOT)).status == 200


def test_the_shipped_policy_observes_and_loads() -> None:
    policy = load_policy((SHIPPED / "policy.yaml").read_bytes(), "policy.yaml", bundled_registry())
    assert policy.mode.value == "observe"
