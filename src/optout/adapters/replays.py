"""Nonces that were used: a signature with a nonce counts once (RFC 9421 section 7.2.2), whichever worker it reaches."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.shared_marks import SharedMarks, mark_of

MOST = 131_072  # 3 MB; only signatures that verify are remembered, so no stranger can fill it


class Replays:
    """The nonces of verified signatures, each until its signature expires. Opened when the first one comes."""

    __slots__ = ("_marks", "_most", "_state")

    def __init__(self, state: Path | None = None, most: int = MOST) -> None:
        self._state = state
        self._most = most
        self._marks: SharedMarks | None = None

    def is_first(self, host: str, keyid: str, nonce: str, *, expires_s: int, now_s: int) -> bool:
        """Whether this nonce is new, which it is not from now on. Times are seconds since 1970 UTC."""
        marks = self._marks = self._marks or SharedMarks(self._state, "nonces", self._most)
        mark = mark_of(host, keyid, nonce)
        with marks.alone():
            until = marks.find(mark)
            if until is not None and until > now_s:
                return False
            marks.put(mark, expires_s)
        return True

    def close(self) -> None:
        """Give the memory back."""
        if self._marks is not None:
            self._marks.close()
            self._marks = None
