"""One request and its answer: judged, carried to the origin, and carried back.

Rule 1: recognition comes before anything that a request could set in motion, and content for a crawler waits for its
        record. Who is recognized as nobody waits for nothing.
Rule 2: each side is read only as fast as the other takes it, so memory does not grow with what passes.
Rule 3: a request is sent a second time only if it has no body, may be repeated, and met a connection that the origin
        had closed while it was idle. What may have been done is not done twice.
Rule 4: an answer that is not whole does not pass for one that is: the visitor's connection ends without its end.

A few lines over 300: every way in which an exchange can end is to be seen together.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from optout.adapters.eagerly import run_eagerly
from optout.adapters.gateway.answers import AnswerHead, Manner, own_answer, plain
from optout.adapters.gateway.door import destination_of, recognize
from optout.adapters.gateway.faults import KEEP_OPEN, LOOP, MALFORMED, SILENT, STALLED, UNREACHABLE, Fault
from optout.adapters.gateway.heads import Asked, Head, asks_for_websocket, expects_continue, fault_of
from optout.adapters.gateway.onward import head_for_origin
from optout.adapters.gateway.relay import Download, Upload
from optout.adapters.gateway.repeat import repeat_of
from optout.adapters.gateway.tunnel import Tunnel
from optout.engine import NO_FIELDS, Engine, Outcome
from optout.messages import Destination, Fields, Request, Response, as_text
from optout.record import served_hash
from optout.response import bad_request

if TYPE_CHECKING:
    from optout.adapters.gateway import Gateway
    from optout.adapters.gateway.origin import Origin
    from optout.adapters.gateway.visitor import Visitor

_REPEATABLE = frozenset({b"GET", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"TRACE"})  # RFC 9110 section 9.2.2
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Exchange:
    """One request of a visitor's connection. `since` is when something last moved, `closes` whether it is the last."""

    is_over = False
    is_connecting = False
    is_websocket = False
    _is_repeated = False
    _octets = b""  # the head for the origin, until it answers
    _destination: Destination | None = None
    _origin: Origin | None = None
    _outcome: Outcome | None = None
    _request: Request | None = None  # of a recognized crawler
    _tunnel: Tunnel | None = None

    def __init__(self, gateway: Gateway, visitor: Visitor, asked: Asked, head: Head) -> None:
        self.visitor = visitor
        self.asked = asked
        self.since = gateway.now
        self.closes = not asked.keeps_open
        self._gateway = gateway
        self._head = head
        self._upload = Upload(asked, is_chunked=head.is_chunked) if head.has_body else None
        self._download = Download()

    # Judged

    def begin(self) -> None:
        """Judge the request, and answer it or send it on."""
        asked, head, peer = self.asked, self._head, self.visitor.peer
        fault = fault_of(asked, head)
        if fault is None and b"optout-loop" in head.noted and self._gateway.is_own(head):
            fault = LOOP
        if fault is not None:
            self._fail(fault)
            return
        destination = self._destination = destination_of(asked, head, peer)
        if destination is None:
            self.closes = True
            self._answer(bad_request())
            return
        driver = self._gateway.driver
        claimed = recognize(driver, asked, head, peer, destination)
        if claimed is None:
            self._go_on()
        else:
            self._request = claimed.request
            self._download.served = served_hash(claimed.request)
            run_eagerly(driver.decide(claimed.request, claimed.claim), partial(self._judged, driver.engine))

    def _judged(self, engine: Engine, outcome: Outcome | None) -> None:
        """Of the driver: a first decision, which `engine` made."""
        if outcome is not None and outcome.response is not None and self._request is not None:
            asked, head = self.asked, self._head
            refused = asked.method, asked.target, asked.version
            if head.refused == refused:  # most crawlers ask for a page once, and then nothing is spared
                head.repeat = repeat_of(self._gateway.driver, engine, asked, self._request, outcome)
            head.refused = refused
        self._decided(outcome)

    def _decided(self, outcome: Outcome | None) -> None:
        """Of the driver: what there is to do, with its record on disk."""
        self._outcome = outcome
        if self.is_over:  # the visitor has hung up meanwhile
            self._tell(aborted=True)
        elif outcome is not None and outcome.response is not None:
            self._answer(outcome.response)
        else:
            self._go_on()

    # To the origin

    def _go_on(self) -> None:
        asked, head, upload = self.asked, self._head, self._upload
        document = self._document()
        if document is not None:
            self._answer(document)
            return
        if upload is not None and not upload.has_begun and expects_continue(asked, head):
            self.visitor.write(_CONTINUE)
        self.is_websocket = asks_for_websocket(asked, head)
        self._octets = head_for_origin(
            asked, head, self.visitor.peer, own_host=self._gateway.pool.host, is_websocket=self.is_websocket
        )
        self._connect(is_fresh=False)

    def _connect(self, *, is_fresh: bool) -> None:
        self.since = self._gateway.now
        self.is_connecting = True
        origin = self._gateway.pool.take(self, is_fresh=is_fresh)
        if origin is not None:
            self.connected(origin)

    def connected(self, origin: Origin) -> None:
        """Of the pool: here is a connection."""
        self.is_connecting = False
        self.since = self._gateway.now
        self._origin = origin
        if self._upload is None:
            origin.ask(self, self._octets)
        else:
            origin.ask(self, self._octets + self._upload.take())
            self.visitor.control()

    def unreachable(self, *, is_late: bool) -> None:
        """Of the pool: no connection is to be had."""
        self._fail(SILENT if is_late else UNREACHABLE)

    def more(self) -> None:
        """Of the visitor: more of the body has come, or its end, or what makes no sense."""
        asked, upload = self.asked, self._upload
        if self.is_over:
            asked.body.clear()
        elif asked.fault is not None:
            self._fail(MALFORMED)
        elif upload is not None and not upload.is_done and self._origin is not None:
            self.since = self._gateway.now
            octets = upload.take()
            if octets:
                self._origin.send(octets)

    def hold(self) -> None:
        """The visitor takes less than comes."""
        if self._origin is not None:
            self._origin.hold()

    def go_on(self) -> None:
        """The visitor takes more again."""
        self.since = self._gateway.now
        if self._origin is not None:
            self._origin.go_on()

    @property
    def takes_more(self) -> bool:
        """Whether the visitor may go on sending."""
        upload = self._upload
        if upload is None or upload.is_done or self.is_over:
            return True
        return not upload.is_waiting if self._origin is None else not self._origin.is_full

    # From the origin

    def answer_began(self, head: AnswerHead) -> None:
        """The head of the answer has come."""
        if self.visitor.is_last or not self.asked.is_whole:
            self.closes = True
        ours = self._outcome.fields if self._outcome is not None else NO_FIELDS
        manner = self._download.begin(head, self._manner(), ours=ours, declared=self._declared())
        self.closes = manner.closes

    def answer_body(self, octets: bytes) -> None:
        """A part of its body has come."""
        self._download.add(octets)

    def flush(self, *, is_whole: bool) -> None:
        """Send on what has come."""
        self.since = self._gateway.now
        octets = self._download.take(is_whole=is_whole)
        if octets:
            self.visitor.write(octets)
        if is_whole:
            self._end(aborted=False)

    def upgraded(self, rest: bytes) -> None:
        """The origin has said 101, and `rest` behind it: both connections are one stream of octets from now on."""
        if not self.is_websocket or self._origin is None:  # nobody asked for it
            self.lost()
            return
        self.closes = True
        self.visitor.write(self._download.take(is_whole=True))
        self._tunnel = Tunnel(self.visitor, self._origin, rest=rest)

    def lost(self) -> None:
        """The origin's connection has ended, or what it says makes no sense, before the answer was whole."""
        origin = self._origin
        if self._tunnel is not None:
            self.gone(is_orderly=True)
        elif origin is not None and origin.is_stale and self.may_repeat:
            self._is_repeated, self._origin = True, None
            origin.release(has_asked=True)
            self._connect(is_fresh=True)
        else:
            self._fail(UNREACHABLE)

    @property
    def may_repeat(self) -> bool:
        """Whether the request may be sent once more (rule 3)."""
        return self._upload is None and self.asked.method in _REPEATABLE and not self._is_repeated

    # The end

    def look(self, now: float) -> None:
        """End what has waited too long."""
        patience, waited, upload = self._gateway.patience, now - self.since, self._upload
        if self._tunnel is not None or self.visitor.is_full:
            return
        if self.is_connecting:
            if waited > patience.for_connection:
                self._fail(SILENT)
        elif self._origin is None:  # the driver's own time boxes end what it waits for
            return
        elif self._download.status is None and not (upload is None or upload.is_done or self._origin.is_full):
            if waited > patience.for_body:
                self._fail(STALLED)
        elif waited > patience.for_origin and not self._download.is_patient:
            self._fail(SILENT)

    def gone(self, *, is_orderly: bool) -> None:
        """Of the visitor: the connection has ended. For a WebSocket that may be in order; the tunnel ends the rest."""
        if self.is_over:
            return
        self.is_over = True
        if self._tunnel is None:
            self._let_go()
        self._tell(aborted=self._tunnel is None or not is_orderly)  # tells nothing if the driver has not decided

    def _fail(self, fault: Fault) -> None:
        """Answer with a few words, or end the connection where the answer has begun."""
        if self._download.status is not None:
            self.is_over = True
            self._let_go()
            self._tell(aborted=True)
            self.visitor.break_off(at_once=self._download.ends_with_connection)
            return
        self.closes = self.closes or fault.status not in KEEP_OPEN
        self._answer(plain(fault.status, fault.text, self._declared()))

    def _answer(self, response: Response) -> None:
        """One of Optout's answers instead of the origin's."""
        if self.visitor.is_last or not self.asked.is_whole:
            self.closes = True
        manner = self._manner()
        self._download.replace(response.status, b"" if manner.is_head else response.body)
        self.visitor.write(own_answer(response, manner))
        self._end(aborted=False)

    def _end(self, *, aborted: bool) -> None:
        self.is_over = True
        self._let_go()
        self._tell(aborted=aborted)
        self.visitor.done(self)

    def _let_go(self) -> None:
        if self.is_connecting:
            self.is_connecting = False
            self._gateway.pool.forget(self)
        origin, self._origin = self._origin, None
        if origin is not None:
            origin.release(has_asked=self._upload is None or self._upload.is_done)

    def _tell(self, *, aborted: bool) -> None:
        """Record how it ended, for a crawler."""
        outcome, request = self._outcome, self._request
        if outcome is not None and request is not None:
            passed = self._tunnel.passed if self._tunnel is not None else 0
            self._gateway.driver.ended(outcome, request, self._download.ending(passed, aborted=aborted))

    def _manner(self) -> Manner:
        asked = self.asked
        return Manner(asked.method == b"HEAD", asked.version == "1.0", self.closes)

    def _document(self) -> Response | None:
        """The answer in the origin's place, where it is a document that is made from the policy."""
        if self._destination is None:
            return None
        authority, target = self._destination
        return self._gateway.driver.document(method=as_text(self.asked.method), authority=authority, target=target)

    def _declared(self) -> Fields:
        if self._destination is None:
            return NO_FIELDS
        authority, target = self._destination
        return self._gateway.driver.declare(method=as_text(self.asked.method), authority=authority, target=target)
