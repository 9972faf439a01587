"""What one page or file says of itself: the field X-Robots-Tag, and meta elements in the head of a page.

There is no standard. What is read: directives as Google and Bing document them (as of November 2026, partly known from
secondary sources), `noai` and `noimageai` as DeviantArt announced them (November 2022), and the section
"TDM Metadata in HTML Content" of the TDM Reservation Protocol (Community Group Final Report, 2024-05-10).

A directive restricts; none of them is a permission. Whom it binds has two sides, and both are kept: whom the site
addresses, and for whom it has a meaning (to Bing `noarchive` keeps a page out of answers and training, to others it
is about a cached copy). Of `noai` no crawler's operator says that it is followed. Nothing here raises.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from optout.messages import Fields
from optout.robots.model import as_octets
from optout.signals.html_head import LARGEST_HEAD, LONGEST_CONTENT, Meta, parse_head
from optout.signals.path_records import LONGEST_VALUE, token_octets
from optout.signals.preference import Preference, SignalFault, Statement, Usage, excerpt
from optout.signals.tdmrep import NOTHING_SAID, Reserved, TdmStatement, parse_tdm_fields

FIELD = "X-Robots-Tag"
META = "meta element"
EVERYONE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The uses that a directive forbids. `tokens`: the crawlers for which it means that; empty means all.

    `followed_by`: those whose operators say that they follow it.
    """

    uses: tuple[Usage, ...]
    tokens: tuple[str, ...] = ()
    followed_by: tuple[str, ...] = ()


_ENGINES = ("Googlebot", "bingbot")
_BING = Meaning(uses=(Usage.TRAIN, Usage.INPUT), tokens=("bingbot",), followed_by=("bingbot",))
_SNIPPET = Meaning(uses=(Usage.INPUT,), tokens=("Googlebot",), followed_by=("Googlebot",))
_UNLISTED = Meaning(uses=(Usage.SEARCH,), followed_by=_ENGINES)

MEANINGS = {
    "noai": Meaning(uses=(Usage.TRAIN,)),
    "noimageai": Meaning(uses=(Usage.TRAIN,)),  # the images of a page only; the statement's text tells
    "noarchive": _BING,
    "nocache": _BING,  # leaves Bing the address, the title and a snippet
    "nosnippet": _SNIPPET,
    "max-snippet:0": _SNIPPET,  # the same as nosnippet
    "noindex": _UNLISTED,
    "none": _UNLISTED,  # noindex, nofollow
}
"""The directives that say something of a use."""

_SILENT = frozenset(
    """all archive follow index indexifembedded max-image-preview max-snippet max-video-preview nofollow noimageindex
    noodp nositelinkssearchbox notranslate noydir odp snippet unavailable_after""".split()
)  # known, and about other things than a use
_VALUED = frozenset({"max-image-preview", "max-snippet", "max-video-preview", "unavailable_after"})
_MISSPELLED = {"no-ai": "noai", "no_ai": "noai", "no-image-ai": "noimageai", "no-imageai": "noimageai"}
_TOKEN = re.compile(r"[A-Za-z_*][A-Za-z0-9._*-]*")  # wider than RFC 9309's: crawlers' real names have digits


class PageFaultCode(StrEnum):
    """What can be wrong with a page's tags. Permanent; all since 0.1. Those of TDMRep have TDMRep's codes."""

    TOO_LONG = "too-long"
    HEAD_TOO_LONG = "head-too-long"
    UNKNOWN_DIRECTIVE = "unknown-directive"
    LOOSE_SPELLING = "loose-spelling"


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTag:
    """One directive that forbids a use. `token` is whom it addresses, as written, or `*`."""

    token: str
    directive: str
    source: str
    line: int = 0
    text: str = ""

    @property
    def meaning(self) -> Meaning:
        """What it forbids, and to whom."""
        return MEANINGS[self.directive]


@dataclass(frozen=True, slots=True, kw_only=True)
class PageTags:
    """All that a field or a head says. `tdm` is what TDMRep's meta elements say, for `resolve_page`."""

    tags: tuple[PageTag, ...] = ()
    tdm: TdmStatement = NOTHING_SAID
    faults: tuple[SignalFault, ...] = ()

    def statements(self, tokens: Sequence[str]) -> tuple[Statement, ...]:
        """What is said to a crawler with these product tokens; to be combined. The strictest tag stands."""
        names = {token_octets(token) for token in tokens}
        found = [
            Statement(usage=usage, preference=Preference.DISALLOWED, source=tag.source, line=tag.line, text=tag.text)
            for tag in self.tags
            if tag.token == EVERYONE or token_octets(tag.token) in names
            if not tag.meaning.tokens or not names.isdisjoint(map(token_octets, tag.meaning.tokens))
            for usage in tag.meaning.uses
        ]
        if (preference := _RESERVED.get(self.tdm.reserved)) is not None:
            text = f"tdm-reservation={int(self.tdm.reserved is Reserved.RESERVED)}"
            found.append(Statement(usage=Usage.MINE, preference=preference, source=META, line=self.tdm.line, text=text))
        return tuple(found)


_RESERVED = {Reserved.RESERVED: Preference.DISALLOWED, Reserved.NOT_RESERVED: Preference.ALLOWED}


def parse_robots_tag_fields(fields: Fields) -> PageTags:
    """What the X-Robots-Tag fields of a response say. Never raises; linear time."""
    reading = _Reading(FIELD)
    for value in fields.all("x-robots-tag"):
        reading.directives(EVERYONE, value[:LONGEST_VALUE], 0, 1, is_field=True)
        if len(value) > LONGEST_VALUE:
            reading.fault(0, PageFaultCode.TOO_LONG, 0, f"longer than {LONGEST_VALUE} characters: the rest is not read")
    return PageTags(tags=tuple(reading.tags), faults=tuple(reading.faults))


def parse_page_tags(page: bytes) -> PageTags:
    """What the meta elements in the head of an HTML page say. Never raises; linear time.

    `robots` addresses everyone. Any other name addresses the crawler of that name: a page may write it as it likes, and
    no crawler is called `description`. For the same reason only the words of `robots` can be faults.
    """
    reading = _Reading(META)
    head = parse_head(page)
    tdm: list[Meta] = []
    for meta in head.metas:
        if meta.name.startswith("tdm-"):
            tdm.append(meta)
            continue
        token = EVERYONE if meta.name == "robots" else meta.name
        if _TOKEN.fullmatch(token) is None:
            continue
        reading.directives(token, meta.content, meta.line, meta.column, is_field=False)
        if meta.is_cut and token == EVERYONE:
            text = f"longer than {LONGEST_CONTENT} characters: the rest is not read"
            reading.fault(meta.line, PageFaultCode.TOO_LONG, meta.column, text)
    if head.is_cut:
        text = f"the head is longer than {LARGEST_HEAD} octets: the rest is not read"
        reading.fault(0, PageFaultCode.HEAD_TOO_LONG, 0, text)
    said, faults = _tdm(tdm)
    return PageTags(tags=tuple(reading.tags), tdm=said, faults=(*reading.faults, *faults))


def resolve_page(earlier: TdmStatement, page: TdmStatement) -> TdmStatement:
    """What TDMRep says of a page: what the page sets replaces what file and field say ("Processing priority")."""
    stands = earlier if page.reserved is Reserved.UNSET else page
    return replace(stands, policy=page.policy or earlier.policy)


def _tdm(metas: Sequence[Meta]) -> tuple[TdmStatement, list[SignalFault]]:
    """The meta elements have the same names and values as the fields, and are as silent about contradictions."""
    said, faults = parse_tdm_fields(Fields(tuple((meta.name, meta.content.strip("\t\n\f\r ")) for meta in metas)))
    line = next((meta.line for meta in metas if meta.name == "tdm-reservation"), 0)
    if said.reserved is not Reserved.UNSET:
        said = replace(said, source="html", line=line)
    first = metas[0].line if metas else 0
    return said, [SignalFault(line=line or first, code=fault.code, text=fault.text) for fault in faults]


def _directive(item: str) -> tuple[str, str]:
    """A directive's name in small letters and its value; `max-snippet:0` is a name of its own."""
    name, _, value = (part.strip(" \t\n\f\r").lower() for part in item.partition(":"))
    return ("max-snippet:0", "") if (name, value) == ("max-snippet", "0") else (name, value)


class _Reading:
    """The tags and faults so far. Of each kind of fault the first in a field or element is reported."""

    def __init__(self, source: str) -> None:
        self.tags: list[PageTag] = []
        self.faults: list[SignalFault] = []
        self._source = source

    def fault(self, line: int, code: PageFaultCode, column: int, text: str) -> None:
        """Notes a fault."""
        self.faults.append(SignalFault(line=line, code=code, text=text, column=column))

    def directives(self, token: str, value: str, line: int, column: int, *, is_field: bool) -> None:
        """Takes in a list of directives. In a field a crawler's name may come before one, and holds from there on."""
        reported: set[PageFaultCode] = set()
        is_date = False
        at = 0
        for item in value.split(","):
            start = column + at if is_field else column
            at += len(as_octets(item)) + 1
            before, colon, after = item.partition(":")
            name, rest = before.strip(" \t"), item
            if is_field and colon and name.lower() not in _VALUED and _TOKEN.fullmatch(name) is not None:
                token, rest = name, after
            if is_date and rest.lstrip(" \t")[:1].isdigit():
                continue  # the date of unavailable_after may have a comma of its own
            name, _ = _directive(rest)
            is_date = name == "unavailable_after"
            fault = self._tag(token, name, rest, line)
            if fault is not None and fault[0] not in reported and (is_field or token == EVERYONE):
                reported.add(fault[0])
                self.fault(line, fault[0], start, fault[1])

    def _tag(self, token: str, name: str, item: str, line: int) -> tuple[PageFaultCode, str] | None:
        fault = None
        if name in _MISSPELLED:
            fault = PageFaultCode.LOOSE_SPELLING, f"{name} is taken for {_MISSPELLED[name]}"
            name = _MISSPELLED[name]
        elif name and name not in MEANINGS and name not in _SILENT:
            fault = PageFaultCode.UNKNOWN_DIRECTIVE, f"{excerpt(name)} is no directive: it says nothing"
        if name in MEANINGS:
            shown = excerpt(item.strip(" \t\n\f\r"))
            self.tags.append(PageTag(token=token, directive=name, source=self._source, line=line, text=shown))
        return fault
