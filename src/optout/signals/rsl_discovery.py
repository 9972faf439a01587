"""Where a site names its RSL documents: robots.txt, the response's Link field, the page's head (RSL 1.0, discovery).

There is no well-known path, and a `rel="license"` without RSL's media type is an ordinary license for people (RFC 4946,
HTML section 4.6.7.9): neither is read. URLs must be absolute. A document in the page itself is a `script`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from optout.messages import Fields
from optout.robots.matcher import Match
from optout.robots.model import OtherRecord, RobotsTxt
from optout.signals.html_head import Head
from optout.signals.path_records import LONGEST_VALUE
from optout.signals.preference import SignalFault, excerpt
from optout.signals.rsl_model import MEDIA_TYPE
from optout.signals.tdmrep import is_absolute_url

MOST_NAMED = 16
"""Documents that are taken from one place: more is no site's need."""


class LinkFaultCode(StrEnum):
    """What can be wrong where a document is named. Permanent; all since 0.1."""

    RELATIVE_URL = "relative-url"
    NO_TYPE = "no-type"


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The URLs of RSL documents that one place names, each once and in order, and what is wrong there."""

    urls: tuple[str, ...] = ()
    faults: tuple[SignalFault, ...] = ()


def licenses_of_robots(robots: RobotsTxt, bound: Match | None) -> Named:
    """What `License` records name to a crawler; `bound` is what `RobotsMatcher` says to it, None is everybody.

    A record before the first user-agent line is for all. One in a group is for that group, and replaces those for all.
    """
    records = [record for record in robots.others if record.key == "license"]
    groups = {group.line for group in bound.groups} if bound is not None else set()
    own = [each for each in records if each.group is not None and robots.groups[each.group].line in groups]
    return _of_records(own or [each for each in records if each.group is None or bound is None])


def _of_records(records: Iterable[OtherRecord]) -> Named:
    return _named((record.line, record.value, MEDIA_TYPE) for record in records)


def licenses_of_fields(fields: Fields) -> Named:
    """What the Link fields of a response name (RFC 8288 section 3). Never raises; linear time."""
    found = []
    for value in fields.all("link"):
        for url, parameters in _links(value[:LONGEST_VALUE]):
            if _is_license(parameters.get("rel", "")):
                found.append((0, url, parameters.get("type", "")))
    return _named(found)


def licenses_of_head(head: Head) -> Named:
    """What `link` elements in a page's head name."""
    return _named((link.line, link.href, link.type) for link in head.links if _is_license(link.rel))


def _is_license(relations: str) -> bool:
    return "license" in relations.lower().split()


def is_rsl(media_type: str) -> bool:
    """Whether a media type, with or without parameters, is RSL's."""
    return media_type.partition(";")[0].strip(" \t\r\n\f").lower() == MEDIA_TYPE


def _named(found: Iterable[tuple[int, str, str]]) -> Named:
    urls: dict[str, None] = {}
    faults: list[SignalFault] = []
    for line, url, media_type in found:
        if not media_type and url.partition("?")[0].lower().endswith((".xml", ".rsl")):
            text = f"{excerpt(url)} is named as a license without RSL's media type: no machine will read it"
            faults.append(SignalFault(line=line, code=LinkFaultCode.NO_TYPE, text=text))
        elif is_rsl(media_type) and not is_absolute_url(url):
            text = f"{excerpt(url) or 'nothing'} is no absolute http or https URL: not read"
            faults.append(SignalFault(line=line, code=LinkFaultCode.RELATIVE_URL, text=text))
        elif is_rsl(media_type) and len(urls) < MOST_NAMED:
            urls.setdefault(url)
    return Named(urls=tuple(urls), faults=tuple(faults))


_TARGET = re.compile(r"[ \t,]*+<([^<>]*+)>")
_PARAMETER = re.compile(
    r'[ \t]*+;[ \t]*+([^ \t=;,"]*+)(?:[ \t]*+=[ \t]*+(?:"((?:[^"\\]++|\\.)*+)"|([^ \t;,"]*+)))?+', re.DOTALL
)


def _links(value: str) -> Iterable[tuple[str, dict[str, str]]]:
    """The links of a field's value; what is none is passed over up to the next comma."""
    at = 0
    while at < len(value):
        found = _TARGET.match(value, at)
        if found is not None:
            at = found.end()
            parameters: dict[str, str] = {}
            while (each := _PARAMETER.match(value, at)) is not None:
                at = each.end()  # of a parameter given twice the first counts (section 3.3)
                parameters.setdefault(each[1].lower(), each[2] if each[2] is not None else each[3] or "")
            yield found[1].strip(" \t"), parameters
        comma = value.find(",", at)
        at = comma + 1 if comma >= 0 else len(value)
