"""What may be done with the bytes: one answer per use, out of every signal that a site sends for a page and a crawler.

Each standard is resolved by its own rule first (TDMRep: the first match in the file, a later stage replaces; AIPREF and
Content Signals: the longest path, restrictively; RSL: the most specific content, and what one license permits). Across
standards a single "disallowed" stands, else "allowed", else nothing is known (`preference.combine`). Whether a page may
be fetched at all is another question, not answered here.

A TDMRep reservation is one bit for all mining; it is taken for mining, training, indexing for answers and input, and
not for search, which is commonly tolerated. Its 0 permits the same and cancels no other standard's restriction.

An RSL document is heard where the site names it to this crawler: in its group of robots.txt, the response, the page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from optout.messages import Fields
from optout.robots.matcher import Match, RobotsMatcher
from optout.robots.model import RobotsTxt, as_octets
from optout.robots.parser import parse_robots
from optout.signals.ai_txt import AiTxtMatcher, parse_ai_txt
from optout.signals.aipref import parse_content_usage_fields
from optout.signals.control_tokens import CONTROL_TOKENS, ControlToken, control_statements
from optout.signals.html_head import parse_head
from optout.signals.page_tags import parse_page_tags, parse_robots_tag_fields, resolve_page
from optout.signals.preference import Preference, Statement, Usage, combine, excerpt
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_discovery import is_rsl, licenses_of_fields, licenses_of_head, licenses_of_robots
from optout.signals.rsl_uses import RslMatcher
from optout.signals.tdmrep import (
    NOTHING_SAID,
    Reserved,
    TdmMatcher,
    TdmRule,
    TdmStatement,
    parse_tdm_fields,
    parse_tdmrep,
    resolve,
)
from optout.signals.usage_records import usage_records

_MINING = (Usage.TRAIN, Usage.INPUT, Usage.INDEX, Usage.MINE)
_TDM_SOURCES = {"file": "tdmrep.json", "header": "tdm-reservation field", "html": "tdm-reservation in the page"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signals:
    """What a site sends: its documents' bytes ("" for none), and of one response the fields and the page.

    `controls` are the tokens whose groups in robots.txt speak of a use.
    `rsl` are license documents by the URL that the site names. `authority` is the site's own, in the form of
    `parse_authority`; where it is "", what they say of any site's path is taken for this one's.
    """

    robots: bytes = b""
    tdmrep: bytes = b""
    ai_txt: bytes = b""
    fields: Fields = field(default_factory=Fields)
    page: bytes = b""
    controls: tuple[ControlToken, ...] = CONTROL_TOKENS
    rsl: tuple[tuple[str, bytes], ...] = ()
    authority: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """The answer for one use; `decided` is the statement that stands, None where nothing is said."""

    usage: Usage
    preference: Preference
    decided: Statement | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """One use that a site both allows and disallows; the owner should say it once."""

    usage: Usage
    allowed: Statement
    disallowed: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageVerdict:
    """The answer for every `Usage`, every statement that was heard, and where they contradict one another."""

    uses: tuple[Use, ...]
    heard: tuple[Statement, ...]
    conflicts: tuple[Conflict, ...]

    def preference(self, usage: Usage) -> Preference:
        """The answer for one use."""
        return next(use.preference for use in self.uses if use.usage is usage)


def usage_verdict(signals: Signals, tokens: Sequence[str], target: str) -> UsageVerdict:
    """What all signals together say to a crawler with these product tokens about a path and query. Never raises."""
    robots = parse_robots(signals.robots)
    matcher = RobotsMatcher(robots)
    bound, records = matcher.match(tokens, target), usage_records(robots)
    return resolve_uses(
        (
            *(records.match(bound, target) if records is not None else ()),
            *control_statements(matcher, signals.controls, tokens, target),
            *_tdm(signals, target),
            *_others(signals, tokens, target),
            *_licenses(signals, robots, bound, target),
        )
    )


def resolve_uses(heard: tuple[Statement, ...]) -> UsageVerdict:
    """What statements of several standards, each resolved by its own rule already, come to."""
    standing = {statement.usage: statement for statement in combine(heard)}
    uses = tuple(
        Use(
            usage=usage,
            preference=standing[usage].preference if usage in standing else Preference.UNKNOWN,
            decided=standing.get(usage),
        )
        for usage in Usage
    )
    return UsageVerdict(uses=uses, heard=heard, conflicts=tuple(_conflicts(heard)))


def _tdm(signals: Signals, target: str) -> tuple[Statement, ...]:
    """TDMRep's one bit, as its own stages leave it: file, then field, then page."""
    rule = TdmMatcher(parse_tdmrep(signals.tdmrep)).match(target) if signals.tdmrep else None
    said = resolve(rule, parse_tdm_fields(signals.fields)[0])
    page = parse_page_tags(signals.page).tdm
    return tuple(_from_tdm(resolve_page(said, page)))


def rule_statements(rule: TdmRule | None) -> tuple[Statement, ...]:
    """What a rule of tdmrep.json says of uses; nothing where there is none, or its reservation is unset."""
    return tuple(_from_tdm(resolve(rule, NOTHING_SAID)))


def field_statements(fields: Fields, tokens: Sequence[str]) -> tuple[Statement, ...]:
    """What the fields of a response say of its content to a crawler with these product tokens. Never raises."""
    usage, _ = parse_content_usage_fields(fields)
    tdm = _from_tdm(parse_tdm_fields(fields)[0])
    return (*usage, *tdm, *parse_robots_tag_fields(fields).statements(tokens))


NO_SIGNALS = Fields()
_SIGNAL_FIELDS = frozenset({"content-usage", "tdm-reservation", "tdm-policy", "x-robots-tag"})


def signal_fields(fields: Iterable[tuple[str, str]]) -> Fields:
    """Those of a response's fields that `field_statements` reads."""
    found = [pair for pair in fields if pair[0].lower() in _SIGNAL_FIELDS]
    return Fields(tuple(found)) if found else NO_SIGNALS


def _from_tdm(said: TdmStatement) -> list[Statement]:
    if said.reserved is Reserved.UNSET:
        return []
    is_reserved = said.reserved is Reserved.RESERVED
    preference = Preference.DISALLOWED if is_reserved else Preference.ALLOWED
    text = f"tdm-reservation: {int(is_reserved)}"
    source = _TDM_SOURCES.get(said.source, "TDMRep")
    return [
        Statement(usage=usage, preference=preference, source=source, line=said.line, text=text) for usage in _MINING
    ]


def _others(signals: Signals, tokens: Sequence[str], target: str) -> tuple[Statement, ...]:
    """The response's own fields, the page's meta elements, and ai.txt."""
    usage, _ = parse_content_usage_fields(signals.fields)
    tags = parse_robots_tag_fields(signals.fields).statements(tokens)
    metas = parse_page_tags(signals.page).statements(tokens)
    ai_txt = AiTxtMatcher(parse_ai_txt(signals.ai_txt)).match(tokens, target) if signals.ai_txt else ()
    return (*usage, *tags, *metas, *ai_txt)


def _licenses(signals: Signals, robots: RobotsTxt, bound: Match, target: str) -> Iterator[Statement]:
    """RSL: each document that is named and at hand, and those in the page itself."""
    head, documents = parse_head(signals.page), dict(signals.rsl)
    places = (licenses_of_robots(robots, bound), licenses_of_fields(signals.fields), licenses_of_head(head))
    for url in dict.fromkeys(url for named in places for url in named.urls):
        rsl = parse_rsl(documents.get(url, b""))
        yield from RslMatcher(rsl).statements(target, signals.authority, f"RSL {excerpt(url)}")
    for script in head.scripts:
        if is_rsl(script.type):
            rsl = parse_rsl(as_octets(script.text), in_page=True, first_line=script.line)
            yield from RslMatcher(rsl).statements(target, signals.authority, "RSL in the page")


def _conflicts(heard: Sequence[Statement]) -> list[Conflict]:
    found = []
    for usage in Usage:
        said: dict[Preference, Statement] = {}
        for statement in heard:
            if statement.usage is usage:
                said.setdefault(statement.preference, statement)
        if Preference.ALLOWED in said and Preference.DISALLOWED in said:
            allowed, disallowed = said[Preference.ALLOWED], said[Preference.DISALLOWED]
            found.append(Conflict(usage=usage, allowed=allowed, disallowed=disallowed))
    return found
