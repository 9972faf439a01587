"""Whatever a site writes of its preferences: statements and faults, never a crash."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.ai_txt import AiTxtMatcher, parse_ai_txt
from optout.signals.aipref import ContentUsageMatcher, parse_content_usage, parse_content_usage_fields
from optout.signals.content_signals import ContentSignalMatcher, ContentUse, parse_content_signals
from optout.signals.page_tags import parse_page_tags, parse_robots_tag_fields
from optout.signals.preference import SignalFault, Statement

WORDS = [
    *(
        "User-agent: *\n",
        "User-agent: a\n",
        "Allow: /\n",
        "Disallow: /a\n",
        "\n",
        "\r",
        " ",
        "\t",
        "#",
        ":",
        "/",
        "/a ",
        "*",
    ),
    *(
        "Content-Usage:",
        "Content-Signal:",
        "train-ai",
        "ai-train",
        "ai-input",
        "search",
        "use",
        "=",
        "y",
        "n",
        "yes",
        "no",
    ),
    *(",", ";", "(", ")", '"', "?0", "1", "%", "@1", "reference", "\ufeff", "\x1b", "é", "\x00"),
]
wild = st.binary() | st.lists(st.sampled_from(WORDS)).map(lambda parts: "".join(parts).encode())
wild_text = st.text(st.characters(codec=None)) | st.lists(st.sampled_from(WORDS)).map("".join)


def check(statements: Iterable[Statement], faults: Iterable[SignalFault], lines: int) -> None:
    for statement in statements:
        assert 0 <= statement.line <= lines
        assert statement.text.isascii()
        assert statement.text.isprintable()
    for fault in faults:
        assert 0 <= fault.line <= lines
        assert fault.column >= 0
        assert fault.text.isascii()
        assert fault.text.isprintable()


@given(wild, wild_text)
def test_any_robots_txt_has_content_usage_to_match(data: bytes, target: str) -> None:
    robots = parse_robots(data)
    usage = parse_content_usage(robots)
    bound = RobotsMatcher(robots).match(("a",), target)
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    check(ContentUsageMatcher(robots, usage).match(bound, target), usage.faults, lines)


@given(wild, wild_text)
def test_any_robots_txt_has_content_signals_to_match(data: bytes, target: str) -> None:
    robots = parse_robots(data)
    signals = parse_content_signals(robots)
    bound = RobotsMatcher(robots).match(("a",), target)
    matcher = ContentSignalMatcher(robots, signals)
    lines = 1 + data.count(b"\n") + data.count(b"\r")
    check(matcher.match(bound, target), signals.faults, lines)
    assert matcher.use(bound, target) in (*ContentUse, None)


@given(st.lists(wild_text))
def test_any_content_usage_fields_are_statements(values: list[str]) -> None:
    statements, faults = parse_content_usage_fields(Fields(tuple(("content-usage", value) for value in values)))
    check(statements, faults, 0)


DIRECTIVES = [
    "noai",
    "noarchive",
    "max-snippet",
    ":",
    "0",
    ",",
    " ",
    "a",
    "unavailable_after",
    "25",
    "é",
    "\x1b",
    "\udcff",
]


@given(st.lists(wild_text | st.lists(st.sampled_from(DIRECTIVES)).map("".join)))
def test_any_robots_tag_fields_are_tags(values: list[str]) -> None:
    tags = parse_robots_tag_fields(Fields(tuple(("x-robots-tag", value) for value in values)))
    check(tags.statements(("a",)), tags.faults, 0)


HTML = [
    "<meta ",
    "name=",
    "content=",
    "robots",
    "tdm-reservation",
    "tdm-policy",
    "a",
    "1",
    "0",
    ">",
    "\n",
    '"',
    "&#27;",
]


@given(
    st.binary()
    | st.lists(st.sampled_from(HTML + DIRECTIVES)).map(lambda parts: "".join(parts).encode("utf-8", "replace"))
)
def test_any_page_has_tags(page: bytes) -> None:
    tags = parse_page_tags(page)
    check(tags.statements(("a",)), tags.faults, 1 + page.count(b"\n") + page.count(b"\r"))


ENDINGS = ["User-agent: */\n", "Disallow: ", "Allow: ", "*.jpg", ".jpg", "*", "/", "\n", "\ufeff", "$", "x: "]


@given(st.binary() | st.lists(st.sampled_from(WORDS + ENDINGS)).map(lambda parts: "".join(parts).encode()), wild_text)
def test_any_ai_txt_has_rules_to_match(data: bytes, target: str) -> None:
    ai_txt = parse_ai_txt(data)
    check(AiTxtMatcher(ai_txt).match(("a",), target), ai_txt.faults, 1 + data.count(b"\n") + data.count(b"\r"))
