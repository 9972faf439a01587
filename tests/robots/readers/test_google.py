"""google/robotstxt, as its published source was described; the table of differences stands in tests/spec."""

from __future__ import annotations

import pytest

from optout.robots.readers import Verdict
from optout.robots.readers.google import google


@pytest.mark.parametrize(
    ("file", "token", "path", "allowed"),
    [
        ("user agent FooBot\ndisallow /\n", "FooBot", "/", True),  # three words, and no colon
        ("useragent FooBot\ndisallow /\n", "FooBot", "/", False),
        ("User-agent: FooBot\nAllowed: /p\nDisallow: /\n", "FooBot", "/p", True),
        ("User-agent: *x\nDisallow: /\n", "FooBot", "/", True),
        ("User-agent: * x\nDisallow: /\n", "FooBot", "/", False),
        ("User-agent: *\nUser-agent: FooBot\nDisallow: /a\n\nUser-agent: *\nDisallow: /\n", "FooBot", "/b", True),
        ("User-agent: FooBot\nDisallow:\n\nUser-agent: *\nDisallow: /\n", "FooBot", "/b", True),
        ("User-agent: FooBot\nSitemap: x\nDisallow: /%e3\n", "FooBot", "/%E3", False),
        ("User-agent: FooBot\nAllow: /d/index.html\nDisallow: /\n", "FooBot", "/d/x", False),
        ("User-agent: FooBot\nDisallow: /\n", "FooBot", "/robots.txt", False),
    ],
)
def test_what_it_makes_of_a_file(file: str, token: str, path: str, allowed: bool) -> None:
    assert google(file.encode())(token, path).allowed is allowed


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", b"\xef\xbb", b"\xef"])
def test_a_byte_order_mark_is_skipped_whole_or_in_part(mark: bytes) -> None:
    assert not google(mark + b"User-agent: a\nDisallow: /\n")("a", "/").allowed


def test_what_is_beyond_the_longest_line_is_dropped() -> None:
    line = b"Disallow: /" + b"a" * (2083 * 8)
    read = google(b"User-agent: a\n" + line + b"b\n")
    assert not read("a", "/" + "a" * 20_000).allowed


def test_the_line_that_decides_is_named() -> None:
    assert google(b"User-agent: a\nDisallow: /\nAllow: /p\n")("a", "/p") == Verdict(True, 3)
    assert google(b"User-agent: a\nDisallow: /\nAllow: /p\n")("a", "/x") == Verdict(False, 2)


def test_a_url_is_taken_as_it_was_encoded() -> None:
    read = google("User-agent: *\nDisallow: /ツ\n".encode())
    assert not read("a", "/ツ").allowed
    assert not read("a", "/%E3%83%84").allowed
    assert read("a", "/%e3%83%84").allowed
