"""`optout evidence checkpoint|anchor|anchors`, and `verify` with what others have seen."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import EvidenceError, UsageError
from tests.authority import Authority, serving
from tests.evidence.setting import fill


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    fill(tmp_path / "evidence", 3)
    return tmp_path / "evidence"


def _run(command: str, home: Path, *words: object) -> Result:
    return CliRunner().invoke(main, ["evidence", command, str(home), *map(str, words)])


@contextmanager
def _serving(authority: Authority) -> Iterator[str]:
    """An authority in a thread of its own: the command has an event loop of its own, too."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    context = serving(authority.answer)
    try:
        yield asyncio.run_coroutine_threadsafe(context.__aenter__(), loop).result(20)
    finally:
        asyncio.run_coroutine_threadsafe(context.__aexit__(None, None, None), loop).result(20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def test_the_line_that_is_mailed_is_the_line_that_is_checked(home: Path, tmp_path: Path) -> None:
    line = _run("checkpoint", home).output.strip()
    told = json.loads(_run("checkpoint", home, "--json").output)
    assert line == f"{told['origin']} {told['size']} {told['root']}"
    assert _run("verify", home, "--seen", line).exit_code == 0
    assert "are those that were seen" in _run("verify", home, "--seen", line).output
    (tmp_path / "kept").write_bytes((home / "checkpoint").read_bytes())
    assert _run("verify", home, "--seen-file", tmp_path / "kept").exit_code == 0
    wrong = f"{told['origin']} {told['size']} {'A' * 43}="
    assert _run("verify", home, "--seen", wrong).exit_code == 1
    assert _run("verify", home, "--seen", line.replace(" 5 ", " 50 ")).exit_code == 1
    assert isinstance(_run("verify", home, "--seen", "no line").exception, UsageError)
    (tmp_path / "kept").write_bytes(b"no line")
    assert isinstance(_run("verify", home, "--seen-file", tmp_path / "kept").exception, UsageError)
    assert isinstance(_run("checkpoint", tmp_path).exception, EvidenceError)


def test_a_log_is_stamped_and_says_so(home: Path, authority: Authority) -> None:
    roots = authority.place / "ca.pem"
    with _serving(authority) as url:
        done = _run("anchor", home, "--tsa", url, "--roots", roots, "--json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)[0]["time_us"]
        assert "UTC" in _run("anchor", home, "--tsa", url).output  # the roots are known by now
    done = _run("anchor", home, "--tsa", "http://127.0.0.1:9/tsa")
    assert done.exit_code == 1
    assert "no usable answer" in done.output
    done = _run("anchors", home)
    assert done.exit_code == 0
    assert "is confirmed by a timestamp of 127.0.0.1" in done.output
    assert all(one["holds"] for one in json.loads(_run("anchors", home, "--json").output))
    told = json.loads(_run("verify", home, "--json").output)
    assert told["verdict"] == "sound"
    assert "is confirmed by a timestamp" in told["time"]
    assert any("seen by 127.0.0.1" in line for line in told["proved"])


def test_a_token_that_does_not_hold_is_named(home: Path, authority: Authority) -> None:
    with _serving(authority) as url:
        _run("anchor", home, "--tsa", url, "--roots", authority.place / "ca.pem")
    (response,) = (home / "anchors").glob("*/response.tsr")
    response.write_bytes(response.read_bytes()[:-9])
    done = _run("anchors", home)
    assert done.exit_code == 1
    assert "not a timestamp" in done.output
    told = json.loads(_run("verify", home, "--json").output)
    assert told["verdict"] == "sound"
    assert any("not a timestamp" in line for line in told["not_proved"])
    assert "machine" in told["time"]


def test_without_roots_nobody_is_asked(home: Path) -> None:
    assert isinstance(_run("anchor", home, "--tsa", "http://127.0.0.1:9/").exception, EvidenceError)
