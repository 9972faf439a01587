"""TDM Reservation Protocol (W3C Community Group Final Report, 2024-05-10): tdmrep.json and the response fields.

One bit, three states: reserved, not reserved, unset. Unset is never consent. The report's rules of reading: the most
specific match is the first in the file; a value other than 0 and 1 is a protocol error and unset; a later source
(field) replaces an earlier one (file), and absence resets nothing. Sections are named below by their headings.

Where the report is silent, the reading that restricts more stands, and a fault says so. Nothing here raises for what
a stranger published; texts of faults quote nothing of it. Past 300 lines, because reasons must cite the line of a
rule, and no JSON library gives it: the second half reads an array element by element.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NoReturn

from optout.messages import Fields
from optout.robots.matcher import PatternIndex
from optout.robots.model import PathPattern, normalize_path

LARGEST_FILE = 512 * 1024  # octets; more than any published file, and RFC 9309 section 2.5 asks 500 KiB of robots.txt
DEEPEST = 32  # brackets within brackets; a rule needs two
MOST_ELEMENTS = 10_000
LONGEST_URL = 2_048  # octets; a policy URL is echoed in a field, and proxies cut fields at 8 KiB


class Reserved(StrEnum):
    """`tdm-reservation`, three states (section "tdm-reservation")."""

    RESERVED = "reserved"
    NOT_RESERVED = "not-reserved"
    UNSET = "unset"


# Of values that contradict one another the first of these stands: unset grants nothing, so it beats a permission.
_STRICTEST_FIRST = (Reserved.RESERVED, Reserved.UNSET, Reserved.NOT_RESERVED)


class TdmFaultCode(StrEnum):
    """What can be wrong with a site's TDMRep. Permanent; all since 0.1."""

    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    TOO_MANY = "too-many"
    BYTE_ORDER_MARK = "byte-order-mark"
    NOT_UTF_8 = "not-utf-8"
    NOT_JSON = "not-json"
    NOT_AN_ARRAY = "not-an-array"
    NOT_AN_OBJECT = "not-an-object"
    DUPLICATE_MEMBER = "duplicate-member"
    NO_LOCATION = "no-location"
    BAD_LOCATION = "bad-location"
    NO_RESERVATION = "no-reservation"
    BAD_RESERVATION = "bad-reservation"
    BAD_POLICY = "bad-policy"
    CONFLICTING_FIELDS = "conflicting-fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class TdmFault:
    """One thing that is wrong. `line` counts from 1 in the file; 0 means a field or the file as a whole."""

    line: int
    code: TdmFaultCode
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TdmRule:
    """One object of tdmrep.json that names a location.

    `index` is its position in the array, from 0; `line` the line on which it starts, from 1. A rule whose reservation
    is a protocol error is kept as unset: it still is the first match for its paths. `policy` is an absolute URL or "";
    it means nothing unless reserved.
    """

    index: int
    line: int
    location: PathPattern
    reserved: Reserved
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TdmRep:
    """A site's tdmrep.json: its rules in file order, and all that is wrong with it."""

    rules: tuple[TdmRule, ...] = ()
    faults: tuple[TdmFault, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TdmStatement:
    """What TDMRep says of one resource.

    `source` is where the reservation stands, "" if it is unset; `line` that of the file's rule or of the
    page's element, 0 for a field.
    """

    reserved: Reserved = Reserved.UNSET
    policy: str = ""
    source: Literal["file", "header", "html", ""] = ""
    line: int = 0

    @property
    def terms(self) -> str:
        """The policy to follow; "" unless reserved: beside 0 it is not to be processed (section "tdm-policy")."""
        return self.policy if self.reserved is Reserved.RESERVED else ""


NOTHING_SAID = TdmStatement()


def parse_tdmrep(data: bytes) -> TdmRep:
    """The rules of a tdmrep.json, as far as it can be read (section "TDM File on the Origin Server").

    Never raises; linear time. Reading stops at the first error of syntax and keeps the rules before it: the first
    match decides, so nothing behind could have changed what they say. An element that is no object, or names no
    location, is passed over. Where an object names a member twice, the strictest reservation stands, and the last
    location and policy, as most JSON readers have it (RFC 8259 section 4).
    """
    reading = _Reading(data)
    rules = []
    for index, (line, element) in enumerate(_elements(reading)):
        rule = _rule(index, line, element, reading)
        if rule is not None:
            rules.append(rule)
    faults = sorted(reading.faults, key=lambda fault: fault.line)
    return TdmRep(rules=tuple(rules), faults=tuple(faults))


class TdmMatcher:
    """The rules of one tdmrep.json, found by path: the first match in the file stands."""

    __slots__ = ("_index", "_rules")

    def __init__(self, rep: TdmRep) -> None:
        first: dict[bytes, TdmRule] = {}
        for rule in rep.rules:  # a repeated location never decides
            first.setdefault(rule.location.octets, rule)
        self._rules = tuple(first.values())
        self._index = PatternIndex(tuple(rule.location for rule in self._rules))

    @property
    def rules(self) -> tuple[TdmRule, ...]:
        """The rules in the order in which they decide, without those that never do."""
        return self._rules

    def match(self, target: str) -> TdmRule | None:
        """The rule for a request target (path and query as received); None if no location matches: unset."""
        found = self._index.first(normalize_path(target))
        return self._rules[found] if found is not None else None


def parse_tdm_fields(fields: Fields) -> tuple[TdmStatement, tuple[TdmFault, ...]]:
    """What `tdm-reservation` and `tdm-policy` say in a response's fields (section "TDM Header Field").

    Never raises. Of differing reservations the strictest stands, of differing policies the first.
    """
    faults: list[TdmFault] = []

    def report(code: TdmFaultCode, text: str) -> None:
        faults.append(TdmFault(line=0, code=code, text=text))

    written = [value.strip(" \t") for value in fields.all("tdm-reservation")]
    if any(value not in _FIELD_VALUES for value in written):
        report(TdmFaultCode.BAD_RESERVATION, "tdm-reservation is neither 0 nor 1: unset")
    if len(set(written)) > 1:
        report(TdmFaultCode.CONFLICTING_FIELDS, "tdm-reservation comes with several values: the strictest stands")
    named = [value.strip(" \t") for value in fields.all("tdm-policy")]
    policies = [value for value in named if is_absolute_url(value)]
    if len(policies) < len(named):
        report(TdmFaultCode.BAD_POLICY, "tdm-policy is no absolute http or https URL: not used")
    if len(set(policies)) > 1:
        report(TdmFaultCode.CONFLICTING_FIELDS, "tdm-policy comes with several values: the first stands")
    reserved = _strictest(_FIELD_VALUES.get(value, Reserved.UNSET) for value in written)
    policy = policies[0] if policies else ""
    source: Literal["header", ""] = "header" if reserved is not Reserved.UNSET else ""
    return TdmStatement(reserved=reserved, policy=policy, source=source), tuple(faults)


_FIELD_VALUES = {"1": Reserved.RESERVED, "0": Reserved.NOT_RESERVED}


def resolve(file_rule: TdmRule | None, header: TdmStatement) -> TdmStatement:
    """What both sources together say: a property set by field replaces the file's ("Processing priority")."""
    if file_rule is None:
        return header
    from_header = header.reserved is not Reserved.UNSET
    if not from_header and file_rule.reserved is Reserved.UNSET:
        return TdmStatement(policy=header.policy or file_rule.policy)
    return TdmStatement(
        reserved=header.reserved if from_header else file_rule.reserved,
        policy=header.policy or file_rule.policy,
        source="header" if from_header else "file",
        line=0 if from_header else file_rule.line,
    )


# RFC 3986 section 2: printable ASCII only. Anything else, echoed in a field, could split the response (CWE-113).
_URL = re.compile(r"https?://[A-Za-z0-9\[][A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]*", re.IGNORECASE)


def is_absolute_url(text: str) -> bool:
    """Whether `text` is an absolute http or https URL that may stand in a field."""
    return len(text) <= LONGEST_URL and _URL.fullmatch(text) is not None


def _strictest(values: Iterable[Reserved]) -> Reserved:
    found = set(values)
    return next((value for value in _STRICTEST_FIRST if value in found), Reserved.UNSET)


_VISIBLE = re.compile(r"[^ \t\r\n]")
# A string, even an unclosed one, is one token: the possessive parts never look back, so the scan is linear.
_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


class _Reading:
    """One pass over the text: where it is, on which line, and what has been wrong so far."""

    def __init__(self, data: bytes) -> None:
        self.faults: list[TdmFault] = []
        self.at = 0
        self._line = 1
        self._counted = 0
        self._cut = False
        self.text = self._decode(data)
        self._cut_depth()

    def _decode(self, data: bytes) -> str:
        if len(data) > LARGEST_FILE:
            self.report(0, TdmFaultCode.TOO_LARGE, f"larger than {LARGEST_FILE} octets: the rest is not read")
            data, self._cut = data[:LARGEST_FILE], True
        if data.startswith(b"\xef\xbb\xbf"):
            self.report(1, TdmFaultCode.BYTE_ORDER_MARK, "starts with a byte order mark, which many readers refuse")
            data = data[3:]
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError:
            if not self._cut:  # a cut may fall within a character
                self.report(0, TdmFaultCode.NOT_UTF_8, "not all of it is UTF-8: JSON must be (RFC 8259 section 8.1)")
            return data.decode("utf-8", "surrogateescape")

    def _cut_depth(self) -> None:
        """Ends the text before the first bracket that is too deep, so that no parser recurses into it."""
        depth = 0
        for found in _BRACKET.finditer(self.text):
            mark = found.group()
            if mark in ("[", "{"):
                depth += 1
                if depth > DEEPEST:
                    line = 1 + _line_ends(self.text, 0, found.start())
                    self.report(line, TdmFaultCode.TOO_DEEP, f"nested deeper than {DEEPEST}: the rest is not read")
                    self.text, self._cut = self.text[: found.start()], True
                    return
            elif mark in ("]", "}"):
                depth -= 1

    def report(self, line: int, code: TdmFaultCode, text: str) -> None:
        """Notes a fault."""
        self.faults.append(TdmFault(line=line, code=code, text=text))

    def broken(self, at: int, text: str) -> None:
        """Notes that reading ends at `at`; silent where the text was cut, which has been said."""
        if not self._cut:
            self.report(self.line(at), TdmFaultCode.NOT_JSON, f"{text}: not read from here on")

    def peek(self) -> str:
        """The next character that is no white space; "" at the end."""
        found = _VISIBLE.search(self.text, self.at)
        self.at = found.start() if found else len(self.text)
        return self.text[self.at : self.at + 1]

    def line(self, at: int) -> int:
        """The line of an offset; offsets only grow, so every character is counted once."""
        self._line += _line_ends(self.text, self._counted, at)
        self._counted = at
        return self._line


def _line_ends(text: str, start: int, end: int) -> int:
    newlines = text.count("\n", start, end)
    returns = text.count("\r", start, end)
    return newlines + returns - text.count("\r\n", start, end) if returns else newlines


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON (RFC 8259 section 6)


# Numbers become floats: int() refuses long ones, and a bool is then never taken for a number. Objects become tuples of
# pairs, so that a member named twice is seen.
_DECODER = json.JSONDecoder(object_pairs_hook=tuple, parse_int=float, parse_constant=_refuse)


def _elements(reading: _Reading) -> Iterator[tuple[int, object]]:
    """The array's elements, each with the line on which it starts, up to the end or the first error of syntax."""
    if reading.peek() != "[":
        text = "not a JSON array of objects (the brackets are mandatory): no rules"
        reading.report(0, TdmFaultCode.NOT_AN_ARRAY, text)
        return
    reading.at += 1
    mark = "," if reading.peek() != "]" else "]"
    for _ in range(MOST_ELEMENTS):
        if mark != ",":
            break
        reading.peek()
        line = reading.line(reading.at)
        try:
            element, reading.at = _DECODER.raw_decode(reading.text, reading.at)
        except ValueError as error:
            reading.broken(max(reading.at, getattr(error, "pos", 0)), "a syntax error")
            return
        yield line, element
        mark = reading.peek()
        reading.at += mark == ","
    if mark == ",":
        text = f"more than {MOST_ELEMENTS} elements: the rest is not read"
        reading.report(reading.line(reading.at), TdmFaultCode.TOO_MANY, text)
    elif mark != "]":
        reading.broken(reading.at, "a comma or a closing bracket is missing")
    else:
        reading.at += 1
        if reading.peek():
            reading.broken(reading.at, "something follows the array")


def _rule(index: int, line: int, element: object, reading: _Reading) -> TdmRule | None:
    if not isinstance(element, tuple):
        reading.report(line, TdmFaultCode.NOT_AN_OBJECT, f"{_kind(element)} instead of an object: passed over")
        return None
    members: dict[str, list[object]] = {}
    for name, value in element:
        members.setdefault(name, []).append(value)
    for name in ("location", "tdm-reservation", "tdm-policy"):
        if len(members.get(name, ())) > 1:
            text = f"{name} is given twice in one object"
            reading.report(line, TdmFaultCode.DUPLICATE_MEMBER, text)
    location = _location(members.get("location", ()), line, reading)
    reserved = _reservation(members.get("tdm-reservation", ()), line, reading)
    policy = _policy(members.get("tdm-policy", ()), line, reading)
    if location is None:
        return None
    return TdmRule(index=index, line=line, location=location, reserved=reserved, policy=policy)


def _location(values: Sequence[object], line: int, reading: _Reading) -> PathPattern | None:
    if not values:
        reading.report(line, TdmFaultCode.NO_LOCATION, "no location: the rule is passed over")
        return None
    value = values[-1]
    if not isinstance(value, str) or not value.startswith(("/", "*")) or not _is_octets(value):
        text = f"location is {_kind(value)} that is no path starting with / or *: the rule is passed over"
        reading.report(line, TdmFaultCode.BAD_LOCATION, text)
        return None
    return PathPattern.parse(value)


def _is_octets(text: str) -> bool:
    """Whether text stands for octets; what the escape `\\ud800` in a JSON string makes stands for none."""
    try:
        text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def _reservation(values: Sequence[object], line: int, reading: _Reading) -> Reserved:
    if not values:
        reading.report(line, TdmFaultCode.NO_RESERVATION, "no tdm-reservation: unset")
    found = []
    for value in values:
        if isinstance(value, float) and value in (0.0, 1.0):
            found.append(Reserved.RESERVED if value else Reserved.NOT_RESERVED)
        else:
            found.append(Reserved.UNSET)
            text = f"tdm-reservation is {_kind(value)}, not the number 0 or 1: unset"
            reading.report(line, TdmFaultCode.BAD_RESERVATION, text)
    return _strictest(found)


def _policy(values: Sequence[object], line: int, reading: _Reading) -> str:
    if not values:
        return ""
    value = values[-1]
    if isinstance(value, str) and is_absolute_url(value):
        return value
    text = f"tdm-policy is {_kind(value)} that is no absolute http or https URL: not used"
    reading.report(line, TdmFaultCode.BAD_POLICY, text)
    return ""


def _kind(value: object) -> str:
    """A JSON value's kind in words: a fault must not carry the publisher's text to a terminal."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
