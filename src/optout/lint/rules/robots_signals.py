"""RT4xx: signals that stand in robots.txt (Content-Usage, Content-Signal, License, Sitemap)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optout.lint.base import Found, RobotsSource, Rule, Severity, shown
from optout.robots.matcher import RobotsMatcher
from optout.signals.aipref import parse_content_usage
from optout.signals.content_signals import parse_content_signals
from optout.signals.path_records import PathRecord
from optout.signals.preference import Preference, Usage

_RFC = "RFC 9309 section "
_MOST_PATHS = 50  # asked about: a question costs as much as there are rules that begin with a star
_SIGNALS = ("content-usage", "content-signal")


def _not_absolute(source: RobotsSource, wanted: str, *schemes: str) -> Iterator[Found]:
    for line, key, value in source.records:
        if key == wanted and not value.lower().startswith(schemes):
            yield Found(line, f'"{shown(value)}" is no absolute URL of {" or ".join(schemes)}')


def _only_for_everyone(source: RobotsSource) -> Iterator[Found]:
    groups = source.robots.groups
    with_signal = {record.group for record in source.robots.others if record.key in _SIGNALS}
    has_common = any("*" in groups[number].tokens for number in with_signal if number is not None)
    if has_common:
        for number, group in enumerate(groups):
            if number not in with_signal and "*" not in group.tokens:
                names = shown(", ".join(group.tokens[:3]))
                yield Found(group.line, f"{names}: nothing is inherited from *, so no signal is said here")


def _license_for_some(source: RobotsSource) -> Iterator[Found]:
    records, groups = [record for record in source.robots.others if record.key == "license"], source.robots.groups
    inside = {record.group for record in records if record.group is not None}
    if not inside or len(inside) < len({record.group for record in records}):  # none, or one for all
        return
    reached = {token.lower() for number in inside for token in groups[number].tokens}
    for group in groups:
        if not reached.issuperset(token.lower() for token in group.tokens):
            names = shown(", ".join(group.tokens[:3]))
            yield Found(group.line, f"{names}: the license stands in another group, so none is named here")


def _said(records: Iterable[PathRecord]) -> Iterator[tuple[tuple[int, bytes, Usage], PathRecord, Preference]]:
    """Each statement, by the group, the path and the use that it is about."""
    for record in records:
        for statement in record.statements:
            yield (record.group, record.path.octets, statement.usage), record, statement.preference


def _contradictions(source: RobotsSource) -> Iterator[Found]:
    usages: dict[tuple[int, bytes, Usage], tuple[int, Preference]] = {}
    for about, record, preference in _said(parse_content_usage(source.robots).records):
        usages.setdefault(about, (record.line, preference))
    for about, record, preference in _said(parse_content_signals(source.robots).records):
        line, other = usages.get(about, (0, preference))
        if {preference, other} == {Preference.ALLOWED, Preference.DISALLOWED}:
            yield Found(record.line, f"{about[2]} is {preference} here, and {other} by Content-Usage in line {line}")


def _of_disallowed(source: RobotsSource) -> Iterator[Found]:
    robots = source.robots
    records = (*parse_content_usage(robots).records, *parse_content_signals(robots).records)
    groups = range(len(robots.groups))  # a Content-Signal may stand outside all of them
    with_path = [record for record in records if record.group in groups and len(record.path.octets) > 1][:_MOST_PATHS]
    matcher = RobotsMatcher(robots) if with_path else None
    for record in with_path:
        path = record.path.written.replace("*", "").rstrip("$")
        found = matcher.match(robots.groups[record.group].tokens[:1], path) if matcher is not None else None
        if found is not None and not found.allowed and found.rule is not None:
            yield Found(record.line, f"{shown(path)} is disallowed by line {found.rule.line}: nothing is said of it")


def _signals(source: RobotsSource) -> Iterator[Found]:
    for fault in parse_content_signals(source.robots).faults:
        yield Found(fault.line, shown(fault.text), fault.column)


def _usages(source: RobotsSource) -> Iterator[Found]:
    for fault in parse_content_usage(source.robots).faults:
        yield Found(fault.line, shown(fault.text), fault.column)


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

SIGNALS: tuple[Rule[RobotsSource], ...] = (
    Rule(
        code="RT401",
        severity=_E,
        title="a sitemap is not named by a whole URL",
        why="The line stands for itself, outside of any group, and needs scheme and host.",
        example="Sitemap: /sitemap.xml",
        instead="Sitemap: https://site.example/sitemap.xml",
        reference='sitemaps.org, "Submitting your Sitemap"',
        check=lambda source: _not_absolute(source, "sitemap", "http://", "https://"),
    ),
    Rule(
        code="RT402",
        severity=_E,
        title="a license is not named by a whole https URL",
        why="A machine that wants to take up your terms cannot find them.",
        example="License: /license.xml",
        instead="License: https://site.example/license.xml",
        reference="RSL 1.0, robots.txt",
        check=lambda source: _not_absolute(source, "license", "https://"),
    ),
    Rule(
        code="RT404",
        severity=_W,
        title="a signal stands for * only, while crawlers have groups of their own",
        why="A crawler with a group of its own reads nothing else: to it your preference is unknown.",
        example="User-agent: *\nAllow: /\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nAllow: /",
        instead="the same Content-Signal line in the group of GPTBot, behind its rules",
        reference=_RFC + "2.2.1",
        check=_only_for_everyone,
    ),
    Rule(
        code="RT405",
        severity=_E,
        title="a Content-Signal cannot be read as it was meant",
        why="What is not understood says nothing, or is taken in its strictest reading.",
        example="Content-Signal: train-ai=no",
        instead="Content-Signal: ai-train=no",
        reference="contentsignals.org",
        check=_signals,
    ),
    Rule(
        code="RT406",
        severity=_E,
        title="a Content-Usage cannot be read as it was meant",
        why="One mistake in a structured field makes all of it unreadable: then nothing is said.",
        example="Content-Usage: train-ai=no",
        instead="Content-Usage: train-ai=n",
        reference="draft-ietf-aipref-attach, RFC 9651",
        check=_usages,
    ),
    Rule(
        code="RT407",
        severity=_W,
        title="a license is named to some crawlers only",
        why="Inside a group the line is for that group alone. Before the first User-agent line it is for all.",
        example="User-agent: *\nAllow: /\nLicense: https://site.example/license.xml\n\nUser-agent: GPTBot\nAllow: /",
        instead="the License line before the first User-agent line",
        reference="RSL 1.0, robots.txt",
        check=_license_for_some,
    ),
    Rule(
        code="RT408",
        severity=_E,
        title="Content-Signal and Content-Usage contradict each other",
        why="Both stand in one group, for one path. A crawler that reads one of them does what the other forbids.",
        example="User-agent: *\nAllow: /\nContent-Signal: ai-train=yes\nContent-Usage: train-ai=n",
        instead="User-agent: *\nAllow: /\nContent-Signal: ai-train=no\nContent-Usage: train-ai=n",
        reference="contentsignals.org; draft-ietf-aipref-attach",
        check=_contradictions,
    ),
    Rule(
        code="RT409",
        severity=_N,
        title="a preference is stated for a path that is disallowed",
        why="It speaks to whoever may fetch the page, and the same crawler may not. Whoever comes all the same was "
        "told no already.",
        example="User-agent: *\nDisallow: /drafts/\nContent-Usage: /drafts/ train-ai=n",
        instead="User-agent: *\nDisallow: /drafts/",
        reference="draft-ietf-aipref-attach, robots.txt",
        check=_of_disallowed,
    ),
)
