"""What a policy says to one crawler, path by path, as far as a document can repeat it.

A document is read by everybody and knows only names and paths. So a clause that observes, that depends on how sure it
is who asks, that only says how often, or that leaves GET out is passed over; `losses` says so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from optout.compilers.documents.ordered import EVERYWHERE, Line
from optout.crawlers.model import AI_PURPOSES, Crawler, Purpose
from optout.policy.model import Action, Clause, ClauseAction, Mode, OnReservation, Policy
from optout.robots.model import Rule

MINING = frozenset({Purpose.TRAIN, Purpose.DATASET})


def nobody(*purposes: Purpose) -> Crawler:
    """A crawler that no policy can name: what is said to it is said to everybody with its purposes."""
    return Crawler(name="\0", operator="\0", purposes=purposes)


def can_be_told(clause: Clause) -> bool:
    """Whether a document can repeat a clause. Nobody fetches a page with anything but GET."""
    decides = clause.mode is not Mode.OBSERVE and clause.action is not ClauseAction.THROTTLE
    return decides and not clause.standings and (not clause.methods or "GET" in clause.methods)


def refuses(clause: Clause) -> bool:
    """Whether a clause says no."""
    return clause.action in (ClauseAction.DENY, ClauseAction.REQUIRE_LICENSE)


def is_permission(clause: Clause) -> bool:
    """Whether a clause permits a use: it lets in and names a purpose. Else it lets a crawler in, and no more."""
    return clause.action is ClauseAction.ALLOW and bool(clause.purposes)


def lines_for(
    policy: Policy,
    crawler: Crawler,
    purposes: frozenset[Purpose],
    reserved: tuple[Line, ...] = (),
    base: Sequence[Rule] = (),
) -> tuple[Line, ...]:
    """What holds for `crawler` where it acts with `purposes`, the first match first; the last line is for all paths.

    `reserved` are the lines of tdmrep.json, which count where the policy refuses what is reserved. `base` are the rules
    that bind the crawler in the robots.txt below the clauses, in the order in which they decide.
    """
    return tuple(_lines(policy, crawler, purposes, reserved, base))


def _lines(
    policy: Policy,
    crawler: Crawler,
    purposes: frozenset[Purpose],
    reserved: tuple[Line, ...],
    base: Sequence[Rule],
) -> Iterator[Line]:
    gate = tuple(_gate(policy, purposes, reserved))
    default = Action.ALLOW if purposes.isdisjoint(AI_PURPOSES) else policy.default
    # What is let in by a rule, or handed on by a clause, gets what follows; where that differs, the stricter.
    handed_on = next((line.action for line in gate if not line.allows), default)
    for clause in policy.clauses:
        if not can_be_told(clause) or not clause.names(crawler, purposes):
            continue
        if clause.action is not ClauseAction.PUBLISHED:
            action = Action(clause.action)
        elif any(not rule.allow for rule in base):
            action = policy.on_disallow  # which of its paths the rules below forbid cannot be told apart
        else:
            action = handed_on
        explicit = refuses(clause) or is_permission(clause)
        for pattern in clause.paths or (EVERYWHERE,):
            yield Line(pattern=pattern, action=action, place=clause.place, explicit=explicit)
    yield from (
        Line(
            pattern=rule.pattern,
            action=handed_on if rule.allow else policy.on_disallow,
            place=policy.default_place,
            explicit=False,
        )
        for rule in base
        if rule.pattern.pieces
    )
    yield from gate
    explicit = default is not Action.ALLOW
    yield Line(pattern=EVERYWHERE, action=default, place=policy.default_place, explicit=explicit)


def _gate(policy: Policy, purposes: frozenset[Purpose], reserved: tuple[Line, ...]) -> Iterator[Line]:
    """What a reservation refuses (`on_reservation`), to crawlers whose purposes are all reserved."""
    if policy.on_reservation is OnReservation.DECLARE or not purposes <= MINING:
        return
    for line in reserved:
        action = policy.default if line.allows else Action(policy.on_reservation)
        yield Line(pattern=line.pattern, action=action, place=line.place, explicit=not line.allows)
