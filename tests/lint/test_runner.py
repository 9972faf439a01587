"""Rules applied: each finds its own example, every fix is safe, and no file takes long or raises."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.crawlers.registry import bundled_registry
from optout.lint.base import RobotsSource, Rule
from optout.lint.runner import ROBOTS_RULES, fix_robots, lint_robots
from optout.robots.dialects import Dialect, reader
from optout.robots.parser import SIZE_LIMIT
from tests.robots.readers.questions import questions

REGISTRY = bundled_registry()
IN_WORDS = {"RT101", "RT117", "RT118"}
"""Rules whose example is told in words; the tests of their topics make the files."""
NO_OTHER_SPELLING = {"RT107", "RT108", "RT116", "RT301", "RT302", "RT303", "RT304", "RT404"}
"""Rules whose advice is no other spelling of the same file."""


def found(file: str | bytes) -> set[str]:
    data = file.encode("utf-8", "surrogateescape") if isinstance(file, str) else file
    return {finding.code for finding in lint_robots(data, REGISTRY)}


def _file(text: str) -> bytes:
    """An example as a file: escapes are octets, a rule alone gets a group."""
    text = text.replace("\\ufeff", "\ufeff").replace("\\x00", "\x00").replace("\\xe9", "\udce9")
    if not text.lstrip("\ufeff").lower().startswith(("user-agent", "disallow: /drafts/\n\nuser-agent")):
        text = f"User-agent: *\nDisallow: /x\n{text}"
    if text.lower().rstrip().splitlines()[-1].startswith("user-agent"):
        text += "\nDisallow: /x"
    return text.encode("utf-8", "surrogateescape")


def _named(rule: Rule[RobotsSource]) -> str:
    return rule.code


@pytest.mark.parametrize("rule", [rule for rule in ROBOTS_RULES if rule.code not in IN_WORDS], ids=_named)
def test_a_rule_finds_its_example_and_not_what_it_advises(rule: Rule[RobotsSource]) -> None:
    assert rule.code in found(_file(rule.example))
    if rule.code not in NO_OTHER_SPELLING and ":" in rule.instead:
        assert rule.code not in found(_file(rule.instead))


def test_codes_are_unique_sorted_and_of_their_family() -> None:
    codes = [rule.code for rule in ROBOTS_RULES]
    assert codes == sorted(set(codes))
    assert all(code[:3] in ("RT1", "RT2", "RT3", "RT4") and len(code) == 5 for code in codes)


@pytest.mark.parametrize("rule", [rule for rule in ROBOTS_RULES if rule.fix], ids=_named)
def test_a_fix_mends_what_its_rule_finds(rule: Rule[RobotsSource]) -> None:
    data = _file(rule.example)
    assert rule.code not in found(fix_robots(data))


_LINES = st.sampled_from(
    [
        "User-agent: *",
        "User-agent: a",
        "user-agent: b/2.1",
        "User-agent: a, b",
        "Disallow: /",
        "Disallow: /%62%61\u00e9$b",
        "Allow: /",
        "Allow: x",
        "Disalow /",
        "Content-Signal: ai-train=no",
        "Content-Usage: train-ai=n",
        "License: /l",
        "Sitemap: x",
        "Crawl-delay: 5",
        "",
        "# c",
        "\ufeff",
        "\x00",
    ]
)
_FILES = st.lists(_LINES, max_size=14).map(lambda lines: "\n".join(lines).encode())


@given(_FILES | st.binary(max_size=300))
def test_no_file_raises_and_every_line_exists(data: bytes) -> None:
    lines = len(data.removeprefix(b"\xef\xbb\xbf").splitlines()) + 1
    for finding in lint_robots(data, REGISTRY):
        assert 0 <= finding.line <= lines
        assert finding.text.isprintable()
        assert finding.text.isascii()


@given(_FILES, st.sampled_from(["a", "b", "z"]), st.sampled_from(["/", "/ba\u00e9$b", "/x", "/%62%61%C3%A9$b"]))
def test_a_fix_changes_no_answer_of_the_standard_and_is_done_at_once(data: bytes, token: str, path: str) -> None:
    fixed = fix_robots(data)
    assert fix_robots(fixed) == fixed
    assert reader(Dialect.RFC, fixed)(token, path).allowed == reader(Dialect.RFC, data)(token, path).allowed


def test_fixes_change_none_of_sixteen_thousand_answers() -> None:
    changed = 0
    for data, asked in questions(seed=4, files=2_000):
        fixed = fix_robots(data)
        changed += fixed != data
        before, after = reader(Dialect.RFC, data), reader(Dialect.RFC, fixed)
        for token, path in asked:
            assert before(token, path).allowed == after(token, path).allowed, (data, token, path)
        assert fix_robots(fixed) == fixed
    assert changed > 500


def test_a_fix_makes_no_escape_of_a_broken_one() -> None:
    file = b"User-agent: a\nDisallow: /%%36%31\nDisallow: /%36\n"
    assert fix_robots(file) == b"User-agent: a\nDisallow: /%%36%31\nDisallow: /6\n"


def test_a_file_at_the_limit_does_not_grow_beyond_it() -> None:
    head = "User-agent: a\nDisallow: /ツ\n".encode()
    assert fix_robots(head) != head
    for size in (SIZE_LIMIT, SIZE_LIMIT + 1):
        file = head + b"#" * (size - len(head))
        assert fix_robots(file) == file


_NAMES = b"".join(b"User-agent: b%d\n" % number for number in range(8_000))
_OWN = b"".join(b"User-agent: b%d\nAllow: /\n" % number for number in range(8_000))


@pytest.mark.parametrize(
    "data",
    [
        _NAMES + b"".join(b"Disallow: /%d\n" % number for number in range(8_000)) + _OWN,
        _NAMES + b"Disallow: /a\n" * 8_000,
        b"User-agent: *\n" + b"Disallow: /*a\n" * 20_000 + _OWN,
    ],
    ids=["shared and own", "shared", "everyone's"],
)
def test_names_that_share_their_rules_do_not_multiply_them(data: bytes) -> None:
    calls = 0

    def counting(*_: object) -> None:
        nonlocal calls
        calls += 1

    sys.setprofile(counting)
    try:
        lint_robots(data, REGISTRY)
    finally:
        sys.setprofile(None)
    assert calls < 20 * len(data)


def test_a_sound_file_has_nothing() -> None:
    assert found("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n") == set()


@pytest.mark.parametrize("size", [2_000, 8_000])
def test_a_file_of_many_groups_asks_each_rule_a_bounded_number_of_questions(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from optout.lint.rules import robots_groups

    asked = 0
    whole = robots_groups.RobotsMatcher.match

    def match(self, *words):  # type: ignore[no-untyped-def]
        nonlocal asked
        asked += 1
        return whole(self, *words)

    monkeypatch.setattr(robots_groups.RobotsMatcher, "match", match)
    groups = "".join(
        f"User-agent: {'ab'[number % 2]}{'x' * (number % 50)}\nDisallow: /{number}\n" for number in range(size)
    )
    lint_robots(f"User-agent: *\nDisallow: /common\n{groups}".encode(), REGISTRY)
    assert asked <= 200 * 50 + 10


def test_the_pages_are_current() -> None:
    place = Path(__file__).parents[2] / "docs" / "generate_lint_pages.py"
    spec = importlib.util.spec_from_file_location("generate_lint_pages", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    have = {path.name: path.read_text(encoding="utf-8") for path in (place.parent / "lint").iterdir()}
    assert have == module.pages(), "run `make generated`"
