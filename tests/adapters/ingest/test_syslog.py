"""Datagrams on this machine's sockets, with what syslog puts before a line taken off."""

from __future__ import annotations

import socket
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.adapters.ingest.syslog import SyslogSocket, strip_head
from optout.errors import UsageError
from tests.front_end_lines import line

SOON_S = 20.0  # a guard against hanging, never a figure


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"<134>",
        b"<134>Nov 25 10:00:00 haproxy[123]: ",
        b"<190>Nov  5 10:00:00 web.example nginx: ",
        b"<134>1 2026-11-25T10:00:00.000+00:00 web haproxy 123 - - ",
        b'<134>1 2026-11-25T10:00:00Z web haproxy 123 - [meta a="b"] \xef\xbb\xbf',
    ],
)
@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n", b"\0"])
def test_the_head_and_the_end_of_a_datagram_are_taken_off(head: bytes, end: bytes) -> None:
    assert strip_head(head + line() + end) == line()


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_datagram_is_stripped_without_a_fault(datagram: bytes) -> None:
    assert len(strip_head(datagram)) <= len(datagram)


@pytest.mark.parametrize(
    "name",
    [
        "syslog:udp:0.0.0.0:5140",
        "syslog:udp:192.0.2.1:5140",
        "syslog:udp:[::]:5140",
        "syslog:udp:127.0.0.1:99999",
        "syslog:udp:127.999.0.1:5140",
        "syslog:udp:1:2:3",
        "syslog:unix:relative",
        "syslog:tcp:127.0.0.1:1",
        "syslog:",
    ],
)
def test_a_place_that_others_could_reach_or_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(UsageError):
        SyslogSocket(name)


def test_datagrams_arrive_over_udp() -> None:
    taking = SyslogSocket("syslog:udp:127.0.0.1:0")
    host, _, port = taking.address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for count in range(3):
            sending.sendto(b"<134>" + line(count), (host, int(port)))
        found: list[bytes] = []
        while len(found) < 3:
            found += taking.take(SOON_S)
    assert found == [line(count) for count in range(3)]
    taking.close()


def test_what_the_kernel_had_no_room_for_is_counted() -> None:
    taking = SyslogSocket("syslog:udp:127.0.0.1:0")
    taking._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    host, _, port = taking.address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sending:
        for count in range(100):
            sending.sendto(line(count), (host, int(port)))
        found = list(taking.take(SOON_S))
        sending.sendto(line(100), (host, int(port)))  # the count comes with the next datagram
        found += taking.take(SOON_S)
    assert taking.dropped
    assert taking.dropped + len(found) == 101
    taking.close()


def test_a_unix_socket_is_for_the_group_and_goes_with_its_process(tmp_path: Path) -> None:
    place = tmp_path / "access.sock"
    taking = SyslogSocket(f"syslog:unix:{place}")
    assert stat.S_IMODE(place.stat().st_mode) == 0o660
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
        sending.sendto(line(user_agent="x" * 50_000), str(place))
    assert taking.take(SOON_S) == (line(user_agent="x" * 50_000),)
    taking.close()
    assert not place.exists()


def test_a_socket_that_a_killed_process_left_is_replaced_and_a_file_is_not(tmp_path: Path) -> None:
    place = tmp_path / "access.sock"
    left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    left.bind(str(place))
    left.close()
    SyslogSocket(f"syslog:unix:{place}").close()
    place.write_text("somebody's file")
    with pytest.raises(UsageError, match="no socket"):
        SyslogSocket(f"syslog:unix:{place}")
    assert place.read_text() == "somebody's file"


def test_a_directory_that_is_not_there_is_an_error_in_words(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot listen"):
        SyslogSocket(f"syslog:unix:{tmp_path}/none/access.sock")
