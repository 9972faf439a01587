"""The policy that a TDM reservation points to: an ODRL 2.2 offer in JSON-LD (TDMRep, section "TDM Policy", 2024-05-10).

Read as JSON of exactly the profile's shape, not as linked data: nothing is fetched, and a name that is spelled by
another context is a fault. What cannot be read is left out and reported; a policy never widens what a reservation
takes away. Nothing here raises for what a stranger published; texts of faults quote nothing of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NoReturn

LARGEST_POLICY: Final = 64 * 1024  # octets; the largest sample of the report has two thousand
DEEPEST: Final = 16  # brackets within brackets; a duty of a permission needs four
MOST_PERMISSIONS: Final = 100
CONTEXTS: Final = ("http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld")
PROFILE: Final = "http://www.w3.org/ns/tdmrep"
DUTIES: Final = ("obtainConsent", "compensate")
PURPOSES: Final = ("tdm:research", "tdm:non-research")
CONTACTS: Final = {
    "vcard:fn": "name", "vcard:nickname": "nickname", "vcard:hasEmail": "email", "vcard:hasTelephone": "telephone",
    "vcard:hasURL": "url",
}  # fmt: skip
_LONGEST = 2_048  # characters of one text that are kept


class OdrlFaultCode(StrEnum):
    """What can be wrong with a TDM policy. Permanent; all since 0.1."""

    TOO_LARGE = "too-large"
    TOO_DEEP = "too-deep"
    NOT_UTF_8 = "not-utf-8"
    NOT_JSON = "not-json"
    NOT_AN_OBJECT = "not-an-object"
    DUPLICATE_MEMBER = "duplicate-member"
    BAD_CONTEXT = "bad-context"
    BAD_TYPE = "bad-type"
    BAD_PROFILE = "bad-profile"
    BAD_UID = "bad-uid"
    BAD_ASSIGNER = "bad-assigner"
    BAD_CONTACT = "bad-contact"
    BAD_PERMISSION = "bad-permission"
    BAD_ACTION = "bad-action"
    BAD_DUTY = "bad-duty"
    BAD_CONSTRAINT = "bad-constraint"
    UNEXPECTED_RULE = "unexpected-rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class OdrlFault:
    """One thing that is wrong. `line` counts from 1; 0 is the file as a whole."""

    line: int
    code: OdrlFaultCode
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """One permission to mine: what it is for ("" all of it), what is owed for it, and for which purposes it holds."""

    line: int
    target: str = ""
    duties: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TdmPolicy:
    """What a policy says: whose it is, how to reach them (by the words of `CONTACTS`), and what they permit."""

    uid: str = ""
    assigner: str = ""
    contacts: tuple[tuple[str, str], ...] = ()
    permissions: tuple[Permission, ...] = ()
    faults: tuple[OdrlFault, ...] = ()


_Code = OdrlFaultCode


def is_policy(data: bytes) -> bool:
    """Whether a file looks like a policy, and not like a tdmrep.json: an object that names a context."""
    head = data[:LARGEST_POLICY].removeprefix(b"\xef\xbb\xbf").lstrip()
    return head.startswith(b"{") and b'"@context"' in head


def parse_odrl(data: bytes) -> TdmPolicy:
    """The policy, as far as it can be read. Never raises; linear time."""
    reading = _Reading()
    members = reading.load(data)
    if members is None:
        return TdmPolicy(faults=tuple(reading.faults))
    reading.profile(members)
    assigner, contacts = reading.assigner(members.get("assigner"))
    return TdmPolicy(
        uid=reading.uri(members.get("uid"), ("uid",), _Code.BAD_UID, "uid is no URI"),
        assigner=assigner,
        contacts=contacts,
        permissions=tuple(reading.permissions(members.get("permission"))),
        faults=tuple(sorted(reading.faults, key=lambda fault: fault.line)),
    )


# A string, even an unclosed one, is one token: the possessive parts never look back, so the scan is linear.
_TOKEN = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[\]{},:]|\n', re.DOTALL)
_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!-~]+")
_Path = tuple[str | int, ...]


class _Reading:
    """One pass over a policy: what has been wrong so far, and on which line each member stands."""

    def __init__(self) -> None:
        self.faults: list[OdrlFault] = []
        self._lines: dict[_Path, int] = {}

    def report(self, code: OdrlFaultCode, path: _Path, text: str) -> None:
        """Notes a fault of the member at `path`; of one that is not there, on the line of what should hold it."""
        while path and path not in self._lines:
            path = path[:-1]
        self.faults.append(OdrlFault(line=self._lines.get(path, 0), code=code, text=text))

    def load(self, data: bytes) -> Mapping[str, object] | None:
        """The object that the file holds; None where there is none to be read."""
        if len(data) > LARGEST_POLICY:
            self.report(_Code.TOO_LARGE, (), f"larger than {LARGEST_POLICY} octets: not read")
            return None
        try:
            text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8")
        except UnicodeDecodeError:
            self.report(_Code.NOT_UTF_8, (), "not all of it is UTF-8: JSON must be (RFC 8259 section 8.1)")
            return None
        if not self._place(text):
            self.report(_Code.TOO_DEEP, (), f"nested deeper than {DEEPEST}: not read")
            return None
        try:
            found = json.loads(text, object_pairs_hook=self._object, parse_int=float, parse_constant=_refuse)
        except ValueError as error:
            line = text.count("\n", 0, getattr(error, "pos", 0)) + 1
            self.faults.append(OdrlFault(line=line, code=_Code.NOT_JSON, text="a syntax error: not read"))
            return None
        if not isinstance(found, dict):
            self.report(_Code.NOT_AN_OBJECT, (), "not a JSON object: no policy")
            return None
        return found

    def _object(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            self.report(_Code.DUPLICATE_MEMBER, (), "an object names a member twice: the last counts")
        return found

    def _place(self, text: str) -> bool:
        """Notes the line of each member and element; whether the nesting can be followed."""
        line, path, key = 1, [], ""  # type: int, list[str | int], str
        for found in _TOKEN.finditer(text):
            mark = found[0]
            if mark == "\n":
                line += 1
            elif mark in "[{":
                if len(path) >= DEEPEST:
                    return False
                path.append(0 if mark == "[" else "")
                self._lines.setdefault(tuple(path[:-1]), line)
            elif mark in "]}":
                if path:
                    path.pop()
            elif mark == ",":
                if path and isinstance(path[-1], int):
                    path[-1] += 1
            elif mark == ":":
                if path and isinstance(path[-1], str):
                    path[-1] = key
                    self._lines.setdefault(tuple(path), line)
            else:
                key = mark[1:-1]
                line += mark.count("\n")
        return True

    def profile(self, members: Mapping[str, object]) -> None:
        """Reports what is not as the profile has it."""
        if members.get("@context") != list(CONTEXTS):
            self.report(_Code.BAD_CONTEXT, ("@context",), f"@context is not the list of {' and '.join(CONTEXTS)}")
        if members.get("@type") != "Offer":
            self.report(_Code.BAD_TYPE, ("@type",), "@type is not Offer")
        if members.get("profile") != PROFILE:
            self.report(_Code.BAD_PROFILE, ("profile",), f"profile is not {PROFILE}")
        for name in ("obligation", "prohibition"):
            if name in members:
                self.report(_Code.UNEXPECTED_RULE, (name,), f"the profile has no {name} at the top: not read")

    def uri(self, value: object, path: _Path, code: OdrlFaultCode, text: str) -> str:
        """A URI; "" where there is none."""
        if isinstance(value, str) and len(value) <= _LONGEST and _URI.fullmatch(value) is not None:
            return value
        self.report(code, path, text)
        return ""

    def assigner(self, value: object) -> tuple[str, tuple[tuple[str, str], ...]]:
        """Whose policy it is, and how to reach them."""
        if not isinstance(value, dict):
            self.report(_Code.BAD_ASSIGNER, ("assigner",), "there is not exactly one assigner, an object")
            return "", ()
        uid = self.uri(value.get("uid"), ("assigner", "uid"), _Code.BAD_ASSIGNER, "the assigner's uid is no URI")
        return uid, tuple(self._contacts(value))

    def _contacts(self, members: Mapping[str, object]) -> Iterator[tuple[str, str]]:
        for name, word in CONTACTS.items():
            if name not in members:
                continue
            value, start = members[name], {"email": "mailto:", "telephone": "tel:"}.get(word, "")
            if isinstance(value, str) and value.isprintable() and len(value) <= _LONGEST and value.startswith(start):
                yield word, value
            else:
                needs = f" that begins with {start}" if start else ""
                self.report(_Code.BAD_CONTACT, ("assigner", name), f"{name} is no text{needs}: not used")

    def permissions(self, value: object) -> Iterator[Permission]:
        """What is permitted; none of what cannot be understood whole, since a condition might be what is missing."""
        if not isinstance(value, list) or not value:
            self.report(_Code.BAD_PERMISSION, ("permission",), "permission is no list with an object in it")
            return
        for number, each in enumerate(value[:MOST_PERMISSIONS]):
            path, count = ("permission", number), len(self.faults)
            found = self._permission(each, path)
            if found is not None and len(self.faults) == count:
                yield found
        if len(value) > MOST_PERMISSIONS:
            text = f"more than {MOST_PERMISSIONS} permissions: the rest is not read"
            self.report(_Code.BAD_PERMISSION, ("permission",), text)

    def _permission(self, value: object, path: _Path) -> Permission | None:
        if not isinstance(value, dict):
            self.report(_Code.BAD_PERMISSION, path, "a permission is no object: not used")
            return None
        if value.get("action") != "tdm:mine":
            self.report(_Code.BAD_ACTION, (*path, "action"), "the action is not tdm:mine: not used")
        target = value.get("target", "")
        if target:
            target = self.uri(target, (*path, "target"), _Code.BAD_PERMISSION, "a target is no URI: not used")
        return Permission(
            line=self._lines.get(path, 0),
            target=str(target),
            duties=tuple(self._duties(value.get("duty", []), (*path, "duty"))),
            purposes=tuple(self._purposes(value.get("constraint", []), (*path, "constraint"))),
        )

    def _duties(self, value: object, path: _Path) -> Iterator[str]:
        for each in self._objects(value, path, _Code.BAD_DUTY):
            action = each.get("action")
            if action in DUTIES:
                yield str(action)
            else:
                self.report(_Code.BAD_DUTY, path, f"a duty is none of {', '.join(DUTIES)}: its permission is not used")

    def _purposes(self, value: object, path: _Path) -> Iterator[str]:
        for each in self._objects(value, path, _Code.BAD_CONSTRAINT):
            purpose = each.get("rightOperand")
            is_known = each.get("leftOperand") == "purpose" and each.get("operator") == "eq" and purpose in PURPOSES
            if is_known:
                yield str(purpose)
            else:
                self.report(_Code.BAD_CONSTRAINT, path, "a constraint is unknown: its permission is not used")

    def _objects(self, value: object, path: _Path, code: OdrlFaultCode) -> Sequence[Mapping[str, object]]:
        if isinstance(value, list) and all(isinstance(each, dict) for each in value):
            return value
        self.report(code, path, "this is no list of objects: its permission is not used")
        return ()


def _refuse(_: str) -> NoReturn:
    raise ValueError  # NaN and Infinity are no JSON (RFC 8259 section 6)
