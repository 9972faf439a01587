"""What Google's open-source library makes of a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots import model
from optout.robots.parser import SIZE_LIMIT
from optout.robots.readers import Verdict
from optout.robots.readers.google import google


def ask(file: str | bytes, token: str, path: str) -> Verdict:
    return google(file.encode() if isinstance(file, str) else file)(token, path)


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


@pytest.mark.parametrize(
    "line",
    [
        *("User-agent: FooBot", "USERAGENT:FooBot", "user agent : FooBot", "User-agents: FooBot", "User-agent FooBot"),
        *("User-agent: FooBot/2.1", "User-agent: Foobot Bar", "\v\fUser-agent: FooBot \v", "User-agent: foobot9"),
    ],
)
def test_a_name_is_found(line: str) -> None:
    assert ask(f"{line}\nDisallow: /\n", "FooBot", "/") == Verdict(False, 2)


@pytest.mark.parametrize("line", ["user agent FooBot", "User-agent: Foo", "User-agent: Foo-Bot", ": FooBot", "FooBot"])
def test_a_name_is_not_found(line: str) -> None:
    assert ask(f"{line}\nDisallow: /\n", "FooBot", "/").allowed


@pytest.mark.parametrize(("line", "everyone"), [("*", True), ("* x", True), ("*\tx", True), ("*x", False)])
def test_a_star_counts_alone_or_before_a_blank(line: str, everyone: bool) -> None:
    assert ask(f"User-agent: {line}\nDisallow: /\n", "a", "/").allowed is not everyone


@pytest.mark.parametrize(
    "line", ["Disallow: /", "disallowed: /", "Dissallow: /", "dissalow: /", "Disalow /", "diasllow:/", "Disallaw\t/"]
)
def test_disallow_is_known_by_its_beginning_and_by_its_usual_misspellings(line: str) -> None:
    assert ask(f"User-agent: a\n{line}\n", "a", "/") == Verdict(False, 2)


def test_a_missing_colon_needs_exactly_two_words() -> None:
    assert ask("User-agent: a\nDisallow / x\n", "a", "/").allowed


@pytest.mark.parametrize("mark", [b"", b"\xef", b"\xef\xbb", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_skipped_even_a_part_of_one(mark: bytes) -> None:
    assert not ask(mark + b"User-agent: a\nDisallow: /\n", "a", "/").allowed
    assert ask(b"\n" + mark + b"User-agent: a\nDisallow: /\n", "a", "/").allowed is bool(mark)


def test_a_line_is_cut_at_the_length_of_the_buffer() -> None:
    rule = "Disallow: /" + "a" * 20_000
    assert ask(f"User-agent: a\n{rule}\n", "a", "/" + "a" * (16_663 - 11)).line == 2
    assert ask(f"User-agent: a\n{rule}\n", "a", "/" + "a" * (16_663 - 12)).line == 0


def test_a_nul_ends_a_line() -> None:
    assert not ask("User-agent: a\nDisallow: /a\0b\n", "a", "/a").allowed


def test_escapes_of_a_rule_are_upper_cased_but_not_decoded_and_those_of_a_path_are_left() -> None:
    file = "User-agent: a\nDisallow: /%e3%83%84\nDisallow: /ツツ\nDisallow: /%62\n"
    assert [ask(file, "a", path).line for path in ("/%E3%83%84", "/ツツ", "/%e3%83%84", "/b", "/%62")] == [
        2,
        3,
        0,
        0,
        4,
    ]


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("/a$b", "/a$b", True),
        ("/a*$", "/ab", True),
        ("/a$", "/ab", False),
        ("/a%2A", "/a*", False),
        ("*a*c", "/abc", True),
    ],
)
def test_a_pattern(pattern: str, path: str, matches: bool) -> None:
    assert ask(f"User-agent: a\nDisallow: {pattern}\n", "a", path).allowed is not matches


def test_an_index_page_frees_its_directory_with_the_length_of_the_directory() -> None:
    file = "User-agent: a\nAllow: /a/index.html\nDisallow: /a\nDisallow: /b\nAllow: /b/index.htmx\n"
    assert [ask(file, "a", path).line for path in ("/a/", "/a/index.html", "/a/x", "/b/")] == [2, 2, 3, 5]


def test_an_empty_rule_decides_nothing() -> None:
    assert ask("User-agent: a\nDisallow:\n\nUser-agent: *\nDisallow: /\n", "a", "/x") == Verdict(True, 0)


def test_a_group_for_everyone_and_a_name_is_both() -> None:
    file = "User-agent: *\nUser-agent: a\nDisallow: /a\n\nUser-agent: *\nDisallow: /b\n"
    assert [ask(file, "a", path).allowed for path in ("/a", "/b")] == [False, True]
    assert [ask(file, "x", path).allowed for path in ("/a", "/b")] == [False, False]
    assert [ask(file, "*", path).allowed for path in ("/a", "/b")] == [False, False]


def test_what_stands_beyond_500_kibibytes_is_not_read() -> None:
    head = b"User-agent: a\n#"
    assert ask(head + b"." * SIZE_LIMIT + b"\nDisallow: /\n", "a", "/").allowed


LINES = st.sampled_from([b"User-agent: *", b"User-agent: a", b"", b"Disallow: /a*$", b"Allow: /index.html", b"Allow /"])


@given(st.lists(LINES | st.binary(max_size=12)), st.text(), st.text())
def test_nothing_raises_and_a_line_is_one_of_the_file(lines: list[bytes], token: str, target: str) -> None:
    data = b"\n".join(lines)
    assert 0 <= ask(data, token, target).line <= data.count(b"\n") + data.count(b"\r") + 1


@pytest.mark.parametrize("pattern", ["/" + "*a" * 50 + "*b", "/*" + "ab" * 400 + "*c", "/*" + "a" * 63 + "b"])
def test_no_part_of_a_path_is_scanned_for_two_pieces(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    scanned = 0
    end_of = model.end_of

    def counting(piece: bytes, path: bytes, start: int) -> int:
        nonlocal scanned
        end = end_of(piece, path, start)
        scanned += (end if end >= 0 else len(path)) - start
        return end

    monkeypatch.setattr(model, "end_of", counting)
    path = "/" + "a" * 100_000
    assert ask(f"User-agent: a\nDisallow: {pattern}\n", "a", path).allowed
    assert scanned <= len(path)
