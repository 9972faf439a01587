"""How nginx's configuration is written: quoted parameters, and maps with all that a stranger may have put into them.

Rule: whatever an owner, the registry or a stranger wrote becomes a parameter in double quotes. Inside them a backslash
and a double quote are the only characters that mean something, but for `$`, which begins a variable wherever nginx
takes a value. There a literal one is written as a variable of its own, or in a body as its language allows.
nginx reads a parameter into 4,096 octets and looks keys up without case.
"""

from __future__ import annotations

from collections.abc import Iterable

from optout.compilers.patterns import quote
from optout.messages import octets

LONGEST = 4000
"""Octets of the longest parameter that is written, its quotes and escapes included."""

LONGEST_KEY = 40
"""Octets of the longest key that a map finds by its hash with nginx's own settings; a longer one is an expression."""


def quoted(text: str) -> str:
    """A parameter that nginx reads as `text`. Variables in it are variables."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def fits(text: str) -> bool:
    """Whether `text` can be a parameter at all."""
    return len(octets(quoted(text))) <= LONGEST


def block(opening: str, lines: Iterable[str]) -> str:
    """A block with its lines indented."""
    return f"{opening} {{\n" + "".join(f"    {line}\n" for line in lines) + "}\n"


def named(source: str, variable: str, pairs: Iterable[tuple[str, str]], *, default: str = "") -> str:
    """A map whose keys are plain text, compared without case. A later pair with the same key counts for nothing."""
    found: dict[str, str] = {}
    for key, value in pairs:
        found.setdefault(key.lower(), value)
    lines = [f"default {quoted(default)};", *(f"{_key(key)} {quoted(value)};" for key, value in found.items())]
    return block(f"map {quoted(source)} {variable}", lines)


def searched(
    source: str,
    variable: str,
    pairs: Iterable[tuple[str, str]],
    *,
    default: str = "",
    exact: Iterable[tuple[str, str]] = (),
) -> str:
    """A map whose keys are expressions, the first that is found standing; `exact` keys are looked up before."""
    lines = [f"default {quoted(default)};"]
    lines += [f"{quoted(key)} {quoted(value)};" for key, value in exact]
    lines += [f"{quoted('~' + expression)} {quoted(value)};" for expression, value in pairs]
    return block(f"map {quoted(source)} {variable}", lines)


def _key(key: str) -> str:
    """A key that is nothing but text: what a map would take for a word of its own is written with a backslash."""
    if len(octets(key)) > LONGEST_KEY:
        return quoted("~*^" + quote(octets(key)) + "$")
    return quoted("\\" + key if key in _WORDS or key[:1] in ("~", "\\", "*", ".") else key)


_WORDS = frozenset({"default", "include", "hostnames", "volatile"})
