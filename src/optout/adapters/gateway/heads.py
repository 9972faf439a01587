"""The head of a request as it came: which of its fields go on, what the gateway reads in it, what is refused.

Nothing here does I/O or raises. Who wrote a field decides whether it goes on (`forwarding`); what is refused is what
two servers could read in two ways and llhttp lets by.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from optout.adapters.fetcher import LOOP_FIELD
from optout.adapters.forwarding import (
    USUAL,
    Field,
    Items,
    kind_of,
    members,
    taken_by,
    without_named,
)
from optout.adapters.gateway.faults import (
    CODING,
    NO_HOST,
    NO_HTTP,
    NOTHING_THERE,
    OLD_CODING,
    TWO_AGENTS,
    VERSION,
    Fault,
)
from optout.messages import Fields, as_text

if TYPE_CHECKING:
    from optout.adapters.gateway.repeat import Repeat

_LOOP = LOOP_FIELD.encode()
# What the gateway itself reads in a request.
_NOTED = frozenset(
    b"connection content-length expect host optout-loop signature-agent transfer-encoding upgrade user-agent".split()
)
# Methods of RTSP and Icecast, which llhttp reads as well.
_OTHER_PROTOCOLS = frozenset(
    b"ANNOUNCE DESCRIBE FLUSH GET_PARAMETER PAUSE PLAY RECORD REDIRECT SETUP SET_PARAMETER SOURCE TEARDOWN".split()
)


class Asked:
    """One request: its head as it came, and what has come of its body and nobody has taken yet."""

    __slots__ = ("body", "fault", "fields", "is_whole", "keeps_open", "method", "target", "version")

    def __init__(self, method: bytes, target: bytes, fields: Items, version: str, keeps_open: bool) -> None:
        self.method = method
        self.target = target
        self.fields = fields
        self.version = version
        self.keeps_open = keeps_open
        self.body: list[bytes] = []
        self.is_whole = False
        self.fault: Fault | None = None

    @property
    def framing(self) -> Field | None:
        """The field that frames the body; None for a request without one. llhttp lets no two of them by."""
        names = (b"content-length", b"transfer-encoding")
        return next((item for item in self.fields if item[0].lower() in names), None)


class Head:
    """The fields of a request, sorted: those that go on when a stranger sent them, and the values the gateway reads.

    What follows from the fields alone is worked out once: a visitor sends the same ones with request after request.
    """

    __slots__ = (
        "_fault",
        "_lines",
        "_text",
        "fields",
        "has_body",
        "hosts",
        "is_chunked",
        "noted",
        "onward",
        "refused",
        "repeat",
        "signature_agent",
        "user_agent",
    )

    def __init__(self, fields: Items, onward: Items, noted: dict[bytes, list[bytes]]) -> None:
        self.fields = fields
        self.onward = onward
        self.noted = noted
        self.is_chunked = b"transfer-encoding" in noted
        self.has_body = self.is_chunked or b"content-length" in noted  # be it an empty one
        self.hosts = tuple([as_text(host) for host in self.all(b"host")])
        # All values: a second field must not hide the first.
        self.user_agent = as_text(b", ".join(self.all(b"user-agent")))
        self.signature_agent = as_text(b", ".join(self.all(b"signature-agent"))) or None
        self.refused: tuple[bytes, bytes, str] | None = None  # what was refused last to a request with these fields
        self.repeat: Repeat | None = None  # and how, if it came twice running
        self._fault: Fault | None = _fault_of(self)
        self._lines: bytes | None = None
        self._text: Fields | None = None

    def all(self, name: bytes) -> list[bytes]:
        """The values of one of the fields that are noted, in order."""
        return self.noted.get(name, [])

    def fault(self, version: str) -> Fault | None:
        """What makes these fields unfit for a request of this version of HTTP."""
        if version == "1.1":
            return self._fault
        if version != "1.0":
            return VERSION
        if self.is_chunked:
            return OLD_CODING
        return None if self._fault is NO_HOST and not self.hosts else self._fault  # RFC 9112 section 3.2

    @property
    def lines(self) -> bytes:
        """What goes on of a stranger's fields, as it is sent."""
        if self._lines is None:
            self._lines = lines_of(self.onward)
        return self._lines

    @property
    def text(self) -> Fields:
        """All fields, as judgement reads them."""
        if self._text is None:
            self._text = Fields(tuple([(as_text(name), as_text(value)) for name, value in self.fields]))
        return self._text


def _fault_of(head: Head) -> Fault | None:
    """What makes the fields of a request of HTTP/1.1 unfit to be judged or to go on."""
    if head.is_chunked and [value.lower() for value in head.all(b"transfer-encoding")] != [b"chunked"]:
        return CODING
    if len(head.hosts) != 1:
        return NO_HOST  # RFC 9112 section 3.2
    if len(head.all(b"user-agent")) > 1:
        return TWO_AGENTS  # of which two servers could believe either
    return None


_Role = tuple[bool, bytes]  # whether a stranger's goes on, and the name in lower case if it is noted
_FROM_STRANGERS = taken_by(is_proxy=False)


def _role(name: bytes) -> _Role:
    lower = name.lower()
    return kind_of(name) in _FROM_STRANGERS, lower if lower in _NOTED else b""


_ROLES = {name: _role(name) for name in USUAL}


def sort_fields(fields: Items) -> Head:
    """The head of a request, read once."""
    onward: Items = []
    noted: dict[bytes, list[bytes]] = {}
    for item in fields:
        goes_on, name = _ROLES.get(item[0]) or _role(item[0])
        if goes_on:
            onward.append(item)
        if name:
            if name in noted:
                noted[name].append(item[1])
            else:
                noted[name] = [item[1]]
    if b"connection" in noted:
        onward = without_named(onward, noted[b"connection"])
    return Head(fields, onward, noted)


def asks_for_websocket(asked: Asked, head: Head) -> bool:
    """Whether a request asks for a WebSocket (RFC 6455 section 4.1); no other upgrade is passed on.

    One with a body is not: where the body ends would be read one way here and another way there (CVE-2026-69243).
    """
    return (
        b"upgrade" in head.noted
        and asked.method == b"GET"
        and asked.version == "1.1"
        and members(head.all(b"upgrade")) == [b"websocket"]
        and b"upgrade" in members(head.all(b"connection"))
        and not head.has_body
    )


def expects_continue(asked: Asked, head: Head) -> bool:
    """Whether a visitor waits for the word to send the body (RFC 9110 section 10.1.1)."""
    return asked.version == "1.1" and [value.lower() for value in head.all(b"expect")] == [b"100-continue"]


def fault_of(asked: Asked, head: Head) -> Fault | None:
    """What makes a request unfit to be judged or to go on; None for all that may."""
    fault = asked.fault or head.fault(asked.version)
    if fault is not None:
        return fault
    if asked.method in _OTHER_PROTOCOLS:
        return NO_HTTP
    if asked.target[:1] != b"/" and b"://" not in asked.target:
        return NOTHING_THERE
    return None


def lines_of(items: Items) -> bytes:
    """Fields as they are sent."""
    return b"".join([b"%b: %b\r\n" % item for item in items])
