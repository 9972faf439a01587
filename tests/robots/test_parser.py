"""Every record and every fault with its line, and nothing that a stranger's file can do to us."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optout.robots import parser
from optout.robots.model import Fault, OtherRecord
from optout.robots.parser import KNOWN_KEYS, SIZE_LIMIT, parse_robots


def faults(data: bytes) -> list[tuple[int, str]]:
    return [(fault.line, fault.code) for fault in parse_robots(data).faults]


def test_every_record_has_its_line_and_its_text() -> None:
    data = b"# ours\n\nUser-agent: GPTBot # OpenAI\n  disallow :\t/gallery/ # all of it\r\nAllow:/p\n"
    robots = parse_robots(data)
    (group,) = robots.groups
    assert (group.line, group.tokens) == (3, ("GPTBot",))
    first, second = group.rules
    assert (first.line, first.allow, first.text, first.pattern.written) == (
        4,
        False,
        "disallow :\t/gallery/",
        "/gallery/",
    )
    assert (second.line, second.allow, second.text) == (5, True, "Allow:/p")
    assert robots.faults == ()
    assert robots.size == len(data)


def test_other_records_keep_their_place() -> None:
    robots = parse_robots(
        b"Sitemap: https://site.example/a.xml\nUser-agent: a\nContent-Usage: train-ai=n\nAllow: /\n"
        b"CRAWL-DELAY: 5\nUser-agent: b\nLicense: https://site.example/license.xml\n"
    )
    assert robots.others == (
        OtherRecord(line=1, key="sitemap", value="https://site.example/a.xml", group=None),
        OtherRecord(line=3, key="content-usage", value="train-ai=n", group=0, tokens=1),
        OtherRecord(line=5, key="crawl-delay", value="5", group=0, tokens=1),
        OtherRecord(line=7, key="license", value="https://site.example/license.xml", group=1, tokens=1),
    )
    assert robots.faults == ()


@pytest.mark.parametrize("key", sorted(KNOWN_KEYS))
def test_a_known_key_is_no_fault(key: str) -> None:
    assert faults(f"User-agent: a\n{key.title()}: x\n".encode()) == []


@pytest.mark.parametrize(
    ("data", "line", "code"),
    [
        (b"\xef\xbb\xbfUser-agent: a\n", 1, "byte-order-mark"),
        (b"User-agent: a\n\xef\xbb\xbfAllow: /\n", 2, "unknown-key"),
        (b"\n<html>\n", 2, "missing-colon"),
        (b"\n\nUser-agent GPTBot\n", 3, "missing-colon"),
        (b"User-agent: a\nDisalow: /\n", 2, "unknown-key"),
        (b": /\n", 1, "unknown-key"),
        (b"Disallow: /\nUser-agent: a\n", 1, "rule-outside-group"),
        (b"User-agent: AI2Bot\n", 1, "token-outside-grammar"),
        (b"User-agent: FooBot/2.1\n", 1, "token-outside-grammar"),
        (b"User-agent: a, b\n", 1, "token-outside-grammar"),
        (b"User-agent: a b\n", 1, "token-outside-grammar"),
        (b"User-agent:\n", 1, "token-outside-grammar"),
        (b"User-agent: a*\n", 1, "token-outside-grammar"),
        (b"User-agent: a\nDisallow: private\n", 2, "pattern-without-slash"),
        (b"User-agent: a\nDisallow: $\n", 2, "pattern-without-slash"),
        (b"User-agent: a\nDisallow: /100%\n", 2, "malformed-escape"),
        (b"User-agent: a\nDisallow: /a\x00b\n", 2, "control-character"),
        (b"User-agent: a\n# \x1b[31m\n", 2, "control-character"),
        (b"User-agent: a\nDisallow: /\xff\n", 2, "invalid-utf-8"),
        (b"User-agent: a\n# caf\xe9\n", 2, "invalid-utf-8"),
    ],
)
def test_a_fault_is_reported_with_its_line(data: bytes, line: int, code: str) -> None:
    assert faults(data) == [(line, code)]


@pytest.mark.parametrize(
    "line", ["User-agent: *", "User-agent: a-b_C", "Disallow:", "Allow: *.gif$", "Allow: /%7E/%zz#", "", "#: x", "\t "]
)
def test_what_the_standard_knows_is_no_fault(line: str) -> None:
    found = faults(f"User-agent: a\n{line}\n".encode())
    assert found == ([(2, "malformed-escape")] if "%zz" in line else [])


def test_a_misspelled_key_is_told_what_it_may_have_meant() -> None:
    (fault,) = parse_robots(b"User-agent: a\nDissallow: /\n").faults
    assert fault.text == 'the key "dissallow" is unknown; was disallow meant?'


def test_a_fault_quotes_no_more_than_a_line() -> None:
    (fault,) = parse_robots(b"User-agent: " + b"9" * 100_000 + b"\n").faults
    assert len(fault.text) < 200


def test_a_token_outside_the_grammar_still_opens_a_group() -> None:
    (first, second) = parse_robots(b"User-agent: FooBot/2.1\nDisallow: /\nUser-agent:\nAllow: /\n").groups
    assert (first.tokens, second.tokens) == (("FooBot/2.1",), ("",))


def test_an_empty_file_has_nothing_and_no_fault() -> None:
    for data in (b"", b"\n", b"\r\n\r\n", b"# only words\n"):
        robots = parse_robots(data)
        assert (robots.groups, robots.others, robots.faults) == ((), (), ())
    assert parse_robots(b"\xef\xbb\xbf").groups == ()


def test_a_line_that_the_limit_cuts_is_dropped_and_reported() -> None:
    head = b"User-agent: a\nAllow: /\n"
    data = head + b"Disallow: /" + b"x" * SIZE_LIMIT
    robots = parse_robots(data)
    assert [rule.line for rule in robots.groups[0].rules] == [2]
    assert [(fault.line, fault.code) for fault in robots.faults] == [(3, "file-too-long")]
    assert robots.size == len(data)


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_a_line_that_ends_at_the_limit_is_kept(end: bytes) -> None:
    head = b"User-agent: a\nDisallow: /"
    data = head + b"x" * (SIZE_LIMIT - len(head)) + end + b"Allow: /\n"
    robots = parse_robots(data)
    assert [rule.line for rule in robots.groups[0].rules] == [2]
    assert [(fault.line, fault.code) for fault in robots.faults] == [(3, "file-too-long")]


def test_one_endless_line_is_dropped_whole() -> None:
    robots = parse_robots(b"\xef\xbb\xbf" + b"a" * 2 * SIZE_LIMIT)
    assert [(fault.line, fault.code) for fault in robots.faults] == [(1, "byte-order-mark"), (1, "file-too-long")]


@pytest.mark.parametrize(
    "line", [b"a\n", b"a:\n", b"\x00\n", b"\xff\r", b"Allow:/\n", b"User-agent:x\n", b"\r", b"#\n"]
)
def test_each_octet_is_read_once(monkeypatch: pytest.MonkeyPatch, line: bytes) -> None:
    read = 0
    take = parser._Reading.read

    def counting(self: parser._Reading, number: int, data: bytes) -> None:
        nonlocal read
        read += len(data)
        take(self, number, data)

    monkeypatch.setattr(parser._Reading, "read", counting)
    data = b"User-agent: a\n" + line * 5_000
    robots = parse_robots(data)
    assert read <= len(data)
    assert len(robots.faults) <= 2 * 5_001


def test_faults_are_values() -> None:
    assert parse_robots(b"x\n").faults == (
        Fault(line=1, code="missing-colon", text="the line has no colon and is ignored"),
    )


def test_the_manual_lists_every_fault_code() -> None:
    source = Path(parser.__file__).read_text(encoding="utf-8")
    manual = (Path(__file__).parents[2] / "docs" / "robots.md").read_text(encoding="utf-8")
    codes = set(re.findall(r'fault\([^"\n]+"([a-z0-9-]+)"', source))
    assert len(codes) == 10
    assert sorted(codes) == re.findall(r"^\| `([a-z0-9-]+)` \| 0\.", manual, re.MULTILINE)
