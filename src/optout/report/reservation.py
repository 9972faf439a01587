"""What a published document says about AI, in words for people: robots.txt (RFC 9309), tdmrep.json (TDMRep), RSL."""

from __future__ import annotations

from collections.abc import Iterator

from optout.crawlers.model import AI_PURPOSES
from optout.crawlers.registry import Registry
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.preference import Preference, Usage, combine
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_uses import RslMatcher
from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdmrep


def says(name: str, data: bytes, work: str, registry: Registry) -> tuple[str, ...]:
    """What a document says of the page `work` (a path), a sentence each."""
    if name.startswith("RSL "):
        return tuple(_rsl(data, work))
    return tuple(_robots(data, work, registry) if name == "robots.txt" else _tdmrep(data, work))


def _robots(data: bytes, work: str, registry: Registry) -> Iterator[str]:
    matcher = RobotsMatcher(parse_robots(data))
    shut, open_to = [], 0
    for crawler in registry.crawlers:
        if crawler.robots_tokens and not crawler.acts_for.isdisjoint(AI_PURPOSES):
            match = matcher.match(crawler.robots_tokens, work)
            if match.allowed:
                open_to += 1
            else:
                line = f" (line {match.rule.line})" if match.rule is not None else ""
                shut.append(f"{crawler.robots_tokens[0]}{line}")
    if shut:
        yield f"It tells {len(shut)} AI crawlers that they may not fetch {work}: {', '.join(sorted(shut))}."
    else:
        yield f"It forbids none of the AI crawlers that we know to fetch {work}."
    if shut and open_to:
        yield f"It does not forbid it to {open_to} others."


def _tdmrep(data: bytes, work: str) -> Iterator[str]:
    parsed = parse_tdmrep(data)
    rule = TdmMatcher(parsed).match(work) if parsed.rules else None
    if rule is None or rule.reserved is Reserved.UNSET:
        yield f"It says nothing about {work}."
    elif rule.reserved is Reserved.RESERVED:
        yield f"It reserves the rights to text and data mining for {work}."
        if rule.policy:
            yield f"It names the policy {rule.policy}, under which a license can be had."
    else:
        yield f"It says that the rights to text and data mining for {work} are not reserved."


_USES = {
    Usage.TRAIN: "training",
    Usage.INPUT: "input for answers",
    Usage.INDEX: "an index for answers",
    Usage.SEARCH: "search",
    Usage.MINE: "text and data mining",
}


def _rsl(data: bytes, work: str) -> Iterator[str]:
    said = combine(RslMatcher(parse_rsl(data)).statements(work, "", ""))
    for preference, words in (
        (Preference.DISALLOWED, "Without a license it does not permit"),
        (Preference.ALLOWED, "It permits everybody"),
    ):
        found = [
            f"{_USES[each.usage]} (line {each.line}: {each.text})" for each in said if each.preference is preference
        ]
        if found:
            yield f"{words}, for {work}: {', '.join(found)}."
    if not said:
        yield f"It says nothing about {work}."
