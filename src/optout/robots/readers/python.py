"""How Python's `urllib.robotparser` reads a file: before and after its rewrite of 2026 (gh-138907).

Which one a crawler runs depends on the patch release of its interpreter, so a site cannot know. The old one takes the
first rule that matches, in file order, knows no wildcards, ends a group at a blank line and looks at the first group
for `*` alone. The new one merges and lets the longest match decide, but measures the text that was matched.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from optout.robots.readers import Reader, Verdict, Wildcards, on_the_wire

_RATES = ("crawl-delay", "request-rate")  # they end a list of user agents, as a rule does
_RULES = ("allow", "disallow")


@dataclass(slots=True)
class _Group:
    agents: list[str] = field(default_factory=list)
    rules: list[tuple[int, bool, str]] = field(default_factory=list)

    def names(self, asked: str) -> bool:
        """Whether one of its user agents is a part of what is asked for."""
        return any(agent in asked for agent in self.agents)


def _records(data: bytes) -> list[tuple[int, str, str]]:
    """Number, key and value of each line; a blank line is ("", "")."""
    found = []
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        text = line.partition("#")[0].strip()
        key, colon, value = text.partition(":")
        if not line:
            found.append((number, "", ""))
        elif colon:
            found.append((number, key.strip().lower(), value.strip()))
    return found


def _asked(token: str) -> str:
    return token.split("/", maxsplit=1)[0].lower()


def python_old(data: bytes) -> Reader:
    """A reader as in Python before the rewrite that has read `data`."""
    named, everyone = _old_groups(data)

    def read(token: str, target: str) -> Verdict:
        asked, path = _asked(token), _old_path(target)
        group = next((group for group in named if group.names(asked)), everyone)
        for line, allow, prefix in group.rules if group is not None else ():
            if prefix == "*" or path.startswith(prefix):
                return Verdict(allow, line)
        return Verdict(True, 0)

    return read


def _old_groups(data: bytes) -> tuple[list[_Group], _Group | None]:
    named: list[_Group] = []
    everyone: _Group | None = None
    group, is_closed = _Group(), False  # closed by a rule: the next user agent begins another group

    def keep() -> None:
        nonlocal everyone
        if is_closed and "*" not in group.agents:
            named.append(group)
        elif is_closed and everyone is None:
            everyone = group

    for line, key, written in _records(data):
        value = unquote(written)
        if not key and not written:
            keep()
            group, is_closed = _Group(), False
        elif key == "user-agent":
            if is_closed:
                keep()
                group, is_closed = _Group(), False
            group.agents.append(value.lower())
        elif group.agents and key in _RULES:
            group.rules.append((line, key == "allow" or not value, _requoted(value)))
            is_closed = True
        elif group.agents and key in _RATES:
            is_closed = True
    keep()
    return named, everyone


def _requoted(value: str) -> str:
    try:
        return quote(urlunsplit(urlsplit(value)))
    except ValueError:  # brackets that urllib takes for an address: the real one raises for the whole file
        return quote(value)


def _old_path(target: str) -> str:
    path = unquote(on_the_wire(target))
    try:
        parts = urlsplit(f"//site.invalid{path}")
    except ValueError:
        return quote(path)
    return quote(urlunsplit(("", "", *parts[2:]))) or "/"


def python_new(data: bytes) -> Reader:
    """A reader as in Python since the rewrite that has read `data`."""
    groups = _new_groups(data)
    agents = [agent for group in groups for agent in group.agents if agent != "*"]

    def read(token: str, target: str) -> Verdict:
        asked, path = _asked(token), unquote(on_the_wire(target).partition("#")[0])
        if path == "/robots.txt":
            return Verdict(True, 0)
        # The exact name first, then the first one that is a part of what is asked for.
        name = asked if asked in agents else next((agent for agent in agents if agent in asked), "*")
        best = (-1, True, 0)
        for line, allow, pattern in (rule for group in groups if name in group.agents for rule in group.rules):
            reach = _new_reach(pattern, path)
            if reach >= 0:
                best = max(best, (reach, allow, line), key=lambda each: each[:2])
        return Verdict(best[1], best[2])

    return read


def _new_groups(data: bytes) -> list[_Group]:
    found: list[_Group] = []
    group, is_closed = _Group(), False
    for line, key, value in _records(data):
        if key == "user-agent":
            if is_closed or not found:
                group, is_closed = _Group(), False
                found.append(group)
            group.agents.append(value.lower())
        elif group.agents and key in _RULES:
            is_closed = True
            if value and "$" not in value[:-1]:  # one with a $ inside is dropped
                group.rules.append((line, key == "allow", value))
        elif group.agents and key in _RATES:
            is_closed = True
    return found


def _new_reach(pattern: str, path: str) -> int:
    if not pattern.startswith(("/", "*")):
        return -1
    ends = pattern.endswith("$")
    return Wildcards.parse(unquote(pattern[: len(pattern) - ends]), ends=ends).reach(path)
