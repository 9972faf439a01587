"""One record: apart what arrived and what was concluded; the rule of that moment and what changed; the proof."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from optout.review.pages.record import find, record
from optout.review.reader import Reader
from tests.cli.evidence.setting import run
from tests.review.setting import SHA256, log_of_visits


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(log_of_visits(tmp_path / "evidence"))


def test_observation_and_inference_are_apart_and_complete(reader: Reader) -> None:
    told = record(reader, "r1", "")
    assert told is not None
    observed = {each["name"] for each in told["observed"]}
    concluded = {each["name"] for each in told["concluded"]}
    assert {"user_agent.original", "url.path", "http.request.method", "server.address"} <= observed
    assert {"crawl.product", "identity.standing", "decision.action", "robots.sha256"} <= concluded
    assert not observed & concluded
    own = {each["name"] for each in told["log_fields"]}
    assert "id" in own
    assert not own & (observed | concluded)


def test_the_rule_is_that_of_the_moment_with_what_changed_since(reader: Reader) -> None:
    told = record(reader, "r1", "")
    assert told is not None
    rule = told["rule"]
    assert (rule["file"], rule["line"], rule["sha256"]) == ("robots.txt", 2, SHA256)
    assert rule["text"][1] == "Disallow: /art/"
    assert "-Disallow: /art/" in rule["changes"]
    assert "+Disallow: /" in rule["changes"]
    same = record(reader, "r6", "")
    assert same is not None
    assert same["rule"]["changes"] is None


def test_the_proof_is_that_of_the_log(reader: Reader) -> None:
    import json

    told = record(reader, "r1", "")
    assert told is not None
    shown = json.loads(run("show", reader.directory, "r1", "--json").stdout)
    assert told["leaf_hash"] == shown["leaf_hash"]
    assert told["is_covered"] == shown["covered"]
    assert told["level"] == 2


def test_a_document_that_was_overwritten_is_not_shown_as_that_of_the_moment(reader: Reader) -> None:
    (reader.directory / "snapshots" / SHA256).write_bytes(b"User-agent: *\nAllow: /\n")
    told = record(reader, "r1", "")
    assert told is not None
    assert told["rule"]["text"] == []


def test_a_person_s_record_and_another_tenants_are_not_there(reader: Reader) -> None:
    assert record(reader, "person", "") is None
    assert record(reader, "r1", "bob") is None
    assert find(reader, "r1", "bob") is None
    assert find(reader, "person", "") is None
    assert find(reader, "r1", "alice") is not None


def test_the_time_here_stands_beside(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    try:
        told = record(reader, "r1", "")
        assert told is not None
        assert (told["time"], told["local_time"]) == ("2026-11-18 11:06:40 UTC", "2026-11-18 16:36:40 +0530")
    finally:
        monkeypatch.undo()
        time.tzset()
