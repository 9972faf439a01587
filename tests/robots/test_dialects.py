"""What others make of the same file."""

from __future__ import annotations

import pytest

from optout.robots.dialects import Dialect, Verdict, read_as, reader

FILE = b"User-agent: Google\nDisallow: /a\nAllow: /a/b\n"


def test_the_standard_names_the_line() -> None:
    assert read_as(Dialect.RFC, FILE, "Google", "/a") == Verdict(False, 2)
    assert read_as(Dialect.RFC, FILE, "Google", "/a/b") == Verdict(True, 3)
    assert read_as(Dialect.RFC, FILE, "Google", "/c") == Verdict(True, 0)


def test_protego_answers_without_a_line() -> None:
    assert read_as(Dialect.PROTEGO, FILE, "Google", "/a") == Verdict(False, 0)
    assert read_as(Dialect.PROTEGO, FILE, "Google", "/a/b") == Verdict(True, 0)


def test_the_dialects_part_where_a_token_is_part_of_a_user_agent() -> None:
    user_agent = "Mozilla/5.0 (compatible; Google/2.1)"
    assert read_as(Dialect.RFC, FILE, user_agent, "/a").allowed
    assert not read_as(Dialect.PROTEGO, FILE, user_agent, "/a").allowed


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("target", ["//[", "/\ud800", "/\udcff%", "/a\nb\tc", "a", "", "*", "//x/y", "/%", "/%zz?#"])
def test_every_dialect_answers_odd_targets(dialect: Dialect, target: str) -> None:
    assert reader(dialect, b"User-agent: *\nAllow: /\n")("a", target).allowed


@pytest.mark.parametrize("dialect", Dialect)
def test_a_path_without_a_slash_gets_one(dialect: Dialect) -> None:
    assert not read_as(dialect, FILE, "Google", "a/c").allowed


@pytest.mark.parametrize("dialect", Dialect)
def test_octets_outside_ascii_are_compared_as_escapes(dialect: Dialect) -> None:
    file = "User-agent: *\nDisallow: /ツ\n".encode()
    assert not read_as(dialect, file, "a", "/ツ").allowed
    assert not read_as(dialect, file, "a", "/%E3%83%84/x").allowed
