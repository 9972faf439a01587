"""The ASGI middleware, spoken to in ASGI: what it judges by, what it adds, what it records."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.adapters.asgi import OptoutMiddleware
from optout.adapters.asgi.meter import App, Message, Receive, Scope, Send
from optout.errors import PolicyError, UsageError
from tests.evidence.setting import unusable
from tests.judge import leaves, user_agent
from tests.served import CHROME

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
terms: /terms
license: /license.xml
sites: [site.example]
clauses:
  - id: paid
    action: require-license
    purpose: [train]
    reason: Ask us for a license.
    path: ["/paid/"]
"""
GPTBOT = user_agent("GPTBot")
LICENSE = (b"link", b'<https://site.example/license.xml>; rel="license"; type="application/rsl+xml"')


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that has no documents, and a page for everything else."""
    is_document = scope["path"] in ("/robots.txt", "/.well-known/tdmrep.json")
    await receive()
    await send({"type": "http.response.start", "status": 404 if is_document else 200, "headers": [(b"X-Own", b"1")]})
    await send({"type": "http.response.body", "body": b"a page"})


def scope_of(agent: str = CHROME, path: str = "/", **more: Any) -> Scope:
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "https",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [(b"host", b"site.example"), (b"user-agent", agent.encode())],
        "client": ("20.15.240.64", 4711),
        "server": ("192.0.2.1", 443),
    }
    return {**scope, **more}


@asynccontextmanager
async def guarded(place: Path, app: App = page, text: str = POLICY, **options: Any) -> AsyncIterator[OptoutMiddleware]:
    file = place / "policy.yaml"
    file.write_text(text)
    given = {"policy": file, "evidence": place / "evidence", "state": place / "state", **options}
    found = OptoutMiddleware(app, **given)
    try:
        yield found
    finally:
        await found._embedded.stop()


async def ask(app: App, scope: Scope, *events: Message) -> list[Message]:
    """What the application sends."""
    waiting = [*events] or [{"type": "http.request", "body": b"", "more_body": False}]
    sent: list[Message] = []

    async def receive() -> Message:
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def records(place: Path, kind: str = "") -> list[dict[str, Any]]:
    return [leaf for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith(f"crawl.{kind}")]


async def test_a_person_passes_and_leaves_no_trace(tmp_path: Path) -> None:
    async with guarded(tmp_path) as app:
        start, body = await ask(app, scope_of())
    assert (start["status"], body["body"]) == (200, b"a page")
    assert start["headers"] == [(b"X-Own", b"1"), LICENSE]
    assert records(tmp_path) == []


async def test_a_crawler_is_refused_and_the_application_is_not_asked(tmp_path: Path) -> None:
    async def never(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"] != "/paid/a"
        await page(scope, receive, send)

    async with guarded(tmp_path, never) as app:
        start, body = await ask(app, scope_of(GPTBOT, "/paid/a"))
    assert start["status"] == 402
    assert (b"content-type", b"application/problem+json") in start["headers"]
    assert all(name == name.lower() for name, _ in start["headers"])
    assert json.loads(body["body"])["clause"] == "paid"
    (request,) = records(tmp_path)
    assert (request["type"], request["decision.action"]) == ("crawl.request", "require-license")
    assert request["http.response.status_code"] == 402


async def test_a_refusal_of_head_has_no_body(tmp_path: Path) -> None:
    async with guarded(tmp_path) as app:
        start, body = await ask(app, scope_of(GPTBOT, "/paid/a", method="HEAD"))
    assert (start["status"], body["body"]) == (402, b"")
    assert dict(start["headers"])[b"content-length"] != b"0"


async def test_a_crawler_that_passes_is_on_record_before_the_application_is_asked(tmp_path: Path) -> None:
    seen: list[list[dict[str, Any]]] = []

    async def looks(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/open":
            seen.append(records(tmp_path))
        await page(scope, receive, send)

    async with guarded(tmp_path, looks) as app:
        start, _ = await ask(app, scope_of(GPTBOT, "/open"))
    assert LICENSE in start["headers"]
    assert [[leaf["type"] for leaf in found] for found in seen] == [["crawl.request"]]
    assert records(tmp_path, "outcome")[0]["http.response.body.size"] == 6


async def test_an_exception_of_the_application_s_passes_through_and_is_on_record(tmp_path: Path) -> None:
    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/open":
            await page(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise LookupError("of its own")

    async with guarded(tmp_path, fails) as app:
        for agent in (GPTBOT, CHROME):
            with pytest.raises(LookupError, match="of its own"):
                await ask(app, scope_of(agent, "/open"))
    (outcome,) = records(tmp_path, "outcome")
    assert (outcome["http.response.status_code"], outcome["outcome.aborted"]) == (200, True)


async def test_a_crawler_that_hangs_up_while_it_is_served_is_on_record(tmp_path: Path) -> None:
    started = asyncio.Event()

    async def waits(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/open":
            await page(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": []})
        started.set()
        await asyncio.Event().wait()

    async with guarded(tmp_path, waits) as app:
        asking = asyncio.create_task(ask(app, scope_of(GPTBOT, "/open")))
        await started.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
    assert [leaf["outcome.aborted"] for leaf in records(tmp_path, "outcome")] == [True]


@pytest.mark.parametrize(
    ("raw", "query", "judged"),
    [
        (b"/paid/%61?x", b"y=1", "/paid/%61"),
        (b"/paid/a", b"y=1", "/paid/a"),
        (b"/p%61id/a", b"", "/p%61id/a"),
        (None, b"y=1", "/paid/a%20b"),
    ],
)
async def test_the_target_is_judged_as_it_was_received(
    raw: bytes | None, query: bytes, judged: str, tmp_path: Path
) -> None:
    scope = scope_of(GPTBOT, "/paid/a b", raw_path=raw, query_string=query)
    if raw is None:
        del scope["raw_path"]
    async with guarded(tmp_path) as app:
        start, _ = await ask(app, scope)
    assert start["status"] == 402
    (request,) = records(tmp_path, "request")
    assert request["url.path"] == judged
    assert request["url.query.present"] is bool(query)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"host", b"site.example"), (b"host", b"other.example")],
        [(b"Host", b"site.example"), (b"host", b"site.example")],
        [(b"host", b"a@b")],
        [(b"host", b"")],
        [(b"host", b"\xff")],
    ],
)
async def test_a_request_that_names_no_host_or_two_is_answered_400(
    headers: list[tuple[bytes, bytes]], tmp_path: Path
) -> None:
    async with guarded(tmp_path) as app:
        start, _ = await ask(app, scope_of(headers=headers))
    assert start["status"] == 400


async def test_a_second_user_agent_does_not_hide_the_first(tmp_path: Path) -> None:
    headers = [(b"host", b"site.example"), (b"user-agent", GPTBOT.encode()), (b"user-agent", CHROME.encode())]
    async with guarded(tmp_path) as app:
        start, _ = await ask(app, scope_of(path="/paid/", headers=headers))
    assert start["status"] == 402


@pytest.mark.parametrize(
    ("client", "server", "forwarded", "source"),
    [
        (("20.15.240.64", 1), ("192.0.2.1", 443), b"20.15.240.99", "20.15.240.64"),
        (("127.0.0.1", 1), ("127.0.0.1", 443), b"20.15.240.99", "20.15.240.99"),
        (None, ("/run/site.sock", None), b"20.15.240.99", "20.15.240.99"),
        (None, None, b"20.15.240.99", None),
        (None, ("127.0.0.1", 443), b"20.15.240.99", None),
    ],
)
async def test_only_a_listed_proxy_or_a_unix_socket_speaks_for_a_client(
    client: object,
    server: object,
    forwarded: bytes,
    source: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str | None] = []
    async with guarded(tmp_path, trusted_proxies=("127.0.0.1",)) as app:
        decide = app._embedded.decide

        async def noted(request: Any, claim: Any) -> Any:
            seen.append(request.client.address)
            return await decide(request, claim)

        monkeypatch.setattr(app._embedded, "decide", noted)
        scope = scope_of(GPTBOT, "/paid/", client=client, server=server)
        scope["headers"] += [(b"x-forwarded-for", forwarded)]
        await ask(app, scope)
    assert seen == [source]


async def test_what_the_application_says_itself_stays(tmp_path: Path) -> None:
    own = [(b"Link", b"</own>"), (b"TDM-Reservation", b"0")]

    async def says(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/.well-known/tdmrep.json":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b'[{"location": "/", "tdm-reservation": 1}]'})
        elif scope["path"] == "/robots.txt":
            await page(scope, receive, send)
        else:
            await send({"type": "http.response.start", "status": 200, "headers": own})
            await send({"type": "http.response.body", "body": b""})

    async with guarded(tmp_path, says) as app:
        await ask(app, scope_of(GPTBOT))  # until its first answer the site is not known to declare anything
        start, _ = await ask(app, scope_of())
        posted, _ = await ask(app, scope_of(method="POST"))
    assert start["headers"] == [*own, LICENSE]
    assert posted["headers"] == own


async def test_content_that_would_pass_by_is_asked_to_pass_through_for_crawlers_alone(tmp_path: Path) -> None:
    extensions = {"http.response.pathsend": {}, "http.response.debug": {}}
    seen: list[list[str]] = []

    async def looks(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/open":
            seen.append(sorted(scope["extensions"]))
        await page(scope, receive, send)

    async with guarded(tmp_path, looks) as app:
        for agent in (GPTBOT, CHROME):
            await ask(app, scope_of(agent, "/open", extensions=extensions))
    assert seen == [["http.response.debug"], ["http.response.debug", "http.response.pathsend"]]


SOCKET = {"type": "websocket", "scheme": "wss", "path": "/paid/s", "raw_path": b"/paid/s"}


async def accepts(scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await page(scope, receive, send)
        return
    assert (await receive())["type"] == "websocket.connect"
    await send({"type": "websocket.accept"})
    assert (await receive())["type"] == "websocket.disconnect"


async def test_a_websocket_is_refused_in_its_handshake(tmp_path: Path) -> None:
    connect = {"type": "websocket.connect"}
    scope = scope_of(GPTBOT, **SOCKET)
    del scope["method"]
    async with guarded(tmp_path, accepts) as app:
        plain = await ask(app, scope, connect)
        start, body = await ask(app, {**scope, "extensions": {"websocket.http.response": {}}}, connect)
    assert plain == [{"type": "websocket.close"}]
    assert (start["type"], start["status"]) == ("websocket.http.response.start", 402)
    assert json.loads(body["body"])["clause"] == "paid"
    assert [leaf["url.scheme"] for leaf in records(tmp_path, "request")] == ["https", "https"]


async def test_a_websocket_that_passes_counts_as_a_101_without_content(tmp_path: Path) -> None:
    events = ({"type": "websocket.connect"}, {"type": "websocket.disconnect", "code": 1000})
    async with guarded(tmp_path, accepts) as app:
        for agent in (GPTBOT, CHROME):
            (accepted,) = await ask(app, scope_of(agent, **{**SOCKET, "path": "/s", "raw_path": b"/s"}), *events)
            assert accepted == {"type": "websocket.accept", "headers": [LICENSE]}
    (outcome,) = records(tmp_path, "outcome")
    assert (outcome["http.response.status_code"], outcome["http.response.body.size"]) == (101, 0)
    assert outcome["outcome.aborted"] is False


async def test_other_scopes_pass_untouched(tmp_path: Path) -> None:
    async def other(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "custom"})

    async with guarded(tmp_path, other) as app:
        assert await ask(app, {"type": "custom.protocol"}) == [{"type": "custom"}]


async def test_without_a_lifespan_a_log_that_cannot_be_opened_refuses_by_on_error_and_people_pass(
    tmp_path: Path,
) -> None:
    with unusable(tmp_path / "evidence"):
        async with guarded(tmp_path) as app:
            crawler, _ = await ask(app, scope_of(GPTBOT, "/open"))
            person, _ = await ask(app, scope_of())
    assert (crawler["status"], person["status"]) == (503, 200)


async def test_a_client_that_is_gone_before_its_refusal_is_no_fault(tmp_path: Path) -> None:
    async def gone(_message: Message) -> None:
        raise OSError

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async with guarded(tmp_path) as app:
        await app(scope_of(GPTBOT, "/paid/"), receive, gone)
    assert [leaf["type"] for leaf in records(tmp_path)] == ["crawl.request"]


def test_settings_that_make_no_sense_are_refused_when_they_are_given(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    with pytest.raises(PolicyError):
        OptoutMiddleware(page, policy=tmp_path / "policy.yaml", evidence=None)
    with pytest.raises(UsageError):
        OptoutMiddleware(page, policy=None, evidence=None, trusted_proxies=("nowhere",))


@pytest.mark.parametrize(("options", "status"), [({"policy": None}, 200), ({"observe_only": True}, 200), ({}, 402)])
async def test_without_a_policy_or_with_observe_only_a_crawler_passes_on_record(
    options: dict[str, Any], status: int, tmp_path: Path
) -> None:
    async with guarded(tmp_path, **options) as app:
        start, _ = await ask(app, scope_of(GPTBOT, "/paid/"))
    assert start["status"] == status
    assert len(records(tmp_path, "request")) == 1


async def test_documents_may_come_from_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: GPTBot\nDisallow: /drafts/\n")
    async with guarded(tmp_path, documents=tmp_path) as app:
        start, _ = await ask(app, scope_of(GPTBOT, "/drafts/"))
    assert start["status"] == 403


OCTETS = st.binary(max_size=30)
NAMES = st.one_of(OCTETS, st.sampled_from([b"host", b"user-agent", b"signature-agent", b"x-forwarded-for", b"accept"]))


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    raw=st.one_of(st.none(), OCTETS),
    query=OCTETS,
    path=st.text(max_size=20),
    headers=st.lists(st.tuples(NAMES, OCTETS), max_size=6),
    agent=st.sampled_from([GPTBOT, CHROME]),
)
def test_no_octets_make_it_raise(
    tmp_path: Path, raw: bytes | None, query: bytes, path: str, headers: list[tuple[bytes, bytes]], agent: str
) -> None:
    scope = scope_of(agent, path, raw_path=raw, query_string=query)
    scope["headers"] = [*scope["headers"], *headers]
    app = OptoutMiddleware(page, policy="no-training", evidence=None, state=tmp_path, documents=tmp_path)

    async def once() -> list[Message]:
        try:
            return await ask(app, scope)
        finally:
            await app._embedded.stop()

    assert asyncio.run(once())[0]["status"] in (200, 400, 403, 404)
