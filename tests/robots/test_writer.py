"""What is written says the same as what was read, in a form that every reader takes alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from optout.robots.matcher import RobotsMatcher
from optout.robots.model import OtherRecord
from optout.robots.parser import parse_robots
from optout.robots.writer import write_robots

LINES = st.lists(
    st.sampled_from(
        [
            b"User-agent: *", b"User-agent: FooBot", b"user-agent : barbot", b"User-agent:", b"User-agent: AI2Bot ",
            b"Disallow: /", b"Allow: /", b"Disallow:", b"Allow: /%61*b$", b"Disallow: /\xe4", b"Disallow: /\xc3\xa4",
            b"Disallow: private", b"Disallow: /%%341", b"Allow: *x", b"Crawl-delay: 5", b"Content-Usage: train-ai=n",
            b"Content-Signal: /a ai-train=no, search=yes", b"Sitemap: https://a.example/s.xml", b"", b"# comment",
            b"nonsense", b"License: https://a.example/l.xml", b"\xef\xbb\xbf: x", b"Disallow: /a b # c",
        ]
    ),
    max_size=12,
)  # fmt: skip
PATHS = ["/", "/a", "/ab", "/a%C3%A4b", "/%E4", "/x", "/a%20b", "/private", "/robots.txt", "/%41"]


def rewritten(data: bytes) -> bytes:
    return write_robots(parse_robots(data))


def same(data: bytes) -> None:
    before, written = RobotsMatcher(parse_robots(data)), rewritten(data)
    after = RobotsMatcher(parse_robots(written))
    for token in ("FooBot", "BarBot", "AI2Bot", "other"):
        for path in PATHS:
            assert after.match((token,), path).allowed is before.match((token,), path).allowed, (token, path, written)


@given(LINES, st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_a_file_says_the_same_when_it_is_written_anew(lines: list[bytes], end: bytes) -> None:
    same(end.join(lines))


@given(st.binary(max_size=200))
def test_any_octets_can_be_written_anew_and_stay_as_they_are(data: bytes) -> None:
    same(data)
    once = rewritten(data)
    assert rewritten(once) == once


@given(LINES)
@example([b"User-agent: *", b"Disallow: /", b"Disallow: private", b"Disallow: /"])
def test_nothing_changes_the_second_time(lines: list[bytes]) -> None:
    once = rewritten(b"\n".join(lines))
    assert rewritten(once) == once


@pytest.mark.parametrize(
    ("lines", "written"),
    [
        (["user-agent:a", "sitemap: /s", "User-Agent: b", "disallow:/%61"],
         ["User-agent: a", "User-agent: b", "Disallow: /a", "", "Sitemap: /s"]),
        (["License: https://x", "User-agent: a"], ["License: https://x", "", "User-agent: a", "Disallow:"]),
        (["User-agent: a", "Crawl-delay: 1", "Disallow: /x"], ["User-agent: a", "Disallow: /x", "Crawl-delay: 1"]),
        (["User-agent: a", "Content-Usage: train-ai=n", "User-agent: b", "Disallow: /"],
         ["User-agent: a", "Disallow: /", "Content-Usage: train-ai=n", "", "User-agent: b", "Disallow: /"]),
        (["User-agent: a", "Content-Signal: /p/ search=yes, ai-train=no", "User-agent: b", "Disallow: /"],
         ["User-agent: a", "Disallow: /", "Content-Signal: /p/ search=yes, ai-train=no", "",
          "User-agent: b", "Disallow: /", "Content-Signal: /p/ ai-train=no"]),
        (["User-agent: a", "Content-Signal: search=yes", "User-agent: b", "Disallow: /"],
         ["User-agent: a", "Disallow: /", "Content-Signal: search=yes", "", "User-agent: b", "Disallow: /"]),
        (["Disallow: /", "User-agent: a", "Disallow: x", "Disallow:", "Allow: /y", "Allow: /y"],
         ["User-agent: a", "Allow: /y"]),
        (["User-agent: a\x1bb", "User-agent: b", "Host: \x9b\tx", "Disallow: /\x1b"],
         ["User-agent: b", "Disallow: /%1B", "Host: %C2%9B x"]),
    ],
)  # fmt: skip
def test_the_canonical_form(lines: list[str], written: list[str]) -> None:
    assert rewritten("\n".join(lines).encode()).decode().splitlines() == written


def test_the_records_are_looked_through_once_however_many_groups_there_are() -> None:
    class Counted(tuple[OtherRecord, ...]):
        times = 0

        def __iter__(self) -> Iterator[OtherRecord]:
            Counted.times += 1
            return super().__iter__()

    parsed = parse_robots(b"User-agent: bot\nDisallow: /a\nCrawl-delay: 1\n" * 50)
    write_robots(replace(parsed, others=Counted(parsed.others)))
    assert Counted.times == 1
