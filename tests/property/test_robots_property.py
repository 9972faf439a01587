"""robots.txt under hostile files, tokens and paths: never a crash, and never another answer than the slow reading."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.robots.dialects import Dialect, read_as, reader
from optout.robots.matcher import PatternIndex, RobotsMatcher, also_matching
from optout.robots.model import PathPattern, normalize_path
from optout.robots.parser import parse_robots
from tests.property import robots_reference as slow

PIECES = [
    *(
        "a",
        "b",
        "ab",
        "aab",
        "/",
        "//",
        "x/",
        ".",
        "~",
        "-",
        "_",
        "A",
        "?",
        "?a=",
        "&",
        "=",
        ":",
        ";",
        "@",
        "+",
        ",",
        "!",
    ),
    *(
        "%61",
        "%41",
        "%7E",
        "%7e",
        "%2F",
        "%2f",
        "%2A",
        "%2a",
        "%24",
        "%25",
        "%2561",
        "%",
        "%6",
        "%zz",
        "%%36%31",
        "%20",
    ),
    *(
        "%E3%83%84",
        "%e3%83%84",
        "ツ",
        "é",
        "%C3%A9",
        " ",
        "\t",
        '"',
        "<",
        "|",
        "\\",
        "^",
        "`",
        "{",
        "\x7f",
        "\x01",
        "\x0b",
    ),
    *("%3F", "%23", "%00", "robots.txt", "index.html", "\udcff", "%FF", "\u2028", "\x85"),
]
WILD = ["*", "*", "**", "$", "*a", "*/", "*$"]
TOKENS = [
    "FooBot",
    "foobot",
    "FOOBOT",
    "BarBot",
    "Foo",
    "FooBot-Extended",
    "AI2Bot",
    "Foo Bot",
    "FooBot/2.1",
    "*",
    "bot-é",
]
GROUP_TOKENS = [*TOKENS, "FooBot, BarBot", "", "* ", "\u212aooBot", "FooBot*"]
KEYS = {
    "agent": ["User-agent", "user-agent", "USER-AGENT", " User-agent ", "\tUser-Agent"],
    "rule": ["Allow", "Disallow", "allow", "DISALLOW", " Disallow\t", "\tAllow "],
    "other": [
        "Sitemap",
        "Crawl-delay",
        "Content-Signal",
        "Disalow",
        "Noindex",
        "User agent",
        "Allowed",
        "User-agent\x0b",
        "",
    ],
}


def a_path(dice: random.Random) -> str:
    return "/" + "".join(dice.choices(PIECES, k=dice.randint(0, 6)))


def a_pattern(dice: random.Random) -> str:
    start = dice.choice(["/", "/", "/", "/", "*", "", "/*"])
    return (
        start
        + "".join(dice.choices(PIECES + WILD * 4, k=dice.randint(0, 6)))
        + dice.choice(["", "", "", "$", "*", "*$"])
    )


def a_line(dice: random.Random, seen: list[str]) -> str:
    kind = dice.choices(["agent", "rule", "other", "blank", "broken"], [5, 14, 2, 2, 1])[0]
    if kind == "blank":
        return dice.choice(["", " ", "\t", "# User-agent: FooBot", "#"])
    if kind == "broken":
        return dice.choice(["User-agent FooBot", "Disallow /", "<html>", ":", "\ufeffDisallow: /"])
    if kind == "agent":
        value = dice.choice(["FooBot", "foobot", "*"]) if dice.random() < 0.6 else dice.choice(GROUP_TOKENS)
    elif seen and dice.random() < 0.3:
        value = dice.choice(seen)  # ties, and one path written in several ways
    else:
        value = a_pattern(dice) if dice.random() < 0.93 else ""
        seen.append(value)
    return (
        dice.choice(KEYS[kind])
        + ":"
        + dice.choice(["", " ", "\t ", "  "])
        + value
        + dice.choice(["", "", "", " ", " # x"])
    )


def a_file(dice: random.Random, seen: list[str]) -> bytes:
    lines = [f"User-agent: {dice.choice(TOKENS)}"] if dice.random() < 0.8 else []
    lines += [a_line(dice, seen) for _ in range(dice.randint(1, 16))]
    end = dice.choice(["\n", "\n", "\r", "\r\n"])
    text = "".join(line + (end if dice.random() < 0.95 else dice.choice(["\n\r", "\n", "\r\n"])) for line in lines)
    start = b"\xef\xbb\xbf" if dice.random() < 0.1 else b""
    return start + text.encode("utf-8", "surrogateescape")


def a_path_near(dice: random.Random, pattern: str) -> str:
    """A path that the pattern may well match: its wildcards filled in, its escapes written another way."""
    path = pattern.removesuffix("$") if dice.random() < 0.8 else pattern
    path = "".join(dice.choice(["", "a", "b/", "*", "xx"]) if char == "*" else char for char in path)
    for escaped, bare in (("%61", "a"), ("%7E", "~"), ("%2F", "/"), ("%2A", "*"), ("%24", "$"), ("ツ", "%e3%83%84")):
        if dice.random() < 0.3:
            path = path.replace(escaped, bare) if dice.random() < 0.7 else path.replace(bare, escaped)
    return path + dice.choice(["", "", "a", "?", "/", "#f"])


def triples(seed: int, files: int) -> list[tuple[bytes, str, str]]:
    dice = random.Random(seed)
    found = []
    for _ in range(files):
        patterns: list[str] = []
        data = a_file(dice, patterns)
        for _ in range(8):
            near = patterns and dice.random() < 0.9
            path = a_path_near(dice, dice.choice(patterns)) if near else a_path(dice)
            found.append((data, dice.choice(TOKENS), path))
    return found


@pytest.mark.parametrize("seed", range(8))
def test_every_answer_is_that_of_the_slow_reading(seed: int) -> None:
    tally: Counter[str] = Counter()
    for data, token, path in triples(seed, 500):
        verdict = read_as(Dialect.RFC, data, token, path)
        expected = slow.ask(data, token.encode(), path.encode("utf-8", "surrogateescape"))
        assert (verdict.allowed, verdict.line) == expected, (data, token, path)
        tally["disallowed"] += not verdict.allowed
        tally["allowed by a line"] += verdict.allowed and verdict.line > 0
        tally["no line"] += verdict.line == 0
    assert min(tally["disallowed"], tally["allowed by a line"], tally["no line"]) > 400  # of 4,000: no corner is idle


text = st.text(alphabet=st.characters(codec=None), max_size=40)
pattern_text = st.text(alphabet="/ab*$%2AF41~ツ", max_size=12)


@given(pattern_text, st.text(alphabet="/ab*$%2AF41~ツ?#", max_size=12))
@settings(max_examples=2000)
def test_a_pattern_matches_what_the_table_of_positions_says(pattern: str, path: str) -> None:
    expected = slow.matches(pattern.encode(), path.encode())
    assert PathPattern.parse(pattern).matches(normalize_path(path)) == expected
    assert PathPattern.parse(pattern).priority == slow.octets_of(pattern.encode())


@given(st.lists(pattern_text, max_size=30), st.text(alphabet="/ab*$%2AF41~", max_size=12))
@settings(max_examples=1000)
def test_an_index_finds_what_asking_every_pattern_finds(written: list[str], target: str) -> None:
    patterns = [PathPattern.parse(each) for each in written]
    path = normalize_path(target)
    found = [number for number, pattern in enumerate(patterns) if pattern.matches(path)]
    assert PatternIndex(patterns).matching(path) == found
    assert PatternIndex(patterns).first(path) == (found[0] if found else None)


LINES = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.builds(
            lambda key, value: key + b":" + value, st.sampled_from([b"user-agent", b"allow", b"disallow"]), st.binary()
        ),
    )
)


@given(LINES.map(b"\n".join) | st.binary(), text, text)
@settings(max_examples=1000)
def test_no_bytes_make_the_parser_or_the_matcher_raise(data: bytes, token: str, target: str) -> None:
    robots = parse_robots(data)
    lines = data.count(b"\n") + data.count(b"\r") + 1
    rules = [rule for group in robots.groups for rule in group.rules]
    assert robots.size == len(data)
    assert all(1 <= each.line <= lines for each in (*robots.groups, *rules, *robots.others, *robots.faults))
    assert all(rule.text.endswith(rule.pattern.written) for rule in rules)
    matcher = RobotsMatcher(robots)
    match = matcher.match((token,), target)
    assert match.allowed or match.rule is not None
    assert match.rule is None or match.rule in rules
    others = also_matching(match, target)
    assert match.rule not in others
    assert all(rule.pattern.matches(normalize_path(target)) for rule in others)


@given(text)
def test_any_text_becomes_printable_octets_that_start_with_a_slash(target: str) -> None:
    path = normalize_path(target)
    assert path.startswith(b"/")
    assert all(0x21 <= octet <= 0x7E for octet in path)
    assert not set(b"#*$") & set(path)


@given(
    st.lists(st.sampled_from(["User-agent: *", "Disallow: /a*$", "Allow: /%zz", "Crawl-delay: nan", "x"])), text, text
)
def test_every_dialect_answers_whatever_it_is_asked(lines: list[str], token: str, target: str) -> None:
    for dialect in Dialect:
        assert isinstance(reader(dialect, "\n".join(lines).encode())(token, target).allowed, bool)


@given(st.binary(), text)
def test_every_dialect_reads_whatever_it_is_given(data: bytes, target: str) -> None:
    for dialect in Dialect:
        assert isinstance(read_as(dialect, b"User-agent: a\n" + data, "a", target).line, int)
