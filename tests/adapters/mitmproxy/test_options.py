"""The options of the mitmproxy door: typed, complete, and refused with a remedy where they would break its word."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.addons import default_addons
from mitmproxy.addons.dumper import Dumper
from mitmproxy.optmanager import OptManager
from mitmproxy.proxy.mode_specs import ProxyMode
from mitmproxy.test import taddons

from optout.adapters.mitmproxy import options as mitmproxy_options
from optout.adapters.mitmproxy.options import (
    NAMES,
    OPTIONS,
    DoorOptions,
    add_options,
    check_listening,
    has_open_advisories,
    load_options,
    refuse_unsafe,
    upstream_tls,
)
from optout.errors import UsageError

SOUND = "12.2.2"
OLD = "11.0.2"


@pytest.fixture
async def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> OptManager:
    monkeypatch.delenv("OPTOUT_MODE", raising=False)
    with taddons.context(loadcore=False) as context:
        context.options.update(confdir=str(tmp_path / "confdir"))
        context.master.addons.add(*default_addons(), Dumper())
        add_options(context.options)
        context.options.update(mode=["reverse:http://127.0.0.1:8000"], optout_state=str(tmp_path / "state"))
        return context.options


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A mitmproxy without open advisories, whatever is installed."""
    monkeypatch.setattr(mitmproxy_options, "has_open_advisories", lambda: False)
    yield


def load(options: OptManager, *, accept_advisory: bool = False) -> DoorOptions:
    return load_options(options, None, accept_advisory=accept_advisory)


def test_every_option_has_the_project_s_prefix_and_a_sentence_of_help() -> None:
    assert {option.name for option in OPTIONS} == NAMES
    assert all(option.name.startswith("optout_") and option.help.endswith(".") for option in OPTIONS)


def test_a_newcomer_gets_evidence_in_the_state_directory_and_observes(options: OptManager, tmp_path: Path) -> None:
    found = load(options)
    assert found.settings.policy is None
    assert found.settings.evidence == tmp_path / "state" / "evidence"
    assert found.settings.state == tmp_path / "state"
    assert found.upstream == "http://127.0.0.1:8000"
    assert not found.settings.observe_only


@pytest.mark.parametrize("words", [["optout_policy=a", "optout_policy=b"], ["optout_accept_advisory=perhaps"]])
async def test_a_value_that_an_option_cannot_have_is_a_fault_and_not_a_door_without_optout(words: list[str]) -> None:
    options = OptManager()
    options.set(*words, defer=True)
    with pytest.raises(UsageError, match=words[0].partition("=")[0]):
        add_options(options)


def test_words_become_values(options: OptManager, tmp_path: Path) -> None:
    options.update(
        optout_policy="no-training",
        optout_evidence=str(tmp_path / "log"),
        optout_trusted_proxies="10.0.0.5, fd00::/8",
        optout_forwarded_field="X-Real-IP",
    )
    settings = load(options).settings
    assert settings.policy == "no-training"
    assert settings.evidence == tmp_path / "log"
    assert [str(network) for network in settings.trusted.networks] == ["10.0.0.5/32", "fd00::/8"]
    assert settings.trusted.field == "x-real-ip"
    assert settings.software.startswith("optout/") and " mitmproxy/" in settings.software


def test_the_environment_can_make_it_observe_only(options: OptManager, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_MODE", "observe")
    assert load(options).settings.observe_only
    monkeypatch.setenv("OPTOUT_MODE", "enforce")
    with pytest.raises(UsageError, match="OPTOUT_MODE"):
        load(options)


def test_what_would_tell_of_visitors_or_serve_another_host_is_set_whatever_was_asked(options: OptManager) -> None:
    forced = load(options).forced
    assert forced["keep_host_header"] is True
    assert forced["flow_detail"] == 0
    assert forced["onboarding"] is False
    assert forced["rawtcp"] is False
    assert forced["connection_strategy"] == "lazy"


def test_certificates_lie_in_the_state_directory_unless_the_owner_chose_a_place(
    options: OptManager, tmp_path: Path
) -> None:
    assert "confdir" not in load(options).forced
    options.update(confdir=options.default("confdir"))
    assert load(options).forced["confdir"] == str(tmp_path / "state" / "mitmproxy")


@pytest.mark.parametrize(
    "mode", [["regular"], ["reverse:tcp://127.0.0.1:1"], ["reverse:dns://127.0.0.1"], ["socks5"], ["transparent"]]
)
def test_only_a_reverse_proxy_of_a_site_is_a_door(options: OptManager, mode: list[str]) -> None:
    with pytest.raises(UsageError) as refused:
        load_with_mode(options, mode)
    assert "--mode reverse:" in refused.value.remedy


def load_with_mode(options: OptManager, mode: list[str]) -> DoorOptions:
    options._options["mode"].set(mode)  # mitmproxy itself would look whether the platform can do it
    return load(options)


def test_several_ports_of_one_origin_are_fine_and_several_origins_are_not(options: OptManager) -> None:
    same = ["reverse:http://127.0.0.1:8000@127.0.0.1:80", "reverse:http://127.0.0.1:8000@127.0.0.1:443"]
    assert load_with_mode(options, same).upstream == "http://127.0.0.1:8000"
    with pytest.raises(UsageError, match="several"):
        load_with_mode(options, ["reverse:http://127.0.0.1:8000@81", "reverse:http://127.0.0.1:9000@82"])


def test_an_ipv6_origin_keeps_its_brackets(options: OptManager) -> None:
    assert load_with_mode(options, ["reverse:https://[::1]:8443"]).upstream == "https://[::1]:8443"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("body_size_limit", "1m"),
        ("stream_large_bodies", "1m"),
        ("save_stream_file", "flows"),
        ("hardump", "all.har"),
        ("validate_inbound_headers", False),
    ],
)
def test_options_under_which_the_door_could_not_keep_its_word_are_refused_with_a_remedy(
    options: OptManager, name: str, value: object
) -> None:
    refuse_unsafe(options)
    options._options[name].set(value)
    with pytest.raises(UsageError, match=name) as refused:
        refuse_unsafe(options)
    assert "leave" in refused.value.remedy


@pytest.mark.parametrize(("version", "is_open"), [(OLD, True), ("12.2.1", True), (SOUND, False), ("13.0.0.dev", False)])
def test_versions_below_12_2_2_have_open_advisories(version: str, is_open: bool) -> None:
    assert has_open_advisories(version) is is_open


@pytest.fixture
def outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mitmproxy_options, "has_open_advisories", lambda: True)


@pytest.mark.usefixtures("outdated")
class TestAnOutdatedMitmproxy:
    """Design part 5.15: on Python 3.11 it serves this machine only, unless the owner accepts."""

    def test_listens_on_loopback_where_nothing_was_said_and_says_so(
        self, options: OptManager, caplog: pytest.LogCaptureFixture
    ) -> None:
        assert load(options).forced["listen_host"] == "127.0.0.1"
        assert "127.0.0.1 only" in caplog.text

    @pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "127.8.8.8"])
    def test_may_listen_on_loopback(self, options: OptManager, host: str) -> None:
        options.update(listen_host=host)
        assert load(options).forced["listen_host"] == host

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "site.example"])
    def test_may_not_listen_for_others_and_says_why_and_what_to_do(self, options: OptManager, host: str) -> None:
        options.update(listen_host=host)
        with pytest.raises(UsageError, match="advisories") as refused:
            load(options)
        assert "optout_accept_advisory=true" in refused.value.remedy
        assert "--accept-advisory" in refused.value.remedy

    def test_may_not_be_told_so_in_the_mode_either(self, options: OptManager) -> None:
        with pytest.raises(UsageError, match="advisories"):
            load_with_mode(options, ["reverse:http://127.0.0.1:8000@0.0.0.0:8080"])

    def test_listens_where_it_was_told_once_the_owner_accepts(self, options: OptManager) -> None:
        options.update(listen_host="0.0.0.0", optout_accept_advisory=True)
        assert load(options).forced["listen_host"] == "0.0.0.0"
        options.update(optout_accept_advisory=False)
        assert load(options, accept_advisory=True).forced["listen_host"] == "0.0.0.0"

    def test_is_found_out_if_it_listens_for_others_all_the_same(self, options: OptManager) -> None:
        with pytest.raises(UsageError, match="advisories"):
            listening(options, "0.0.0.0")
        listening(options, "0.0.0.0", accepts=True)
        listening(options, "127.0.0.1")


@pytest.mark.usefixtures("installed")
def test_a_sound_mitmproxy_listens_where_it_is_told(options: OptManager) -> None:
    assert load(options).forced["listen_host"] == ""
    options.update(listen_host="0.0.0.0")
    assert load(options).forced["listen_host"] == "0.0.0.0"


class _Server:
    mode = ProxyMode.parse("reverse:http://127.0.0.1:8000@127.0.0.1:80")

    def __init__(self, host: str, fault: Exception | None = None) -> None:
        self.listen_addrs = ((host, 80),)
        self.last_exception = fault


def listening(options: OptManager, host: str, fault: Exception | None = None, *, accepts: bool = False) -> None:
    check_listening([_Server(host, fault)], options, accepts=accepts)  # type: ignore[list-item]


@pytest.mark.parametrize(
    ("fault", "reason"), [(OSError(98, "a long story"), "Address already in use"), (ValueError("odd"), "odd")]
)
def test_a_port_that_cannot_be_had_is_a_fault_of_the_start(options: OptManager, fault: Exception, reason: str) -> None:
    with pytest.raises(UsageError, match=rf"127\.0\.0\.1:80: {reason}"):
        listening(options, "127.0.0.1", fault)


def test_documents_are_fetched_with_the_trust_that_mitmproxy_has(options: OptManager) -> None:
    assert upstream_tls(options) is True
    options.update(ssl_insecure=True)
    context = upstream_tls(options)
    assert isinstance(context, ssl.SSLContext)
    assert context.verify_mode is ssl.CERT_NONE
