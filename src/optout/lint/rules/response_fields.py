"""HD1xx: the header fields of one response, and the meta elements of its page that say the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from optout.lint.base import Found, Rule, Severity, shown
from optout.messages import Fields
from optout.signals.aipref import AiprefFaultCode, parse_content_usage_fields
from optout.signals.page_tags import parse_page_tags, parse_robots_tag_fields
from optout.signals.tdmrep import Reserved, TdmFaultCode, parse_tdm_fields

_UNREAD = (AiprefFaultCode.NOT_A_DICTIONARY, AiprefFaultCode.NO_PREFERENCE, AiprefFaultCode.TOO_LONG)
_OPPOSITES = (("index", "noindex"), ("all", "noindex"), ("all", "none"), ("archive", "noarchive"))
_LINK = re.compile(r'\s*<([^<>]*)>((?:[^,"]|"[^"]*")*)')
_PARAMETER = re.compile(r';\s*([a-z*]+)\s*=\s*"?([^";]*)"?', re.IGNORECASE)
_RSL = "application/rsl+xml"
_LONGEST = 8192  # characters of one Link field; a server seldom takes or sends a longer line
_MOST = 20  # links that are looked at


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSource:
    """One response: its status, its fields, and its body where that is an HTML page."""

    status: int = 200
    fields: Fields
    page: bytes = b""


def _usage(*codes: AiprefFaultCode) -> Callable[[FieldSource], Iterator[Found]]:
    def check(source: FieldSource) -> Iterator[Found]:
        for fault in parse_content_usage_fields(source.fields)[1]:
            if fault.code in codes:
                yield Found(0, f"Content-Usage: {shown(fault.text)}", fault.column)

    return check


def _tdm(*codes: TdmFaultCode) -> Callable[[FieldSource], Iterator[Found]]:
    def check(source: FieldSource) -> Iterator[Found]:
        for fault in parse_tdm_fields(source.fields)[1]:
            if fault.code in codes:
                yield Found(0, shown(fault.text))

    return check


def _without_policy(source: FieldSource) -> Iterator[Found]:
    said = parse_tdm_fields(source.fields)[0]
    if said.reserved is Reserved.RESERVED and not said.policy:
        yield Found(0, "tdm-reservation: 1 comes without a tdm-policy")


def _policy_alone(source: FieldSource) -> Iterator[Found]:
    said = parse_tdm_fields(source.fields)[0]
    if said.policy and said.reserved is not Reserved.RESERVED:
        yield Found(0, "tdm-policy comes without tdm-reservation: 1")


def _unknown_tags(source: FieldSource) -> Iterator[Found]:
    for fault in parse_robots_tag_fields(source.fields).faults:
        yield Found(0, f"X-Robots-Tag: {shown(fault.text)}", fault.column)


def _tags_differ(source: FieldSource) -> Iterator[Found]:
    """Only fields without a crawler's name: `GPTBot: noindex` beside `index` for all is an exception, no mistake."""
    values = [value[:_LONGEST] for value in source.fields.all("x-robots-tag")]
    words = {word.strip().lower() for value in values if ":" not in value for word in value.split(",")}
    for permits, forbids in _OPPOSITES:
        if permits in words and forbids in words:
            yield Found(0, f"X-Robots-Tag says both {permits} and {forbids}")


def _links(fields: Fields) -> Iterator[tuple[str, dict[str, str]]]:
    """The targets and parameters of Link fields (RFC 8288 section 3), as far as they are plain."""
    for value in fields.all("link")[:_MOST]:
        at = 0
        for _ in range(_MOST):
            found = _LINK.match(value[:_LONGEST], at)
            if found is None:
                break
            yield found.group(1), {name.lower(): text.strip() for name, text in _PARAMETER.findall(found.group(2))}
            at = found.end() + 1


def license_links(fields: Fields) -> tuple[tuple[str, str], ...]:
    """The target and media type of each link whose relation is `license`. Never raises; linear time."""
    return tuple(
        (target, parameters.get("type", "").lower())
        for target, parameters in _links(fields)
        if "license" in parameters.get("rel", "").lower().split()
    )


def _license_type(source: FieldSource) -> Iterator[Found]:
    for target, media_type in license_links(source.fields):
        if media_type != _RSL and (media_type or target.endswith(".xml")):
            yield Found(0, f"the license link to {shown(target)} has type {shown(media_type) or 'none'}, not {_RSL}")


def _license_relative(source: FieldSource) -> Iterator[Found]:
    for target, media_type in license_links(source.fields):
        if media_type == _RSL and not target.startswith("https://"):
            yield Found(0, f"the license link to {shown(target)} is no absolute https URL")


def _refusal(source: FieldSource) -> Iterator[Found]:
    if source.status == 401 and not source.fields.all("www-authenticate"):
        yield Found(0, "401 comes without WWW-Authenticate")
    cached = ", ".join(source.fields.all("cache-control")).lower()
    if source.status in (402, 403) and "no-store" not in cached and "private" not in cached:
        yield Found(0, f"{source.status} comes without Cache-Control: no-store")


def _metas(source: FieldSource) -> Iterator[Found]:
    for fault in parse_page_tags(source.page).faults:
        yield Found(fault.line, f"meta element: {shown(fault.text)}", fault.column)


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

RESPONSE_FIELDS: tuple[Rule[FieldSource], ...] = (
    Rule(
        code="HD101",
        severity=_E,
        title="Content-Usage cannot be read",
        why="It is one dictionary of structured fields: a single slip anywhere, and none of it is read.",
        example="Content-Usage: train-ai: n",
        instead="Content-Usage: train-ai=n",
        reference="RFC 9651 section 4.2; draft-ietf-aipref-attach",
        check=_usage(*_UNREAD),
    ),
    Rule(
        code="HD102",
        severity=_W,
        title="a part of Content-Usage says nothing",
        why="A label that is not of the draft, or a value that is neither y nor n, leaves the use unknown.",
        example="Content-Usage: ai-train=n",
        instead="Content-Usage: train-ai=n",
        reference="draft-ietf-aipref-vocab",
        check=_usage(*(code for code in AiprefFaultCode if code not in _UNREAD)),
    ),
    Rule(
        code="HD103",
        severity=_E,
        title="tdm-reservation is neither 0 nor 1",
        why="Any other value is as good as none: nothing is reserved.",
        example="tdm-reservation: true",
        instead="tdm-reservation: 1",
        reference='TDMRep, "TDM Header Field"',
        check=_tdm(TdmFaultCode.BAD_RESERVATION),
    ),
    Rule(
        code="HD104",
        severity=_E,
        title="a TDMRep field comes with several values",
        why="Two servers in a row each add their own, and readers take the one or the other.",
        example="tdm-reservation: 1, and tdm-reservation: 0 from a proxy",
        instead="one field, from one place",
        reference='TDMRep, "TDM Header Field"; RFC 9110 section 5.3',
        check=_tdm(TdmFaultCode.CONFLICTING_FIELDS),
    ),
    Rule(
        code="HD105",
        severity=_N,
        title="a reservation names no policy",
        why="It stands without one, but nobody learns how to get a license.",
        example="tdm-reservation: 1",
        instead="tdm-reservation: 1 and tdm-policy: https://photos.example/policy.json",
        reference='TDMRep, "tdm-policy"',
        check=_without_policy,
    ),
    Rule(
        code="HD106",
        severity=_W,
        title="tdm-policy is no absolute URL",
        why="It cannot be followed, and is not used.",
        example="tdm-policy: /policy.json",
        instead="tdm-policy: https://photos.example/policy.json",
        reference='TDMRep, "tdm-policy"',
        check=_tdm(TdmFaultCode.BAD_POLICY),
    ),
    Rule(
        code="HD107",
        severity=_W,
        title="tdm-policy comes without a reservation",
        why="A policy has a meaning only where rights are reserved; without the 1 it reserves nothing.",
        example="tdm-policy: https://photos.example/policy.json",
        instead="tdm-reservation: 1 beside it",
        reference='TDMRep, "tdm-policy"',
        check=_policy_alone,
    ),
    Rule(
        code="HD108",
        severity=_W,
        title="X-Robots-Tag has a word that nobody reads",
        why="What is misspelled forbids nothing, and no reader will say so.",
        example="X-Robots-Tag: no-ai",
        instead="X-Robots-Tag: noai",
        reference="docs/signals.md",
        check=_unknown_tags,
    ),
    Rule(
        code="HD109",
        severity=_E,
        title="X-Robots-Tag contradicts itself",
        why="Readers take the stricter word; whoever wrote the other one meant something else.",
        example="X-Robots-Tag: index, and X-Robots-Tag: noindex from a plugin",
        instead="one of them",
        reference="docs/signals.md",
        check=_tags_differ,
    ),
    Rule(
        code="HD110",
        severity=_W,
        title="a license link has the wrong type",
        why="A reader of licenses looks for the type of RSL and passes over all others.",
        example='Link: <https://photos.example/license.xml>; rel="license"; type="text/xml"',
        instead=f'Link: <https://photos.example/license.xml>; rel="license"; type="{_RSL}"',
        reference='RSL 1.0, "Discovery"; RFC 8288 section 3',
        check=_license_type,
    ),
    Rule(
        code="HD111",
        severity=_W,
        title="a license link is not absolute",
        why="RSL asks for an absolute https address; a copy of the page would lead elsewhere.",
        example=f'Link: </license.xml>; rel="license"; type="{_RSL}"',
        instead=f'Link: <https://photos.example/license.xml>; rel="license"; type="{_RSL}"',
        reference='RSL 1.0, "Discovery"',
        check=_license_relative,
    ),
    Rule(
        code="HD112",
        severity=_W,
        title="a refusal lacks a field",
        why="A cache may give a refusal to the next person, and a 401 without a challenge tells nobody what to send.",
        example="403 without Cache-Control",
        instead="Cache-Control: no-store with 402 and 403, WWW-Authenticate with 401",
        reference="RFC 9110 section 15.5.2; RFC 9111 section 5.2.2.5",
        check=_refusal,
    ),
    Rule(
        code="HD113",
        severity=_W,
        title="a meta element says nothing",
        why="A word that no reader knows, or a reservation that is neither 0 nor 1, is as good as none.",
        example='<meta name="robots" content="no-ai">',
        instead='<meta name="robots" content="noai">',
        reference='docs/signals.md; TDMRep, "TDM Metadata in HTML Content"',
        check=_metas,
    ),
)
"""Every rule for the fields of a response, by code."""
