"""`optout evidence ingest` as a process that is stopped, killed and started again, beside a rotation."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from optout.adapters.ingest.process import IngestOptions, ingest
from optout.errors import EvidenceError, UsageError
from optout.evidence.audit import Verdict, audit
from optout.evidence.log import EvidenceLog
from tests.evidence.setting import records
from tests.front_end_lines import line, number, passed

GUARD_S = 60.0  # against hanging; nothing is asserted about time


@contextmanager
def _following(place: Path, *logs: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    command = [sys.executable, "-m", "optout", "evidence", "ingest", str(place / "evidence"), *logs]
    process = subprocess.Popen([*command, "--follow", "--json"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(GUARD_S)
        process.stdout.close()


def _told(place: Path) -> list[str]:
    return [str(record["id"]) for record in records(place / "evidence", "crawl.request")]


def _until(place: Path, count: int) -> None:
    """Wait until so many requests are on record."""
    ends = time.monotonic() + GUARD_S
    while len(_told(place)) < count:
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_process_that_is_killed_again_and_again_tells_every_line_once(tmp_path: Path) -> None:
    log, dice = tmp_path / "access.log", random.Random(7)
    written = 0
    for start in range(4):
        with _following(tmp_path, str(log)) as (process, _):
            for _ in range(12):
                with log.open("ab") as file:
                    lines = [passed(count) if count % 2 else line(count) for count in range(written, written + 25)]
                    data = b"".join(each + b"\n" for each in lines)
                    cut = dice.randrange(len(data))  # a front end's writes end anywhere
                    os.write(file.fileno(), data[:cut])
                    os.write(file.fileno(), data[cut:])
                written += 25
                time.sleep(dice.random() / 25)
            if start % 2:
                log.rename(tmp_path / f"access.log.{9 - start}")
            process.kill()
    with _following(tmp_path, str(log)) as (process, _):
        _until(tmp_path, written)
        process.send_signal(signal.SIGTERM)
        assert process.wait(GUARD_S) == 0
    assert sorted(_told(tmp_path)) == [number(count) for count in range(written)]
    assert len(records(tmp_path / "evidence", "crawl.outcome")) == written // 2
    assert audit(tmp_path / "evidence").verdict is Verdict.SOUND


def test_datagrams_of_a_front_end_become_records(tmp_path: Path) -> None:
    place = f"syslog:unix:{tmp_path}/access.sock"
    with _following(tmp_path, place, "syslog:udp:127.0.0.1:0") as (process, said):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.sendto(b"<134>Nov 25 10:00:00 haproxy[1]: " + line(1), said["listening"][0])
        host, _, port = said["listening"][1].rpartition(":")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
            sending.sendto(line(2), (host, int(port)))
            sending.sendto(b"nonsense", (host, int(port)))
        _until(tmp_path, 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(GUARD_S) == 0
        assert process.stdout is not None
        counted = json.loads(process.stdout.read())
    assert sorted(_told(tmp_path)) == [number(1), number(2)]
    assert counted["records"] == 2


def test_it_records_beside_a_process_that_holds_the_log(tmp_path: Path) -> None:
    door = EvidenceLog.open(tmp_path / "evidence", software="optout test")
    log = tmp_path / "access.log"
    with _following(tmp_path, str(log)) as (process, _):
        log.write_bytes(line(1) + b"\n" + passed(2) + b"\n")
        _until(tmp_path, 2)
        process.kill()
    log.write_bytes(log.read_bytes() + line(3) + b"\n")
    assert ingest(_options(tmp_path, str(log)), lambda _: None)["lines"] in (1, 3)  # 3: killed before it saved
    _until(tmp_path, 3)
    door.close()
    assert _told(tmp_path) == [number(1), number(2), number(3)]


def _options(tmp_path: Path, *logs: str, **more: Any) -> IngestOptions:
    return IngestOptions(directory=tmp_path / "evidence", logs=logs, software="optout test", **more)


def test_without_follow_it_reads_to_the_end_and_ends(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(line(1) + b"\n" + line(2) + b"\n")
    before = signal.getsignal(signal.SIGTERM)
    assert ingest(_options(tmp_path, str(log)), lambda _: None) == {"lines": 2, "records": 2}
    assert ingest(_options(tmp_path, str(log)), lambda _: None) == {}
    assert signal.getsignal(signal.SIGTERM) == before


def test_the_policy_is_kept_and_names_the_tenant(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: enforce\ndefault: allow\non_error: refuse\ntenant: atelier\n")
    kept = ingest(_options(tmp_path, str(policy), policy=str(policy)), lambda _: None)
    assert kept["records"] == 0
    (snapshot,) = records(tmp_path / "evidence", "policy.snapshot")
    (tmp_path / "access.log").write_bytes(line(1, policy=str(snapshot["snapshot.sha256"])) + b"\n")
    ingest(_options(tmp_path, str(tmp_path / "access.log"), policy=str(policy)), lambda _: None)
    (record,) = records(tmp_path / "evidence", "crawl.request")
    assert record["tenant"] == "atelier"


def test_what_cannot_be_read_to_its_end_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no log"):
        ingest(_options(tmp_path, str(tmp_path / "access.log")), lambda _: None)
    with pytest.raises(UsageError, match="no end"):
        ingest(_options(tmp_path, "syslog:udp:127.0.0.1:0"), lambda _: None)


def test_one_log_is_not_followed_twice(tmp_path: Path) -> None:
    with (
        _following(tmp_path, str(tmp_path / "access.log")),
        pytest.raises(EvidenceError, match="another process"),
    ):
        ingest(_options(tmp_path, str(tmp_path / "access.log"), follow=True), lambda _: None)
