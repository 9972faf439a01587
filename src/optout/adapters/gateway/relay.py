"""The two bodies of an exchange on their way: a request's to the origin, an answer's to the visitor.

Both are framed anew: as the head says that went before them, and in no other way. Nothing here keeps more than what
came with one read.
"""

from __future__ import annotations

from optout.adapters.gateway.answers import (
    AnswerHead,
    Body,
    Manner,
    fields_for_visitor,
    framing_of,
    head_for_visitor,
)
from optout.adapters.gateway.heads import Asked
from optout.messages import Fields
from optout.record import Ending, Hash
from optout.signals.verdict import NO_SIGNALS, signal_fields


class Upload:
    """The body of a request. `is_done` when its end has been taken."""

    __slots__ = ("_asked", "_is_chunked", "is_done")

    def __init__(self, asked: Asked, *, is_chunked: bool) -> None:
        self._asked = asked
        self._is_chunked = is_chunked
        self.is_done = False

    @property
    def is_waiting(self) -> bool:
        """Whether something has come that nobody has taken."""
        return bool(self._asked.body)

    @property
    def has_begun(self) -> bool:
        """Whether anything has come."""
        return bool(self._asked.body) or self._asked.is_whole

    def take(self) -> bytes:
        """What has come and was not taken before, framed for the origin."""
        asked = self._asked
        octets = b"".join(asked.body)
        asked.body.clear()
        self.is_done = asked.is_whole
        if not self._is_chunked:
            return octets
        if octets:
            octets = b"%x\r\n%b\r\n" % (len(octets), octets)
        return octets + b"0\r\n\r\n" if self.is_done else octets


class Download:
    """The origin's answer. `status` is None until the visitor has been sent its head; `sent` counts content."""

    __slots__ = ("_body", "_declared", "_head", "_octets", "_untaken", "is_patient", "sent", "served", "status")

    def __init__(self) -> None:
        self.status: int | None = None
        self.sent = 0
        self.served: Hash | None = None
        self.is_patient = False  # an event stream, which may be silent for as long as it likes
        self._head: AnswerHead | None = None
        self._declared = NO_SIGNALS
        self._body = Body.NONE
        self._octets: list[bytes] = []
        self._untaken = 0  # octets of content among them

    def begin(self, head: AnswerHead, manner: Manner, *, ours: Fields, declared: Fields) -> Manner:
        """The head has come. Returns the manner that its framing asks for."""
        self._head, self._declared = head, declared
        self._body = framing_of(head, manner)
        self.is_patient = head.is_event_stream
        if self._body is Body.UNTIL_CLOSE:
            manner = manner._replace(closes=True)
        self._octets.append(head_for_visitor(head, manner, self._body, ours=ours, declared=declared))
        return manner

    def replace(self, status: int, content: bytes) -> None:
        """Another answer is sent instead, whose head has not gone out yet: of ours, whole, with this content."""
        self.status, self.sent, self._untaken = status, len(content), 0
        if self._head is not None:  # a part of the origin's was hashed
            self.served = self._head = None
        elif self.served is not None:
            self.served.update(content)
        self._octets.clear()

    def add(self, octets: bytes) -> None:
        """A part of the body has come."""
        if self._body is Body.CHUNKS:
            self._octets += (b"%x\r\n" % len(octets), octets, b"\r\n")
        elif self._body is not Body.NONE:
            self._octets.append(octets)
        else:
            return
        self._untaken += len(octets)
        if self.served is not None:
            self.served.update(octets)

    def take(self, *, is_whole: bool) -> bytes:
        """What has come and was not taken before, framed for the visitor; it counts as sent."""
        octets = self._octets
        self.sent += self._untaken
        self._untaken = 0
        if is_whole and self._body is Body.CHUNKS:
            octets.append(b"0\r\n\r\n")
        if self._head is not None:
            self.status = self._head.status
        if len(octets) == 1:
            return octets.pop()
        taken = b"".join(octets)
        octets.clear()
        return taken

    def ending(self, passed: int, *, aborted: bool) -> Ending:
        """How it went until now; `passed` octets went through a tunnel besides."""
        head, said = self._head, NO_SIGNALS
        if head is not None and self.status is not None:
            said = signal_fields(fields_for_visitor(head, self._declared))
        size = self.sent + passed
        return Ending(status=self.status, body_bytes=size, aborted=aborted, served=self.served, said=said)

    @property
    def ends_with_connection(self) -> bool:
        """Whether an orderly end of the connection would make a part pass for the whole."""
        return self._body is Body.UNTIL_CLOSE
