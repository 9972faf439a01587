"""What Python crawlers since the rewrite of 2026 make of a file."""

from __future__ import annotations

import urllib.robotparser
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots import model
from optout.robots.readers import Verdict
from optout.robots.readers import python_new as room
from optout.robots.readers.python_new import python_new
from tests.robots.readers.questions import questions


def ask(file: str, token: str, path: str) -> Verdict:
    return python_new(file.encode())(token, path)


@pytest.mark.parametrize(
    ("other", "path", "line"),
    [
        ("/x/page.", "/x/page.html", 3),  # /*.html matches twelve characters, /x/page. eight
        ("/x/page.html", "/x/page.html", 2),  # a tie
        ("/x.html/*", "/x.html/a.html?b", 2),  # twelve and a half against the last .html
        ("/x.html/", "/x.html/a.html", 3),
        ("/x.html/a", "/x.html/a", 2),
    ],
)
def test_the_longest_matched_text_decides_and_a_last_piece_is_looked_for_from_the_end(
    other: str, path: str, line: int
) -> None:
    assert ask(f"User-agent: a\nAllow: {other}\nDisallow: /*.html\n", "a", path).line == line


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a$b", "/a$b", False),
        ("/a$$", "/a", True),
        ("/a$*", "/ab", False),
        ("/a**b", "/axb", True),
        ("/a%2Fb", "/a/b", True),
        ("/a?b=%26", "/a?b=&", False),
        ("/a?b%3D", "/a?b%3d", True),
        ("/a=b", "/a%3Db", True),
        ("/a*b*c$", "/a-b-c-c", True),
        ("/a*b*c$", "/abbc-", False),
        ("/aba*ba", "/aba", False),
        ("//a", "//a", False),
        ("/", "/robots.txt", False),
        ("$", "/", False),
    ],
)
def test_a_pattern(pattern: str, path: str, matches: bool) -> None:
    assert ask(f"User-agent: a\nDisallow: {pattern}\n", "a", path).allowed is not matches


def test_an_empty_rule_matches_everything_with_no_length() -> None:
    assert ask("User-agent: a\nDisallow:\n", "a", "/x") == Verdict(True, 2)
    assert ask("User-agent: a\nAllow:\nDisallow: /x\n", "a", "/x") == Verdict(False, 3)


def test_exactly_the_name_goes_before_a_name_within_the_token() -> None:
    file = "User-agent: Bot\nDisallow: /a\n\nUser-agent: FooBot\nDisallow: /b\n\nUser-agent: *\nDisallow: /c\n"
    assert [ask(file, "foobot", path).allowed for path in ("/a", "/b", "/c")] == [True, False, True]
    assert [ask(file, "FooBots/1", path).allowed for path in ("/a", "/b", "/c")] == [False, True, True]
    assert [ask(file, "Fo/Bot", path).allowed for path in ("/a", "/b", "/c")] == [True, True, False]


def test_merged_groups_that_write_a_name_in_two_ways_are_found_by_the_whole_name_only() -> None:
    file = "User-agent: Foo\nDisallow: /a\n\nUser-agent: foo\nDisallow: /b\n"
    assert [ask(file, "FOO", path).allowed for path in ("/a", "/b")] == [False, False]
    assert [ask(file, "foo/1", path).allowed for path in ("/a", "/b")] == [True, True]


def test_a_delay_closes_the_list_of_names_and_a_sitemap_does_not() -> None:
    assert ask("User-agent: a\nCrawl-delay: 1\nUser-agent: b\nDisallow: /\n", "a", "/").allowed
    assert not ask("User-agent: a\nSitemap: /s\nUser-agent: b\nDisallow: /\n", "a", "/").allowed


def test_a_number_that_makes_it_raise_ends_the_reading() -> None:
    file = f"User-agent: a\nDisallow: /\n\nUser-agent: b\nDisallow: /\nCrawl-delay: {'9' * 5000}\n"
    assert [ask(file, token, "/").allowed for token in "ab"] == [False, True]


if hasattr(urllib.robotparser, "normalize_pattern"):  # an interpreter that has the rewrite; docs/robots.md says so

    def test_ten_thousand_answers_are_those_of_the_standard_library() -> None:
        for data, asked in questions(seed=3, files=1_250):
            theirs = RobotFileParser()
            theirs.parse(data.decode("utf-8", "surrogateescape").splitlines())
            ours = python_new(data)
            for token, path in asked:
                expected = theirs.can_fetch(token, f"https://site.example{path}")
                assert ours(token, path).allowed == expected, (data, token, path)


LINES = st.sampled_from(["User-agent: *", "User-agent: a", "", "Disallow: /a*$", "Allow: /*a*", "Crawl-delay: ²"])


@given(st.lists(LINES | st.text(max_size=12)), st.text(), st.text())
def test_nothing_raises_and_a_line_is_one_of_the_file(lines: list[str], token: str, target: str) -> None:
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    verdict = python_new(data)(token, target)
    assert 0 <= verdict.line <= max(1, data.count(b"\n") + data.count(b"\r") + 1)


@pytest.mark.parametrize("pattern", ["/" + "*a" * 50 + "*b", "/*" + "ab" * 400 + "*c", "/*" + "a" * 63, "/*a*a"])
def test_no_part_of_a_path_is_scanned_for_two_pieces(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    scanned = 0
    end_of = model.end_of

    def counting(piece: bytes, path: bytes, start: int) -> int:
        nonlocal scanned
        end = end_of(piece, path, start)
        scanned += (end if end >= 0 else len(path)) - start
        return end

    monkeypatch.setattr(model, "end_of", counting)
    monkeypatch.setattr(room, "end_of", counting)
    path = "/" + "a" * 100_000
    ask(f"User-agent: a\nDisallow: {pattern}\n", "a", path)
    assert scanned <= 2 * len(path)  # once forward to see whether it matches, once backward to measure


def test_names_that_come_again_and_again_cost_their_lines() -> None:
    names = "".join(f"User-agent: bot{number}\n" for number in range(3_000))
    file = room._read(f"{names}Disallow: /a\n" * 2)
    assert sum(map(len, file.named.values())) == sum(map(len, file.written.values())) == 6_000
    assert file.bound("some-bot7") == file.bound("bot7") == (0, 1)
