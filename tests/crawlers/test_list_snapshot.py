"""A list as a file: what stands in it, for how long it counts, and what is refused."""

from __future__ import annotations

import hashlib
import json
from ipaddress import ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.address_lists import AddressList, parse_address_list
from optout.crawlers.address_ranges import list_faults
from optout.crawlers.list_snapshot import AGE_LIMIT_DAYS, load_snapshot, snapshot_name, take_snapshot
from optout.crawlers.registry import bundled_registry
from optout.errors import RegistryError
from tests.crawlers.book import DAY_US, NOW_US, OFF, ON, URL, snapshot


def test_what_stands_in_the_file() -> None:
    found = snapshot()
    assert json.loads(found.document) == {
        "url": URL,
        "fetched": found.fetched,
        "days": AGE_LIMIT_DAYS,
        "sha256": hashlib.sha256(b"as sent").hexdigest(),
        "created": "2026-11-01",
        "prefixes": ["192.31.196.0/24"],
    }
    assert found.sha256 == hashlib.sha256(found.document).hexdigest()
    assert (found.ranges.has(ON), found.ranges.has(OFF)) == (True, False)


def test_it_is_read_as_it_was_written() -> None:
    written = snapshot()
    read = load_snapshot("exbot.json", written.document)
    assert (read.url, read.fetched_us, read.days, read.created) == (URL, written.fetched_us, 14, "2026-11-01")
    assert (read.prefixes, read.sha256) == (written.prefixes, written.sha256)


@pytest.mark.parametrize(
    ("age_days", "expected"), [(0, True), (14, True), (14.1, False), (365, False), (-0.9, True), (-1.1, False)]
)
def test_a_list_counts_for_as_long_as_it_says(age_days: float, expected: bool) -> None:
    assert snapshot(age_days=age_days).is_fresh(NOW_US) is expected


def test_a_list_may_count_for_less() -> None:
    form = {**json.loads(snapshot(age_days=3).document), "days": 2}
    assert not load_snapshot("x.json", json.dumps(form).encode()).is_fresh(NOW_US)
    assert load_snapshot("x.json", json.dumps(form).encode()).is_fresh(NOW_US - DAY_US)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"prefixes": ["0.0.0.0/0"]}, "0.0.0.0/0 is wider"),
        ({"prefixes": ["10.0.0.0/24"]}, "10.0.0.0/24 is private"),
        ({"prefixes": ["x"]}, "no network: 'x'"),
        ({"prefixes": "192.31.196.0/24"}, "no snapshot"),
        ({"fetched": "yesterday"}, "no snapshot"),
        ({"fetched": "2026-11-26T08:00:00"}, "`fetched` is no date of our time"),
        ({"fetched": "0001-01-01T00:00:00+23:00"}, "`fetched` is no date of our time"),
        ({"fetched": "9999-12-31T23:59:59-23:00"}, "`fetched` is no date of our time"),
        ({"days": 0}, "`days` is not 1 to 90"),
        ({"days": 3650}, "`days` is not 1 to 90"),
        ({"more": 1}, "unknown field `more`"),
    ],
)
def test_a_wrong_file_is_refused_with_its_name(change: dict[str, object], expected: str) -> None:
    form = {**json.loads(snapshot().document), **change}
    with pytest.raises(RegistryError, match=r"^exbot\.json: ") as found:
        load_snapshot("exbot.json", json.dumps(form).encode())
    assert expected in found.value.what


@given(st.binary())
def test_what_is_no_snapshot_is_one_error(data: bytes) -> None:
    with pytest.raises(RegistryError):
        load_snapshot("x.json", data)


def test_every_list_of_the_registry_has_a_file_of_its_own() -> None:
    urls = {crawler.address_list for crawler in bundled_registry().crawlers if crawler.address_list}
    names = {snapshot_name(url) for url in urls}
    assert len(names) == len(urls) > 20
    assert snapshot_name("https://openai.com/gptbot.json") == "openai-com-gptbot.json"
    assert snapshot_name("https://x.example/../../etc/passwd?a=/b") == "x-example-etc-passwd.json"


@given(
    st.lists(st.integers(0, 2**32 - 1).map(str) | st.ip_addresses().map(str) | st.ip_addresses().map("{}/24".format))
)
def test_what_the_gate_lets_in_can_be_kept_and_read_again(entries: list[str]) -> None:
    data = json.dumps(entries).encode()
    found = parse_address_list(data)
    if any(list_faults(found)):
        with pytest.raises(RegistryError):
            take_snapshot(URL, data, AddressList(prefixes=(*found.prefixes, ip_network("10.0.0.0/8"))), NOW_US)
        return
    taken = take_snapshot(URL, data, found, NOW_US)
    assert taken.prefixes == found.prefixes
    assert all(taken.ranges.has(str(each.network_address)) for each in found.prefixes)
