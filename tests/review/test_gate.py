"""Who may look: one link, once; names that are ours; forms with the session's own word; a proxy that is named."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from optout.review.gate import HEADERS, SESSION, SESSION_LIVES_S, TOKEN_LIVES_S, Gate, Proxy
from tests.review.setting import log_of_visits, opened


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return log_of_visits(tmp_path / "evidence")


async def test_without_the_link_nothing_is_shown_and_it_says_what_to_do(home: Path) -> None:
    async with opened(home, signed_in=False) as (client, _):
        for path in ("/", "/records", "/records.json", "/export", "/none"):
            answer = await client.get(path)
            assert answer.status == 403
            assert "optout review" in await answer.text()
            assert "GPTBot" not in await answer.text()


async def test_a_link_works_once_and_leaves_no_token_in_the_address(home: Path) -> None:
    async with opened(home, signed_in=False) as (client, gate):
        token = gate.new_token()
        answer = await client.get(f"/enter?token={token}", allow_redirects=False)
        assert (answer.status, answer.headers["Location"]) == (303, "/")
        cookie = answer.headers["Set-Cookie"]
        assert cookie.startswith("optout-7=")
        assert "HttpOnly" in cookie
        assert "SameSite=Strict" in cookie
        assert (await client.get("/")).status == 200
        client.session.cookie_jar.clear()
        assert (await client.get(f"/enter?token={token}")).status == 403
        for odd in ("/enter", "/enter?token=%FF", "/enter?token=%ED%B3%BF"):
            assert (await client.get(odd)).status == 403


def test_a_token_and_a_session_end() -> None:
    clock = Clock()
    gate = Gate(hosts=frozenset(), port=1, user="o", now=clock)
    late = gate.new_token()
    clock.now += TOKEN_LIVES_S + 1
    assert gate.redeem(late) is None
    name = gate.redeem(gate.new_token())
    assert name is not None

    class Asking:
        def __init__(self) -> None:
            self.cookies = {gate.cookie: name}

    assert gate.session_of(Asking()) is not None  # type: ignore[arg-type]
    clock.now += SESSION_LIVES_S + 1
    assert gate.session_of(Asking()) is None  # type: ignore[arg-type]


def test_over_tls_the_cookie_belongs_to_the_host_alone() -> None:
    gate = Gate(hosts=frozenset(), port=1, user="o", is_tls=True)
    response = web.Response()
    gate.set_cookie(response, "x")
    told = response.cookies[gate.cookie].OutputString()
    assert gate.cookie.startswith("__Host-")
    assert "Secure" in told
    assert "Path=/" in told
    assert "Domain" not in told


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "localhost", ""])
async def test_another_name_for_this_address_is_rebinding(home: Path, host: str) -> None:
    async with opened(home) as (client, _):
        answer = await client.get("/", headers={"Host": host})
        assert answer.status in (400, 403)
        assert "GPTBot" not in await answer.text()


async def test_a_form_needs_the_sessions_own_word_and_an_origin_of_ours(home: Path) -> None:
    async with opened(home) as (client, gate):
        session = next(iter(gate._sessions.values()))[0]
        for form in ({}, {"csrf": "x"}, {"csrf": "\xff"}):
            assert (await client.post("/export", data=form)).status == 403
        fine = {"csrf": session.csrf}
        assert (await client.post("/export", data=fine, headers={"Origin": "https://evil.example"})).status == 403
        assert (await client.post("/export", data=fine)).status == 404  # let in; there is nothing to export with


async def test_every_answer_carries_the_rules(home: Path) -> None:
    async with opened(home) as (client, gate):
        gate.accept("x")
        for path in ("/", "/none", "/static/style.css", "/records.json"):
            answer = await client.get(path)
            assert {name: answer.headers[name] for name in HEADERS} == dict(HEADERS)
    assert "script-src" not in HEADERS["Content-Security-Policy"]


PROXY = Proxy(addresses=("127.0.0.0/8",), user_field="X-User", tenant_field="X-Tenant")


@pytest.mark.parametrize(
    ("proxy", "headers", "user"),
    [
        (PROXY, [("X-User", "ann"), ("X-Tenant", "alice")], "ann/alice"),
        (PROXY, [("X-User", "ann")], None),
        (PROXY, [("X-Tenant", "alice")], None),
        (PROXY, [("X-User", "ann"), ("X-User", "root"), ("X-Tenant", "alice")], None),
        (PROXY, [("X-User", ""), ("X-Tenant", "alice")], None),
        (PROXY, [("X-User", "ann"), ("X-Tenant", "")], None),
        (Proxy(addresses=("192.0.2.1",), user_field="X-User"), [("X-User", "ann")], None),
        (Proxy(addresses=("127.0.0.1",), user_field="X-User"), [("X-User", "ann")], "ann/"),
    ],
)
async def test_a_named_proxy_alone_says_who_looks(
    proxy: Proxy, headers: list[tuple[str, str]], user: str | None
) -> None:
    gate = Gate(hosts=frozenset(), port=1, user="o", proxy=proxy)

    async def who(request: web.Request) -> web.Response:
        session = request[SESSION]
        return web.Response(text=f"{session.user}/{session.tenant}")

    app = web.Application(middlewares=[gate.middleware])
    app.router.add_get("/", who)
    async with TestClient(TestServer(app)) as client:
        gate.accept(f"{client.host}:{client.port}")
        from multidict import CIMultiDict

        answer = await client.get("/", headers=CIMultiDict(headers))
        assert (await answer.text() if answer.status == 200 else None) == user
        assert (await client.get("/enter?token=x")).status == 403


async def test_what_the_gate_says_it_says_in_the_visitor_s_language() -> None:
    gate = Gate(hosts=frozenset({"127.0.0.1"}), port=1, user="owner")
    app = web.Application(middlewares=[gate.middleware])
    async with TestClient(TestServer(app)) as client:
        gate.accept(f"{client.host}:{client.port}")
        told = [
            await (await client.get(path, headers={"Accept-Language": tag})).text()
            for path, tag in (("/", "en"), ("/", "de-AT,de;q=0.9"), ("/?lang=de", "fr"), ("/enter?token=x", "de"))
        ]
    assert told[0].startswith("This link has been used or is too old")
    assert told[1] == told[2] == told[3]
    assert told[1].startswith("Dieser Link wurde schon benutzt")
