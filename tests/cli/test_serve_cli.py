"""`optout serve`: what it takes, what it refuses before it opens, and which engine it starts with what."""

from __future__ import annotations

import importlib.util
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner, Result

from optout.adapters import workers
from optout.adapters.gateway import server as gateway_server
from optout.adapters.serve_options import ServeOptions
from optout.cli.main import main
from optout.errors import PolicyError, UsageError
from tests.certificates import write_certificate

UPSTREAM = ("--upstream", "http://127.0.0.1:8000")


@pytest.fixture(autouse=True)
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[str, ServeOptions]]]:
    """The engines that were started, and with what; none really is."""
    found: list[tuple[str, ServeOptions]] = []

    async def aiohttp(options: ServeOptions, on_ready: Callable[[str], None]) -> None:
        found.append(("aiohttp", options))
        on_ready("http://127.0.0.1:8080")

    def mitmproxy(options: ServeOptions, on_ready: Callable[[str], None]) -> int:
        found.append(("mitmproxy", options))
        on_ready("http://127.0.0.1:8080")
        return 0

    async def supervise(options: ServeOptions, count: int, on_ready: Callable[[str], None]) -> None:
        found.append((f"{count} workers", options))
        on_ready("http://127.0.0.1:8080")

    monkeypatch.setattr(gateway_server, "serve", aiohttp)
    monkeypatch.setattr(workers, "supervise", supervise)
    monkeypatch.setitem(
        __import__("sys").modules, "optout.adapters.mitmproxy.process", SimpleNamespace(serve_mitmproxy=mitmproxy)
    )
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("OPTOUT_MODE", raising=False)
    log = logging.getLogger("optout")
    before = list(log.handlers), log.level, log.propagate
    yield found
    log.handlers[:], log.level, log.propagate = before


def run(*words: str) -> Result:
    """The result of the command."""
    return CliRunner().invoke(main, ["serve", *words])


Started = list[tuple[str, ServeOptions]]


def test_it_listens_on_loopback_observes_and_keeps_evidence_unless_told_otherwise(
    started: Started, tmp_path: Path
) -> None:
    result = run(*UPSTREAM)
    assert result.exit_code == 0
    ((engine, options),) = started
    assert engine == "aiohttp"
    assert options == ServeOptions(
        upstream="http://127.0.0.1:8000",
        state=tmp_path / "state",
        listen_host="127.0.0.1",
        listen_port=8080,
        policy=None,
        evidence=tmp_path / "state" / "evidence",
    )
    assert "observe: no --policy was given" in result.output


def test_every_option_reaches_the_engine(started: Started, tmp_path: Path) -> None:
    cert, key = write_certificate(tmp_path, 1)
    result = run(
        *("--upstream", "unix:/run/site.sock", "--listen", "[::1]:8443", "--policy", "no-training"),
        *("--tls-cert", str(cert), "--tls-key", str(key), "--evidence", str(tmp_path / "log")),
        *("--state", str(tmp_path / "elsewhere"), "--engine", "mitmproxy", "--accept-advisory"),
        *("--trusted-proxy", "10.0.0.0/8", "--trusted-proxy", "::1", "--forwarded-field", "Forwarded"),
    )
    assert result.exit_code == 0
    ((engine, options),) = started
    assert engine == "mitmproxy"
    assert (options.upstream, options.policy) == ("unix:/run/site.sock", "no-training")
    assert (options.listen_host, options.listen_port) == ("::1", 8443)
    assert (options.tls_cert, options.tls_key) == (cert, key)
    assert (options.evidence, options.state) == (tmp_path / "log", tmp_path / "elsewhere")
    assert (options.trusted_proxies, options.forwarded_field) == (("10.0.0.0/8", "::1/128"), "forwarded")
    assert options.accept_advisory


def test_the_environment_overrides_every_policy(started: Started, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_MODE", "observe")
    result = run(*UPSTREAM, "--policy", "no-training")
    assert started[0][1].observe_only
    assert "OPTOUT_MODE overrides the policy" in result.output
    monkeypatch.setenv("OPTOUT_MODE", "enforce")
    assert isinstance(run(*UPSTREAM).exception, UsageError)


@pytest.mark.parametrize(
    ("listen", "expected"),
    [
        (":8080", ("", 8080)),
        ("0.0.0.0:80", ("0.0.0.0", 80)),
        ("localhost:0", ("localhost", 0)),
        ("[::]:443", ("::", 443)),
    ],
)
def test_an_address_to_listen_on_is_taken(started: Started, listen: str, expected: tuple[str, int]) -> None:
    assert run(*UPSTREAM, "--listen", listen).exit_code == 0
    assert (started[0][1].listen_host, started[0][1].listen_port) == expected


def test_a_unix_socket_and_the_proxy_protocol_are_handed_on(started: Started) -> None:
    words = ("--listen", "unix:/run/optout.sock", "--proxy-protocol", "--trusted-proxy", "127.0.0.1")
    assert run(*UPSTREAM, *words).exit_code == 0
    ((_, options),) = started
    assert (options.listen_socket, options.proxy_protocol) == ("/run/optout.sock", True)


def test_evidence_is_kept_unless_the_owner_wants_none(started: Started) -> None:
    result = run(*UPSTREAM, "--no-evidence")
    assert result.exit_code == 0
    assert started[0][1].evidence is None
    assert "none is kept" in result.output


@pytest.mark.parametrize(
    "words",
    [
        ("--upstream", "ftp://x"),
        (*UPSTREAM, "--listen", "unix:optout.sock"),
        (*UPSTREAM, "--listen", "unix:/run/optout.sock", "--engine", "mitmproxy"),
        (*UPSTREAM, "--listen", "unix:/run/optout.sock", "--workers", "2"),
        (*UPSTREAM, "--evidence", "log", "--no-evidence"),
        (*UPSTREAM, "--proxy-protocol"),
        (*UPSTREAM, "--proxy-protocol", "--trusted-proxy", "::1", "--engine", "mitmproxy"),
        (*UPSTREAM, "--proxy-protocol", "--trusted-proxy", "::1", "--tls-cert", __file__, "--tls-key", __file__),
        ("--upstream", "http://127.0.0.1:8000/base"),
        (*UPSTREAM, "--listen", "8080"),
        (*UPSTREAM, "--listen", "127.0.0.1:http"),
        (*UPSTREAM, "--listen", "127.0.0.1:65536"),
        (*UPSTREAM, "--listen", "::1:8080"),
        (*UPSTREAM, "--tls-cert", __file__),
        (*UPSTREAM, "--tls-key", __file__),
        (*UPSTREAM, "--policy", "no-such-stance"),
        (*UPSTREAM, "--trusted-proxy", "nginx"),
        (*UPSTREAM, "--forwarded-field", "x-client"),
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
    result = run(*UPSTREAM, "--policy", str(policy))
    assert isinstance(result.exception, PolicyError)
    assert [problem.line for problem in result.exception.problems] == [2, 3]
    assert started == []


@pytest.mark.parametrize(
    ("missing", "engine", "extra"),
    [("mitmproxy", "mitmproxy", "mitmproxy"), ("httptools", "aiohttp", "serve"), ("aiohttp", "aiohttp", "serve")],
)
def test_what_an_engine_stands_on_is_named_with_what_to_install(
    started: Started, monkeypatch: pytest.MonkeyPatch, missing: str, engine: str, extra: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    result = run(*UPSTREAM, "--engine", engine)
    assert isinstance(result.exception, UsageError)
    assert missing in result.exception.what
    assert f"optout[{extra}]" in result.exception.remedy
    assert started == []


def test_json_is_one_object_on_one_line(tmp_path: Path) -> None:
    result = run(*UPSTREAM, "--policy", "no-training", "--json")
    (line,) = result.stdout.splitlines()
    told = json.loads(line)
    assert told["listening"] == "http://127.0.0.1:8080"
    assert told["upstream"] == "http://127.0.0.1:8000"
    assert told["evidence"] == str(tmp_path / "state" / "evidence")


def test_several_workers_are_started_under_a_supervisor_and_one_is_not(started: Started) -> None:
    for count, engine in (("1", "aiohttp"), ("4", "4 workers")):
        result = run(*UPSTREAM, "--workers", count, "--json")
        assert result.exit_code == 0
        assert started[-1][0] == engine
        assert json.loads(result.output)["workers"] == int(count)


@pytest.mark.parametrize(
    "words", [("--workers", "0"), ("--workers", "many"), ("--workers", "2", "--engine", "mitmproxy")]
)
def test_workers_that_cannot_be_are_refused(started: Started, words: tuple[str, ...]) -> None:
    assert run(*UPSTREAM, *words).exit_code != 0
    assert started == []
