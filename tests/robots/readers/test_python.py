"""Python's own parser, beside ours in 10,000 generated cases; the table of differences stands in tests/spec."""

from __future__ import annotations

import random
import sys
from urllib.robotparser import RobotFileParser

import pytest

from optout.robots.readers.python import python_new, python_old

_TOKENS = ("FooBot", "BarBot", "foo", "*", "FooBot/2.1", "Foo Bar", "AI2Bot", "fóó")
_PATHS = (
    "/",
    "/a",
    "/a/b",
    "/a?x=1",
    "/A",
    "/%61",
    "/ä",
    "/a%2Fb",
    "*",
    "/*.jpg$",
    "",
    "/a$b",
    "a",
    "/robots.txt",
    "/;p",
)
_KEYS = (
    "User-agent",
    "user-agent",
    "Disallow",
    "Allow",
    "Crawl-delay",
    "Request-rate",
    "Sitemap",
    "Content-Signal",
    "Noidea",
)
_ENDS = ("\n", "\n", "\n\n", "\r\n", " # c\n", "\n \n")


def case(number: int) -> tuple[str, str, str]:
    """A file, a token and a path, by chance but always the same."""
    chance = random.Random(number)
    lines = []
    for _ in range(chance.randint(0, 12)):
        key = chance.choice(_KEYS)
        value = {"Crawl-delay": "5", "Request-rate": "1/5"}.get(key) or chance.choice(_PATHS)
        if key.lower() == "user-agent":
            value = chance.choice(_TOKENS)
        colon = chance.choice((":", ": ", ": ", " : ", ""))
        lines.append(f"{key}{colon}{value}{chance.choice(_ENDS)}")
    return "".join(lines), chance.choice(_TOKENS[:3] + _TOKENS[4:]), chance.choice(_PATHS[:8] + _PATHS[10:])


def _by_python(file: str, token: str, path: str) -> bool:
    parser = RobotFileParser()
    parser.parse(file.splitlines())
    return parser.can_fetch(token, f"https://site.invalid{path if path.startswith('/') else '/' + path}")


# Distributions have the rewrite in later patch releases of 3.13 and 3.14; the suite runs on 3.11.7 and 3.13.0.
IS_OLD = sys.version_info[:3] < (3, 13, 4)


def test_the_old_reader_is_python_s_own() -> None:
    assert IS_OLD, "name the interpreter's parser here: it is neither the old one nor known to be the new one"
    differing = [number for number in range(10_000) if _differs(*case(number))]
    assert not differing, (len(differing), case(differing[0]))


def _differs(file: str, token: str, path: str) -> bool:
    return python_old(file.encode())(token, path).allowed != _by_python(file, token, path)


def test_lines_that_decide_are_named() -> None:
    file = b"User-agent: FooBot\n\nUser-agent: BarBot\nDisallow: /a\nAllow: /\n"
    assert python_old(file)("BarBot", "/a").line == 4
    assert python_new(file)("FooBot", "/a").line == 4


@pytest.mark.parametrize("reader", [python_old, python_new])
def test_brackets_that_look_like_an_address_do_not_raise(reader) -> None:  # type: ignore[no-untyped-def]
    assert reader(b"User-agent: *\nDisallow: //[x\nDisallow: /b\n")("a", "//[") is not None
    assert not reader(b"User-agent: *\nDisallow: //[x\nDisallow: /b\n")("a", "/b").allowed


def test_the_new_reader_takes_the_exact_name_before_a_part_of_it() -> None:
    file = b"User-agent: Foo\nDisallow: /\n\nUser-agent: FooBot\nDisallow: /b\n"
    assert python_new(file)("FooBot", "/a").allowed
    assert not python_new(file)("FooBotter", "/a").allowed


def test_the_new_reader_measures_what_was_matched() -> None:
    file = b"User-agent: *\nAllow: /x/page.\nDisallow: /*.html\n"
    assert not python_new(file)("a", "/x/page.html").allowed
