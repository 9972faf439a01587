"""Both ways of holding a log are one to a door."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.evidence.form import Filled, Form
from optout.evidence.log import EvidenceLog, Loss, NotLoggedError
from optout.evidence.recorder import LogHealth, Recorder
from optout.evidence.schema import parse_envelope
from optout.evidence.spooled_log import SpooledLog
from tests.evidence.setting import SOON_S, crawl, entries, open_log, open_spool


@pytest.fixture(params=["held", "spooled"])
def log(request: pytest.FixtureRequest, home: Path) -> Recorder:
    """A log, held or spooled."""
    if request.param == "held":
        return open_log(home)
    open_log(home).close()
    return open_spool(home)


def test_records_documents_losses_and_gaps_go_in_and_health_comes_out(log: Recorder) -> None:
    assert isinstance(log, EvidenceLog | SpooledLog)
    assert log.append(crawl(), {"client.address": "203.0.113.77"}, flood_key="GPTBot deny").result(SOON_S).seq > 0
    assert len(log.snapshot("robots.txt", b"x", authority="example.org")) == 64
    log.lost("fault", crawler="GPTBot", action="deny")
    log.gap("bypass", 1, 2, site="example.org")
    assert isinstance(log.health, LogHealth)
    assert log.health.writable
    log.close()
    assert not log.health.writable


def test_a_record_of_a_form_is_stored_as_its_fields_would_be(log: Recorder, home: Path) -> None:
    own = {"id": "00000000-0000-7000-8000-000000000001", "time_us": 7, "mono_us": 8, "url.path": "/\u00e9" * 3000}
    shared = {name: str(value) for name, value in crawl().items() if name not in own}
    long = {**shared, **{f"field.n{number}": "x" * 1000 for number in range(17)}}
    for public in ({**shared, **own}, Filled(Form(shared), own), Filled(Form(long), own)):
        log.append(public).result(SOON_S)
    log.close()
    open_log(home).close()  # which takes over what was spooled
    whole, filled, cut = (each.record for each in entries(home) if b'"crawl.request"' in each.record)
    envelope = parse_envelope(whole)
    assert envelope is not None
    assert filled == whole.replace(b'"writer.seq":%d}' % envelope.seq, b'"writer.seq":%d}' % (envelope.seq + 1))
    assert b'"url.path.truncated":true' in filled
    assert b'"field.n16.truncated":true' in cut


def test_nothing_that_a_stranger_sent_raises(log: Recorder) -> None:
    for text in ("\x00" * 100_000, "\udcff", "\ud800", '"}\n{'):
        assert log.append(crawl(**{"url.path": text, "http.request.header.from": [text]})).result(SOON_S)
    refused = log.append({"type": "crawl.request", "Not A Name": "x"}).exception(SOON_S)
    assert isinstance(refused, NotLoggedError)
    assert refused.loss is Loss.CONTENT
    log.close()
