"""Where a WSGI application's documents are read by default: of the application itself (design part 5.6).

It is asked in process and without a socket, in a thread of Optout's own, with an environment that no client sent: the
site's Host and Optout's own user agent. It answers as it would answer anybody.
"""

from __future__ import annotations

import io
import sys
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from optout.adapters.documents import Documents, Threads
from optout.adapters.fetcher import USER_AGENT
from optout.signals.declaration import (
    DOCUMENT_LIMIT,
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Document,
    license_name,
    parse_answer,
    unknown,
)


class AppSource:
    """Documents as `app` itself answers for them. May raise whatever an application raises; the cache bears that."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._threads = Threads()

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        return await self._threads.run(
            authority,
            lambda: (self._get(authority, ROBOTS_NAME, ROBOTS_PATH), self._get(authority, TDMREP_NAME, TDMREP_PATH)),
        )

    async def fetch_license(self, authority: str, path: str) -> Document:
        """The license document at `path` of the site as it is now."""
        return await self._threads.run(f"{authority}{path}", lambda: self._get(authority, license_name(path), path))

    def _get(self, authority: str, name: str, path: str) -> Document:
        answer = _Answer()
        content = self._app(_environment(authority, path), answer.start)
        try:
            for chunk in content:
                answer.write(chunk)
                if len(answer.data) >= DOCUMENT_LIMIT:
                    break
        finally:
            close = getattr(content, "close", None)
            if close is not None:
                close()
        if answer.coding != "identity":
            return unknown(name, "compressed although it was not to be")
        return parse_answer(name, answer.status, bytes(answer.data))


class _Answer:
    """One answer in process. What lies beyond the limit is not asked for: a document may have no end."""

    def __init__(self) -> None:
        self.status = 0
        self.coding = "identity"
        self.data = bytearray()

    def start(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> Any:
        """PEP 3333's `start_response`."""
        self.status = int(status.partition(" ")[0])
        fields = {name.lower(): value for name, value in headers}
        self.coding = fields.get("content-encoding", "identity").lower()
        return self.write

    def write(self, chunk: bytes) -> None:
        """Keep content."""
        self.data += chunk[: DOCUMENT_LIMIT - len(self.data)]


def _environment(authority: str, path: str) -> WSGIEnvironment:
    host, _, port = authority.rpartition(":")
    has_port = port.isdigit() and bool(host)
    return {
        "REQUEST_METHOD": "GET",
        "SCRIPT_NAME": "",
        "PATH_INFO": path,
        "QUERY_STRING": "",
        "SERVER_NAME": host if has_port else authority,
        "SERVER_PORT": port if has_port else "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "HTTP_HOST": authority,
        "HTTP_USER_AGENT": USER_AGENT,
        "HTTP_ACCEPT_ENCODING": "identity",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",  # an application that redirects http must not answer with that
        "wsgi.input": io.BytesIO(),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
