"""Text that strangers chose, on a page: escaped, bounded, and with nothing in it that acts or hides.

A user agent may hold markup, characters that turn the reading direction, or words for whoever summarizes the page by
machine (evidence.md part 5.8). All of it is shown, none of it works.
"""

from __future__ import annotations

import html
import unicodedata

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def plain(text: object, limit: int = 300) -> str:
    """The text on one line, characters that act or hide as their code points, cut to `limit` characters."""
    whole = str(text)
    shown = "".join(_visible(char) for char in whole[:limit])
    return shown if len(whole) <= limit else f"{shown}… ({len(whole) - limit} more)"


def visible(text: object, limit: int = 300) -> str:
    """The same, escaped for HTML text and attributes."""
    return html.escape(plain(text, limit), quote=True)


def _visible(char: str) -> str:
    return f"⟨U+{ord(char):04X}⟩" if unicodedata.category(char) in _HIDDEN else char
