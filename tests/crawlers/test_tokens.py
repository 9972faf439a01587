"""Words in a user agent: whole, outside addresses, whatever happened to the text on its way."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType

import pytest

from optout.crawlers.tokens import Finder, Match, Token

TOKENS = (
    Token(text="GPTBot"),
    Token(text="YouBot"),
    Token(text="Claude-User"),
    Token(text="archive.org_bot"),
    Token(text="bigsur.ai"),
    Token(text="Kangaroo Bot"),
    Token(text="Devin/"),
    Token(text="LCC (", exact_case=True),
    Token(text="YaK/", exact_case=True),
    Token(text="Exabot"),
    Token(text="ExaBot", exact_case=True),
    Token(text="amazon-kendra", match=Match.PREFIX),
    Token(text="Google", match=Match.WHOLE, exact_case=True),
    Token(text="opencode", match=Match.WHOLE),
    Token(text="diffbot.com", match=Match.URL),
    Token(text="github.com/example/scraper", match=Match.URL),
    Token(text="Cursor/", unless="Electron/"),
    Token(text="Spider"),
    Token(text="Spider Deluxe"),
)
FINDER = Finder(TOKENS)


def names(user_agent: str) -> list[str]:
    return [TOKENS[found.index].text for found in FINDER.find(user_agent)]


@pytest.mark.parametrize(
    "user_agent",
    [
        "GPTBot",
        "gptbot",
        "GPTBOT/99.7 beta",
        "Mozilla/5.0 (compatible;GPTBot;+https://openai.com/gptbot)",
        "Mozilla/5.0 (X11) Chrome/140.0 Safari/537.36; GPTBot",
        "(GPTBot)",
        '"Mozilla/5.0 (compatible; GPTBot/1.4)"',
        "userAgent=GPTBot/1.4",
        "Agent/GPTBot",
        "Mozilla/5.0 (X11),GPTBot/1.4",
        "Mozilla/5.0 (X11)%2CGPTBot/1.4",
        "Mozilla/5.0+(compatible;+GPTBot/1.4;++https://openai.com/gptbot)",
        "Mozilla%2F5.0%20(compatible%3B%20GPTBot%2F1.4%3B%20%2Bhttps%3A%2F%2Fopenai.com)",
        "like Gecko; compatible; GPTBot/1.4; +https://openai.com/gpt",
        "Visits from GPTBot.",
        "GPTBot+https://openai.com/gptbot",
        "GPTBot:gptbot@openai.com",
        "\ud800GPTBot\udfff",
        "\x00GPTBot\x00",
    ],
)
def test_a_word_is_found_wherever_it_stands(user_agent: str) -> None:
    assert names(user_agent) == ["GPTBot"]


@pytest.mark.parametrize(
    "user_agent",
    [
        "",
        "NotGPTBot",
        "not-GPTBot",
        "GPTBotChecker",
        "GPTBot-Checker",
        "GPTBot_2",
        "GPTBot2",
        "дGPTBot",
        "com.example.GPTBot",
        "GPTBot.example.com",
        "not\u2011GPTBot",
        "ShowyouBot (http://showyou.com/crawler)",
        "MyMonitor/2.0 (+https://example.org/why-we-block-GPTBot)",
        "MyMonitor/2.0 (+https://example.org/GPTBot)",
        "MyMonitor/2.0 (+https://example.org/?blocked=GPTBot)",
        "MyMonitor/2.0 (+https://GPTBot/)",
        "MyMonitor/2.0 (+example.org/GPTBot)",
        "MyMonitor/2.0 (+www.example.org:8080/GPTBot)",
        "MyMonitor/2.0 (+GPTBot@example.org)",
        "MyMonitor/2.0 (mailto:GPTBot@example.org)",
        "MyMonitor/2.0 (mailto:x@GPTBot)",
        "MyMonitor%2F2.0%20(%2Bhttps%3A%2F%2Fexample.org%2FGPTBot)",
    ],
)
def test_another_word_and_a_word_inside_an_address_are_not_found(user_agent: str) -> None:
    assert names(user_agent) == []


def test_what_the_sender_wrote_is_kept() -> None:
    (found,) = FINDER.find("Mozilla/5.0 (compatible; gptBOT/1.0)")
    assert (found.text, found.start, found.end) == ("gptBOT", 25, 31)


def test_a_typographic_hyphen_is_a_hyphen() -> None:
    (found,) = FINDER.find("Claude\u2011User/1.0")
    assert found.text == "Claude\u2011User"


def test_letters_that_change_length_when_lowered_do_not_move_the_word() -> None:
    (found,) = FINDER.find("İİİ GPTBot")
    assert found.text == "GPTBot"


@pytest.mark.parametrize("user_agent", ["Kangaroo Bot/1.0", "Kangaroo+Bot/1.0", "x;+kangaroo%20bot"])
def test_the_blank_of_a_two_word_name_may_be_damaged(user_agent: str) -> None:
    assert names(user_agent) == ["Kangaroo Bot"]


def test_a_name_with_dots_is_one_word() -> None:
    assert names("Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)") == [
        "archive.org_bot"
    ]
    assert names("bigsur.ai (+https://www.bigsur.ai)") == ["bigsur.ai"]
    assert names("Mozilla/5.0 (compatible; bigsur.ai/1.0)") == ["bigsur.ai"]
    assert names("shop/1.0 (+https://www.bigsur.ai/)") == []
    assert names("www.bigsur.ai") == []


def test_an_edge_that_is_no_letter_needs_no_boundary() -> None:
    assert names("Chrome/137.0 Safari/537.36; Devin/1.0; +https://devin.ai") == ["Devin/"]
    assert names("Devin's browser") == []
    assert names("McDevin/1.0") == []


def test_exact_letters_tell_a_crawler_from_a_phone() -> None:
    assert names("Mozilla/5.0 (compatible; YaK/1.0)") == ["YaK/"]
    assert names("Mozilla/5.0 (YAK/1.0)") == []
    assert names("LCC (+http://corpora.example)") == ["LCC ("]
    assert names("Mozilla/4.0 (compatible; MSIE 8.0; SLCC2; .NET CLR)") == []
    assert names("slcc (x") == []


def test_of_two_spellings_the_exact_one_wins() -> None:
    assert names("ExaBot/1.0") == ["ExaBot"]
    assert names("Exabot/3.0") == ["Exabot"]
    assert names("exabot/3.0") == ["Exabot"]


def test_a_prefix_ends_with_the_customers_name() -> None:
    assert names("amazon-kendra-customer-id-1234") == ["amazon-kendra"]
    assert names("my-amazon-kendra") == []


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Google", ["Google"]),
        ('"Google"', ["Google"]),
        (" Google\t", ["Google"]),
        ("google", []),
        ("Google Chrome", []),
        ("Mozilla/5.0 (Linux; Android 14; Google Pixel 8)", []),
        ("OpenCode", ["opencode"]),
        ("opencode/1.0", []),
    ],
)
def test_a_common_word_counts_only_as_the_whole(user_agent: str, expected: list[str]) -> None:
    assert names(user_agent) == expected


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (X; +http://www.diffbot.com) Chrome/24", ["diffbot.com"]),
        ("Mozilla/5.0 (X; +https://diffbot.com/dev/docs)", ["diffbot.com"]),
        ("Mozilla/5.0 (X; +diffbot.com)", ["diffbot.com"]),
        ("Mozilla/5.0 (X; +www.diffbot.com:443/x)", ["diffbot.com"]),
        ("a (+https://github.com/example/scraper)", ["github.com/example/scraper"]),
        ("a (+https://github.com/example/scraper2)", []),
        ("a (+https://github.com/example)", []),
        ("a (+https://notdiffbot.com)", []),
        ("a (+https://diffbot.com.evil.example)", []),
        ("a (+https://example.org/diffbot.com)", []),
        ("a (+https://example.org/?u=http://diffbot.com)", []),
        ("a (help@diffbot.com)", []),
        ("diffbot.community", []),
    ],
)
def test_an_address_is_an_identity_by_host_and_path(user_agent: str, expected: list[str]) -> None:
    assert names(user_agent) == expected


def test_a_disclaiming_word_takes_the_name_back() -> None:
    assert names("Cursor/3.0.16 (darwin arm64)") == ["Cursor/"]
    assert names("Mozilla/5.0 Cursor/3.0.16 Chrome/142.0 Electron/39.8.1 Safari/537.36") == []
    assert names("Mozilla/5.0 ELECTRON/39.8.1 cursor/3 cursor/4") == []


def test_the_longer_of_two_names_at_one_place_is_meant() -> None:
    assert names("Spider Deluxe/1.0") == ["Spider Deluxe"]


def test_several_names_come_in_the_order_of_the_text() -> None:
    assert names("YouBot/1.0 GPTBot/1.4 YouBot/2.0") == ["YouBot", "GPTBot"]
    assert names("Spider Deluxe, Spider Deluxe and Spider") == ["Spider Deluxe", "Spider Deluxe", "Spider"]


def test_a_finder_without_tokens_finds_nothing() -> None:
    assert list(Finder([]).find("GPTBot")) == []


HOSTILE: dict[str, Callable[[int], str]] = {
    "candidates that fail": lambda size: "xGPTBot" * (size // 7),
    "candidates that stand": lambda size: "GPTBot " * (size // 7),
    "candidates in one address": lambda size: "https://x/" + "GPTBot/" * (size // 7),
    "candidates in many addresses": lambda size: "a@b;GPTBot " * (size // 11),
    "disclaimed candidates": lambda size: "cursor/ " * (size // 8),
    "host names without an end": lambda size: "GPTBot " + "a." * (size // 2),
    "schemes": lambda size: "GPTBot " + "http://" * (size // 7),
    "half a name": lambda size: "kangaroo " * (size // 9),
    "escapes": lambda size: "%20GPTBot" * (size // 9),
    "not ASCII": lambda size: "é GPTBot " * (size // 9),
    "surrogates": lambda size: "\udcff" * size,
}


def work(user_agent: str) -> int:
    """Calls made by one search, of Python and of C functions: the same text always makes the same number."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        FINDER.find(user_agent)
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("shape", HOSTILE)
def test_work_grows_no_faster_than_the_text(shape: str) -> None:
    make = HOSTILE[shape]
    assert work(make(16_384)) <= 2.1 * work(make(8_192)) + 50


@pytest.mark.parametrize("shape", HOSTILE)
def test_64_kib_of_anything_come_to_an_end(shape: str) -> None:
    start = time.perf_counter()
    FINDER.find(HOSTILE[shape](65_536))
    assert time.perf_counter() - start < 10  # a hang guard; the growth test above is the measure


def test_a_person_costs_a_handful_of_calls() -> None:
    person = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
    assert work(person) < 12
