"""What arrived is compared with what was sent, and each difference has its lines."""

from __future__ import annotations

import msgspec
import pytest

from optout.adapters.doctor.arrival import is_loopback, look_at_arrival
from optout.adapters.doctor.findings import Finding, Level
from optout.adapters.doctor.visits import Target, Visits
from optout.adapters.doctor.watch import Door, Seen
from optout.adapters.fetcher import Visited
from optout.crawlers.registry import bundled_registry

GPTBOT = bundled_registry().by_name("GPTBot")
DOOR = Door(software="optout test", pid=1, policy="", trusted=[], forwarded_field="x-forwarded-for", observe_only=False)
SEEN = Seen(
    authority="site.example",
    scheme="https",
    target="/nonce",
    user_agent="GPTBot",
    address="203.0.113.7",
    source="forwarded",
    forwarded={},
)


def _found(seen: Seen | None, *, door: Door | None = DOOR, netloc: str = "site.example") -> dict[str, Finding]:
    answer = Visited(status=200)
    assert GPTBOT is not None
    visits = Visits(
        target=Target(scheme="https", netloc=netloc, page="/"),
        crawler=GPTBOT,
        user_agent="GPTBot",
        nonce="/nonce",
        person=answer,
        person_again=answer,
        search=answer,
        crawled=answer,
        person_after=answer,
        nonce_crawled=answer,
        nonce_person=answer,
    )
    return {finding.code: finding for finding in look_at_arrival(visits, door, seen)}


def _as(**other: object) -> Seen:
    return msgspec.structs.replace(SEEN, **other)


def test_without_a_door_nothing_can_be_said() -> None:
    assert _found(SEEN, door=None) == {}


def test_all_is_well_where_host_scheme_and_address_arrive() -> None:
    assert {finding.level for finding in _found(SEEN).values()} == {Level.OK}


def test_a_request_that_did_not_arrive_is_a_fault_and_nothing_else_is_said() -> None:
    found = _found(None)
    assert list(found) == ["arrival"]
    assert found["arrival"].level is Level.FAULT


@pytest.mark.parametrize("netloc", ["site.example", "SITE.example.", "site.example:443"])
def test_hosts_are_compared_as_policies_write_them(netloc: str) -> None:
    assert _found(SEEN, netloc=netloc)["host"].level is Level.OK


def test_another_host_and_another_scheme_are_faults() -> None:
    found = _found(_as(authority="127.0.0.1:8080", scheme="http"))
    assert (found["host"].level, found["scheme"].level) == (Level.FAULT, Level.FAULT)
    assert any("X-Forwarded-Proto" in line for line in found["scheme"].lines)


UNKNOWN = {"address": None, "source": "unknown"}


def test_an_address_behind_a_proxy_that_nobody_listed_is_a_warning() -> None:
    found = _found(_as(**UNKNOWN, forwarded={"x-forwarded-for": "203.0.113.7"}))
    assert found["address"].level is Level.WARNING
    assert any(line.startswith("--trusted-proxy") for line in found["address"].lines)


def test_a_proxy_that_says_nothing_is_a_warning_or_a_fault_if_it_is_listed() -> None:
    assert _found(_as(**UNKNOWN))["address"].level is Level.WARNING
    listed = msgspec.structs.replace(DOOR, trusted=["127.0.0.1/32"])
    assert _found(_as(**UNKNOWN), door=listed)["address"].level is Level.FAULT


def test_who_asks_from_inside_has_no_public_address_and_that_is_no_finding() -> None:
    listed = msgspec.structs.replace(DOOR, trusted=["127.0.0.1/32"])
    inside = _as(**UNKNOWN, forwarded={"x-forwarded-for": "10.0.0.2"})
    assert _found(inside, door=listed)["address"].level is Level.OK
    here = _found(_as(**UNKNOWN, authority="127.0.0.1"), netloc="127.0.0.1")
    assert here["address"].level is Level.OK


@pytest.mark.parametrize(
    ("netloc", "connect", "here"),
    [
        ("127.0.0.1:8080", "", True),
        ("[::1]:8080", "", True),
        ("localhost", "", True),
        ("site.example", "127.0.0.1:8080", True),
        ("site.example", "", False),
        ("192.0.2.1", "", False),
    ],
)
def test_this_machine_is_known_by_its_own_addresses(netloc: str, connect: str, here: bool) -> None:
    assert is_loopback(Target(scheme="http", netloc=netloc, page="/", connect=connect)) is here
