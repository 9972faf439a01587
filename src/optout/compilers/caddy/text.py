"""How a Caddyfile is written: words, maps, variables and routes.

Rules: no text of an owner's or a stranger's holds a brace or a backtick, because the first begins a placeholder and
the second ends a word; no expression holds a backslash before a brace, which Caddy's `import` would take away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

BRACES: Final = "{}`"
"""The characters that no text may hold."""

USER_AGENT: Final = "{http.request.header.User-Agent}"
SIGNATURE_AGENT: Final = "{http.request.header.Signature-Agent}"
TARGET: Final = "{http.request.orig_uri}"

Lines = Iterator[str]


def indented(lines: Iterable[str]) -> Lines:
    """Lines one step further in."""
    return (f"\t{line}" for line in lines)


def word(text: str) -> str:
    """Text as one word of a Caddyfile. It holds no backtick."""
    return f"`{text}`"


_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


def expression(written: str) -> str:
    """A regular expression that no part of Caddy but RE2 finds anything in."""
    spelled_out = _ESCAPE.sub(lambda found: f"\\x{ord(found[1]):02X}" if found[1] in "\\{}`" else found[0], written)
    return spelled_out.replace("`", r"\x60")


def mapped(source: str, destinations: Sequence[str], lines: Sequence[tuple[str, ...]], *default: str) -> Lines:
    """A `map`. The first of each of `lines` is what is compared, an expression where it begins with `~`.

    Caddy takes no line twice; of two that are alike the first decides, so the second is left out.
    """
    first: dict[str, tuple[str, ...]] = {}
    for line in lines:
        first.setdefault(line[0], line)
    yield f"map {word(source)} {' '.join(f'{{optout_{name}}}' for name in destinations)} {{"
    yield from (f"\t{' '.join(map(word, line))}" for line in first.values())
    if default:
        yield f"\tdefault {' '.join(map(word, default))}"
    yield "}"


def kept(name: str, of: str = "") -> str:
    """Ask a map once, and keep the answer. Of two maps to one name the first would answer for ever."""
    return f"vars optout_{name} {{optout_{of or name}}}"


def var(name: str) -> str:
    """A variable's value."""
    return f"{{http.vars.optout_{name}}}"


def route(matcher: str, conditions: Sequence[str], inside: Iterator[str]) -> Lines:
    """Directives for requests that meet all of `conditions`. Of two about variables Caddy would ask for either."""
    yield f"@optout_{matcher} {{"
    yield from indented(conditions)
    yield "}"
    yield f"route @optout_{matcher} {{"
    yield from indented(inside)
    yield "}"


def field(value: str) -> str:
    """A field's value; an address in it means the same with these characters escaped."""
    return re.sub("[{}`]", lambda found: f"%{ord(found[0]):02X}", value)
