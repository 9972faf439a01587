"""What a policy says to one crawler, as far as a document can repeat it."""

from __future__ import annotations

from optout.compilers.documents.clauses import lines_for, nobody
from optout.compilers.documents.ordered import EVERYWHERE, Line
from optout.crawlers.model import Purpose
from optout.policy.model import Action, Place
from tests.compilers.documents.published import policy

TRAIN = frozenset({Purpose.TRAIN})


def said(more: str, default: str = "allow", reserved: tuple[Line, ...] = ()) -> list[tuple[str, str, int, bool]]:
    lines = lines_for(policy(more, default), nobody(Purpose.TRAIN), TRAIN, reserved)
    return [(line.pattern.written, line.action.value, line.place.line, line.explicit) for line in lines]


def test_clauses_come_in_order_and_the_default_last() -> None:
    more = "clauses:\n  - {action: allow, path: [/a, /b]}\n  - {action: deny, purpose: train}\n"
    assert said(more) == [
        ("/a", "allow", 7, False),
        ("/b", "allow", 7, False),
        ("/", "deny", 8, True),
        ("/", "allow", 5, False),
    ]


def test_a_default_that_refuses_is_said_on_purpose() -> None:
    assert said("", "deny") == [("/", "deny", 5, True)]


def test_what_a_document_cannot_repeat_is_passed_over() -> None:
    more = (
        "clauses:\n  - {action: deny, mode: observe}\n  - {action: deny, standing: verified}\n"
        "  - {action: deny, method: POST}\n  - {action: deny, purpose: seo}\n  - {action: deny, crawler: GPTBot}\n"
    )
    assert said(more) == [("/", "allow", 5, False)]


def test_handing_on_says_what_follows() -> None:
    assert said("clauses: [{action: published, path: /a}]\n", "deny")[0] == ("/a", "deny", 6, False)


def test_a_reservation_that_refuses_stands_before_the_default() -> None:
    reserved = (Line(pattern=EVERYWHERE, action=Action.DENY, place=Place(file="", line=9)),)
    assert said("on_reservation: deny\n", reserved=reserved)[0] == ("/", "deny", 9, True)
    assert said("on_reservation: declare\n", reserved=reserved) == [("/", "allow", 5, False)]
