"""Nonces that were used: a signature with a nonce counts once (RFC 9421 section 7.2.2), whichever worker it reaches."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.shared_marks import SharedMarks, mark_of

MOST = 131_072  # 3 MB; only signatures that verify are remembered, so no stranger can fill it


class Replays:
    """The nonces of verified signatures, each until its signature expires."""

    __slots__ = ("_marks",)

    def __init__(self, state: Path | None = None, most: int = MOST) -> None:
        self._marks = SharedMarks(state, "nonces", most)

    def is_first(self, host: str, keyid: str, nonce: str, *, expires_s: int, now_s: int) -> bool:
        """Whether this nonce is new, which it is not from now on. Times are seconds since 1970 UTC."""
        mark = mark_of(host, keyid, nonce)
        with self._marks.alone():
            until = self._marks.find(mark)
            if until is not None and until > now_s:
                return False
            self._marks.put(mark, expires_s)
        return True

    def close(self) -> None:
        """Give the memory back."""
        self._marks.close()
