"""A letter to a real mail server (aiosmtpd): plain, with TLS, with a password, and what must not happen."""

from __future__ import annotations

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import AuthResult

from optout.adapters import mailer
from optout.adapters.mailer import MailError, Server, parse_server, send
from optout.errors import UsageError
from tests.certificates import make_pair


class Box(Message):
    """Keeps what arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.letters: list[object] = []

    def handle_message(self, message: object) -> None:
        self.letters.append(message)


@contextmanager
def receiving(**options: object) -> Iterator[tuple[Box, int]]:
    """A mail server on loopback: what it got, and its port."""
    box = Box()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    controller = Controller(box, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield box, port
    finally:
        controller.stop()


def letter() -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "week", "optout@site.example", "owner@site.example"
    made.set_content("log 7 AAAA\n")
    return made


def test_a_local_server_takes_the_letter() -> None:
    with receiving() as (box, port):
        send(parse_server(f"smtp://127.0.0.1:{port}"), letter())
    (found,) = box.letters
    assert "log 7 AAAA" in str(found)


def test_a_password_goes_to_this_machine_itself() -> None:
    seen = []

    def check(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
        seen.append((data.login, data.password))  # type: ignore[attr-defined]
        return AuthResult(success=True)

    options = {"authenticator": check, "auth_require_tls": False}
    with receiving(**options) as (box, port):
        send(parse_server(f"smtp://me%40site@127.0.0.1:{port}", "secret"), letter())
    assert seen == [(b"me@site", b"secret")]
    assert len(box.letters) == 1


def test_a_password_is_never_sent_unprotected_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "_OWN", frozenset())  # as if loopback were another machine
    seen: list[object] = []
    options = {
        "authenticator": lambda *given: seen.append(given) or AuthResult(success=True),
        "auth_require_tls": False,
    }
    with receiving(**options) as (box, port), pytest.raises(MailError, match="password is not sent"):
        send(parse_server(f"smtp://me@127.0.0.1:{port}", "secret"), letter())
    assert seen == []
    assert box.letters == []


@pytest.fixture
def trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ssl.SSLContext:
    """The server's side of TLS for localhost; whoever sends in this test trusts it."""
    cert, key = make_pair(tmp_path, "localhost")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    monkeypatch.setenv("SSL_CERT_FILE", str(cert))
    return context


def test_a_server_that_offers_tls_gets_the_letter_through_it(
    trusted: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailer, "_OWN", frozenset())
    with receiving(tls_context=trusted, require_starttls=True) as (box, port):
        send(Server(host="localhost", port=port, is_tls=False), letter())
    assert len(box.letters) == 1


def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mailer, "_OWN", frozenset())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*make_pair(tmp_path, "localhost"))
    with receiving(tls_context=context) as (box, port), pytest.raises(MailError, match="SSLCertVerificationError"):
        send(Server(host="localhost", port=port, is_tls=False), letter())
    assert box.letters == []


async def test_tls_from_the_first_octet(trusted: ssl.SSLContext) -> None:
    from aiosmtpd.smtp import SMTP

    box = Box()
    async with _served(partial(SMTP, box), trusted) as port:
        await asyncio.to_thread(send, Server(host="localhost", port=port, is_tls=True), letter())
    assert len(box.letters) == 1


def _served(protocol, context: ssl.SSLContext):  # type: ignore[no-untyped-def]
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def serve() -> AsyncIterator[int]:
        server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=context)
        async with server:
            yield int(server.sockets[0].getsockname()[1])

    return serve()


@pytest.mark.parametrize(
    "answer", [b"", b"554 go away \x1b[31m\r\n", b"220 " + b"x" * 100_000 + b"\r\n", b"220 ok\r\n500 no\r\n500 no\r\n"]
)
def test_a_server_that_misbehaves_is_an_error_in_words(answer: bytes) -> None:
    listener = socket.create_server(("127.0.0.1", 0))

    def speak() -> None:
        link, _ = listener.accept()
        with link:
            link.sendall(answer)

    speaking = threading.Thread(target=speak)
    speaking.start()
    with pytest.raises(MailError) as raised:
        send(Server(host="127.0.0.1", port=int(listener.getsockname()[1]), is_tls=False), letter())
    speaking.join()
    listener.close()
    assert str(raised.value).isprintable()


def test_nobody_there_is_an_error_in_words() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        with pytest.raises(MailError, match="did not take the letter"):
            send(Server(host="127.0.0.1", port=int(probe.getsockname()[1]), is_tls=False), letter())


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("smtp://localhost", Server(host="localhost", port=25, is_tls=False)),
        ("smtps://a%40b@mail.example", Server(host="mail.example", port=465, is_tls=True, user="a@b", password="p")),
        ("smtp://mail.example:587", Server(host="mail.example", port=587, is_tls=False)),
    ],
)
def test_a_server_is_named_by_a_url(url: str, server: Server) -> None:
    assert parse_server(url, server.password) == server
    assert "password" not in repr(server)


@pytest.mark.parametrize(
    "url", ["", "mail.example", "http://a.example", "smtp://", "smtp://u:p@h", "smtp://h:x", "smtp://h:99999"]
)
def test_another_url_is_a_wrong_call(url: str) -> None:
    with pytest.raises(UsageError, match="mail server"):
        parse_server(url)
