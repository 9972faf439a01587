"""PD1xx: a TDM policy document, as the section "TDM Policy" of the TDM Reservation Protocol writes it (ODRL 2.2)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from optout.lint.base import Found, Rule, Severity, shown
from optout.signals.tdmrep import is_absolute_url

_CONTEXTS = ("http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld")
_PROFILE = "http://www.w3.org/ns/tdmrep"
_WAYS = ("vcard:hasEmail", "vcard:hasURL", "vcard:hasTelephone", "vcard:hasAddress")
_DUTIES = ("obtainConsent", "compensate")
_LARGEST = 256 * 1024  # octets: a policy has one or two thousand
_MOST = 20  # permissions, and duties of each, that are looked at
_SECTION = 'TDMRep, "TDM Policy"'


@dataclass(frozen=True)
class PolicySource:
    """The bytes of a policy document."""

    data: bytes

    @cached_property
    def policy(self) -> dict[str, object] | None:
        """The document's object; None where there is none."""
        try:
            found = json.loads(self.data) if len(self.data) <= _LARGEST else None
        except (ValueError, RecursionError):
            return None
        return found if isinstance(found, dict) else None


def is_policy(media_type: str, data: bytes) -> bool:
    """Whether a document that `tdm-policy` names means to be one for machines; a page for people is good, too."""
    return media_type in ("application/json", "application/ld+json") or data.lstrip()[:1] == b"{"


_Check = Callable[[dict[str, object]], Iterator[str]]


def _of_object(check: _Check) -> Callable[[PolicySource], Iterator[Found]]:
    def found(source: PolicySource) -> Iterator[Found]:
        if source.policy is not None:
            for text in check(source.policy):
                yield Found(0, shown(text))

    return found


def _listed(value: object) -> list[object]:
    """What JSON-LD lets stand alone or in an array."""
    return [] if value is None else value[:_MOST] if isinstance(value, list) else [value]


def _unreadable(source: PolicySource) -> Iterator[Found]:
    if source.policy is None:
        yield Found(0, "the policy is no JSON object")


def _context(policy: dict[str, object]) -> Iterator[str]:
    named = _listed(policy.get("@context"))
    for context in _CONTEXTS:
        if context not in named:
            yield f"@context lacks {context}"


def _type(policy: dict[str, object]) -> Iterator[str]:
    if policy.get("@type") != "Offer":
        yield "@type is not Offer"
    if policy.get("profile") != _PROFILE:
        yield f"profile is not {_PROFILE}"


def _uid(policy: dict[str, object]) -> Iterator[str]:
    uid = policy.get("uid")
    if not isinstance(uid, str) or ":" not in uid:
        yield "uid is no URI"


def _assigner(policy: dict[str, object]) -> Iterator[str]:
    assigner = policy.get("assigner")
    if not isinstance(assigner, dict):
        yield "there is no single assigner"
        return
    if not isinstance(assigner.get("uid"), str):
        yield "the assigner has no uid"
    if not any(assigner.get(way) for way in _WAYS):
        yield "the assigner has no address, e-mail, telephone or page"
    email, page = assigner.get("vcard:hasEmail"), assigner.get("vcard:hasURL")
    if email is not None and not (isinstance(email, str) and email.startswith("mailto:")):
        yield "vcard:hasEmail is no mailto: address"
    if page is not None and not (isinstance(page, str) and is_absolute_url(page)):
        yield "vcard:hasURL is no absolute http or https URL"


def _permission(policy: dict[str, object]) -> Iterator[str]:
    permissions = _listed(policy.get("permission"))
    if not any(isinstance(each, dict) and each.get("action") == "tdm:mine" for each in permissions):
        yield "no permission has the action tdm:mine"


def _duties(policy: dict[str, object]) -> Iterator[str]:
    for permission in _listed(policy.get("permission")):
        for duty in _listed(permission.get("duty")) if isinstance(permission, dict) else ():
            action = duty.get("action") if isinstance(duty, dict) else None
            if not isinstance(action, str):  # never written out: what is deep enough cannot be
                yield "a duty has no action"
            elif action not in _DUTIES:
                yield f"the duty {action[:40]} is neither obtainConsent nor compensate"


def _beside(policy: dict[str, object]) -> Iterator[str]:
    for name in ("obligation", "prohibition"):
        if name in policy:
            yield f"{name} stands beside the permission"


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

TDM_POLICY: tuple[Rule[PolicySource], ...] = (
    Rule(
        code="PD101",
        severity=_E,
        title="the policy cannot be read",
        why="It is served as JSON and is none: who follows tdm-policy learns nothing.",
        example='{"@type": "Offer",}',
        instead='{"@type": "Offer"}',
        reference=_SECTION,
        check=_unreadable,
    ),
    Rule(
        code="PD102",
        severity=_W,
        title="a context is missing",
        why="Readers of JSON-LD learn from the two contexts what the words mean.",
        example=f'"@context": "{_CONTEXTS[0]}"',
        instead=f'"@context": ["{_CONTEXTS[0]}", "{_CONTEXTS[1]}"]',
        reference=_SECTION,
        check=_of_object(_context),
    ),
    Rule(
        code="PD103",
        severity=_W,
        title="the policy is no offer under the profile",
        why="Only an Offer with the profile of TDMRep is read as a TDM policy.",
        example='"@type": "Policy"',
        instead=f'"@type": "Offer", "profile": "{_PROFILE}"',
        reference=_SECTION,
        check=_of_object(_type),
    ),
    Rule(
        code="PD104",
        severity=_W,
        title="the policy has no uid",
        why="A license that refers to the policy names it by its uid.",
        example='"uid": 1',
        instead='"uid": "https://photos.example/policies/tdm-1"',
        reference=_SECTION,
        check=_of_object(_uid),
    ),
    Rule(
        code="PD105",
        severity=_E,
        title="nobody can be asked",
        why="The policy is there so that somebody can be asked for a license; without an assigner who can be reached "
        "nobody is.",
        example='"assigner": {"uid": "https://photos.example"}',
        instead='"assigner": {"uid": "https://photos.example", "vcard:hasEmail": "mailto:rights@photos.example"}',
        reference=_SECTION,
        check=_of_object(_assigner),
    ),
    Rule(
        code="PD106",
        severity=_E,
        title="no permission is about mining",
        why="What the policy offers is the permission to mine; any other action offers something else.",
        example='"permission": [{"action": "use"}]',
        instead='"permission": [{"action": "tdm:mine", "duty": [{"action": "obtainConsent"}]}]',
        reference=_SECTION,
        check=_of_object(_permission),
    ),
    Rule(
        code="PD107",
        severity=_W,
        title="a duty is unknown",
        why="The profile knows two duties; another one is passed over, and the permission then stands without it.",
        example='"duty": [{"action": "pay"}]',
        instead='"duty": [{"action": "compensate"}]',
        reference=_SECTION,
        check=_of_object(_duties),
    ),
    Rule(
        code="PD108",
        severity=_N,
        title="something stands beside the permission",
        why="The profile wants neither obligations nor prohibitions at the top; readers pass over them.",
        example='"prohibition": [{"action": "tdm:mine"}]',
        instead='a duty or a constraint within "permission"',
        reference=_SECTION,
        check=_of_object(_beside),
    ),
)
"""Every rule for a TDM policy, by code."""
