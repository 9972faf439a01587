"""What Python crawlers before the rewrite of 2026 make of a file."""

from __future__ import annotations

import sys
from contextlib import suppress
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots.readers import Verdict
from optout.robots.readers.python_old import python_old
from tests.robots.readers.questions import questions


def ask(file: str | bytes, token: str, path: str) -> Verdict:
    return python_old(file.encode() if isinstance(file, str) else file)(token, path)


def test_the_first_rule_in_the_file_decides() -> None:
    file = "User-agent: a\nAllow: /a\nDisallow: /\nAllow: /b\n"
    assert [ask(file, "a", path) for path in ("/a", "/b")] == [Verdict(True, 2), Verdict(False, 3)]


def test_only_the_first_group_for_everyone_counts_and_only_if_it_has_rules() -> None:
    assert ask("User-agent: *\n\nUser-agent: *\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n", "x", "/b").allowed
    assert not ask("User-agent: *\n\nUser-agent: *\nDisallow: /a\n", "x", "/a").allowed


def test_a_group_for_everyone_names_nobody_else() -> None:
    file = "User-agent: *\nUser-agent: a\nDisallow: /\n\nUser-agent: a\nAllow: /\n"
    assert ask(file, "a", "/") == Verdict(True, 6)


def test_a_user_agent_ends_at_its_first_slash() -> None:
    file = "User-agent: GPTBot\nDisallow: /\n"
    assert not ask(file, "GPTBot/1.4", "/").allowed
    assert ask(file, "Mozilla/5.0 (compatible; GPTBot/1.4)", "/").allowed


def test_a_line_with_a_comment_only_ends_no_group() -> None:
    assert not ask("User-agent: a\n# b\nDisallow: /\n", "a", "/").allowed
    assert ask("User-agent: a\n\nDisallow: /\n", "a", "/").allowed


def test_a_reader_that_could_not_read_fetches_nothing() -> None:
    assert ask(b"User-agent: b\nAllow: /\n# caf\xe9\n", "a", "/") == Verdict(False, 0)


@pytest.mark.parametrize("line", ["Disallow: //[a", "Crawl-delay: ²", "Request-rate: 1/" + "9" * 5000])
def test_a_line_that_makes_it_raise_ends_the_reading(line: str) -> None:
    file = f"User-agent: a\nDisallow: /a\n\nUser-agent: b\n{line}\nDisallow: /\n\nUser-agent: c\nDisallow: /\n"
    assert [ask(file, token, "/a").allowed for token in "abc"] == [False, True, True]


if sys.version_info[:2] == (3, 11):  # the dialect is that of 3.11; other versions split some URLs otherwise

    def test_ten_thousand_answers_are_those_of_the_standard_library() -> None:
        disallowed = 0
        for data, asked in questions(seed=2, files=1_250):
            theirs = RobotFileParser()
            with suppress(ValueError):  # a crawler that goes on knows what was read before
                theirs.parse(data.decode("utf-8").splitlines())
            ours = python_old(data)
            for token, path in asked:
                verdict = ours(token, path)
                assert verdict.allowed == theirs.can_fetch(token, f"https://site.example{path}"), (data, token, path)
                disallowed += not verdict.allowed
        assert disallowed > 1_000


LINES = st.sampled_from(
    ["User-agent: *", "User-agent: a", "", "Disallow: /a", "Allow: //[", "Disallow: http://x:y/;?#", "Crawl-delay: 5"]
)


@given(st.lists(LINES | st.text(max_size=12)), st.text(), st.text())
def test_nothing_raises_and_a_line_is_one_of_the_file(lines: list[str], token: str, target: str) -> None:
    data = "\n".join(lines).encode("utf-8", "surrogatepass")
    verdict = ask(data, token, target)
    assert 0 <= verdict.line <= max(1, data.count(b"\n") + data.count(b"\r") + 1)


def test_each_rule_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = 0

    class Path(str):
        __slots__ = ()

        def startswith(self, *args: object) -> bool:  # type: ignore[override]
            nonlocal looked
            looked += 1
            return super().startswith(*args)  # type: ignore[arg-type]

    monkeypatch.setattr("optout.robots.readers.python_old._path", Path)
    read = python_old(b"User-agent: a\n" + b"Disallow: /*a*a*a*b\n" * 5_000)
    assert read("a", "/" + "a" * 10_000).allowed
    assert looked == 5_000
