"""Who asks the gateway for what."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.client_address import NO_PROXIES
from optout.adapters.documents import CallableSource
from optout.adapters.driver import Driver, Settings
from optout.adapters.gateway.door import Claimed, destination_of, recognize
from optout.adapters.gateway.heads import Asked
from optout.adapters.gateway.onward import Peer
from optout.messages import Destination

HOST = (b"Host", b"Site.Example:80")


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    """A driver that observes and has not been started."""
    return Driver(Settings(state=tmp_path, software="optout test"), CallableSource(lambda *_: None))


def peer() -> Peer:
    """Who connected."""
    return Peer("8.8.4.4", scheme="http", trusted=NO_PROXIES, mark="")


def asked(*fields: tuple[bytes, bytes], target: bytes = b"/a?b") -> Asked:
    """A request."""
    return Asked(b"GET", target, [HOST, *fields], "1.1", keeps_open=True)


def claimed(driver: Driver, request: Asked) -> Claimed | None:
    """What it claims to be."""
    visitor = peer()
    head = visitor.head_of(request.fields)
    destination = destination_of(request, head, visitor)
    assert destination is not None
    return recognize(driver, request, head, visitor, destination)


def test_a_request_goes_where_its_host_says() -> None:
    request = asked()
    assert destination_of(request, peer().head_of(request.fields), peer()) == Destination("site.example", "/a?b")
    other = asked(target=b"http://other.example/a")
    assert destination_of(other, peer().head_of(other.fields), peer()) is None


def test_a_person_is_nobody(driver: Driver) -> None:
    assert claimed(driver, asked((b"User-Agent", b"Mozilla/5.0"))) is None
    assert claimed(driver, asked()) is None


def test_a_crawler_s_request_is_taken_in_as_it_came(driver: Driver) -> None:
    found = claimed(driver, asked((b"User-Agent", b"GPTBot/1.4"), (b"X", b"\xff")))
    assert found is not None
    request = found.request
    assert found.claim.crawler.name == "GPTBot"
    assert (request.method, request.scheme, request.authority, request.target) == (
        "GET",
        "http",
        "site.example",
        "/a?b",
    )
    assert (request.client.address, request.http_version) == ("8.8.4.4", "1.1")
    assert request.fields.items == (("Host", "Site.Example:80"), ("User-Agent", "GPTBot/1.4"), ("X", "\udcff"))


def test_a_second_user_agent_does_not_hide_the_first(driver: Driver) -> None:
    assert claimed(driver, asked((b"User-Agent", b"Chrome"), (b"user-agent", b"GPTBot/1.4"))) is not None
