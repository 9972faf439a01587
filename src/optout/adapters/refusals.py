"""A crawler in a loop: who asks the same thing again is told the same again, and is not judged anew.

Rule 1: what the same is, the door says: all of a head that it takes in, and whose it is. The number and the time of the
        refusal differ, and so does its record.
Rule 2: it stands while nothing has changed that a decision rests on: the policies, what the site has published, what
        address lists say, the off switch. An answer that rests on a license, a signature, a fault or a missing
        record is never given again.
Rule 3: it is recorded and counted like any other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable

from optout.adapters.driver import Driver
from optout.adapters.intake import mono_us, now_us
from optout.engine import Engine, Outcome
from optout.errors import EvidenceError
from optout.evidence.clock import new_id
from optout.evidence.form import Filled, Form
from optout.evidence.probe import PROBE
from optout.evidence.schema import Value
from optout.messages import Request, Response
from optout.policy.model import Action
from optout.record import Record

_OWN = frozenset({"id", "time_us", "mono_us", "decision.us"})
_GIVEN_AGAIN = frozenset({Action.DENY, Action.REQUIRE_LICENSE})
_MOST = 64  # heads of up to 64 KB each, written by strangers
_MOST_SEEN = 2048


class Refusal:
    """A refusal as the next request like it would get it."""

    __slots__ = ("_body", "_driver", "_engine", "_form", "_outcome", "_private", "_request", "answer")

    def __init__(self, driver: Driver, engine: Engine, request: Request, outcome: Outcome) -> None:
        assert outcome.response is not None  # noqa: S101  `refusal_of` looked
        assert outcome.record is not None  # noqa: S101  `refusal_of` looked
        self.answer = outcome.response
        self._driver, self._engine = driver, engine
        self._request, self._outcome = request, outcome
        shared = {name: value for name, value in outcome.record.public.items() if name not in _OWN}
        self._form, self._private = Form(shared), outcome.record.private
        self._body = outcome.response.body.split(request.id.encode())

    @staticmethod
    def number() -> str:
        """A number for it to be given under."""
        return new_id(now_us())

    @property
    def stands(self) -> bool:
        """Whether what was decided would be decided again."""
        return (
            self._driver.is_unchanged(self._engine, self._request.authority, self._outcome.published)
            and self._is_nobody_else
        )

    @property
    def _is_nobody_else(self) -> bool:
        """Whether the address lists still say of this client what they said: they grow old, and may be doubted."""
        engine, agent = self._engine, self._outcome.decision.agent
        return not engine.lists or engine.identify(agent.claim, self._request.client, now_us()) is agent

    def body(self, number: str) -> bytes:
        """The body of the answer with this number."""
        return number.encode().join(self._body)

    def numbered(self, number: str) -> Response:
        """The answer with this number."""
        return Response(status=self.answer.status, fields=self.answer.fields, body=self.body(number))

    def counts_alone(self) -> bool:
        """Count it, if that is all there is to do: where no record is kept."""
        return self._driver.counts_alone(self._outcome)

    def put_on_record(self, number: str, then: Callable[[Outcome], None]) -> None:
        """Record it under this number. `then` is told when that is done, or counted: it goes out in either case.

        Before this call ends where no log is kept.
        """
        outcome, now = self._outcome, now_us()
        own: dict[str, Value] = {"id": number, "time_us": now, "mono_us": mono_us(), "decision.us": 0}
        record = Record(public=Filled(self._form, own), private=self._private)
        self._driver.on_record(
            Outcome(
                decision=outcome.decision,
                response=outcome.response,
                record=record,
                fails_closed=False,
                published=outcome.published,
            ),
            self._request,
            then,
        )

    async def recorded(self) -> str:
        """A number for it, once it is on record under that, or counted."""
        number, told = self.number(), asyncio.get_running_loop().create_future()
        self.put_on_record(number, lambda _: None if told.done() else told.set_result(None))
        await told
        return number


def refusal_of(driver: Driver, engine: Engine, request: Request, outcome: Outcome) -> Refusal | None:
    """What a request like this one would get; None where it has to be judged. `engine` judged this one."""
    decision = outcome.decision
    may_be_given_again = (
        outcome.response is not None
        and outcome.record is not None
        and outcome.record.public.get("type") != PROBE  # the same field once more is an ordinary request
        and decision.grant is None
        and not outcome.is_signed
        and decision.action in _GIVEN_AGAIN
        and decision.clause != "fault"
    )
    try:
        return Refusal(driver, engine, request, outcome) if may_be_given_again else None
    except EvidenceError:  # no record: the log says so each time
        return None


class Refusals:
    """The refusals that one door gave last, by what the door takes for the same request. Memory is bounded.

    One is kept when the same comes a second time: most crawlers ask for each page once, and making it costs as much as
    it spares. What has come once is known by Python's hash alone.
    """

    __slots__ = ("_driver", "_kept", "_seen")

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._kept: dict[Hashable, Refusal] = {}
        self._seen: set[int] = set()

    def find(self, same: Hashable) -> Refusal | None:
        """The refusal for the same request, if it stands."""
        found = self._kept.get(same)
        return found if found is not None and found.stands else None

    def note(self, same: Hashable, engine: Engine, request: Request, outcome: Outcome) -> None:
        """What came of a request that `engine` judged."""
        if outcome.response is None:
            return
        number = hash(same)
        if number not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(number)
            return
        refusal = refusal_of(self._driver, engine, request, outcome)
        if refusal is not None:
            if len(self._kept) >= _MOST:
                self._kept.clear()
            self._kept[same] = refusal
