"""Shared by tests of the WSGI door: an application on a threaded server of the standard library's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from optout.adapters.wsgi import OptoutMiddleware
from tests.doors.forward_auth_doors import TAG, TAGGED

DOCUMENTS = {"/robots.txt": "robots", "/.well-known/tdmrep.json": "tdmrep"}


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Raw(WSGIRequestHandler):
    """Hands over the target as received, as gunicorn, uWSGI and mod_wsgi do; logs nobody."""

    def get_environ(self) -> WSGIEnvironment:
        # `self.path` has lost a slash of a target that begins with two.
        return {**super().get_environ(), "RAW_URI": self.requestline.split()[1]}

    def log_message(self, format: str, *args: object) -> None:
        """No log."""


class _Plain(_Raw):
    """Hands over what PEP 3333 asks for, and no more."""

    def get_environ(self) -> WSGIEnvironment:
        return WSGIRequestHandler.get_environ(self)


@contextmanager
def wsgi_served(app: WSGIApplication, *, tells_target: bool = True) -> Iterator[int]:
    """The port of loopback on which `app` is served."""
    server = make_server("127.0.0.1", 0, app, _Server, _Raw if tells_target else _Plain)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def wsgi_site(document: dict[str, str]) -> WSGIApplication:
    """A site that publishes a case's documents and answers everything else with a page."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        name = DOCUMENTS.get(environ["PATH_INFO"])
        text = document.get(name) if name else "a page"
        tag = list(TAG.items()) if environ["PATH_INFO"] == TAGGED else []
        start_response("404 Not Found" if text is None else "200 OK", [("Content-Type", "text/plain"), *tag])
        return [(text or "").encode()]

    return app


@asynccontextmanager
async def wsgi_door(document: dict[str, str], place: Path) -> AsyncIterator[int]:
    """The WSGI door before such a site, under the case's policy."""
    policy = place / "policy.yaml"
    policy.write_text(document["policy"])
    app = OptoutMiddleware(wsgi_site(document), policy=policy, evidence=place / "evidence", state=place / "state")
    with wsgi_served(app) as port:
        yield port
        await asyncio.to_thread(app.close)
