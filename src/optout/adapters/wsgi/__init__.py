"""Optout as WSGI middleware (PEP 3333), for Django, Flask and whatever else speaks it.

    app.wsgi_app = OptoutMiddleware(app.wsgi_app, policy="no-training", evidence="/var/lib/optout/evidence")

A person's request is looked at in the thread that serves it, for its Host and its user agent, and goes on; only a
recognized crawler's thread waits for the driver, which lives in an event loop of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from optout.adapters import document_setting
from optout.adapters.client_address import client_scheme
from optout.adapters.driver import Driver
from optout.adapters.embedded import rebuilt_target, settings_of
from optout.adapters.intake import take_in
from optout.adapters.wsgi.documents import AppSource
from optout.adapters.wsgi.loop import LoopThread
from optout.adapters.wsgi.meter import Meter, counted
from optout.crawlers.model import Claim
from optout.engine import NO_FIELDS
from optout.messages import Destination, Fields, Request, Response, as_text, octets, parse_destination
from optout.record import served_hash
from optout.response import bad_request

if TYPE_CHECKING:
    from optout.adapters.documents import DocumentSource, Read
    from optout.policy.model import PolicySet

__all__ = ["OptoutMiddleware"]

_SOFTWARE = f"optout/{version('optout')} wsgi"
_Headers = list[tuple[str, str]]


class OptoutMiddleware:
    """Put before `app`, best as the outermost middleware.

    `policy` is a file, a directory, the name of a ready stance, or policies already loaded; None observes. `evidence`
    is the directory of the log, for as many processes as there are; None keeps no record. `state` is the directory of
    the off switch; None is the usual. `documents` is where robots.txt and tdmrep.json are read: None asks `app` itself
    in process; else a directory laid out like the site's root, or `read(authority, path)`, plain or async, which
    returns bytes or None. `trusted_proxies` and `forwarded_field` tell whose word on the client's address counts.

    Raises UsageError for a setting that makes no sense, and PolicyError for a policy that does not load. While the log
    cannot be opened, crawlers are answered by the policy's `on_error`. Threads are welcome, and so are forks after the
    application is made; greenlets in place of threads are not.
    """

    def __init__(
        self,
        app: WSGIApplication,
        *,
        policy: Path | str | PolicySet | None,
        evidence: Path | str | None,
        state: Path | str | None = None,
        documents: DocumentSource | Read | Path | str | None = None,
        trusted_proxies: Iterable[str] = (),
        forwarded_field: str = "x-forwarded-for",
        observe_only: bool = False,
    ) -> None:
        settings = settings_of(
            software=_SOFTWARE,
            policy=policy,
            evidence=evidence,
            state=state,
            trusted_proxies=trusted_proxies,
            forwarded_field=forwarded_field,
            observe_only=observe_only,
        )

        def make() -> Driver:
            # With a source of its own: another process's knows of threads that are not in this one.
            return Driver(settings, AppSource(app) if documents is None else document_setting.source_of(documents))

        self._loop = LoopThread(make)
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """The WSGI application."""
        self._loop.begin()
        driver = self._loop.driver
        destination = parse_destination(
            raw_target=_target(environ), hosts=_values(environ, "HTTP_HOST"), scheme=environ["wsgi.url_scheme"]
        )
        if destination is None:
            return _answer(environ, start_response, bad_request())
        user_agent, signature_agent = _text(environ, "HTTP_USER_AGENT"), _text(environ, "HTTP_SIGNATURE_AGENT")
        claim = driver.recognize(destination.authority, user_agent, signature_agent or None)
        if claim is None:
            app = self._answering(environ, destination)
            return app(environ, self._declaring(environ, destination, start_response))
        return self._judged(environ, start_response, self._take_in(environ, destination), claim)

    def close(self) -> None:
        """Stop the driver and sign the log. A process that ends does it by itself; a later request starts it again."""
        self._loop.close()

    def _take_in(self, environ: WSGIEnvironment, destination: Destination) -> Request:
        trusted = self._loop.driver.settings.trusted
        fields, peer = _fields(environ), _peer(environ)
        return take_in(
            method=environ["REQUEST_METHOD"],
            scheme=client_scheme(peer, fields, trusted, environ["wsgi.url_scheme"]),
            destination=destination,
            fields=fields,
            peer=peer,
            trusted=trusted,
            http_version=environ.get("SERVER_PROTOCOL", "").removeprefix("HTTP/"),
        )

    def _judged(
        self, environ: WSGIEnvironment, start_response: StartResponse, seen: Request, claim: Claim
    ) -> Iterable[bytes]:
        """What a recognized crawler gets."""
        outcome = self._loop.decide(seen, claim)
        destination = Destination(authority=seen.authority, target=seen.target)
        app = self._answering(environ, destination)
        if outcome is None:
            return app(environ, self._declaring(environ, destination, start_response))
        if outcome.response is not None:
            return _answer(environ, start_response, outcome.response)
        meter = Meter(seen.method, start_response, partial(self._loop.ended, outcome, seen), served_hash(seen))
        start = self._declaring(environ, destination, meter.start, outcome.fields)
        try:
            return counted(app(environ, start), meter)
        except BaseException:
            meter.end(is_whole=False)
            raise

    def _answering(self, environ: WSGIEnvironment, destination: Destination) -> WSGIApplication:
        """Who answers a request that goes on: the application, or a document that is made from the policy."""
        document = self._loop.driver.document(
            method=environ["REQUEST_METHOD"], authority=destination.authority, target=destination.target
        )
        if document is None:
            return self._app
        return lambda environ, start_response: _answer(environ, start_response, document)

    def _declaring(
        self,
        environ: WSGIEnvironment,
        destination: Destination,
        start_response: StartResponse,
        replacing: Fields = NO_FIELDS,
    ) -> StartResponse:
        """A `start_response` that gives the response the declaring fields that the application does not send itself."""

        def start(status: str, headers: _Headers, exc_info: Any = None, /) -> Callable[[bytes], object]:
            declared = self._loop.declare(
                method=environ["REQUEST_METHOD"], authority=destination.authority, target=destination.target
            )
            if declared.items or replacing.items:
                headers = _added(headers, declared, replacing)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return start


def _added(headers: _Headers, declared: Fields, replacing: Fields) -> _Headers:
    """`headers` with those of `replacing` put in place of theirs, and with those of `declared` that they lack."""
    names = {name.lower() for name, _ in replacing}
    kept = [(name, value) for name, value in headers if name.lower() not in names] + _native(replacing)
    there = {name.lower() for name, _ in kept}
    links = {value for name, value in kept if name.lower() == "link"}
    for name, value in _native(declared):
        # The application's own word counts: it may know this one page better than the site's file does. A Link is one
        # of many.
        if value not in links if name == "Link" else name.lower() not in there:
            kept.append((name, value))
    return kept


def _answer(environ: WSGIEnvironment, start_response: StartResponse, response: Response) -> list[bytes]:
    """Answer by ourselves."""
    start_response(f"{response.status} {HTTPStatus(response.status).phrase}", _native(response.fields))
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]


def _native(fields: Fields) -> _Headers:
    """Fields as PEP 3333's native strings: one character for each octet."""
    return [(name, octets(value).decode("latin-1")) for name, value in fields]


def _text(environ: WSGIEnvironment, key: str) -> str:
    """A field's value; "" if it did not come. Servers join the values of several fields with commas."""
    return as_text(environ.get(key, "").encode("latin-1", "replace"))


def _values(environ: WSGIEnvironment, key: str) -> tuple[str, ...]:
    return (_text(environ, key),) if key in environ else ()


def _fields(environ: WSGIEnvironment) -> Fields:
    """The header fields, as far as an environment tells them: neither order nor case, and several as one."""
    names = [key for key in environ if key.startswith("HTTP_")]
    items = [(key[5:].replace("_", "-").lower(), _text(environ, key)) for key in names]
    items += [(key.replace("_", "-").lower(), _text(environ, key)) for key in ("CONTENT_TYPE", "CONTENT_LENGTH")]
    return Fields(tuple((name, value) for name, value in items if value))


def _target(environ: WSGIEnvironment) -> str:
    """The target as the server received it, or where it does not tell, as the application is served by it."""
    raw = environ.get("RAW_URI") or environ.get("REQUEST_URI")  # gunicorn; uWSGI, mod_wsgi. No client can set them
    if raw:
        return as_text(raw.encode("latin-1", "replace"))
    path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
    return rebuilt_target(
        path.encode("latin-1", "replace"), environ.get("QUERY_STRING", "").encode("latin-1", "replace")
    )


def _peer(environ: WSGIEnvironment) -> str | None:
    """The peer's address; None for a unix socket, for which servers say that it is empty."""
    # A server that does not tell who asks must not make everybody a unix socket, whose word is believed.
    return environ["REMOTE_ADDR"] or None if "REMOTE_ADDR" in environ else ""
