"""Counts that equal an independent count; people who leave nothing behind; memory that strangers cannot fill."""

from __future__ import annotations

import random
from collections import Counter
from ipaddress import ip_network

import pytest

from optout.crawlers.address_book import AddressBook, load_address_book
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import snapshot_name, take_snapshot
from optout.crawlers.registry import bundled_registry
from optout.review.importing import counting as room
from optout.review.importing.account import BadLine, Robots, Taken
from optout.review.importing.counting import Counting, Version
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from tests.served import CHROME

GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.2; +https://openai.com/gptbot"
CLAUDE = "Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)"
GOOGLE = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
ASKED = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot"


def line(
    agent: str, path: str = "/a", *, status: int = 200, size: int = 10, day: int = 10, address: str = "203.0.113.7"
) -> bytes:
    time = f"{day:02d}/Nov/2026:13:55:36 +0000"
    return f'{address} - - [{time}] "GET {path} HTTP/1.1" {status} {size} "-" "{agent}"\n'.encode()


def counted(*lines: bytes, versions: tuple[Version, ...] = (), lists: AddressBook | None = None) -> Counting:
    made = Counting(bundled_registry(), versions, lists, 1_795_000_000_000_000)
    made.add(b"".join(lines), "access.log", 0)
    return made


def of(made: Counting, name: str) -> Taken:
    return next(taken for taken in made.taken if taken.name == name)


def version(text: str, day: int = 0, name: str = "robots.txt") -> Version:
    since = 0 if not day else (1_793_491_200 + (day - 1) * 86_400) * 1_000_000  # 1 November 2026
    return Version(
        about=Robots(name=name, since_us=since, sha256="aa"), matcher=RobotsMatcher(parse_robots(text.encode()))
    )


def test_the_counts_equal_those_of_somebody_who_counts_by_hand() -> None:
    dice = random.Random(5)
    agents = {"GPTBot": GPTBOT, "ClaudeBot": CLAUDE, "Googlebot": GOOGLE, "": CHROME}
    picked = [(dice.choice(list(agents)), dice.choice([200, 304, 404]), dice.randrange(1000)) for _ in range(3000)]
    made = counted(*(line(agents[name], status=status, size=size) for name, status, size in picked))
    by_name = Counter(name for name, _, _ in picked)
    assert made.lines == 3000
    assert made.people == by_name[""]
    for name in ("GPTBot", "ClaudeBot", "Googlebot"):
        taken = of(made, name)
        assert taken.requests == by_name[name]
        assert taken.statuses == Counter(f"{status // 100}xx" for each, status, _ in picked if each == name)
        assert taken.content_bytes == sum(size for each, status, size in picked if each == name and status == 200)
    assert [taken.is_ai for taken in made.taken] == [True, True, False]


def test_a_person_leaves_a_number_and_nothing_else() -> None:
    made = counted(*(line(f"{CHROME} {number}", f"/secret/{number}") for number in range(50)))
    assert (made.lines, made.people, made.taken, made.bad) == (50, 50, (), [])


def test_a_fetch_that_a_person_asked_for_leaves_no_path() -> None:
    taken = of(counted(line(ASKED, "/secret"), line(ASKED, "/secret/2")), "ChatGPT-User")
    assert taken.requests == 2
    assert not taken.paths


def test_pages_before_the_first_robots_txt_are_told_from_those_after() -> None:
    made = counted(
        line(GPTBOT, "/a"), line(GPTBOT, "/b"), line(CLAUDE, "/a"), line(GPTBOT, "/robots.txt"), line(GPTBOT, "/c")
    )
    assert (of(made, "GPTBot").before_reading, of(made, "GPTBot").read_robots) == (2, 1)
    assert (of(made, "ClaudeBot").before_reading, of(made, "ClaudeBot").read_robots) == (1, 0)


def test_each_request_is_judged_by_the_robots_txt_of_its_time() -> None:
    old, new = version("User-agent: *\nAllow: /\n"), version("User-agent: GPTBot\nDisallow: /art/\n", 12, "new.txt")
    made = counted(
        line(GPTBOT, "/art/1", day=10),
        line(GPTBOT, "/art/1", day=13),
        line(GPTBOT, "/art/2?x=1", day=13, status=403),
        line(GPTBOT, "/", day=13),
        line(CLAUDE, "/art/1", day=13),
        versions=(old, new),
    )
    taken = of(made, "GPTBot")
    assert (taken.disallowed, taken.disallowed_served) == (2, 1)
    assert taken.lines == {"new.txt:2": 2}
    assert of(made, "ClaudeBot").disallowed == 0


def test_before_the_first_robots_txt_that_is_at_hand_nothing_is_judged() -> None:
    made = counted(line(GPTBOT, "/art/1", day=10), versions=(version("User-agent: *\nDisallow: /\n", 12),))
    assert of(made, "GPTBot").disallowed == 0


def test_addresses_are_compared_with_the_operator_s_list_of_today() -> None:
    crawler = bundled_registry().by_name("GPTBot")
    assert crawler is not None
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    snapshot = take_snapshot(crawler.address_list, b"", found, 1_795_000_000_000_000)
    book, problems = load_address_book({snapshot_name(crawler.address_list): snapshot.document})
    assert problems == ()
    made = counted(
        line(GPTBOT, address="192.31.196.7"),
        line(GPTBOT, address="192.175.48.7"),
        line(GPTBOT, address="no-address"),
        lists=book,
    )
    assert (of(made, "GPTBot").listed, of(made, "GPTBot").unlisted) == (1, 1)


def test_lines_in_no_form_are_counted_with_their_places_and_empty_ones_are_not() -> None:
    made = Counting(bundled_registry())
    made.add(b"what\n\n" + line(CHROME) + b"ever\r\n", "a.log", 0)
    made.add(b"more\n" * 10, "b.log", 100)
    assert made.bad_lines == 12
    assert made.bad[:3] == [BadLine("a.log", 1), BadLine("a.log", 4), BadLine("b.log", 101)]
    assert len(made.bad) == 5


def test_what_strangers_write_fills_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_MOST_AGENTS", "_MOST_PATHS", "_MOST_JUDGED"):
        monkeypatch.setattr(room, name, 10)
    made = counted(
        *(line(f"{CHROME} {number}") for number in range(100)),
        *(line(f"{GPTBOT} {number}", f"/{number}", address=f"203.0.113.{number}") for number in range(100)),
        versions=(version("User-agent: *\nDisallow: /1\n"),),
    )
    assert len(made._agents) <= 10
    assert len(made._judged) <= 10
    assert len(of(made, "GPTBot").paths) == 10
    assert not made.are_paths_whole
    assert of(made, "GPTBot").disallowed == 11


def test_a_line_of_json_without_a_user_agent_is_nobodys_and_a_broken_one_is_bad() -> None:
    made = counted(b'{"status":200,"uri":"/"}\n', b'{"time":"x"}\n', b'{"status":200,"uri":"/a\n')
    assert (made.people, made.without_agent, made.bad_lines) == (1, 1, 2)


def test_lines_about_another_site_are_counted_apart() -> None:
    made = Counting(bundled_registry(), site="A.example")
    made.add(b"a.example:443 " + line(GPTBOT) + b"b.example " + line(GPTBOT) + line(GPTBOT), "x", 0)
    assert (of(made, "GPTBot").requests, made.elsewhere) == (2, 1)


def test_a_status_that_is_none_is_a_bad_line() -> None:
    entry = b'{"status":%d,"uri":"/","user_agent":"GPTBot/1.2"}\n'
    made = counted(*(entry % status for status in (7, 200, 1000, 10**12)))
    assert of(made, "GPTBot").statuses == {"2xx": 1}
    assert made.bad_lines == 3
