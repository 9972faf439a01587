"""A signature with a nonce counts once, and remembering that costs a bounded amount."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters import shared_marks
from optout.adapters.replays import Replays


def first(
    replays: Replays, nonce: str = "n", *, host: str = "a", keyid: str = "k", now: int = 0, end: int = 10
) -> bool:
    return replays.is_first(host, keyid, nonce, expires_s=end, now_s=now)


def test_the_second_time_is_a_replay() -> None:
    replays = Replays()
    assert [first(replays), first(replays), first(replays, now=9)] == [True, False, False]


@pytest.mark.parametrize("other", [{"nonce": "m"}, {"host": "b"}, {"keyid": "l"}])
def test_another_nonce_signer_or_key_is_another_signature(other: dict[str, str]) -> None:
    replays = Replays()
    assert first(replays)
    assert first(replays, **other)  # type: ignore[arg-type]


def test_parts_cannot_be_moved_from_one_to_the_other() -> None:
    replays = Replays()
    assert first(replays, host="ab", keyid="c")
    assert first(replays, host="a", keyid="bc")


def test_what_has_expired_may_come_again() -> None:
    replays = Replays()
    assert first(replays, end=10)
    assert first(replays, now=10, end=20)  # such a signature is refused as expired before it comes here


def test_memory_is_bounded_and_what_expires_first_goes_first() -> None:
    replays = Replays(most=16)
    for n in range(17):
        assert first(replays, str(n), end=100 + n)
    assert not first(replays, "16")
    assert first(replays, "0")


def test_what_one_worker_has_seen_the_others_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_marks, "_MEMORY", tmp_path)
    one, other, elsewhere = Replays(tmp_path), Replays(tmp_path), Replays(tmp_path / "else")
    assert [first(one), first(other), first(elsewhere)] == [True, False, True]
    for replays in (one, other, elsewhere):
        replays.close()
