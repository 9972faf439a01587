"""TD1xx: tdmrep.json (TDM Reservation Protocol, W3C Community Group Final Report, 2024-05-10)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from optout.lint.base import Found, Rule, Severity, shown
from optout.robots.model import PathPattern
from optout.signals.tdmrep import Reserved, TdmFaultCode, TdmRep, TdmRule, parse_tdmrep

_REPORT = 'TDMRep, "TDM File on the Origin Server"'
_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class TdmSource:
    """A tdmrep.json: its bytes, and what the parser made of them."""

    data: bytes

    @cached_property
    def rep(self) -> TdmRep:
        """As the protocol reads it."""
        return parse_tdmrep(self.data)


def _of(*codes: TdmFaultCode) -> Callable[[TdmSource], Iterator[Found]]:
    def check(source: TdmSource) -> Iterator[Found]:
        return (Found(fault.line, shown(fault.text)) for fault in source.rep.faults if fault.code in codes)

    return check


def _takes_all_behind(pattern: PathPattern) -> bytes | None:
    """What every path that begins so has in common with this pattern; None where that alone does not decide."""
    if pattern.anchored or len(pattern.pieces) > 2 or (len(pattern.pieces) == 2 and pattern.pieces[1]):
        return None
    return pattern.literal_prefix if pattern.pieces else None


def _shadowed(source: TdmSource) -> Iterator[Found]:
    earlier: dict[bytes, TdmRule] = {}
    for rule in source.rep.rules:
        prefix = rule.location.literal_prefix
        by = next((earlier[prefix[:end]] for end in range(len(prefix) + 1) if prefix[:end] in earlier), None)
        if by is not None:
            yield Found(rule.line, f"the rule of line {by.line} takes every path of this one, and the first counts")
        taken = _takes_all_behind(rule.location)
        if taken is not None:
            earlier.setdefault(taken, rule)


def _useless_policy(source: TdmSource) -> Iterator[Found]:
    for rule in source.rep.rules:
        if rule.policy and rule.reserved is not Reserved.RESERVED:
            yield Found(rule.line, "a policy beside anything but 1 is not to be processed")


def _insecure_policy(source: TdmSource) -> Iterator[Found]:
    for rule in source.rep.rules:
        if rule.policy.lower().startswith("http:"):
            yield Found(rule.line, "whoever sits between can put other terms in the place of yours")


def _nothing(source: TdmSource) -> Iterator[Found]:
    if not source.rep.rules:
        yield Found(0, "no rule is left: the file says nothing")


def _without_mark(data: bytes) -> bytes:
    return data.removeprefix(_MARK)


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE
_Code = TdmFaultCode

TDMREP: tuple[Rule[TdmSource], ...] = (
    Rule(
        code="TD101",
        severity=_E,
        title="the file is no JSON",
        why="Most readers give up at the first mistake and read nothing; then nothing is reserved.",
        example='[{"location": "/", "tdm-reservation": 1,}]',
        instead='[{"location": "/", "tdm-reservation": 1}]',
        reference=f"{_REPORT}; RFC 8259",
        check=_of(_Code.NOT_JSON, _Code.NOT_UTF_8, _Code.TOO_DEEP),
    ),
    Rule(
        code="TD102",
        severity=_E,
        title="the file is no list",
        why="The square brackets are mandatory, also around a single rule.",
        example='{"location": "/", "tdm-reservation": 1}',
        instead='[{"location": "/", "tdm-reservation": 1}]',
        reference=_REPORT,
        check=_of(_Code.NOT_AN_ARRAY, _Code.NOT_AN_OBJECT),
    ),
    Rule(
        code="TD103",
        severity=_W,
        title="a byte order mark opens the file",
        why="JSON must not have one, and many readers refuse the file for it.",
        example='\\ufeff[{"location": "/", "tdm-reservation": 1}]',
        instead='[{"location": "/", "tdm-reservation": 1}]',
        reference="RFC 8259 section 8.1",
        check=_of(_Code.BYTE_ORDER_MARK),
        fix=_without_mark,
    ),
    Rule(
        code="TD104",
        severity=_W,
        title="the file is longer than readers read",
        why="What is behind the limit does not exist.",
        example="a file of 600,000 octets, or of 10,001 rules",
        instead="patterns that cover several pages",
        reference=_REPORT,
        check=_of(_Code.TOO_LARGE, _Code.TOO_MANY),
    ),
    Rule(
        code="TD105",
        severity=_E,
        title="a reservation is neither 0 nor 1",
        why='Anything else is a protocol error and says nothing, also "1" in quotes and true.',
        example='[{"location": "/", "tdm-reservation": "1"}]',
        instead='[{"location": "/", "tdm-reservation": 1}]',
        reference='TDMRep, "tdm-reservation"',
        check=_of(_Code.BAD_RESERVATION, _Code.NO_RESERVATION, _Code.DUPLICATE_MEMBER),
    ),
    Rule(
        code="TD106",
        severity=_E,
        title="a rule names no place that could be meant",
        why="A location is a path with a leading slash. The rule is passed over.",
        example='[{"location": "gallery", "tdm-reservation": 1}]',
        instead='[{"location": "/gallery", "tdm-reservation": 1}]',
        reference=_REPORT,
        check=_of(_Code.NO_LOCATION, _Code.BAD_LOCATION),
    ),
    Rule(
        code="TD107",
        severity=_W,
        title="a policy is no whole URL",
        why="The protocol does not say what a relative one is relative to. It is not used, so nobody finds your terms.",
        example='[{"location": "/", "tdm-reservation": 1, "tdm-policy": "/terms.json"}]',
        instead='[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/terms.json"}]',
        reference='TDMRep, "tdm-policy"',
        check=_of(_Code.BAD_POLICY),
    ),
    Rule(
        code="TD108",
        severity=_W,
        title="a policy is not fetched over https",
        why="Terms that can be changed on the way are no terms.",
        example='[{"location": "/", "tdm-reservation": 1, "tdm-policy": "http://site.example/terms.json"}]',
        instead='[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/terms.json"}]',
        reference='TDMRep, "tdm-policy"',
        check=_insecure_policy,
    ),
    Rule(
        code="TD109",
        severity=_N,
        title="a policy stands beside something that is not reserved",
        why="It means something only beside 1.",
        example='[{"location": "/", "tdm-reservation": 0, "tdm-policy": "https://site.example/terms.json"}]',
        instead='[{"location": "/", "tdm-reservation": 0}]',
        reference='TDMRep, "tdm-policy"',
        check=_useless_policy,
    ),
    Rule(
        code="TD110",
        severity=_E,
        title="a rule never counts, because an earlier one takes all its paths",
        why="The first match in the file decides. Readers that take the longest match instead read the opposite.",
        example='[{"location": "/", "tdm-reservation": 1}, {"location": "/press/", "tdm-reservation": 0}]',
        instead='[{"location": "/press/", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]',
        reference=_REPORT,
        check=_shadowed,
    ),
    Rule(
        code="TD111",
        severity=_E,
        title="the file has no rule",
        why="It is there and says nothing: unset, which is no reservation.",
        example="[]",
        instead='[{"location": "/", "tdm-reservation": 1}]',
        reference=_REPORT,
        check=_nothing,
    ),
)
