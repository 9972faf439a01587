"""robots.txt as `urllib.robotparser` of Python 3.11.7 reads it, and every Python before the rewrite of May 2026.

The first matching rule in file order decides, wildcards are ordinary characters, a blank line ends a group, only the
first group for everyone counts, and a group's name is looked for anywhere in the token. Rules and paths are taken
apart as URLs and put together again, which loses empty parts.

Two faults of that reader are answers here. A file that is not UTF-8 cannot be read, and a reader that has read
nothing fetches nothing. A line that makes it raise ends the reading; the groups before it stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import ParseResult, quote, unquote, urlparse, uses_netloc

from optout.robots.readers import Reader, Verdict, on_the_wire
from optout.robots.readers.python_lines import PythonLine, is_refused_number, python_lines


class _Rule(NamedTuple):
    line: int
    allow: bool
    beginning: str


@dataclass(slots=True, kw_only=True)
class _Group:
    names: list[str] = field(default_factory=list)
    rules: list[_Rule] = field(default_factory=list)
    has_rules: bool = False  # or a Crawl-delay or Request-rate


def python_old(data: bytes) -> Reader:
    """A reader that answers as Python 3.11.7 does."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _disallow
    groups = list(_groups(text))
    named = [group for group in groups if "*" not in group.names]
    everyone = next((group for group in groups if "*" in group.names), None)

    def read(token: str, target: str) -> Verdict:
        name = token.split("/", maxsplit=1)[0].lower()
        path = _path(target)
        group = next((group for group in named if any(each in name for each in group.names)), everyone)
        rules = group.rules if group is not None else []
        rule = next((rule for rule in rules if path.startswith(rule.beginning)), None)
        return Verdict(True, 0) if rule is None else Verdict(rule.allow, rule.line)

    return read


def _disallow(token: str, target: str) -> Verdict:
    return Verdict(False, 0)


def _groups(text: str) -> Iterator[_Group]:
    group = _Group()
    for line in python_lines(text):
        if line.blank or (line.key == "user-agent" and group.has_rules):
            if group.has_rules:
                yield group
            group = _Group()
        if line.key == "user-agent":
            group.names.append(unquote(line.value).lower())
        elif group.names and line.key in {"allow", "disallow", "crawl-delay", "request-rate"}:
            try:
                _take(group, line)
            except ValueError:
                return
    if group.has_rules:
        yield group


def _take(group: _Group, line: PythonLine) -> None:
    """Takes a line into its group. Raises ValueError where Python's reader does."""
    value = unquote(line.value)
    if line.key in {"allow", "disallow"}:
        allow = line.key == "allow" or not value
        group.rules.append(_Rule(line.number, allow, quote(_put_together(urlparse(value)))))
    elif is_refused_number(line.key, value, str.isdigit):
        raise ValueError(line.number)
    group.has_rules = True


def _path(target: str) -> str:
    parts = urlparse(unquote(f"https://site.invalid{on_the_wire(target)}"))
    return quote(_put_together(parts._replace(scheme="", netloc=""))) or "/"


def _put_together(parts: ParseResult) -> str:
    """What `urlunparse` made of a URL in Python 3.11.7. Later ones keep two slashes at the start of a path."""
    scheme, netloc, path, params, query, fragment = parts
    url = f"{path};{params}" if params else path
    if netloc or (scheme and scheme in uses_netloc and not url.startswith("//")):
        url = f"//{netloc}{'/' if url and not url.startswith('/') else ''}{url}"
    return "".join(
        (f"{scheme}:" if scheme else "", url, f"?{query}" if query else "", f"#{fragment}" if fragment else "")
    )
