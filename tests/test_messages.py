"""The facts of an exchange: authorities, targets, destinations, fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields, as_text, octets, parse_authority, parse_destination, parse_target


@pytest.mark.parametrize(
    ("host", "scheme", "expected"),
    [
        ("Photos.Example", "https", "photos.example"),
        ("photos.example.", "https", "photos.example"),
        ("photos.example:443", "https", "photos.example"),
        ("photos.example:80", "https", "photos.example:80"),
        ("photos.example:80", "http", "photos.example"),
        ("photos.example:", "http", "photos.example"),
        (" photos.example\t", "http", "photos.example"),
        ("[2001:DB8::1]:8080", "http", "[2001:db8::1]:8080"),
        ("bücher.example", "https", "xn--bcher-kva.example"),
        ("bücher.example:8443", "https", "xn--bcher-kva.example:8443"),
        ("", "https", None),
        (".", "https", None),
        ("a b", "https", None),
        ("user@photos.example", "https", None),
        ("photos.example:port", "https", None),
        ("photos.example/path", "https", None),
        ("photos.example\r\nX: y", "https", None),
        ("a" * 301, "https", None),
        ("photos.example,evil", "https", None),
        ("photos.example:08080", "https", "photos.example:8080"),
        ("photos.example:0443", "https", "photos.example"),
        ("\udcff.example", "https", None),
    ],
)
def test_an_authority_is_brought_into_the_form_that_policies_use(host: str, scheme: str, expected: str | None) -> None:
    assert parse_authority(host, scheme) == expected


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("/a?b=c", ("/a?b=c", None)),
        ("http://photos.example/a?b", ("/a?b", "photos.example")),
        ("HTTPS://photos.example", ("/", "photos.example")),
        ("http://photos.example?b", ("/?b", "photos.example")),
        ("ftp://photos.example/a", ("/a", "photos.example")),
        ("*", ("*", None)),
        ("photos.example:443", ("/photos.example:443", None)),
        ("//photos.example/a", ("//photos.example/a", None)),
    ],
)
def test_a_target_is_split_from_the_authority_of_an_absolute_form(raw: str, expected: tuple[str, str | None]) -> None:
    assert parse_target(raw) == expected


@pytest.mark.parametrize(
    ("raw", "hosts", "authority"),
    [
        ("/a", ("photos.example",), "photos.example"),
        ("/a", (), ""),
        ("http://photos.example/a", ("PHOTOS.example:80",), "photos.example"),
        ("http://photos.example/a", (), "photos.example"),
    ],
)
def test_a_request_with_one_destination_has_it(raw: str, hosts: tuple[str, ...], authority: str) -> None:
    found = parse_destination(raw_target=raw, hosts=hosts, scheme="http")
    assert found is not None
    assert found.authority == authority
    assert found.target == "/a"


@pytest.mark.parametrize(
    ("raw", "hosts"),
    [
        ("/a", ("photos.example", "photos.example")),
        ("/a", ("photos.example", "other.example")),
        ("/a", ("not a host",)),
        ("/a", ("",)),
        ("/a", (" ",)),
        ("http://other.example/a", ("photos.example",)),
        ("http://not a host/a", ()),
    ],
)
def test_a_request_with_two_destinations_has_none(raw: str, hosts: tuple[str, ...]) -> None:
    assert parse_destination(raw_target=raw, hosts=hosts, scheme="http") is None


def test_fields_keep_duplicates_and_order_and_compare_names_without_case() -> None:
    fields = Fields((("Accept", "a"), ("X", "1"), ("ACCEPT", "b")))
    assert fields.all("accept") == ("a", "b")
    assert fields.first("x") == "1"
    assert fields.first("y") is None


@given(st.binary(max_size=200))
def test_a_strangers_bytes_survive_as_text(data: bytes) -> None:
    assert octets(as_text(data)) == data


@given(st.text(max_size=400), st.sampled_from(["http", "https"]))
def test_no_host_raises(host: str, scheme: str) -> None:
    found = parse_authority(host, scheme)
    assert found is None or (found.isascii() and found == found.lower())


@given(st.text(max_size=400), st.lists(st.text(max_size=50), max_size=3))
def test_no_destination_raises(raw: str, hosts: list[str]) -> None:
    found = parse_destination(raw_target=raw, hosts=tuple(hosts), scheme="http")
    assert found is None or found.target[:1] in ("/", "*")
