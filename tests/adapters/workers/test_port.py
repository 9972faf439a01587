"""A port for several: found free, chosen once, and kept without taking a single visitor."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from optout.adapters.listening import Place
from optout.adapters.workers.port import shared_port
from optout.errors import UsageError


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """Another service that shares its port with whoever wants it."""
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


def _worker(port: int, host: str = "127.0.0.1") -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind((host, port))
    made.listen()
    return made


def test_one_port_is_chosen_for_all_and_workers_can_listen_on_it() -> None:
    with shared_port(Place(host="127.0.0.1", port=0)) as port, _worker(port), _worker(port):
        assert port > 0


def test_no_visitor_comes_to_the_sockets_that_keep_the_port() -> None:
    with shared_port(Place(host="127.0.0.1", port=0)) as port, _worker(port) as worker:
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", port)), worker.accept()[0]:
                pass


def test_nobody_else_can_have_the_port_meanwhile_and_everybody_can_afterwards() -> None:
    with (
        shared_port(Place(host="127.0.0.1", port=0)) as port,
        socket.socket() as other,
        pytest.raises(OSError, match="in use"),
    ):
        other.bind(("127.0.0.1", port))
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))


def test_another_service_that_shares_its_port_is_not_joined_by_mistake(taken: socket.socket) -> None:
    port = taken.getsockname()[1]
    with pytest.raises(UsageError, match="Address already in use"), shared_port(Place(host="127.0.0.1", port=port)):
        pass


def test_every_address_of_a_host_gets_the_same_port() -> None:
    with shared_port(Place(host="", port=0)) as port, _worker(port, "0.0.0.0"):
        assert port > 0


def test_a_host_that_is_none_and_a_unix_socket_are_refused() -> None:
    with pytest.raises(UsageError, match="cannot listen on"), shared_port(Place(host="no.such.host.invalid", port=1)):
        pass
    with pytest.raises(UsageError, match="unix socket") as told, shared_port(Place(socket="/run/x")):
        pass
    assert "--workers" in told.value.remedy
