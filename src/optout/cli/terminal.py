"""Foreign text on a terminal: escaped, so that a user agent cannot move the cursor, color a line or hide a word."""

from __future__ import annotations

import sys
from collections.abc import Callable


def safe(text: str, limit: int = 200) -> str:
    """`text` for a terminal: what is not printable as escapes, cut at `limit` characters.

    Not printable are control, bidi and zero-width characters, surrogates, and blanks other than the space. Stops ANSI
    and OSC 8 injection through a user agent or a path (peers.md part 7, log and export injection).
    """
    shown = text if len(text) <= limit else text[: limit - 1] + "…"
    return shown if shown.isprintable() else "".join(map(_escape, shown))


def _escape(char: str) -> str:
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def percent() -> Callable[[int, int], None]:
    """Shows on a terminal, and nowhere else, how much of a whole is done: told (done, whole) as often as one likes."""
    shown = -1

    def tell(done: int, whole: int) -> None:
        """Show it where it has changed."""
        nonlocal shown
        now = min(100, done * 100 // max(1, whole))
        if now != shown and sys.stderr.isatty():
            shown = now
            sys.stderr.write(f"\r{now} %" + ("\n" if now == 100 else ""))
            sys.stderr.flush()

    return tell
