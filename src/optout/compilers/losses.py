"""What a compiled policy cannot do, said by itself: a list that depends on what the policy asks for.

A difference between a front end and Optout is either here or a fault. `optout compile` prints the list, and says what
to send to forward-auth instead.
"""

from __future__ import annotations

from collections.abc import Iterator

from optout.compilers.edge import Answer, CrawlerClass, Declared, Loss
from optout.identity import Standing
from optout.policy.model import ClauseAction, Mode, OnReservation, Policy

_ASK = "route possible crawlers to Optout instead: optout compile nginx --route"


def losses(
    policy: Policy, classes: tuple[CrawlerClass, ...], declared: tuple[Declared, ...], *, states_uses: bool
) -> tuple[Loss, ...]:
    """The losses of one policy, in the order in which an owner should read them.

    `states_uses`: robots.txt has records that state preferences for uses.
    """
    return tuple(_losses(policy, classes, declared, states_uses=states_uses))


def _losses(
    policy: Policy, classes: tuple[CrawlerClass, ...], declared: tuple[Declared, ...], *, states_uses: bool
) -> Iterator[Loss]:
    yield Loss(
        code="live-declarations",
        text="robots.txt and tdmrep.json are read once, when this is compiled; later changes have no effect",
        remedy="compile again after each change, for example from the script that publishes them",
    )
    yield Loss(
        code="evidence-afterwards",
        text="nothing is on record before content goes out: records come from the front end's log, and its clock",
        remedy=f"run `optout evidence ingest` on the log; where the order matters, {_ASK}",
    )
    yield Loss(
        code="off-switch",
        text="`optout off` does not reach the front end",
        remedy="take the include out and reload the front end",
    )
    yield Loss(
        code="identity",
        text="signatures, address lists and reverse DNS are not checked: every claim is unverified",
        remedy=_ASK,
    )
    refusing = any(isinstance(each.ambiguous, Answer) for each in classes)
    if refusing:
        yield Loss(
            code="ambiguous-targets",
            text="a target that can be read in several ways (//, /., ;, escaped delimiters, needless escapes, #)"
            " gets the strictest answer that the policy has for the crawler; Optout judges each reading",
            remedy=_ASK,
        )
        yield Loss(
            code="several-crawlers",
            text="a request that names several crawlers is judged as the most restricted of them alone",
            remedy=_ASK,
        )
    if any(clause.standings - {Standing.UNVERIFIED, Standing.CONTRADICTED} for clause in policy.clauses):
        yield Loss(
            code="standing",
            text="clauses about verified or consistent crawlers never apply",
            remedy=_ASK,
        )
    if any(clause.mode is Mode.OBSERVE for clause in policy.clauses):
        yield Loss(
            code="observed-clauses",
            text="what a clause in observe mode would have done is not recorded",
            remedy=_ASK,
        )
    if any(clause.action is ClauseAction.THROTTLE for clause in policy.clauses):
        yield Loss(
            code="rates",
            text="clauses with a rate turn nobody away: who is let in may come as often as it likes",
            remedy=_ASK,
        )
    if policy.license_server:
        yield Loss(
            code="licenses",
            text="license tokens cannot be checked: who brings one is told that one is required",
            remedy="send requests with `Authorization: License` to forward-auth, or all possible crawlers",
        )
    if states_uses and policy.on_reservation is not OnReservation.DECLARE:
        yield Loss(
            code="usage-preferences",
            text="Content-Usage and Content-Signal in robots.txt refuse nobody here, though the policy makes a"
            " reservation refuse",
            remedy=f"name the purposes in clauses of the policy, or {_ASK}",
        )
    if refusing and any(each.reserved for each in declared):
        yield Loss(
            code="tdm-policy-member",
            text="the body of a refusal names no tdm_policy, except where the reservation itself refuses; the field"
            " tdm-policy does",
            remedy="none is needed: the field is what TDMRep asks for",
        )
