"""Time as the log knows it: the wall clock, a monotonic clock, and how far the system vouches for the first.

The log's order comes from the index of a record, never from a clock (evidence.md part 5.3).
"""

from __future__ import annotations

import ctypes
import os
import time
from typing import Protocol

from optout.evidence.schema import Value


class Clock(Protocol):
    """Where the log's times come from; a test gives its own."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""

    def mono_us(self) -> int:
        """Microseconds of a clock that never steps."""


class SystemClock:
    """The clocks of this machine."""

    def now_us(self) -> int:
        """Microseconds since 1970 UTC."""
        return time.time_ns() // 1000

    def mono_us(self) -> int:
        """Microseconds of the monotonic clock."""
        return time.monotonic_ns() // 1000


class _Timex(ctypes.Structure):
    """The beginning of struct timex, adjtimex(2); the rest is room for what the kernel writes behind it."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_long * 48),
    )


_UNSYNCHRONIZED = 0x0040  # STA_UNSYNC of <sys/timex.h>


def clock_fields() -> dict[str, Value]:
    """What a record can honestly say of the wall clock, from adjtimex(2).

    Whether something keeps it in step, and only then the largest error in µs; nothing where the system cannot tell.
    """
    adjtimex = getattr(ctypes.CDLL(None), "adjtimex", None)
    timex = _Timex()
    if adjtimex is None or adjtimex(ctypes.byref(timex)) < 0:
        return {"clock.src": "system"}
    if timex.status & _UNSYNCHRONIZED:
        return {"clock.src": "system", "clock.sync": False}
    return {"clock.src": "system", "clock.sync": True, "clock.err_us": max(0, timex.maxerror)}


_RANDOM = 10  # octets of a UUIDv7 that are not its time; six bits of them give way to version and variant
_DRAWN = 256  # ids for one call into the kernel
_pool: list[str] = []  # ends of ids, finished
os.register_at_fork(after_in_child=_pool.clear)  # else both processes would give out the same ids
_millisecond = (-1, "")  # the one of the last id, and the beginning of that


def _random_end() -> str:
    try:
        return _pool.pop()
    except IndexError:
        drawn = os.urandom(_RANDOM * _DRAWN).hex()
        ends = [_end(drawn[start : start + 2 * _RANDOM]) for start in range(0, len(drawn), 2 * _RANDOM)]
        last = ends.pop()
        _pool.extend(ends)
        return last


_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def _end(random: str) -> str:
    """What follows the time in a UUIDv7 (RFC 9562 section 5.7), of twenty random digits: version, variant, 74 bits."""
    return f"-7{random[1:4]}-{_VARIANT[random[4]]}{random[5:8]}-{random[8:]}"


def new_id(time_us: int) -> str:
    """A UUIDv7 (RFC 9562 section 5.7) for this time."""
    global _millisecond  # noqa: PLW0603  one tuple, replaced as a whole: any thread may read it
    now = time_us // 1000
    known, begin = _millisecond
    if now != known:
        text = f"{now & (1 << 48) - 1:012x}"
        begin = f"{text[:8]}-{text[8:]}"
        _millisecond = (now, begin)
    return begin + _random_end()
