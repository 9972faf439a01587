"""The head of a request as the origin gets it.

Rule 1: it is written anew, from parsed parts; no octet goes on that was not parsed.
Rule 2: it says one framing, the one in which the gateway itself sends the body.
Rule 3: it names one host, the one that is judged.
Rule 4: what a stranger says as if it were a proxy does not go on (`forwarding`).
"""

from __future__ import annotations

from optout.adapters.client_address import TrustedProxies, client_address, client_scheme, is_trusted_proxy
from optout.adapters.fetcher import LOOP_FIELD
from optout.adapters.forwarding import Items, Visit, about_the_visitor, to_origin
from optout.adapters.gateway.heads import Asked, Head, lines_of, sort_fields
from optout.messages import ClientAddress, Fields, as_text, octets, parse_target

_LOOP = LOOP_FIELD.encode()
_NO_FIELDS = Fields()
_MOST_KEPT = 4096  # octets of fields; a browser sends about 1,000 without cookies


class Peer:
    """Who connected: `address` None for a unix socket. What follows from it is worked out once for a connection."""

    __slots__ = ("_client", "_head", "_host", "_lines", "_mark", "_trusted", "address", "is_proxy", "scheme")

    def __init__(self, address: str | None, *, scheme: str, trusted: TrustedProxies, mark: str) -> None:
        self.address = address
        self.scheme = scheme
        self.is_proxy = is_trusted_proxy(address, trusted)
        self._client = client_address(address, _NO_FIELDS, trusted)  # a stranger's
        self._trusted = trusted
        self._mark = (_LOOP, mark.encode())
        self._head: Head | None = None
        self._host: bytes | None = None
        self._lines = b""

    def client_of(self, head: Head) -> ClientAddress:
        """Whose request this is, as far as it is known."""
        return client_address(self.address, head.text, self._trusted) if self.is_proxy else self._client

    def scheme_of(self, head: Head) -> str:
        """The scheme by which the visitor came."""
        return client_scheme(self.address, head.text, self._trusted, self.scheme) if self.is_proxy else self.scheme

    def head_of(self, fields: Items) -> Head:
        """The head with these fields: the same one as before, if they are the same."""
        head = self._head
        if head is not None and head.fields == fields:
            return head
        head = sort_fields(fields)
        # Idle connections keep one: what they hold is bounded.
        self._head = head if sum([len(name) + len(value) for name, value in fields]) <= _MOST_KEPT else None
        return head

    def lines(self, host: bytes) -> bytes:
        """What the origin is told about a stranger who asks for `host`, as it ends the head."""
        if host != self._host:
            visit = self._visit(_NO_FIELDS, as_text(host))
            self._lines = lines_of([*about_the_visitor((), visit), self._mark])
            self._host = host
        return self._lines

    def all_lines(self, head: Head, host: bytes) -> bytes:
        """All fields for the origin of a request that a trusted proxy passed on."""
        return lines_of([*to_origin(head.fields, self._visit(head.text, as_text(host))), self._mark])

    def _visit(self, fields: Fields, host: str) -> Visit:
        return Visit(
            peer=self.address,
            is_proxy=self.is_proxy,
            client=client_address(self.address, fields, self._trusted),
            scheme=client_scheme(self.address, fields, self._trusted, self.scheme),
            host=host,
        )


_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_WEBSOCKET = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"


def head_for_origin(asked: Asked, head: Head, peer: Peer, *, own_host: bytes, is_websocket: bool) -> bytes:
    """The head of a request that goes on; `own_host` is what the origin is called where the visitor names no host."""
    target, named = asked.target, b""
    if target[:1] != b"/":
        path, authority = parse_target(as_text(target))
        target, named = octets(path), octets(authority or "")
    target = target.partition(b"#")[0]
    hosts = head.all(b"host")
    host = hosts[0] if hosts else named
    about = peer.all_lines(head, host) if peer.is_proxy else head.lines + peer.lines(host)
    return b"%b %b HTTP/1.1\r\n%b%b%b%b\r\n" % (
        asked.method,
        target,
        b"" if hosts else b"Host: %b\r\n" % (named or own_host),
        about,
        _CHUNKED if head.is_chunked else b"",
        _WEBSOCKET if is_websocket else b"",
    )
