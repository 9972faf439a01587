"""A driver that starts by itself, in whichever loop asks for it, and what happens while it cannot."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from optout.adapters import embedded
from optout.adapters.driver import Driver
from optout.adapters.embedded import Embedded, rebuilt_target, settings_of
from optout.adapters.forward_auth import NothingPublished
from optout.engine import Outcome
from optout.errors import EvidenceError, PolicyError, UsageError
from optout.evidence.log import EvidenceLog
from optout.testing import make_request
from tests.evidence.setting import unusable
from tests.judge import leaves

POLICY = """
version: 1
mode: enforce
default: deny
on_error: refuse
"""


def make(place: Path, policy: str = POLICY) -> Embedded:
    file = place / "policy.yaml"
    file.write_text(policy)
    settings = settings_of(
        software="test",
        policy=file,
        evidence=str(place / "evidence"),
        state=str(place / "state"),
        trusted_proxies=("127.0.0.1",),
        forwarded_field="x-forwarded-for",
        observe_only=False,
    )
    return Embedded(lambda: Driver(settings, NothingPublished()))


async def decided(found: Embedded) -> Outcome | None:
    request = make_request("https://site.example/", "GPTBot/1.0")
    claim = found.driver.recognize("site.example", "GPTBot/1.0", None)
    assert claim is not None
    found.begin()
    return await found.decide(request, claim)


def recorded(place: Path) -> list[object]:
    return [leaf["type"] for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith("crawl.")]


def test_what_is_wrong_with_the_settings_is_raised_when_they_are_given(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        make(tmp_path, "version: 1\n")
    with pytest.raises(UsageError):
        settings_of(
            software="test",
            policy=None,
            evidence=None,
            state=None,
            trusted_proxies=("nowhere",),
            forwarded_field="x-forwarded-for",
            observe_only=False,
        )


async def test_the_first_crawler_waits_for_the_start_and_is_recorded(tmp_path: Path) -> None:
    found = make(tmp_path)
    outcome = await decided(found)
    await found.stop()
    assert outcome is not None
    assert outcome.response is not None
    assert recorded(tmp_path) == ["crawl.request"]


async def test_beginning_waits_for_nothing_and_happens_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = make(tmp_path)
    starts = 0
    start = found.driver.start

    async def counted() -> None:
        nonlocal starts
        starts += 1
        await start()

    monkeypatch.setattr(found.driver, "start", counted)
    for _ in range(3):
        found.begin()
    assert starts == 0
    await decided(found)
    found.begin()
    await asyncio.sleep(0)
    assert starts == 1
    await found.stop()


async def test_stopping_signs_and_lets_the_log_go_and_a_later_request_starts_anew(tmp_path: Path) -> None:
    found = make(tmp_path)
    await decided(found)
    await found.stop()
    EvidenceLog.open(tmp_path / "evidence", software="another").close()
    await decided(found)
    await found.stop()
    await found.stop()
    assert recorded(tmp_path) == ["crawl.request"] * 2


async def test_starting_by_hand_raises_what_keeps_it_from_starting(tmp_path: Path) -> None:
    found = make(tmp_path)
    with unusable(tmp_path / "evidence"), pytest.raises(EvidenceError):
        await found.start()
    await found.start()
    await decided(found)
    await found.stop()
    assert recorded(tmp_path) == ["crawl.request"]


async def test_while_the_log_cannot_be_opened_on_error_decides_and_the_owner_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "AGAIN_AFTER_S", 0.0)
    found = make(tmp_path)
    with unusable(tmp_path / "evidence"), caplog.at_level(logging.ERROR, "optout"):
        outcomes = [await decided(found) for _ in range(3)]
    for outcome in outcomes:
        assert outcome is not None
        assert outcome.response is not None
        assert outcome.response.status == 503
    assert len([record for record in caplog.records if "cannot start" in record.getMessage()]) == 1
    outcome = await decided(found)
    await found.stop()
    assert outcome is not None
    assert outcome.response is not None
    assert outcome.response.status == 403


async def test_a_start_that_failed_is_not_repeated_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "AGAIN_AFTER_S", 1e9)
    found = make(tmp_path)
    with unusable(tmp_path / "evidence"):
        await decided(found)
    outcome = await decided(found)
    assert outcome is not None
    assert outcome.decision.clause == "fault"
    await found.stop()


def test_one_loop_after_the_other_may_serve(tmp_path: Path) -> None:
    found = make(tmp_path)
    for _ in range(3):
        outcome = asyncio.run(decided(found))
        assert outcome is not None
        assert outcome.response is not None
        assert outcome.response.status == 403
    asyncio.run(found.stop())
    EvidenceLog.open(tmp_path / "evidence", software="another").close()
    assert recorded(tmp_path) == ["crawl.request"] * 3


def test_a_policy_that_broke_before_another_loop_takes_over_fails_nobody_s_request(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    found = make(tmp_path)
    asyncio.run(decided(found))
    (tmp_path / "policy.yaml").write_text("version: 1\n")
    with caplog.at_level(logging.ERROR, "optout"):
        outcome = asyncio.run(decided(found))
    assert outcome is not None
    assert outcome.decision.clause == "fault"
    assert "cannot start" in caplog.text
    (tmp_path / "policy.yaml").write_text(POLICY)
    outcome = asyncio.run(decided(found))
    assert outcome is not None
    assert outcome.decision.clause == "default"
    asyncio.run(found.stop())
    assert recorded(tmp_path) == ["crawl.request"] * 2


@pytest.mark.parametrize(
    ("path", "query", "target"),
    [
        (b"/a b", b"", "/a%20b"),
        (b"/a/b", b"c=1", "/a/b?c=1"),
        ("/ü".encode(), b"", "/%C3%BC"),
        (b"/100%", b"", "/100%25"),
        (b"/a;b,c:@!$&'()*+=~", b"", "/a;b,c:@!$&'()*+=~"),
        (b"/a?b", b"", "/a%3Fb"),
        (b"/\xff", b"\xff", "/%FF?\udcff"),
    ],
)
def test_a_target_is_rebuilt_so_that_it_means_the_path(path: bytes, query: bytes, target: str) -> None:
    assert rebuilt_target(path, query) == target


async def test_a_second_process_records_beside_the_one_that_holds_the_log(tmp_path: Path) -> None:
    other = EvidenceLog.open(tmp_path / "evidence", software="another worker")
    found = make(tmp_path)
    outcome = await decided(found)
    assert outcome is not None
    assert outcome.response is not None
    assert outcome.response.status == 403
    await found.stop()
    other.close()
    assert recorded(tmp_path) == ["crawl.request"]
