"""`optout forward-auth`: what it takes, what it refuses before it opens, and what it says that it does."""

from __future__ import annotations

import importlib.util
import json
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.adapters.forward_auth import THIS_MACHINE
from optout.adapters.forward_auth import server as forward_auth_server
from optout.adapters.forward_auth.check import Dialect
from optout.adapters.forward_auth.server import ForwardAuthOptions
from optout.cli.forward_auth import forward_auth
from optout.cli.main import main
from optout.errors import PolicyError, UsageError


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[ForwardAuthOptions]]:
    """With what the door was started; it really is in the last test alone."""
    found: list[ForwardAuthOptions] = []

    async def serve(options: ForwardAuthOptions, on_ready: Callable[[str], None]) -> None:
        found.append(options)
        on_ready("http://127.0.0.1:9180")

    monkeypatch.setattr(forward_auth_server, "serve", serve)
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("OPTOUT_MODE", raising=False)
    log = logging.getLogger("optout")
    before = list(log.handlers), log.level, log.propagate
    yield found
    log.handlers[:], log.level, log.propagate = before


Started = list[ForwardAuthOptions]


def run(*words: str) -> Result:
    """The result of the command."""
    return CliRunner().invoke(main, ["forward-auth", *words])


def test_it_asks_for_nothing_listens_on_loopback_observes_and_keeps_evidence(started: Started, tmp_path: Path) -> None:
    result = run()
    assert result.exit_code == 0
    assert started == [ForwardAuthOptions(state=tmp_path / "state", evidence=tmp_path / "state" / "evidence")]
    (options,) = started
    assert (options.host, options.port, options.dialect) == ("127.0.0.1", 9180, Dialect.NGINX)
    assert options.trusted == THIS_MACHINE
    assert "observe" in result.output
    assert "give --upstream" in result.output
    assert f"optout off --state {tmp_path / 'state'}" in result.output


def test_every_option_reaches_the_door(started: Started, tmp_path: Path) -> None:
    result = run(
        *("--listen", "unix:/run/optout/auth.sock", "--dialect", "caddy", "--policy", "no-training"),
        *("--upstream", "unix:/run/site.sock", "--evidence", str(tmp_path / "log"), "--state", str(tmp_path / "other")),
        *("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1", "--forwarded-field", "X-Real-IP"),
    )
    assert result.exit_code == 0
    (options,) = started
    assert (options.socket, options.host, options.port) == ("/run/optout/auth.sock", "", 0)
    assert (options.dialect, options.policy, options.upstream) == (Dialect.CADDY, "no-training", "unix:/run/site.sock")
    assert (options.evidence, options.state) == (tmp_path / "log", tmp_path / "other")
    assert [str(network) for network in options.trusted.networks] == ["10.0.0.0/8", "::1/128"]
    assert options.trusted.field == "x-real-ip"


def test_every_dialect_can_be_chosen() -> None:
    (option,) = [option for option in forward_auth.params if option.name == "dialect"]
    assert list(option.type.choices) == [dialect.value for dialect in Dialect]  # type: ignore[attr-defined]


def test_the_environment_overrides_every_policy(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_MODE", "observe")
    result = run("--policy", "no-training")
    assert started[0].observe_only
    assert "observe" in result.output
    monkeypatch.setenv("OPTOUT_MODE", "enforce")
    assert isinstance(run().exception, UsageError)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (":9180", ("", 9180, "")),
        ("0.0.0.0:80", ("0.0.0.0", 80, "")),
        ("[::1]:9180", ("::1", 9180, "")),
        ("unix:///run/a.sock", ("", 0, "/run/a.sock")),
    ],
)
def test_an_address_to_listen_on_is_taken(started: Started, listen: str, expected: tuple[str, int, str]) -> None:
    assert run("--listen", listen).exit_code == 0
    assert (started[0].host, started[0].port, started[0].socket) == expected


@pytest.mark.parametrize(
    "words",
    [
        ("--listen", "9180"),
        ("--listen", "127.0.0.1:http"),
        ("--listen", "127.0.0.1:65536"),
        ("--listen", "::1:9180"),
        ("--listen", "unix:auth.sock"),
        ("--policy", "no-such-stance"),
        ("--trusted-proxy", "nginx"),
        ("--forwarded-field", "x-client"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_opens(started: Started, words: tuple[str, ...]) -> None:
    result = run(*words)
    assert isinstance(result.exception, UsageError)
    assert result.exception.remedy
    assert started == []


def test_a_broken_policy_is_refused_with_every_fault(started: Started, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: enforced\ndefault: maybe\non_error: refuse\n")
    result = run("--policy", str(policy))
    assert isinstance(result.exception, PolicyError)
    assert [problem.line for problem in result.exception.problems] == [2, 3]
    assert started == []


@pytest.mark.parametrize("package", ["aiohttp", "httptools"])
def test_a_package_that_is_not_installed_is_named_with_what_to_install(
    package: str, started: Started, monkeypatch: pytest.MonkeyPatch
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == package else find(name))
    result = run()
    assert isinstance(result.exception, UsageError)
    assert package in result.exception.what
    assert "optout[serve]" in result.exception.remedy
    assert started == []


def test_json_is_one_object_on_one_line(tmp_path: Path) -> None:
    result = run("--policy", "no-training", "--upstream", "http://127.0.0.1:8000", "--json")
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert told["listening"] == "http://127.0.0.1:9180"
    assert (told["dialect"], told["mode"], told["upstream"]) == ("nginx", "enforce", "http://127.0.0.1:8000")
    assert told["evidence"] == str(tmp_path / "state" / "evidence")
    assert told["trusted"] == ["127.0.0.0/8", "::1/128"]


def test_a_path_cannot_write_to_the_terminal(tmp_path: Path) -> None:
    result = run("--state", str(tmp_path / "a\x1b]0;b"))
    assert result.exit_code == 0
    assert "\x1b" not in result.output


def test_the_program_answers_until_it_is_told_to_end(tmp_path: Path) -> None:
    words = ["--listen", "127.0.0.1:0", "--policy", "no-training", "--state", str(tmp_path), "--json"]
    command = [sys.executable, "-m", "optout", "forward-auth", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as door:
        assert door.stdout is not None
        port = int(json.loads(door.stdout.readline())["listening"].rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=30) as asked:
            said = "X-Original-Method: GET\r\nX-Original-URI: /\r\nX-Original-Host: a.example\r\n"
            head = f"GET / HTTP/1.1\r\nHost: x\r\n{said}X-Forwarded-Proto: http\r\nUser-Agent: GPTBot/1.0\r\n\r\n"
            asked.sendall(head.encode())
            assert asked.recv(65536).startswith(b"HTTP/1.1 403 ")
        door.send_signal(signal.SIGTERM)
        assert door.wait(30) == 0
