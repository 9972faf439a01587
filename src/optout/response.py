"""What a refused crawler is told, and what every response declares (design parts 5.7, 5.8).

One refusal serves a machine and a person: RFC 9457 problem details, and for `text/html` an accessible page that
embeds the same object. Rule: nothing that a stranger sent reaches a field, and nothing reaches the page unescaped.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import assert_never

import msgspec

from optout.accept import prefers_html
from optout.decision import Decision, ReasonCode
from optout.identity import Standing
from optout.licensing.token import GrantState
from optout.messages import Fields, Request, Response
from optout.policy.model import REFUSALS, Action, Policy
from optout.refusal_page import page
from optout.signals.tdmrep import Reserved, TdmRule

PROBLEM_JSON = "application/problem+json"
# A refusal is for this visitor alone: a shared cache must not serve it to the next (peers.md part 7).
_NOT_CACHED = (("Cache-Control", "no-store"), ("Vary", "User-Agent, Signature-Agent"))
_RETRY_AFTER_S = 30
# RFC 9421 section 5.1, with what a verifier of Web Bot Auth needs (draft-ietf-webbotauth-httpsig-protocol-01).
ACCEPT_SIGNATURE = 'sig1=("@authority" "signature-agent";key="sig1");created;expires;keyid;tag="web-bot-auth"'


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """A status, the problem's title, and the OAuth-like error of a License challenge ("" for none)."""

    status: int
    title: str
    challenge: str = ""


_DENIED = _Refusal(status=403, title="Access is not granted to this crawler")
_MALFORMED = _Refusal(status=400, title="The request target is malformed")
_UNAVAILABLE = _Refusal(status=503, title="The request cannot be judged or recorded now")
_LICENSE_NEEDED = _Refusal(status=402, title="A license is required for this use")
_THROTTLED = _Refusal(status=429, title="This crawler comes more often than it may")
# Crawler Authorization Protocol, standards.md part 5.5, where the policy names a license server.
_BY_GRANT = {
    GrantState.NONE: _Refusal(status=401, title="A license token is required", challenge="invalid_request"),
    GrantState.INVALID: _Refusal(status=401, title="The license token is not valid", challenge="invalid_token"),
    GrantState.UNPAID: _Refusal(status=402, title="The license is not paid for", challenge="insufficient_scope"),
    GrantState.WRONG_USE: _Refusal(
        status=403, title="The license does not cover this use", challenge="insufficient_scope"
    ),
    GrantState.UNAVAILABLE: _Refusal(
        status=503, title="The license server cannot be reached", challenge="server_error"
    ),
    GrantState.VALID: _DENIED,
}


def respond(decision: Decision, request: Request) -> Response | None:
    """The refusal that `decision` calls for; None where the request goes on to the origin.

    The fields are the same for GET and HEAD. A Range or a condition of the request does not apply to a refusal
    (RFC 9110 sections 13.2.1 and 14.2: both are evaluated only for what would be a 200).
    """
    prepared = prepare(decision, request.authority, as_page=prefers_html(request.fields))
    return None if prepared is None else prepared.numbered(request.id)


def unavailable(decision: Decision, request: Request) -> Response:
    """503 for a crawler whose request could not be judged, or not put on record (design parts 4 and 5.3)."""
    as_page = prefers_html(request.fields)
    return _render(_UNAVAILABLE, decision, request.authority, as_page=as_page).numbered(request.id)


NIL_NUMBER = b"00000000-0000-0000-0000-000000000000"
"""The nil UUID, which stands in a prepared refusal for the request's own: as long as any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A refusal but for the number of the request: made once for all requests that are told the same."""

    status: int
    fields: Fields
    body: bytes

    def numbered(self, request_id: str) -> Response:
        """The refusal of the request with this id, a UUID."""
        return Response(status=self.status, fields=self.fields, body=self.body.replace(NIL_NUMBER, request_id.encode()))


def prepare(decision: Decision, authority: str, *, as_page: bool) -> Prepared | None:
    """What `respond` answers at one site, as problem details or as a page; None where nothing is refused."""
    if not decision.enforced or decision.action not in REFUSALS:
        return None
    return _render(_refusal(decision), decision, authority, as_page=as_page)


def prepare_both(decision: Decision, authority: str) -> tuple[Prepared, bytes] | None:
    """What `prepare` makes as problem details, and the body that it makes as a page, for the price of hardly more."""
    if not decision.enforced or decision.action not in REFUSALS:
        return None
    refusal = _refusal(decision)
    problem = _problem(refusal, decision)
    return _as_details(refusal, problem, decision, authority), page(refusal.title, problem)


def bad_request() -> Response:
    """400 for a request that names two destinations; it says nothing about the visitor and is not recorded."""
    body = b"The request names no host, or more than one.\n"
    fields = Fields((("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(body))), *_NOT_CACHED))
    return Response(status=400, fields=fields, body=body)


def declare(policy: Policy, rule: TdmRule | None, authority: str) -> Fields:
    """The declaring fields for a GET or HEAD response of the site, whoever asks (design part 5.8).

    TDMRep section "HTTP header": `tdm-reservation` and, where reserved, `tdm-policy`. An unset reservation adds
    nothing: unknown is never turned into 0.
    """
    items: list[tuple[str, str]] = []
    if rule is not None and rule.reserved is not Reserved.UNSET:
        reserved = rule.reserved is Reserved.RESERVED
        items.append(("tdm-reservation", "1" if reserved else "0"))
        where = rule.policy or policy.tdm_policy
        if reserved and where:
            items.append(("tdm-policy", where))
    if policy.license:
        items.append(("Link", _link(_absolute(policy.license, policy, authority), "license", "application/rsl+xml")))
    return Fields(tuple(items))


def _refusal(decision: Decision) -> _Refusal:
    if decision.deciding.code is ReasonCode.MALFORMED_TARGET:
        return _MALFORMED
    match decision.action:
        case Action.DENY:
            return _DENIED
        case Action.REQUIRE_LICENSE:
            if not decision.policy.license_server:
                return _LICENSE_NEEDED
            return _BY_GRANT[decision.grant.state if decision.grant else GrantState.NONE]
        case Action.THROTTLE:
            return _THROTTLED
        case Action.ALLOW:
            return _UNAVAILABLE
        case _:
            assert_never(decision.action)


def _render(refusal: _Refusal, decision: Decision, authority: str, *, as_page: bool) -> Prepared:
    problem = _problem(refusal, decision)
    if not as_page:
        return _as_details(refusal, problem, decision, authority)
    return _prepared(refusal, "text/html; charset=utf-8", page(refusal.title, problem), decision, authority)


def _as_details(refusal: _Refusal, problem: dict[str, object], decision: Decision, authority: str) -> Prepared:
    return _prepared(refusal, PROBLEM_JSON, msgspec.json.encode(problem) + b"\n", decision, authority)


def _prepared(refusal: _Refusal, content_type: str, body: bytes, decision: Decision, authority: str) -> Prepared:
    items = [("Content-Type", content_type), ("Content-Length", str(len(body))), *_NOT_CACHED]
    items += _offer_fields(refusal, decision, authority)
    return Prepared(status=refusal.status, fields=Fields(tuple(items)), body=body)


def _offer_fields(refusal: _Refusal, decision: Decision, authority: str) -> list[tuple[str, str]]:
    policy = decision.policy
    items: list[tuple[str, str]] = []
    if policy.license:
        items.append(("Link", _link(_absolute(policy.license, policy, authority), "license", "application/rsl+xml")))
    if policy.terms:
        items.append(("Link", _link(_absolute(policy.terms, policy, authority), "terms-of-service", "text/html")))
    if refusal.challenge and refusal.status in (401, 402):
        text = f'License error="{refusal.challenge}", error_description="{refusal.title}"'
        items.append(("WWW-Authenticate", text))
    if refusal.status in (401, 402, 403) and _would_hear_proof(decision):
        items.append(("Accept-Signature", ACCEPT_SIGNATURE))
    if refusal.status in (429, 503):
        spent = decision.rates[0].rate if refusal is _THROTTLED and decision.rates else None
        items.append(("Retry-After", str(_RETRY_AFTER_S if spent is None else spent.retry_after_s)))
    rule = decision.reservation
    if rule is not None and rule.reserved is Reserved.RESERVED:
        items.append(("tdm-reservation", "1"))
        where = rule.policy or policy.tdm_policy
        if where:
            items.append(("tdm-policy", where))
    return items


def _would_hear_proof(decision: Decision) -> bool:
    """Whether the policy asks how sure the claim is, of a crawler that is known to sign, and it is not proven yet."""
    agent = decision.agent
    crawler = agent.claim.crawler
    if agent.standing is Standing.VERIFIED or not crawler.signature_agents:
        return False
    return any(clause.standings and clause.names(crawler, agent.purposes) for clause in decision.policy.clauses)


def _absolute(url: str, policy: Policy, authority: str) -> str:
    """A site-relative URL as RSL wants it, absolute; as it stands where only the visitor named the site.

    A host that a stranger chose reaches no field: behind a careless cache it would reach others (peers.md part 7).
    """
    name = authority.partition(":")[0]
    if not url.startswith("/") or not {authority, name} & set(policy.sites):
        return url
    return f"https://{authority}{url}"


def _link(url: str, relation: str, media_type: str) -> str:
    return f'<{url}>; rel="{relation}"; type="{media_type}"'


def _problem(refusal: _Refusal, decision: Decision) -> dict[str, object]:
    """The problem details object (RFC 9457 section 3); extension members are lower case."""
    agent, deciding = decision.agent, decision.deciding
    found: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(refusal.status).phrase,  # RFC 9457 section 4.2.1: what about:blank calls for
        "status": refusal.status,
        "detail": f"{refusal.title}. {_detail(decision)}",
        "instance": f"urn:uuid:{NIL_NUMBER.decode()}",
        "code": deciding.code.value,
        "reason": deciding.text,
        "action": decision.action.value,
        "clause": decision.clause,
        "source": str(deciding.source) if deciding.source else None,
        "agent": {
            "name": agent.claim.crawler.name,
            "operator": agent.claim.crawler.operator,
            "purpose": agent.purpose.value,
            "standing": agent.standing.value,
        },
    }
    return {key: value for key, value in found.items() if value} | offer(decision)


def offer(decision: Decision) -> dict[str, str]:
    """Where a refused crawler can get what it needs: the members of the problem that every such refusal has alike."""
    policy = decision.policy
    found = {
        "contact": policy.contact,
        "license": policy.license,
        "license_server": policy.license_server,
        "tdm_policy": _tdm_policy(decision),
        "terms": policy.terms,
    }
    return {key: value for key, value in found.items() if value}


def _tdm_policy(decision: Decision) -> str:
    rule = decision.reservation
    if rule is None or rule.reserved is not Reserved.RESERVED:
        return ""
    return rule.policy or decision.policy.tdm_policy


def _detail(decision: Decision) -> str:
    crawler = decision.agent.claim.crawler
    who = f"This request calls itself {crawler.name} ({crawler.operator})."
    rule = f"Decided by {str(decision.deciding).rstrip('.')}."
    offer = "A license can be had: see terms, license and contact." if _has_offer(decision) else ""
    return " ".join(part for part in (who, rule, offer) if part)


def _has_offer(decision: Decision) -> bool:
    policy = decision.policy
    offered = bool(policy.terms or policy.license or policy.contact)
    return decision.action is Action.REQUIRE_LICENSE and offered
