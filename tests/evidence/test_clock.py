"""Time and identifiers."""

from __future__ import annotations

import ctypes
import uuid

import pytest

from optout.evidence import clock
from optout.evidence.clock import SystemClock, clock_fields, new_id


def test_the_system_clock_counts_microseconds() -> None:
    system = SystemClock()
    assert system.now_us() > 1_700_000_000_000_000
    assert system.mono_us() <= system.mono_us()


def test_an_identifier_is_a_uuid_of_version_7_with_its_time() -> None:
    made = uuid.UUID(new_id(1_795_000_000_123_456))
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert made.int >> 80 == 1_795_000_000_123


def test_identifiers_of_one_moment_differ() -> None:
    assert len({new_id(1) for _ in range(1000)}) == 1000


@pytest.mark.parametrize("time_us", [-1, 0, 253_402_300_800_000_000, 1 << 80])
def test_any_time_has_an_identifier(time_us: int) -> None:
    assert uuid.UUID(new_id(time_us)).version == 7


class _Kernel:
    def __init__(self, outcome: int, status: int) -> None:
        self._outcome, self._status = outcome, status

    def adjtimex(self, timex: object) -> int:
        held = ctypes.cast(timex, ctypes.POINTER(clock._Timex)).contents  # type: ignore[arg-type]
        held.status, held.maxerror = self._status, 1500
        return self._outcome


@pytest.mark.parametrize(
    ("kernel", "fields"),
    [
        (_Kernel(0, 0), {"clock.src": "system", "clock.sync": True, "clock.err_us": 1500}),
        (_Kernel(5, 0x40), {"clock.src": "system", "clock.sync": False}),
        (_Kernel(-1, 0), {"clock.src": "system"}),
        (object(), {"clock.src": "system"}),
    ],
    ids=["kept in step", "running free", "forbidden", "another system"],
)
def test_a_clock_says_no_more_than_the_kernel_knows(
    monkeypatch: pytest.MonkeyPatch, kernel: object, fields: dict[str, object]
) -> None:
    monkeypatch.setattr(clock.ctypes, "CDLL", lambda _: kernel)
    assert clock_fields() == fields


def test_this_machines_kernel_gives_an_answer() -> None:
    assert clock_fields()["clock.src"] == "system"
