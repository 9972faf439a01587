"""What a published document says about AI, in words for people: robots.txt (RFC 9309), tdmrep.json (TDMRep), RSL."""

from __future__ import annotations

from collections.abc import Iterator

from optout.crawlers.model import AI_PURPOSES
from optout.crawlers.registry import Registry
from optout.report.language import Say, english
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.preference import Preference, Usage, combine
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_uses import RslMatcher
from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdmrep


def says(name: str, data: bytes, work: str, registry: Registry, say: Say = english) -> tuple[str, ...]:
    """What a document says of the page `work` (a path), a sentence each."""
    if name.startswith("RSL "):
        return tuple(_rsl(data, work, say))
    return tuple(_robots(data, work, registry, say) if name == "robots.txt" else _tdmrep(data, work, say))


def _robots(data: bytes, work: str, registry: Registry, say: Say) -> Iterator[str]:
    matcher = RobotsMatcher(parse_robots(data))
    shut, open_to = [], 0
    for crawler in registry.crawlers:
        if crawler.robots_tokens and not crawler.acts_for.isdisjoint(AI_PURPOSES):
            match = matcher.match(crawler.robots_tokens, work)
            if match.allowed:
                open_to += 1
            else:
                line = say(" (line {line})").format(line=match.rule.line) if match.rule is not None else ""
                shut.append(f"{crawler.robots_tokens[0]}{line}")
    if shut:
        told = say("It tells {count} AI crawlers that they may not fetch {work}: {names}.")
        yield told.format(count=len(shut), work=work, names=", ".join(sorted(shut)))
    else:
        yield say("It forbids none of the AI crawlers that we know to fetch {work}.").format(work=work)
    if shut and open_to:
        yield say("It does not forbid it to {count} others.").format(count=open_to)


def _tdmrep(data: bytes, work: str, say: Say) -> Iterator[str]:
    parsed = parse_tdmrep(data)
    rule = TdmMatcher(parsed).match(work) if parsed.rules else None
    if rule is None or rule.reserved is Reserved.UNSET:
        yield say("It says nothing about {work}.").format(work=work)
    elif rule.reserved is Reserved.RESERVED:
        yield say("It reserves the rights to text and data mining for {work}.").format(work=work)
        if rule.policy:
            yield say("It names the policy {policy}, under which a license can be had.").format(policy=rule.policy)
    else:
        yield say("It says that the rights to text and data mining for {work} are not reserved.").format(work=work)


def _rsl(data: bytes, work: str, say: Say) -> Iterator[str]:
    uses = {
        Usage.TRAIN: say("training"),
        Usage.INPUT: say("input for answers"),
        Usage.INDEX: say("an index for answers"),
        Usage.SEARCH: say("search"),
        Usage.MINE: say("text and data mining"),
    }
    said = combine(RslMatcher(parse_rsl(data)).statements(work, "", ""))
    for preference, words in (
        (Preference.DISALLOWED, say("Without a license it does not permit, for {work}: {uses}.")),
        (Preference.ALLOWED, say("It permits everybody, for {work}: {uses}.")),
    ):
        found = [
            say("{use} (line {line}: {text})").format(use=uses[each.usage], line=each.line, text=each.text)
            for each in said
            if each.preference is preference
        ]
        if found:
            yield words.format(work=work, uses=", ".join(found))
    if not said:
        yield say("It says nothing about {work}.").format(work=work)
