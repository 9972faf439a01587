"""The readings of an ambiguous target."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.targets import is_malformed, readings


@pytest.mark.parametrize("target", ["/", "/gallery/heron.png", "/a?b=//c", "/a%20b", "/%E3%83%84", "/a.b/c"])
def test_an_ordinary_target_has_one_reading(target: str) -> None:
    assert readings(target) == (target,)


@pytest.mark.parametrize(
    ("target", "also"),
    [
        ("//gallery/x", "/gallery/x"),
        ("/a/../gallery/x", "/gallery/x"),
        ("/a/%2e%2E/gallery/x", "/gallery/x"),
        ("/a%2f..%2fgallery/x", "/gallery/x"),
        ("/%252e%252e/gallery/x", "/gallery/x"),
        ("/gallery;v=1/x", "/gallery/x"),
        ("/gallery%3Bv=1/x", "/gallery/x"),
        ("/./gallery/x", "/gallery/x"),
        ("/robots.txt/../gallery/x", "/gallery/x"),
        ("//gallery/x?q=1", "/gallery/x?q=1"),
        ("/../../x", "/x"),
        ("/a/..", "/"),
        ("//evil.example/gallery/x", "/gallery/x"),
        ("/public#/../gallery/x", "/gallery/x"),
        ("/gallery/x#/../public", "/gallery/x"),
        ("/x\\..\\gallery/x", "/gallery/x"),
        ("/x%5c..%5Cgallery/x", "/gallery/x"),
        ("/gallery/x#y", "/gallery/x"),
        ("/a/../gallery/x#/robots.txt", "/gallery/x"),
        ("/gallery/x?q=1#y?z", "/gallery/x?q=1"),
    ],
)
def test_every_way_to_read_a_target_is_found(target: str, also: str) -> None:
    found = readings(target)
    assert found[0] == target
    assert also in found


@pytest.mark.parametrize("path", ["/a\x00b", "/a%00b", "/a\\b", "/a%5cb", "/a%5Cb", "/100%", "/%zz", "/%2"])
def test_what_no_origin_reads_sensibly_is_malformed(path: str) -> None:
    assert is_malformed(path)


@pytest.mark.parametrize("path", ["/", "/a%20b", "/%25", "/a;b", "/../x"])
def test_the_ambiguous_is_not_malformed(path: str) -> None:
    assert not is_malformed(path)


@given(st.text(max_size=300))
def test_the_number_of_readings_is_bounded(text: str) -> None:
    found = readings("/" + text)
    assert 1 <= len(found) <= 90
    assert all(reading.startswith(("/", "?")) for reading in found)


@pytest.mark.parametrize("piece", ["../", "//", ";a", "%2e", "%252e", "./"])
def test_the_readings_grow_no_faster_than_the_target(piece: str) -> None:
    short, long = ("/" + piece * count for count in (100, 10_000))
    assert sum(map(len, readings(long))) <= 120 * sum(map(len, readings(short)))
