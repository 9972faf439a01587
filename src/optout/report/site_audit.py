"""What `optout audit` tells: every answer, what it declares to whom, and what is wrong, each with a way to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from optout.crawlers.registry import Registry
from optout.lint.base import Finding, Rule, shown
from optout.lint.rules.probes import PROBES, Probed
from optout.lint.rules.response_fields import RESPONSE_FIELDS, FieldSource
from optout.lint.rules.rsl import RSL
from optout.lint.rules.site import SITE, Answer, SiteSource
from optout.lint.rules.site_licenses import SITE_LICENSES
from optout.lint.rules.tdm_policy import TDM_POLICY, PolicySource
from optout.lint.rules.tdmrep import TDMREP
from optout.lint.runner import ROBOTS_RULES, lint, lint_robots, lint_rsl, lint_tdmrep
from optout.robots.changes import EVERYONE, named_tokens
from optout.robots.parser import parse_robots
from optout.signals.preference import Usage
from optout.signals.verdict import UsageVerdict

_MOST_NAMED = 40  # crawlers whose answers are told one by one
_RULES: tuple[Rule[Any], ...] = (
    *ROBOTS_RULES,
    *TDMREP,
    *TDM_POLICY,
    *RSL,
    *RESPONSE_FIELDS,
    *SITE,
    *SITE_LICENSES,
    *PROBES,
)
_INSTEAD = {rule.code: rule.instead for rule in _RULES}
_FIXES = {"robots.txt": "optout robots lint --fix", "tdmrep.json": "optout tdm lint --fix"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding and where it was found: `site`, `page`, `image`, `probe`, a file's name, or the
    address of a policy.
    """

    file: str
    finding: Finding

    @property
    def instead(self) -> str:
        """How to mend it: what to write, on one line, or the command that does."""
        if self.finding.fixable:
            return f"`{_FIXES[self.file]}` mends it"
        return " / ".join(line.strip() for line in _INSTEAD[self.finding.code].splitlines() if line.strip())

    @property
    def place(self) -> str:
        """File and line."""
        return f"{self.file}:{self.finding.line}" if self.finding.line else self.file


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """What a crawler is told about the page: whether it may be fetched, by which line, and what may be done with it.

    `token` is as robots.txt names it, in small letters, and `name` as its operator writes it.
    """

    token: str
    name: str
    may_fetch: bool
    line: int
    verdict: UsageVerdict

    @property
    def words(self) -> tuple[str, ...]:
        """The cells of the table: fetching, then one for each `Usage`."""
        uses = [use.preference.value if use.decided is not None else "-" for use in self.verdict.uses]
        return ("allowed" if self.may_fetch else "disallowed", *uses)


COLUMNS = ("fetch", *(usage.value for usage in Usage))
"""The heads of the columns that `Declaration.words` fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAudit:
    """All that was found at one moment."""

    source: SiteSource
    findings: tuple[Told, ...]
    declared: tuple[Declaration, ...]
    probes: tuple[Probed, ...] = ()

    @property
    def fails(self) -> bool:
        """Whether there is an error or a warning."""
        return any(told.finding.severity.value != "note" for told in self.findings)

    @property
    def rows(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """The table of declarations; crawlers that are told the same share a row."""
        same: dict[tuple[str, ...], list[str]] = {}
        for each in self.declared:
            same.setdefault(each.words, []).append(each.name)
        return tuple((", ".join(names), words) for words, names in same.items())


def audit_site(source: SiteSource, registry: Registry, probes: tuple[Probed, ...] = ()) -> SiteAudit:
    """Lints everything that a site serves. Never raises."""
    signals = source.signals
    found: list[Told] = [Told(file="site", finding=each) for each in lint((*SITE, *SITE_LICENSES), source)]
    if signals.robots:
        found += [Told(file="robots.txt", finding=each) for each in lint_robots(signals.robots, registry)]
    if signals.tdmrep:
        found += [Told(file="tdmrep.json", finding=each) for each in lint_tdmrep(signals.tdmrep)]
    for name, answer, page in (("page", source.page, signals.page), ("image", source.image, b"")):
        if answer is not None and answer.status:
            fields = FieldSource(status=answer.status, fields=answer.fields, page=page)
            found += [Told(file=name, finding=each) for each in lint(RESPONSE_FIELDS, fields)]
    for answer in source.named:
        if answer.status == 200 and _is_for_machines(answer):
            policy = PolicySource(answer.body)
            found += [Told(file=shown(answer.url), finding=each) for each in lint(TDM_POLICY, policy)]
    found += [Told(file=shown(name), finding=each) for name, data in signals.rsl for each in lint_rsl(data)]
    found += [Told(file="probe", finding=each) for each in lint(PROBES, probes)]
    names = {token.lower(): token for crawler in registry.crawlers for token in crawler.robots_tokens}
    names[EVERYONE] = "everybody"
    declared = tuple(_declaration(source, token, names.get(token, token)) for token in _tokens(signals.robots))
    return SiteAudit(source=source, findings=tuple(found), declared=declared, probes=probes)


def _is_for_machines(answer: Answer) -> bool:
    """Whether what `tdm-policy` names means to be one for machines; a page for people is good, too."""
    return answer.media_type in ("application/json", "application/ld+json") or answer.body.lstrip()[:1] == b"{"


def _declaration(source: SiteSource, token: str, name: str) -> Declaration:
    match = source.access(token)
    line = match.rule.line if match.rule is not None else 0
    return Declaration(token=token, name=name, may_fetch=match.allowed, line=line, verdict=source.verdict(token))


def _tokens(robots: bytes) -> tuple[str, ...]:
    """Everybody, and each crawler that robots.txt names."""
    *named, everyone = named_tokens(parse_robots(robots))
    return (everyone, *named[:_MOST_NAMED])


def as_json(url: str, audit: SiteAudit) -> dict[str, Any]:
    """The public fields of `--json`."""
    return {
        "url": url,
        "answers": [_answer(each) for each in audit.source.answers],
        "uses": {
            each.token: {use.usage.value: use.preference.value for use in each.verdict.uses} for each in audit.declared
        },
        "declared": [
            {
                "token": each.token,
                "fetch": "allowed" if each.may_fetch else "disallowed",
                "line": each.line,
                "uses": [
                    {
                        "usage": use.usage.value,
                        "preference": use.preference.value,
                        "source": use.decided.source if use.decided is not None else "",
                        "line": use.decided.line if use.decided is not None else 0,
                        "text": use.decided.text if use.decided is not None else "",
                    }
                    for use in each.verdict.uses
                ],
            }
            for each in audit.declared
        ],
        "probes": [
            {
                "purpose": each.purpose.value,
                "crawler": each.crawler,
                "declared": each.declared.value,
                "enforced": each.enforced.value,
                "status": each.status,
                "fault": each.fault,
            }
            for each in audit.probes
        ],
        "findings": [
            {
                "file": told.file,
                "code": told.finding.code,
                "severity": told.finding.severity.value,
                "line": told.finding.line,
                "column": told.finding.column,
                "title": told.finding.title,
                "text": told.finding.text,
                "instead": told.instead,
                "fixable": told.finding.fixable,
            }
            for told in audit.findings
        ],
    }


def _answer(each: Answer) -> dict[str, Any]:
    return {
        "url": each.url,
        "status": each.status,
        "media_type": each.media_type,
        "fault": each.fault,
        "hops": list(each.hops),
        "fields": {name: list(each.fields.all(name)) for name in TOLD_FIELDS if each.fields.all(name)},
    }


TOLD_FIELDS = ("content-usage", "tdm-reservation", "tdm-policy", "x-robots-tag", "link", "cache-control")
"""The fields of an answer that declare something, or say who may keep it."""


def declaring(answer: Answer) -> Iterator[tuple[str, str]]:
    """The fields of an answer that declare something."""
    for name in TOLD_FIELDS[:-1]:
        for value in answer.fields.all(name):
            yield name, value
