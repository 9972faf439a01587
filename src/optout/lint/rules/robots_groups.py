"""RT2xx: groups, and rules that do not do what they seem to (RFC 9309 sections 2.2.1 and 2.2.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from optout.lint.base import Found, RobotsSource, Rule, Severity, shown
from optout.messages import parse_target
from optout.robots.matcher import RobotsMatcher
from optout.robots.model import Group
from optout.robots.model import Rule as Line

_RFC = "RFC 9309 section "
_RESERVATION = "/.well-known/tdmrep.json"
_EVERYONE = "*"
_MOST_LICENSES = 20
_MOST_GROUPS = 200  # compared with everybody's rules
_MOST_RULES = 262_144  # looked at in merged groups; many times what any real file holds


def _outside(source: RobotsSource) -> Iterator[Found]:
    return source.faults("rule-outside-group")


def _without_rule(source: RobotsSource) -> Iterator[Found]:
    """User agents that no rule follows before other records do: readers of the standard fuse the "
    "group with the next."""
    waiting: int = 0
    has_other = False
    for line, key, _ in source.records:
        if key == "user-agent":
            if waiting and has_other:
                yield Found(waiting, "no Allow or Disallow follows: the group runs together with the next one")
                waiting = 0
            waiting, has_other = waiting or line, False
        elif key in ("allow", "disallow"):
            waiting = 0
        elif waiting and key not in ("sitemap",):
            has_other = True
    if waiting:
        yield Found(waiting, "no Allow or Disallow follows: the group says nothing")


def _between(source: RobotsSource) -> Iterator[Found]:
    others: list[tuple[int, str]] = []
    has_agent = False
    for line, key, _ in source.records:
        if key == "user-agent":
            if has_agent:
                yield from (
                    Found(number, f"{shown(other)} stands between user agents: some readers end the list there")
                    for number, other in others
                )
            has_agent, others = True, []
        elif key in ("allow", "disallow"):
            has_agent, others = False, []
        elif has_agent:
            others.append((line, key))


def _torn(source: RobotsSource) -> Iterator[Found]:
    """Empty lines between a group's user agents and rules: old Python's reader ends the group at the first."""
    keys = {line: key for line, key, _ in source.records if key in ("user-agent", "allow", "disallow")}
    last, empty = "", 0
    for number, line in enumerate(source.lines, 1):
        key = keys.get(number)
        if key is not None:
            if empty and last and (key != "user-agent" or last == key):
                yield Found(empty, "an empty line stands within a group: old Python ends the group here")
            last, empty = key, 0
        elif not line:
            empty = empty or number


def _tokens(source: RobotsSource) -> dict[str, list[Group]]:
    found: dict[str, list[Group]] = defaultdict(list)
    for group in source.robots.groups:
        for token in {token.lower() for token in group.tokens}:
            found[token].append(group)
    return found


def _merged(source: RobotsSource) -> Iterator[tuple[str, list[Group]]]:
    """Each set of groups that readers merge, once, with a name that it binds.

    Names can share groups in so many ways that merging them all takes the product of names and rules: a hostile file
    of 470 KB took more than 20 seconds. What comes after `_MOST_RULES` rules is not looked at.
    """
    seen: set[tuple[int, ...]] = set()
    budget = _MOST_RULES
    for name, groups in _tokens(source).items():
        merged = tuple(map(id, groups))
        if merged in seen:
            continue
        seen.add(merged)
        budget -= sum(len(group.rules) for group in groups)
        if budget < 0:
            return
        yield name, groups


def _several_for_everyone(source: RobotsSource) -> Iterator[Found]:
    for group in _tokens(source).get("*", [])[1:]:
        yield Found(group.line, "a further group for *: the standard merges them, old Python reads the first alone")


def _several_for_one(source: RobotsSource) -> Iterator[Found]:
    for name, groups in _tokens(source).items():
        if name != _EVERYONE:
            for group in groups[1:]:
                yield Found(group.line, f"a further group for {shown(name)}: old Python reads the first alone")


def _everything(groups: list[Group], *, allow: bool) -> Line | None:
    return next(
        (rule for group in groups for rule in group.rules if rule.allow is allow and rule.pattern.octets == b"/"), None
    )


def _tie_at_root(source: RobotsSource) -> Iterator[Found]:
    for token, groups in _merged(source):
        allow, disallow = _everything(groups, allow=True), _everything(groups, allow=False)
        if allow is not None and disallow is not None:
            yield Found(
                disallow.line,
                f"line {allow.line} says Allow: / to {shown(token)}, too, and Allow wins a tie: nothing is disallowed",
            )


def _not_inherited(source: RobotsSource) -> Iterator[Found]:
    tokens = _tokens(source)
    common = [rule for group in tokens.get("*", []) for rule in group.rules if not rule.allow and rule.pattern.octets]
    if not common:
        return
    matcher = RobotsMatcher(source.robots)
    for name, groups in list(tokens.items())[:_MOST_GROUPS]:
        if name == _EVERYONE:
            continue
        free = [rule for rule in common[:50] if _allows(matcher, name, rule)]
        if free:
            lines = ", ".join(str(rule.line) for rule in free[:5])
            yield Found(
                groups[0].line, f"{shown(name)} is not bound by the rules for * (line {lines}): none is inherited"
            )


def _allows(matcher: RobotsMatcher, token: str, rule: Line) -> bool:
    """Whether a path that the rule is for may be fetched by the crawler of a group that could have meant it."""
    path = rule.pattern.written.replace("*", "").rstrip("$")
    return path.startswith("/") and matcher.match((token,), path).allowed


def _never_decides(source: RobotsSource) -> Iterator[Found]:
    for token, groups in _merged(source):
        seen: dict[bytes, Line] = {}
        for rule in (rule for group in groups for rule in group.rules if rule.pattern.octets):
            first = seen.setdefault(rule.pattern.octets, rule)
            if first is not rule and rule.pattern.octets != b"/":
                loser = rule if rule.allow == first.allow or first.allow else first
                other = first if loser is rule else rule
                yield Found(loser.line, f"line {other.line} has the same pattern and decides for {shown(token)}")


def _hides_signals(source: RobotsSource) -> Iterator[Found]:
    matcher = RobotsMatcher(source.robots)
    licenses = [parse_target(value)[0] for _, key, value in source.records if key == "license"]
    for path in (_RESERVATION, *licenses[:_MOST_LICENSES]):
        found = matcher.match(("*",), path)
        if not found.allowed and found.rule is not None and found.rule.pattern.octets != b"/":
            yield Found(
                found.rule.line, f"{shown(path)} is disallowed for everybody: whoever obeys cannot read what it says"
            )


_W, _E, _N = Severity.WARNING, Severity.ERROR, Severity.NOTE

GROUPS: tuple[Rule[RobotsSource], ...] = (
    Rule(
        code="RT201",
        severity=_E,
        title="a rule stands outside a group",
        why="No user-agent line comes before it, so it is nobody's rule and protects nothing.",
        example="Disallow: /drafts/\n\nUser-agent: *\nAllow: /",
        instead="User-agent: *\nDisallow: /drafts/",
        reference=_RFC + "2.2.1",
        check=_outside,
    ),
    Rule(
        code="RT202",
        severity=_E,
        title="a group has no rule",
        why="A line that is no rule does not end the list of user agents. Whoever reads by the standard "
        "takes this group and "
        "the next for one: `Disallow: /` for one crawler then hits everybody, search engines too.",
        example="User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nDisallow: /",
        instead="User-agent: *\nAllow: /\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot\nDisallow: /",
        reference="tests/spec/test_rfc9309.py, rows 16 to 19",
        check=_without_rule,
    ),
    Rule(
        code="RT203",
        severity=_W,
        title="a named group lacks the restrictions of *",
        why="A crawler that has a group of its own reads nothing else. What is disallowed for everybody is "
        "allowed to it.",
        example="User-agent: *\nDisallow: /drafts/\n\nUser-agent: GPTBot\nDisallow: /gallery/",
        instead="User-agent: GPTBot\nDisallow: /drafts/\nDisallow: /gallery/",
        reference=_RFC + "2.2.1; tests/spec/test_rfc9309.py, row 11",
        check=_not_inherited,
    ),
    Rule(
        code="RT204",
        severity=_W,
        title="a rule can never decide",
        why="Another rule has the same pattern. If one allows and one disallows, Allow wins, which is rarely"
        " what was meant.",
        example="Disallow: /gallery/\nAllow: /gallery/",
        instead="one of them",
        reference=_RFC + "2.2.2",
        check=_never_decides,
    ),
    Rule(
        code="RT205",
        severity=_E,
        title="another line stands between user agents",
        why="Scrapy's reader, and for some keys Python's, ends the list there: the crawlers above are not "
        "bound any more.",
        example="User-agent: GPTBot\nCrawl-delay: 5\nUser-agent: CCBot\nDisallow: /",
        instead="User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\nCrawl-delay: 5",
        reference="tests/spec/test_rfc9309.py, rows 16 and 19",
        check=_between,
    ),
    Rule(
        code="RT206",
        severity=_W,
        title="there are several groups for *",
        why="The standard merges them; old Python reads the first alone. A CDN that prepends its own file makes this.",
        example="User-agent: *\nAllow: /\n\nUser-agent: *\nDisallow: /drafts/",
        instead="one group for *",
        reference=_RFC + "2.2.1; tests/spec/test_rfc9309.py, row 13",
        check=_several_for_everyone,
    ),
    Rule(
        code="RT207",
        severity=_E,
        title="Allow: / and Disallow: / meet",
        why="Groups for one crawler are merged and Allow wins a tie, so the whole site is allowed. Often one"
        " of them was "
        "prepended by a CDN.",
        example="User-agent: GPTBot\nAllow: /\n\nUser-agent: GPTBot\nDisallow: /",
        instead="User-agent: GPTBot\nDisallow: /",
        reference=_RFC + "2.2.2",
        check=_tie_at_root,
    ),
    Rule(
        code="RT208",
        severity=_N,
        title="a crawler has several groups",
        why="The standard merges them; old Python reads the first alone.",
        example="User-agent: GPTBot\nDisallow: /a/\n\nUser-agent: GPTBot\nDisallow: /b/",
        instead="User-agent: GPTBot\nDisallow: /a/\nDisallow: /b/",
        reference="tests/spec/test_rfc9309.py, row 12",
        check=_several_for_one,
    ),
    Rule(
        code="RT209",
        severity=_E,
        title="a rule hides what the site declares",
        why="Whoever obeys the rule cannot fetch the reservation or the license, and learns nothing of it.",
        example="User-agent: *\nDisallow: /.well-known/",
        instead="User-agent: *\nDisallow: /.well-known/\nAllow: /.well-known/tdmrep.json",
        reference=_RFC + "2.2.2",
        check=_hides_signals,
    ),
    Rule(
        code="RT210",
        severity=_W,
        title="an empty line stands within a group",
        why="To the standard it means nothing. Python's reader before 2026 ends the group there: user agents above it "
        "lose their rules, and rules below it bind nobody.",
        example="User-agent: GPTBot\n\nDisallow: /",
        instead="User-agent: GPTBot\nDisallow: /",
        reference=_RFC + "2.2; tests/spec/test_rfc9309.py, rows 14 and 15",
        check=_torn,
    ),
)
