"""AU111 to AU115: the license documents that a site names (RSL 1.0), and how it names them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from optout.lint.base import Found, Rule, Severity, shown
from optout.lint.rules.site import SiteSource
from optout.messages import parse_authority, parse_target
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.html_head import parse_head
from optout.signals.rsl_discovery import Named, is_rsl, licenses_of_fields, licenses_of_head, licenses_of_robots
from optout.signals.rsl_model import MEDIA_TYPE


def license_urls(source: SiteSource) -> tuple[str, ...]:
    """Every license document that the site names to anybody, each once."""
    in_robots = licenses_of_robots(parse_robots(source.signals.robots), None)
    return tuple(dict.fromkeys(url for named in (in_robots, *_beside(source)) for url in named.urls))


def _beside(source: SiteSource) -> tuple[Named, Named]:
    """What response and page name."""
    return licenses_of_fields(source.signals.fields), licenses_of_head(parse_head(source.signals.page))


def _license_answers(source: SiteSource) -> Iterator[Found]:
    for answer in source.licenses:
        if answer.status != 200:
            why = shown(answer.fault) if answer.fault else f"status {answer.status}"
            yield Found(0, f"{shown(answer.url)} is named as the license document and cannot be had: {why}")
        elif answer.media_type == "text/html" or answer.body.lstrip()[:14].lower() == b"<!doctype html":
            yield Found(0, f"{shown(answer.url)} is named as the license document and is an HTML page")


def _license_types(source: SiteSource) -> Iterator[Found]:
    for answer in source.licenses:
        if answer.status == 200 and answer.media_type != "text/html" and not is_rsl(answer.media_type):
            yield Found(0, f"{shown(answer.url)} comes as {shown(answer.media_type) or 'nothing'}, not as {MEDIA_TYPE}")


def _license_links(source: SiteSource) -> Iterator[Found]:
    for fault in (fault for named in _beside(source) for fault in named.faults):
        place = f"line {fault.line} of the page" if fault.line else "the Link field"
        yield Found(0, f"{place}: {shown(fault.text)}")


_HEAD_END = re.compile(rb"</head|<body", re.IGNORECASE)
_IN_BODY = re.compile(rb"<(?:link|script)\b[^<>]*?application/rsl\+xml", re.IGNORECASE)


def _license_in_body(source: SiteSource) -> Iterator[Found]:
    end = _HEAD_END.search(source.signals.page)
    found = _IN_BODY.search(source.signals.page, end.start()) if end is not None else None
    if found is not None:
        line = source.signals.page.count(b"\n", 0, found.start()) + 1
        yield Found(0, f"line {line} of the page names or holds a license document, behind its head")


def _blocked(source: SiteSource) -> Iterator[Found]:
    matcher = RobotsMatcher(parse_robots(source.signals.robots))
    for url in license_urls(source):
        target, host = parse_target(url)
        is_own = parse_authority(host or "", url.partition(":")[0].lower()) == source.authority
        if is_own and not matcher.match(("*",), target).allowed:
            yield Found(0, f"{shown(url)} is disallowed to everybody by robots.txt")


_W, _E = Severity.WARNING, Severity.ERROR

SITE_LICENSES: tuple[Rule[SiteSource], ...] = (
    Rule(
        code="AU111",
        severity=_E,
        title="a license document is named and not there",
        why="A machine that wants your terms finds none. Then nothing is licensed, and nothing prohibited by it.",
        example="License: https://site.example/license.xml, and GET /license.xml -> 404",
        instead="the document under the address that is named, to everybody",
        reference="RSL 1.0, discovery",
        check=_license_answers,
    ),
    Rule(
        code="AU112",
        severity=_W,
        title="a license document comes with another media type",
        why="Some readers take it for something else and do not read it.",
        example="Content-Type: text/xml",
        instead="Content-Type: application/rsl+xml",
        reference="RSL 1.0, document",
        check=_license_types,
    ),
    Rule(
        code="AU113",
        severity=_E,
        title="a license document is named in a way that machines pass over",
        why="The address must be absolute, and RSL's media type beside it: any other license is one for people.",
        example='Link: </license.xml>; rel="license"',
        instead='Link: <https://site.example/license.xml>; rel="license"; type="application/rsl+xml"',
        reference="RSL 1.0, discovery",
        check=_license_links,
    ),
    Rule(
        code="AU114",
        severity=_E,
        title="a page names its license document outside of its head",
        why="Readers look into the head alone.",
        example='<body><link rel="license" type="application/rsl+xml" href="https://site.example/license.xml">',
        instead='<head><link rel="license" type="application/rsl+xml" href="https://site.example/license.xml">',
        reference="RSL 1.0, discovery",
        check=_license_in_body,
    ),
    Rule(
        code="AU115",
        severity=_E,
        title="robots.txt keeps crawlers from the license document",
        why="Whoever obeys robots.txt may not read your terms.",
        example="License: https://site.example/license.xml\n\nUser-agent: *\nDisallow: /",
        instead="License: https://site.example/license.xml\n\nUser-agent: *\nAllow: /license.xml\nDisallow: /",
        reference="RSL 1.0, discovery; RFC 9309 section 2.2.2",
        check=_blocked,
    ),
)
