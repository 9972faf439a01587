"""TD2xx: the policy that a TDM reservation points to (TDMRep, "TDM Policy"; ODRL 2.2 in JSON-LD)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from optout.lint.base import Found, Rule, Severity, shown
from optout.signals.odrl import OdrlFaultCode, TdmPolicy, parse_odrl

_REPORT = 'TDMRep, "TDM Policy"'
_CONTEXT = '"@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"]'
_HEAD = f'{{{_CONTEXT}, "@type": "Offer", "profile": "http://www.w3.org/ns/tdmrep"'
_REACHED = '"vcard:hasURL": "https://site.example/x"'
_WHO = f'"uid": "https://site.example/p", "assigner": {{"uid": "https://site.example", {_REACHED}}}'
_SOUND = f'{_HEAD}, {_WHO}, "permission": [{{"action": "tdm:mine"}}]}}'
_OWED = _SOUND.replace('"tdm:mine"', '"tdm:mine", "duty": [{"action": "compensate"}]')
_Code = OdrlFaultCode


@dataclass(frozen=True)
class PolicySource:
    """A TDM policy: its bytes, and what the parser made of them."""

    data: bytes

    @cached_property
    def policy(self) -> TdmPolicy:
        """As the profile reads it."""
        return parse_odrl(self.data)


def _of(*codes: OdrlFaultCode) -> Callable[[PolicySource], Iterator[Found]]:
    def check(source: PolicySource) -> Iterator[Found]:
        return (Found(fault.line, shown(fault.text)) for fault in source.policy.faults if fault.code in codes)

    return check


def _unreachable(source: PolicySource) -> Iterator[Found]:
    """Permissions for which something is owed, of somebody who does not say where."""
    policy = source.policy
    owed = next((each for each in policy.permissions if each.duties), None)
    if owed is not None and policy.assigner and not any(kind in _REACHED_BY for kind, _ in policy.contacts):
        duties = " and ".join(owed.duties)
        yield Found(owed.line, f"{duties} is owed, and the assigner gives no e-mail address, telephone or URL")


_REACHED_BY = frozenset({"email", "telephone", "url"})

TDM_POLICY: tuple[Rule[PolicySource], ...] = (
    Rule(
        code="TD201",
        severity=Severity.ERROR,
        title="the policy cannot be read",
        why="A policy that nobody can read is no error of the protocol: the conditions are simply unknown.",
        example=f"{_SOUND[:-1]},}}",
        instead=_SOUND,
        reference=f"{_REPORT}; RFC 8259",
        check=_of(
            _Code.TOO_LARGE,
            _Code.TOO_DEEP,
            _Code.NOT_UTF_8,
            _Code.NOT_JSON,
            _Code.NOT_AN_OBJECT,
            _Code.DUPLICATE_MEMBER,
        ),
    ),
    Rule(
        code="TD202",
        severity=Severity.ERROR,
        title="the policy is not of the profile",
        why="A reader knows the words by context, type and profile. With others it is some other document.",
        example=_SOUND.replace("Offer", "Set"),
        instead=_SOUND,
        reference=_REPORT,
        check=_of(_Code.BAD_CONTEXT, _Code.BAD_TYPE, _Code.BAD_PROFILE),
    ),
    Rule(
        code="TD203",
        severity=Severity.ERROR,
        title="the policy does not say whose it is, or what it permits",
        why="It needs a uid, exactly one assigner with a uid, and a list of permissions.",
        example=_SOUND.replace('"assigner"', '"assignee"'),
        instead=_SOUND,
        reference=_REPORT,
        check=_of(_Code.BAD_UID, _Code.BAD_ASSIGNER, _Code.BAD_PERMISSION),
    ),
    Rule(
        code="TD204",
        severity=Severity.ERROR,
        title="a permission has a word that the profile does not know",
        why="Who does not understand a condition must not use the permission, so nobody can.",
        example=_SOUND.replace('"tdm:mine"', '"tdm:mine", "duty": [{"action": "pay"}]'),
        instead=_OWED,
        reference=_REPORT,
        check=_of(_Code.BAD_ACTION, _Code.BAD_DUTY, _Code.BAD_CONSTRAINT),
    ),
    Rule(
        code="TD205",
        severity=Severity.WARNING,
        title="something in the policy is not used",
        why="An address without mailto: or tel: leads nowhere, and the profile has no rules beside permissions.",
        example=f'{_SOUND[:-1]}, "prohibition": []}}',
        instead=_SOUND,
        reference=_REPORT,
        check=_of(_Code.BAD_CONTACT, _Code.UNEXPECTED_RULE),
    ),
    Rule(
        code="TD206",
        severity=Severity.WARNING,
        title="something is owed, and nobody can be asked",
        why="Consent and payment need somebody to turn to. Who finds nobody has no way to use the permission.",
        example=_OWED.replace(f", {_REACHED}", ""),
        instead=_OWED,
        reference=f"{_REPORT}; the assigner's vcard members",
        check=_unreachable,
    ),
)
