"""How the mitmproxy door starts, does not start, changes and ends."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from mitmproxy.version import VERSION

from optout.adapters.mitmproxy.options import has_open_advisories
from optout.adapters.switch import Off, write_switch
from tests.certificates import make_pair
from tests.doors.http2_client import Http2
from tests.doors.mitmdump import (
    ASSISTANT,
    GPTBOT,
    ROOT,
    Mitmdump,
    head_and_body,
    outcome_of,
    read_until,
    records,
    status,
)
from tests.doors.raw_origin import Gate, RawOrigin


@pytest.fixture
def origin(raw_origin: RawOrigin) -> RawOrigin:
    raw_origin.heads.clear()
    return raw_origin


class TestStarting:
    """A door that cannot keep its word does not open, and says why."""

    @pytest.fixture
    def start(self, origin: RawOrigin, tmp_path: Path) -> Iterator[object]:
        children: list[Mitmdump] = []

        def start(*options: str, **named: object) -> Mitmdump:
            children.append(Mitmdump(tmp_path, origin.port, *options, **named))  # type: ignore[arg-type]
            return children[-1]

        yield start
        for child in children:
            child.__exit__()

    def test_a_broken_policy_lists_every_problem(self, start: type[Mitmdump], tmp_path: Path) -> None:
        policy = tmp_path / "policy.yaml"
        policy.write_text("version: 1\nmode: enfroce\ndefault: allow\n")
        child = start(policy=str(policy))
        assert child.ended() != 0
        assert "policy.yaml:2: `mode` is `enfroce`" in child.output
        assert "`on_error` is missing" in child.output
        assert "Traceback" not in child.output

    def test_a_policy_that_is_not_there_is_named_with_those_that_are(self, start: type[Mitmdump]) -> None:
        child = start(policy="no-such-policy")
        assert child.ended() != 0
        assert "there is no policy no-such-policy" in child.output
        assert "no-training" in child.output

    @pytest.mark.parametrize(
        ("option", "word"),
        [
            ("body_size_limit=1m", "body_size_limit"),
            ("stream_large_bodies=1m", "stream_large_bodies"),
            ("save_stream_file=/dev/null", "save_stream_file"),
            ("optout_trusted_proxies=nonsense", "nonsense"),
            ("optout_policy=a-second-one", "optout_policy"),
            ("optout_accept_advisory=perhaps", "optout_accept_advisory"),
        ],
    )
    def test_an_option_that_cannot_be_is_refused_with_a_remedy(
        self, start: type[Mitmdump], option: str, word: str
    ) -> None:
        child = start("--set", option)
        assert child.ended() != 0
        assert "Optout does not start." in child.output
        assert word in child.output
        assert "Traceback" not in child.output

    def test_a_log_that_another_process_holds_keeps_the_door_shut(self, start: type[Mitmdump]) -> None:
        first = start()
        assert first.port
        first.wait_for("listening")
        _until_open(first)
        second = start()
        assert second.ended() == 2
        assert "Optout does not start." in second.output
        assert "Traceback" not in second.output
        assert status(first.ask("/page", GPTBOT)) == 403

    def test_a_log_that_cannot_be_written_keeps_the_door_shut(self, start: type[Mitmdump], tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        child = start("--set", f"optout_evidence={tmp_path / 'file'}")
        assert child.ended() == 2
        assert "Optout does not start." in child.output

    def test_a_broken_file_in_a_directory_stops_only_its_own_sites(self, start: type[Mitmdump], tmp_path: Path) -> None:
        policies = tmp_path / "policies"
        policies.mkdir()
        sound = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\nsites: [site.example]\n"
        (policies / "sound.yaml").write_text(sound)
        (policies / "broken.yaml").write_text("version: 1\nmode: enfroce\nsites: [other.example]\n")
        child = start(policy=str(policies))
        assert status(child.ask("/page", GPTBOT)) == 403
        assert status(child.ask("/page", GPTBOT, host="other.example")) == 200
        child.wait_for("broken.yaml:2")

    def test_an_outdated_mitmproxy_serves_this_machine_only(self, start: type[Mitmdump]) -> None:
        child = start()
        found = child.wait_for(r"listening at (\S+):\d+")[1]
        assert found == ("127.0.0.1" if has_open_advisories() else "*")
        child.stop()
        told = start("--set", "listen_host=0.0.0.0")
        if has_open_advisories():
            assert told.ended() != 0
            assert f"mitmproxy {VERSION} has open security advisories" in told.output
            assert "optout_accept_advisory=true" in told.output
        else:
            assert told.wait_for(r"listening at (\S+):\d+")[1] == "*"

    def test_accepting_the_advisories_lets_it_serve_others(self, start: type[Mitmdump]) -> None:
        child = start("--set", "listen_host=0.0.0.0", "--set", "optout_accept_advisory=true")
        assert child.wait_for(r"listening at (\S+):\d+")[1] == "*"
        assert status(child.ask("/page", GPTBOT)) == 403


def _until_open(child: Mitmdump) -> None:
    """Requests wait until the log is open: an answer says that it is."""
    assert status(child.ask("/page")) == 200


class TestRunning:
    def test_it_observes_where_the_environment_says_so(self, origin: RawOrigin, tmp_path: Path) -> None:
        with Mitmdump(tmp_path, origin.port, env={"OPTOUT_MODE": "observe"}) as child:
            head, body = head_and_body(child.ask("/page", GPTBOT))
            assert body == b"content of /page\n"
            assert b"tdm-reservation" not in head
            assert [leaf["decision.enforced"] for leaf in records(child, "crawl.request")] == [False]

    def test_without_a_policy_it_observes(self, origin: RawOrigin, tmp_path: Path) -> None:
        with Mitmdump(tmp_path, origin.port, policy="") as child:
            assert status(child.ask("/page", GPTBOT)) == 200

    def test_it_can_be_turned_off_within_a_second_and_on_again(self, origin: RawOrigin, tmp_path: Path) -> None:
        with Mitmdump(tmp_path, origin.port) as child:
            assert status(child.ask("/page", GPTBOT)) == 403
            write_switch(child.state, (Off(site="*", since_us=1),))
            assert _becomes(child, 200)
            write_switch(child.state, ())
            assert _becomes(child, 403)

    def test_a_trusted_proxy_is_believed(self, origin: RawOrigin, tmp_path: Path) -> None:
        origin.heads.clear()
        with Mitmdump(tmp_path, origin.port, "--set", "optout_trusted_proxies=127.0.0.1,::1") as child:
            child.ask("/page", fields="X-Forwarded-For: 8.8.8.8\r\nX-Forwarded-Proto: https\r\n")
        (seen,) = origin.heads
        assert seen.all(b"x-forwarded-for") == [b"8.8.8.8, 127.0.0.1"]
        assert seen.all(b"x-forwarded-proto") == [b"https"]

    def test_a_script_that_is_touched_goes_on_judging(self, origin: RawOrigin, tmp_path: Path) -> None:
        """mitmproxy loads a changed script anew, once a second, and would open the log twice."""
        script = tmp_path / "optout_addon.py"
        script.write_bytes((ROOT / "addons" / "optout_addon.py").read_bytes())
        with Mitmdump(tmp_path, origin.port, script=str(script)) as child:
            assert status(child.ask("/page", GPTBOT)) == 403
            os.utime(script, (2e9, 2e9))
            child.wait_for(r"Loading script.*(?s:.*)Loading script")
            assert status(child.ask("/page", GPTBOT)) == 403
            assert status(child.ask("/page")) == 200
            assert child.stop() == 0
            assert "Traceback" not in child.output

    @pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
    def test_it_lets_an_answer_under_way_end(self, tmp_path: Path, how: signal.Signals) -> None:
        gate = Gate()
        with RawOrigin(answers={b"/slow": gate}) as origin, Mitmdump(tmp_path, origin.port) as child:
            with child.connect() as connection:
                connection.sendall(
                    f"GET /slow HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {ASSISTANT}\r\n\r\n".encode()
                )
                assert gate.arrived.wait(30)
                child.process.send_signal(how)
                child.wait_for("stopped")
                with pytest.raises(ConnectionRefusedError):
                    child.connect()
                gate.opened.set()
                assert read_until(connection, b"first-last").endswith(b"first-last")
            assert child.ended() == 0
            request = records(child, "crawl.request")[-1]
            assert outcome_of(child, request)["outcome.aborted"] is False

    def test_an_origin_that_is_down_is_a_502_and_nothing_is_lost(self, tmp_path: Path) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            port = unused.getsockname()[1]
        with Mitmdump(tmp_path, port) as child:
            assert status(child.ask("/page")) == 502
            assert status(child.ask("/page", GPTBOT)) == 403
            assert status(child.ask("/page", ASSISTANT)) == 502
            request = records(child, "crawl.request")[-1]
            outcome = outcome_of(child, request)
            assert (outcome["http.response.status_code"], outcome["outcome.aborted"]) == (502, True)

    def test_an_origin_with_tls_is_reached_under_the_owner_s_name(self, tmp_path: Path) -> None:
        """And not under the one that a visitor sent in his own TLS handshake."""
        cert, key = make_pair(tmp_path, "localhost")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        names: list[str | None] = []
        context.sni_callback = lambda _socket, name, _context: names.append(name)
        with (
            RawOrigin(tls=context) as origin,
            Mitmdump(
                tmp_path, origin.port, "--set", f"ssl_verify_upstream_trusted_ca={cert}", upstream="https://localhost"
            ) as child,
        ):
            client = Http2(child)
            assert client.ask() == (200, b"content of /page\n")
            client.socket.close()
            assert [seen.line for seen in origin.heads] == [b"GET /page HTTP/1.1"]
            assert b"tdm-reservation: 1" in child.ask("/page", ASSISTANT), "tdmrep.json was read over TLS"
        assert set(names) == {"localhost"}


def _becomes(child: Mitmdump, code: int) -> bool:
    """Whether crawlers are answered with `code` soon: the switch is looked at every quarter of a second."""
    return any(status(child.ask("/page", GPTBOT)) == code or threading.Event().wait(0.05) for _ in range(200))
