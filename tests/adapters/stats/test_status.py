"""Where the status pages are, and when a door is ready."""

from __future__ import annotations

from dataclasses import replace

import pytest

from optout.adapters.stats import LogStats
from optout.adapters.stats.status import StatusAddress, load_status_address, unready
from optout.errors import UsageError
from optout.policy.model import Mode
from tests.adapters.stats_values import full


@pytest.mark.parametrize(
    ("text", "host", "port", "is_loopback"),
    [
        ("127.0.0.1:9181", "127.0.0.1", 9181, True),
        (":9181", "127.0.0.1", 9181, True),
        ("[::1]:0", "::1", 0, True),
        ("localhost:1", "localhost", 1, True),
        ("0.0.0.0:9181", "0.0.0.0", 9181, False),
        ("[::]:9181", "::", 9181, False),
        ("10.0.0.1:65535", "10.0.0.1", 65535, False),
        ("metrics.example:1", "metrics.example", 1, False),
    ],
)
def test_an_address_is_read_and_known_for_what_it_is(text: str, host: str, port: int, is_loopback: bool) -> None:
    address = load_status_address(text)
    assert (address.host, address.port, address.is_loopback) == (host, port, is_loopback)


@pytest.mark.parametrize("text", ["", "9181", "127.0.0.1", "::1:9181", "127.0.0.1:65536", "a:b", "[::1]", "x:1\n"])
def test_what_is_no_address_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError) as fault:
        load_status_address(text)
    assert "127.0.0.1:9181" in fault.value.remedy


def test_a_door_that_serves_and_records_is_ready() -> None:
    assert unready(full()) == ()
    assert unready(full(log=None)) == ()


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"log": LogStats(writable=False, trouble="no room")}, "no room"),
        ({"log": LogStats(writable=False)}, "the evidence log takes no records"),
        ({"policies": {Mode.ENFORCE: 0}}, "no policy is in force"),
    ],
)
def test_what_keeps_a_door_from_being_ready_is_said(changes: dict[str, object], why: str) -> None:
    assert unready(full(**changes)) == (why,)


def test_a_door_that_closes_or_has_not_opened_is_not_ready() -> None:
    assert unready(full(), is_draining=True) == ("the door is closing",)
    assert unready(None) == ("the door has not opened",)
    assert unready(None, is_draining=True) == ("the door is closing",)
    assert len(unready(replace(full(), policies={}), is_draining=True)) == 2


def test_a_service_is_ready_when_all_its_workers_serve() -> None:
    assert unready(full(doors=4), doors=4) == ()
    assert unready(full(doors=3), doors=4) == ("3 of 4 workers serve",)


def test_addresses_compare_as_values() -> None:
    assert load_status_address(":1") == StatusAddress(host="127.0.0.1", port=1)
