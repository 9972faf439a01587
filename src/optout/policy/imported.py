"""A robots.txt taken over into a policy, without losing a rule.

The groups of AI crawlers become clauses, which act at the door. All else stays a robots.txt below the clauses, as the
documents made from the policy repeat it: rules for everybody, for search engines, which a door leaves alone, for
control tokens, for names that nobody knows, and every group that holds more than rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from msgspec.structs import replace

from optout.crawlers.model import AI_PURPOSES, Crawler, Purpose
from optout.crawlers.registry import Registry
from optout.policy.always_open import ACME_PREFIX, ALWAYS_OPEN_PATHS
from optout.policy.model import names_of
from optout.policy.values import WrongValueError, path_pattern_text
from optout.robots.matcher import RobotsMatcher, in_order
from optout.robots.model import Group, RobotsTxt, Rule
from optout.robots.parser import parse_robots
from optout.robots.writer import write_robots

EVERYONE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A user agent of the file whose rules are no clauses, and why. `line` is that of its first group."""

    line: int
    token: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """A policy as YAML text, and the user agents whose rules stay a robots.txt inside it."""

    text: str
    kept: tuple[Kept, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lifted:
    """Crawlers that become the subject of clauses, and the rules that bind them, in the order in which they decide."""

    names: tuple[str, ...]
    rules: tuple[tuple[bool, str], ...]


def import_robots(data: bytes, registry: Registry, *, site: str) -> Imported:
    """The policy that says what a robots.txt says. Never raises; what it makes loads, if it is not too long."""
    robots = parse_robots(data)
    matcher = RobotsMatcher(robots)
    forms = _forms(registry)
    bound = _bound(matcher, forms)
    busy = {
        robots.groups[record.group].line
        for record in robots.others
        if record.group is not None and record.key != "sitemap"
    }
    lifted: dict[str, _Lifted] = {}
    kept: list[Kept] = []
    for line, token in _tokens(robots):
        crawlers, match = bound.get(token.lower(), ()), matcher.match((token,), "/robots.txt")
        why = _why_not(token, crawlers, forms)
        if not why and any(group.line in busy for group in match.groups):
            why = "its group holds more than rules"
        rules = () if why else tuple(_written(in_order(match)))
        if not why and any(not text for _, text in rules):
            why = "a rule of it can be no clause"
        if why:
            kept.append(Kept(line=line, token=token, why=why))
        else:
            lifted[token.lower()] = _Lifted(names=tuple(sorted({each.name for each in crawlers})), rules=rules)
    base = write_robots(_without(robots, lifted.keys())).decode()
    return Imported(text=_policy(lifted.values(), base, site), kept=tuple(kept))


def _bound(matcher: RobotsMatcher, forms: Sequence[Crawler]) -> dict[str, tuple[Crawler, ...]]:
    """The crawlers that each token of the file binds."""
    found: dict[str, tuple[Crawler, ...]] = {}
    for crawler in forms:
        token = matcher.match(crawler.robots_tokens, "/robots.txt").token if crawler.robots_tokens else None
        if token not in (None, EVERYONE):
            key = str(token).lower()
            found[key] = (*found.get(key, ()), crawler)
    return found


def _forms(registry: Registry) -> tuple[Crawler, ...]:
    forms = [*registry.crawlers, *(crawler for _, crawler in registry.spellings)]
    return tuple({id(crawler): crawler for crawler in forms}.values())


def _tokens(robots: RobotsTxt) -> Iterator[tuple[int, str]]:
    """Each token once, with the line of its first group."""
    seen: set[str] = set()
    for group in robots.groups:
        for token in group.tokens:
            if token and token.lower() not in seen:
                seen.add(token.lower())
                yield group.line, token


def _why_not(token: str, crawlers: Sequence[Crawler], forms: Sequence[Crawler]) -> str:
    """Why the rules of a token stay where they are; "" where they become clauses."""
    if token == EVERYONE:
        return "it is for everybody"
    if not crawlers:
        return "no crawler is known by this name"
    if any(Purpose.CONTROL_TOKEN in crawler.purposes for crawler in crawlers):
        return "no request carries this name"
    if any(crawler.acts_for.isdisjoint(AI_PURPOSES) for crawler in crawlers):
        return "it is no AI crawler alone, and is left alone at the door"
    names = frozenset(crawler.name.lower() for crawler in crawlers)
    meant = {id(each) for each in forms if not names.isdisjoint(names_of(each))}
    if meant != {id(crawler) for crawler in crawlers}:
        return "its name means other crawlers, too"
    return ""


def _written(rules: Iterable[Rule]) -> Iterator[tuple[bool, str]]:
    """Each rule as a clause has it; "" for one that can be none."""
    for rule in rules:
        octets = rule.pattern.octets
        if not rule.pattern.pieces or octets[:1] not in b"/*":
            continue  # it matches nothing
        path = octets.decode("ascii")
        bare = path.removesuffix("$")
        if not rule.allow and (bare in ALWAYS_OPEN_PATHS or bare.startswith(ACME_PREFIX)):
            path = ""
        try:
            yield rule.allow, path and path_pattern_text(path)
        except WrongValueError:
            yield rule.allow, ""


def _without(robots: RobotsTxt, lifted: Iterable[str]) -> RobotsTxt:
    """The file without some of its user agents."""
    gone = frozenset(lifted)
    groups: list[Group] = []
    numbers: dict[int | None, int | None] = {None: None}
    for number, group in enumerate(robots.groups):
        tokens = tuple(token for token in group.tokens if token.lower() not in gone)
        if any(tokens):
            numbers[number] = len(groups)
            groups.append(replace(group, tokens=tokens))
    others = []
    for record in robots.others:
        place = numbers.get(record.group)
        before = min(record.tokens, len(groups[place].tokens)) if place is not None else 0
        others.append(replace(record, group=place, tokens=before))
    return RobotsTxt(groups=tuple(groups), others=tuple(others))


_HEAD = """\
# Taken over from a robots.txt by `optout policy import`. Its rules for AI crawlers are clauses, which act at the door;
# all else stands under `base`. `optout compile documents` makes the robots.txt again, with whatever you add here.
version: 1
sites: {site}
mode: observe           # write `enforce` when `optout policy show` says what you mean
default: allow
on_error: refuse
"""


def _policy(lifted: Iterable[_Lifted], base: str, site: str) -> str:
    by_rules: dict[tuple[tuple[bool, str], ...], dict[str, None]] = {}
    for each in lifted:
        by_rules.setdefault(each.rules, {}).update(dict.fromkeys(each.names))
    clauses = [clause for rules, names in by_rules.items() for clause in _clauses(tuple(names), rules)]
    text = _HEAD.format(site=_quoted(site))
    if clauses:
        text += "clauses:\n"
    for number, clause in enumerate(clauses, 1):
        text += f"  - id: robots-{number}\n{clause}"
    return f"{text}documents:\n  from: generated\n" + (f"  base: {_block(base)}" if base else "")


def _clauses(names: tuple[str, ...], rules: tuple[tuple[bool, str], ...]) -> Iterator[str]:
    """Clauses whose first match says what the longest rule says; the last is for all other paths."""
    named = f"    crawler: [{', '.join(map(_quoted, names))}]\n"
    for allow, own in groupby(rules, key=lambda rule: rule[0]):
        paths = [text for _, text in own]
        everywhere = next((place for place, text in enumerate(paths) if text in ("/", "*", "/*")), None)
        if everywhere is not None:
            yield f"    action: {'allow' if allow else 'deny'}\n{named}"
            return
        written = "".join(f"      - {_quoted(text)}\n" for text in paths)
        yield f"    action: {'allow' if allow else 'deny'}\n{named}    path:\n{written}"
    yield f"    action: allow\n{named}"


def _block(text: str) -> str:
    """A block scalar; what `write_robots` makes has nothing that could end or break one."""
    return "|\n" + "".join(f"    {line}\n" if line else "\n" for line in text.removesuffix("\n").split("\n"))


def _quoted(text: str) -> str:
    """A double-quoted scalar of YAML 1.1 (section 5.7)."""
    marks = {'"': '\\"', "\\": "\\\\"}
    return '"' + "".join(marks.get(char, char if char.isprintable() else f"\\U{ord(char):08X}") for char in text) + '"'
