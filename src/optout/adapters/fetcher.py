"""The only HTTP client of the project: published documents and lists, a license server's word, a timestamp.

It asks the upstream that the operator configured, with the site's Host, and never an address that a visitor or a
redirect names: a request must not become a tool to reach inside networks (CWE-918). Every answer is bounded in time,
octets, redirects and decompressed size. No cookies, no proxies from the environment, no token in a log.

It is longer than 300 lines because all that this project ever asks over HTTP is to be seen on one page.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import secrets
import ssl
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from ipaddress import ip_address
from types import TracebackType
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from optout.messages import Fields, parse_authority
from optout.signals.declaration import DOCUMENT_LIMIT

ANSWER_LIMIT = 64 * 1024  # octets of a license server's answer, which holds one license element
VISIT_LIMIT = 1024 * 1024  # octets of a page that are compared
DOCUMENT_WITHIN = 5.0  # seconds for a document, redirects included
INTROSPECTION_WITHIN = 2.0  # seconds; a crawler waits for it
MOST_REDIRECTS = 5  # RFC 9309 section 2.3.1.2
LOOP_FIELD = "Optout-Loop"
USER_AGENT = f"Optout/{version('optout')} (site's own gateway)"

# Secret and new in each process: a constant that makes a door look away could be sent by every crawler.
_LOOP_MARK = secrets.token_urlsafe(16)
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_FAILURES = (aiohttp.ClientError, TimeoutError, OSError, ValueError, zlib.error)


def is_own_request(fields: Fields) -> bool:
    """Whether a request was sent by this process's own fetcher: the upstream is a door of ours, and asking it loops."""
    mark = fields.first(LOOP_FIELD)
    return mark is not None and hmac.compare_digest(mark.encode("utf-8", "replace"), _LOOP_MARK.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchResult:
    """The answer to one `GET`: at most DOCUMENT_LIMIT octets of decoded body. `status` is 0 if none came.

    `fault` says in words why there is no usable answer; "" if there is one.
    """

    status: int = 0
    media_type: str = ""
    body: bytes = field(default=b"", repr=False)
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visited:
    """What a visitor who is no browser saw: at most VISIT_LIMIT octets of decoded body, no redirect followed.

    `status` is 0 if no whole answer came, and `fault` then says why.
    """

    status: int = 0
    fields: Fields = Fields()  # noqa: RUF009  frozen and empty
    body: bytes = field(default=b"", repr=False)
    fault: str = ""


class Fetcher:
    """An HTTP client with these limits. Belongs to one event loop; close it, or use it as a context manager.

    `tls` is the context, or True for the system's authorities, with which upstream and license server are verified.
    With a `unix_socket` everything is asked there: for a gateway whose upstream is one. A `resolver` says which
    addresses a name has, and for each connection anew.
    """

    def __init__(
        self,
        *,
        document_within: float = DOCUMENT_WITHIN,
        introspection_within: float = INTROSPECTION_WITHIN,
        tls: ssl.SSLContext | bool = True,
        unix_socket: str = "",
        resolver: AbstractResolver | None = None,
    ) -> None:
        self._document_within = document_within
        self._introspection_within = introspection_within
        self._tls = tls
        self._unix_socket = unix_socket
        self._resolver = resolver
        self._open: aiohttp.ClientSession | None = None

    def _session(self) -> aiohttp.ClientSession:
        if self._open is None:
            self._open = aiohttp.ClientSession(
                auto_decompress=False,  # aiohttp would inflate without a limit (zip bomb)
                connector=self._connector(),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(),  # asyncio.timeout bounds the whole exchange instead
                trust_env=False,
            )
        return self._open

    def _connector(self) -> aiohttp.BaseConnector:
        if self._unix_socket:
            return aiohttp.UnixConnector(self._unix_socket)
        if self._resolver is not None:
            return aiohttp.TCPConnector(ssl=self._tls, resolver=self._resolver, use_dns_cache=False)
        return aiohttp.TCPConnector(ssl=self._tls)

    async def close(self) -> None:
        """Closes the connections."""
        if self._open is not None:
            await self._open.close()
            self._open = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get_document(self, upstream_base: str, host: str, path: str, *, scheme: str = "https") -> FetchResult:
        """What the upstream answers to `GET path` of the site `host`, as visitors reach it by `scheme`.

        Never raises for what the network or the upstream does.
        """
        try:
            async with asyncio.timeout(self._document_within):
                return await self._follow(upstream_base.rstrip("/"), host, path, scheme)
        except TimeoutError:
            return FetchResult(fault=f"no whole answer within {self._document_within:g} s")
        except _FAILURES as error:
            return FetchResult(fault=f"no usable answer ({type(error).__name__})")

    async def _follow(self, upstream: str, host: str, path: str, scheme: str) -> FetchResult:
        for _ in range(MOST_REDIRECTS + 1):
            fields = {"Host": host, "X-Forwarded-Host": host, "X-Forwarded-Proto": scheme, LOOP_FIELD: _LOOP_MARK}
            url = URL(upstream + path, encoded=True)
            async with self._session().get(url, headers=fields, allow_redirects=False) as answer:
                if answer.status not in _REDIRECTS:
                    body = await _read(answer, DOCUMENT_LIMIT) if answer.ok else b""
                    return FetchResult(status=answer.status, media_type=answer.content_type, body=body)
                location = answer.headers.get("Location", "")
            target = urlsplit(urljoin(f"{scheme}://{host}{path}", location))
            if not _is_own(target.scheme, target.netloc, host, upstream):
                return FetchResult(fault="a redirect to another origin")
            path, scheme = (target.path or "/") + (f"?{target.query}" if target.query else ""), target.scheme
        return FetchResult(fault=f"more than {MOST_REDIRECTS} redirects")

    async def get_list(self, url: str, limit: int, *, within: float) -> FetchResult:
        """What an operator answers to `GET url`, an address of the registry: at most `limit` octets, or a `fault`.

        Redirects stay on the host: who takes over a page must not send us to a list of his own. Never raises.
        """
        if not _is_safe_way(url):
            return FetchResult(fault="no https address")
        try:
            async with asyncio.timeout(within):
                for _ in range(MOST_REDIRECTS + 1):
                    async with self._session().get(URL(url, encoded=True), allow_redirects=False) as answer:
                        if answer.status not in _REDIRECTS:
                            return await _whole(answer, limit)
                        location = urljoin(url, answer.headers.get("Location", ""))
                    if urlsplit(location)[:2] != urlsplit(url)[:2]:
                        return FetchResult(fault="a redirect to another host")
                    url = location
        except TimeoutError:
            return FetchResult(fault=f"no whole answer within {within:g} s")
        except _FAILURES as error:
            return FetchResult(fault=f"no usable answer ({type(error).__name__})")
        return FetchResult(fault=f"more than {MOST_REDIRECTS} redirects")

    async def visit(
        self, url: str, fields: Mapping[str, str], *, connect: str = "", limit: int = VISIT_LIMIT
    ) -> Visited:
        """What a server that the owner or the registry names answers to `GET url` with these fields.

        `connect` (host and port) is where to go instead of where the URL's host leads, as before a change of DNS.
        `limit` is in octets of the body. Never raises for what the network or the server does.
        """
        parts = urlsplit(url)
        asked = URL(parts._replace(netloc=connect or parts.netloc).geturl(), encoded=True)
        name = parts.hostname if parts.scheme == "https" else None
        try:
            async with (
                asyncio.timeout(self._document_within),
                self._session().get(
                    asked, headers={"Host": parts.netloc, **fields}, allow_redirects=False, server_hostname=name
                ) as answer,
            ):
                body = await _read(answer, limit)
                return Visited(status=answer.status, fields=Fields(tuple(answer.headers.items())), body=body)
        except TimeoutError:
            return Visited(fault=f"no whole answer within {self._document_within:g} s")
        except _FAILURES as error:
            return Visited(fault=f"{type(error).__name__}: {error}")

    async def post(self, url: str, body: bytes, media_type: str, limit: int, *, within: float) -> tuple[bytes, str]:
        """What a server that the owner named answers to a POST: at most `limit` octets, or why there is none.

        One of the two is empty. Never raises for what the network or the server does.
        """
        try:
            async with (
                asyncio.timeout(within),
                self._session().post(
                    url, data=body, headers={"Content-Type": media_type}, allow_redirects=False
                ) as answer,
            ):
                if answer.status != 200:
                    return b"", f"the server answered {answer.status}"
                data = await _read(answer, limit)
        except TimeoutError:
            return b"", f"no whole answer within {within:g} s"
        except _FAILURES as error:
            return b"", f"no usable answer ({type(error).__name__})"
        return (data, "") if data else (b"", "an empty answer")

    async def introspect(self, server: str, token: str, resource: str) -> dict[str, object] | None:
        """The license server's decoded JSON object about a token; None if it gave none in time.

        `POST {server}/introspect` (OLP, standards.md 5.6). Never raises. A token goes only over TLS, or to loopback.
        """
        if not _is_safe_way(server):
            return None
        form = {"token": token, "resource": resource}
        try:
            url = URL(f"{server.rstrip('/')}/introspect")
            async with (
                asyncio.timeout(self._introspection_within),
                self._session().post(url, data=form, allow_redirects=False) as answer,
            ):
                if answer.status != 200:
                    return None
                body = await _read(answer, ANSWER_LIMIT + 1)
        except _FAILURES:
            return None
        return _json_object(body) if len(body) <= ANSWER_LIMIT else None


def _is_own(scheme: str, netloc: str, host: str, upstream: str) -> bool:
    """Whether a redirect stays on the site, under either scheme, or names the upstream itself.

    Whichever it is, the same upstream is asked again: no address is ever taken from a redirect.
    """
    named = parse_authority(netloc, scheme)
    own = {parse_authority(host, scheme), parse_authority(urlsplit(upstream).netloc, scheme)}
    return scheme in ("http", "https") and named is not None and named in own


async def _whole(answer: aiohttp.ClientResponse, limit: int) -> FetchResult:
    """The answer if it is 200 and has at most `limit` octets."""
    if answer.status != 200:
        return FetchResult(status=answer.status, fault=f"the server answered {answer.status}")
    body = await _read(answer, limit + 1)
    if len(body) > limit:
        return FetchResult(status=answer.status, fault=f"more than {limit} octets")
    return FetchResult(status=answer.status, media_type=answer.content_type, body=body)


def _is_safe_way(url: str) -> bool:
    """Whether nobody on the way can read or change what goes over it: TLS, or loopback."""
    try:
        parts = urlsplit(url)
        name = parts.hostname or ""
        if parts.scheme != "http":
            return parts.scheme == "https" and bool(name)
        return name == "localhost" or ip_address(name).is_loopback
    except ValueError:
        return False


async def _read(answer: aiohttp.ClientResponse, limit: int) -> bytes:
    """At most `limit` octets of the decoded body; the connection is not read any further.

    Raises ValueError or zlib.error for a coding that is unknown or broken.
    """
    inflate = _inflater(answer.headers)
    body = bytearray()
    async for chunk in answer.content.iter_chunked(64 * 1024):
        # A few octets can ask for gigabytes (CWE-409): never inflate beyond what is still wanted.
        body += inflate.decompress(chunk, limit - len(body)) if inflate else chunk
        if len(body) >= limit:
            return bytes(body[:limit])
    if inflate and not inflate.eof:
        raise ValueError("the compressed body is cut short")
    return bytes(body)


def _inflater(fields: Mapping[str, str]) -> zlib._Decompress | None:
    """A decoder for an upstream that compresses although it was asked not to."""
    match fields.get("Content-Encoding", "identity").strip().lower():
        case "identity" | "":
            return None
        case "gzip" | "x-gzip" | "deflate":
            return zlib.decompressobj(wbits=32 + zlib.MAX_WBITS)  # either header
        case _:
            raise ValueError("an unknown content coding")


def _json_object(body: bytes) -> dict[str, object] | None:
    try:
        decoded = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return decoded if isinstance(decoded, dict) else None
