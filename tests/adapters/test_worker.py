"""A worker's own side: what it is told first, and what it says when it cannot work."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from optout.adapters.client_address import load_trusted_proxies
from optout.adapters.serve_options import ServeOptions
from optout.adapters.worker import encode_task, read_task
from optout.evidence.log import EvidenceLog


def _options(place: Path, **more: object) -> ServeOptions:
    return ServeOptions(
        upstream="http://127.0.0.1:1",
        state=place,
        listen_port=0,
        evidence=place / "evidence",
        trusted=load_trusted_proxies(("10.0.0.0/8",), "forwarded"),
        **more,  # type: ignore[arg-type]
    )


def _started(theirs: socket.socket) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "optout.adapters.worker", str(theirs.fileno())]
    return subprocess.Popen(command, pass_fds=(theirs.fileno(),), stderr=subprocess.PIPE, text=True)


def test_options_arrive_as_they_were_given_however_they_are_cut(tmp_path: Path) -> None:
    options = _options(tmp_path, policy="no-training", observe_only=True)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        sending = threading.Thread(target=lambda: [ours.send(bytes([octet])) for octet in encode_task(3, options)])
        sending.start()
        assert read_task(theirs) == (3, options)
        sending.join()


def test_a_supervisor_that_is_gone_is_the_end(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(encode_task(1, _options(tmp_path))[:-1])
        with pytest.raises(EOFError):
            read_task(theirs)
        with _started(theirs) as process:
            assert process.wait(60) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""


def test_what_keeps_it_from_working_is_its_first_word(tmp_path: Path) -> None:
    """Here, that nobody has made the log into which it is to record."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(encode_task(2, _options(tmp_path)))
        with _started(theirs) as process:
            said = json.loads(ours.makefile().readline())
            assert process.wait(60) == 2
    assert "no evidence log here" in said["fault"]
    assert "\n" in said["fault"]


def test_it_says_where_it_listens_then_its_numbers_and_ends_with_the_connection(tmp_path: Path) -> None:
    log = EvidenceLog.open(tmp_path / "evidence", software="supervisor")
    ours, theirs = socket.socketpair()
    with ours:
        ours.sendall(encode_task(2, _options(tmp_path)))
        with theirs:
            process = _started(theirs)
        with process:
            said = ours.makefile()
            assert json.loads(said.readline())["listening"].startswith("http://127.0.0.1:")
            assert json.loads(said.readline())["doors"] == 1
            ours.shutdown(socket.SHUT_WR)
            assert process.wait(60) == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
    log.close()
