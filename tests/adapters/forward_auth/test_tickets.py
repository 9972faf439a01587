"""Refusals that wait to be fetched: once, for half a minute, and not too many."""

from __future__ import annotations

from optout.adapters.forward_auth.tickets import WAIT_S, Tickets
from optout.messages import Fields, Response


def refusal(status: int = 402) -> Response:
    return Response(status=status, fields=Fields(), body=b"")


def test_a_refusal_is_fetched_once() -> None:
    tickets = Tickets()
    tickets.keep("a", refusal())
    assert tickets.take("a") == refusal()
    assert tickets.take("a") is None


def test_an_unknown_ticket_gets_nothing() -> None:
    tickets = Tickets()
    tickets.keep("a", refusal())
    assert tickets.take("b") is None
    assert len(tickets) == 1


def test_a_ticket_counts_for_half_a_minute() -> None:
    now = 0.0
    tickets = Tickets(clock=lambda: now)
    tickets.keep("a", refusal())
    tickets.keep("b", refusal())
    now = WAIT_S - 1
    assert tickets.take("a") is not None
    now = WAIT_S
    assert tickets.take("b") is None


def test_what_nobody_fetches_is_let_go() -> None:
    now = 0.0
    tickets = Tickets(clock=lambda: now)
    for number in range(100):
        tickets.keep(str(number), refusal())
    now = WAIT_S
    tickets.keep("last", refusal())
    assert len(tickets) == 1


def test_only_so_many_wait_and_the_oldest_go_first() -> None:
    tickets = Tickets(most=3)
    for number in range(5):
        tickets.keep(str(number), refusal(400 + number))
    assert len(tickets) == 3
    assert tickets.take("1") is None
    assert tickets.take("2") == refusal(402)
