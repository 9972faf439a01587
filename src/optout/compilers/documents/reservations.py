"""tdmrep.json and the policy that it points to (TDM Reservation Protocol, W3C Community Group Report, 2024-05-10).

One bit for all text and data mining, for everybody. Reserved is a path on which some crawler without a name of its own
may not train or collect. Not reserved is one on which a clause lets in every purpose of AI, each by its name, because
"0" grants all mining. On all others nothing is said. The first match decides, and the longest one is the same.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from optout.compilers.documents.clauses import MINING, can_be_told, is_permission, nobody
from optout.compilers.documents.ordered import EVERYWHERE, Line, Ordered, by_length
from optout.crawlers.model import AI_PURPOSES
from optout.policy.model import REFUSALS, Action, ClauseAction, Policy


def reservations(policy: Policy) -> Ordered:
    """The lines of tdmrep.json: a refusal is "1", a permission is "0"."""
    return by_length(tuple(_reservations(policy)))


def _reservations(policy: Policy) -> Iterator[Line]:
    for clause in policy.clauses:
        if not can_be_told(clause) or clause.action is ClauseAction.PUBLISHED:
            continue
        named = {purpose for purpose in AI_PURPOSES if clause.names(nobody(purpose), frozenset({purpose}))}
        action = Action(clause.action)
        if is_permission(clause) and named >= AI_PURPOSES if action is Action.ALLOW else named & MINING:
            for pattern in clause.paths or (EVERYWHERE,):
                yield Line(pattern=pattern, action=action, place=clause.place)
    if policy.default in REFUSALS:
        yield Line(pattern=EVERYWHERE, action=policy.default, place=policy.default_place)


def tdmrep_json(lines: tuple[Line, ...], policy_url: str) -> bytes:
    """The file's bytes (section "TDM File on the Origin Server")."""
    rules = []
    for line in lines:
        rule: dict[str, object] = {
            "location": line.pattern.written,
            "tdm-reservation": 0 if line.allows else 1,
        }
        if policy_url and not line.allows:
            rule["tdm-policy"] = policy_url
        rules.append(rule)
    return json.dumps(rules, indent=2, ensure_ascii=True).encode("ascii") + b"\n"


CONTEXTS = ("http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld")
PROFILE = "http://www.w3.org/ns/tdmrep"


def odrl_json(policy: Policy, *, uid: str, site: str) -> bytes:
    """The TDM policy as an ODRL 2.2 offer (section "TDM Policy"): mining with the consent of whoever runs `site`.

    A policy names no price and no kind of research, so neither stands here.
    """
    assigner: dict[str, object] = {"uid": site}
    if policy.contact.startswith("mailto:"):
        assigner["vcard:hasEmail"] = policy.contact
    page = policy.terms or ("" if policy.contact.startswith("mailto:") else policy.contact)
    if page:
        assigner["vcard:hasURL"] = f"{site}{page}" if page.startswith("/") else page
    offer = {
        "@context": list(CONTEXTS),
        "@type": "Offer",
        "profile": PROFILE,
        "uid": uid,
        "assigner": assigner,
        "permission": [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}],
    }
    return json.dumps(offer, indent=2, ensure_ascii=True).encode("ascii") + b"\n"
