"""What is on record already is known by its id, from the log itself, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.ingest import recent as ingest_recent
from optout.adapters.ingest.recent import Recent, read_recent
from optout.evidence.directory import Layout
from optout.evidence.spooled_log import SpooledLog
from tests.evidence.setting import SMALL, SOON_S, crawl, open_log
from tests.front_end_lines import SHA, number


def test_an_id_is_known_with_the_beginning_of_its_line_s_hash() -> None:
    recent = Recent()
    recent.add(number(1), SHA)
    assert SHA.startswith(recent.line_of(number(1)) or "nothing")
    assert recent.line_of(number(2)) is None


def test_the_oldest_is_forgotten_first() -> None:
    recent = Recent(most=2)
    for count in (1, 2, 1, 3):
        recent.add(number(count), SHA)
    assert [recent.line_of(number(count)) is not None for count in (1, 2, 3)] == [True, False, True]
    assert len(recent) == 2


def test_the_log_tells_what_was_made_from_lines(tmp_path: Path) -> None:
    log = open_log(tmp_path / "evidence")
    log.append(crawl(1, id=number(1), **{"observed.line.sha256": SHA}))
    log.append(crawl(2, id=number(2)))
    log.append(crawl(3, id="no uuid", **{"observed.line.sha256": SHA}))
    log.append(crawl(4, id=number(4), **{"url.path": '"observed.line.sha256":'})).result(SOON_S)
    recent = read_recent(tmp_path / "evidence")
    assert [recent.line_of(number(count)) is not None for count in (1, 2, 4)] == [True, False, False]
    log.close()


def test_what_waits_in_a_spool_is_known_too(tmp_path: Path) -> None:
    holding = open_log(tmp_path / "evidence")  # its clock stands still: it takes nothing over
    beside = SpooledLog.open(tmp_path / "evidence", software="optout test", budget=SMALL)
    beside.append(crawl(1, id=number(1), **{"observed.line.sha256": SHA})).result(SOON_S)
    assert read_recent(tmp_path / "evidence").line_of(number(1)) is not None
    beside.close()
    holding.close()
    assert read_recent(tmp_path / "evidence").line_of(number(1)) is not None


def test_a_spool_s_file_that_goes_while_it_is_read_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_log(tmp_path / "evidence").close()
    asked: list[Layout] = []

    def gone_once(layout: Layout) -> tuple[Path, ...]:
        asked.append(layout)
        return () if len(asked) > 1 else (tmp_path / "nothing",)

    monkeypatch.setattr(ingest_recent, "list_spools", gone_once)
    assert len(read_recent(tmp_path / "evidence")) == 0
    assert len(asked) == 2
