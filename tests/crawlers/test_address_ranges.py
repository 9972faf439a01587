"""Containment among many networks, and the gate before a new list."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.address_lists import AddressList, ListFault
from optout.crawlers.address_ranges import AddressRanges, address_number, list_faults

GOOD = (ip_network("192.31.196.0/24"), ip_network("2620:4f:8000::/48"))


def ranges(*networks: str) -> AddressRanges:
    return AddressRanges(map(ip_network, networks))


def refusals(*networks: str, old: int = 0, faults: tuple[ListFault, ...] = ()) -> list[str]:
    new = AddressList(prefixes=tuple(map(ip_network, networks)), faults=faults)
    return [each.text for each in list_faults(new, tuple(IPv4Network((place, 32)) for place in range(old)))]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.31.196.0", True),
        ("192.31.196.255", True),
        ("192.31.195.255", False),
        ("192.31.197.0", False),
        ("::ffff:192.31.196.9", True),
        ("2620:4f:8000:1::", True),
        ("2620:4f:8001::", False),
        ("::c01f:c409", False),  # the deprecated other way to write IPv4 into IPv6
        ("", False),
        ("GPTBot", False),
        ("192.31.196.9:80", False),
    ],
)
def test_an_address_is_on_the_list_or_not(address: str, expected: bool) -> None:
    assert AddressRanges(GOOD).has(address) is expected


def test_networks_that_touch_or_overlap_are_one() -> None:
    merged = ranges("11.0.0.0/25", "11.0.0.128/25", "11.0.0.64/26", "11.0.1.0/24", "11.0.3.0/24")
    assert len(merged) == 2
    assert [merged.has(f"11.0.{place}.0") for place in range(5)] == [True, True, False, True, False]


def test_no_network_has_nobody() -> None:
    assert len(AddressRanges()) == 0
    assert not AddressRanges().has("192.31.196.1")


def test_the_ends_of_the_line() -> None:
    everything = ranges("::/0")
    assert everything.has("::")
    assert everything.has("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")


NETWORKS = st.one_of(
    st.builds(lambda low, bits: IPv4Network((low, bits), strict=False), st.integers(0, 1023), st.integers(20, 32)),
    st.builds(lambda low, bits: IPv6Network((low, bits), strict=False), st.integers(0, 1023), st.integers(118, 128)),
)


@given(st.lists(NETWORKS, max_size=12), st.integers(0, 1100), st.sampled_from([4, 6]))
def test_as_ipaddress_has_it(networks: list[IPv4Network | IPv6Network], low: int, version: int) -> None:
    address = ip_address("0.0.0.0" if version == 4 else "::") + low
    expected = any(each.version == version and address in each for each in networks)
    assert AddressRanges(networks).has(str(address)) is expected


@given(st.lists(NETWORKS, max_size=6), NETWORKS)
def test_networks_meet_as_ipaddress_has_it(networks: list[IPv4Network | IPv6Network], other: IPv4Network) -> None:
    expected = any(each.version == other.version and each.overlaps(other) for each in networks)
    assert AddressRanges(networks).meets(other) is expected


@given(st.text())
def test_any_text_may_be_asked(text: str) -> None:
    number = address_number(text)
    assert number is None or number >= 0


def test_a_lookup_compares_a_dozen_times_however_long_the_list(monkeypatch: pytest.MonkeyPatch) -> None:
    class Counted(int):
        compared = 0

        def __lt__(self, other: int) -> bool:
            Counted.compared += 1
            return int(self) < int(other)

    many = AddressRanges(IPv4Network((0x0B000000 + 2 * place, 32)) for place in range(65_536))
    assert Counted(0xFFFF_0B00_0004) in many
    assert Counted.compared <= 18


def test_a_sound_list_is_taken() -> None:
    assert refusals(*map(str, GOOD), "9.129.0.0/17", "2001:4:112::/48") == []


@pytest.mark.parametrize(
    "network",
    "10.1.0.0/16 127.0.0.1/32 169.254.169.254/32 192.0.2.0/24 203.0.113.0/24 224.0.0.0/24 255.255.255.255/32"
    " 192.160.0.0/12 100.64.0.0/24 ::1/128 fe80::/64 fd00::/48 2001:db8::/48 2002::/32 64:ff9b::/96 ff02::/64".split(),
)
def test_a_private_or_reserved_network_refuses_the_list(network: str) -> None:
    assert refusals(str(GOOD[0]), network) == [f"{network} is private or reserved"]


@pytest.mark.parametrize("network", ["0.0.0.0/0", "17.0.0.0/8", "11.0.0.0/11", "::/0", "2600::/16", "2620::/27"])
def test_a_very_wide_network_refuses_the_list(network: str) -> None:
    assert refusals(str(GOOD[0]), network)[0] == f"{network} is wider than any crawler's network"


def test_a_wide_network_in_pieces_is_wide() -> None:
    pieces = [f"{11 + place // 16}.{place % 16 * 16}.0.0/12" for place in range(17)]
    assert refusals(*pieces) == ["more than 16777216 addresses of IPv4 together"]


def test_what_cannot_be_read_refuses_the_list() -> None:
    assert refusals(str(GOOD[0]), faults=(ListFault(code="entry", text="no network: 'x'"),)) == ["no network: 'x'"]


@pytest.mark.parametrize(("old", "is_refused"), [(0, False), (3, False), (4, False), (5, True), (500, True)])
def test_a_list_that_shrinks_by_more_than_half_waits_for_the_owners_word(old: int, is_refused: bool) -> None:
    new = AddressList(prefixes=GOOD)
    found = tuple(list_faults(new, tuple(IPv4Network((place, 32)) for place in range(old))))
    assert [each.may_be_told for each in found] == [True] * is_refused


@given(
    st.one_of(
        st.from_regex(r"[0-9]{1,4}(\.[0-9]{1,4}){2,4}", fullmatch=True),
        st.text(alphabet="0123456789.٣ +-", max_size=20),
    )
)
def test_an_ipv4_address_is_read_as_the_standard_library_reads_it(text: str) -> None:
    try:
        expected = int(IPv4Address(text)) | 0xFFFF << 32
    except ValueError:
        expected = None
    assert address_number(text) == expected
