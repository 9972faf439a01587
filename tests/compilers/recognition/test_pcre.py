"""PCRE finds in a user agent the crawler that the engine finds, and nobody in a person's."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.recognition import ORDINARY, glances, possible, signers
from optout.compilers.recognition.pcre import pcre, usual
from optout.compilers.recognition.spelled_names import MOST
from optout.crawlers.registry import bundled_registry
from optout.messages import octets
from tests.compilers.pcre2 import Pcre
from tests.compilers.pcre2 import pcre as compiled
from tests.compilers.recognizing import CHROME, GROUPS, PEOPLE, SEEN, rank_by_engine, rank_by_pcre

REGISTRY = bundled_registry()
EXPRESSIONS = tuple(each.found for group in GROUPS for each in pcre(group))
TOKENS = tuple(token for token, _ in REGISTRY.spellings)


@pytest.mark.parametrize("user_agent", SEEN)
def test_a_crawler_is_found_as_the_engine_finds_it(user_agent: str) -> None:
    assert rank_by_engine(user_agent) is not None
    assert rank_by_pcre(user_agent) == rank_by_engine(user_agent)


@pytest.mark.parametrize("user_agent", PEOPLE)
def test_nobody_is_found_where_the_engine_finds_nobody(user_agent: str) -> None:
    assert rank_by_pcre(user_agent) is None


def ways(text: str) -> tuple[str, ...]:
    """A name in the places where one may stand, and where it counts for nothing."""
    return (
        text,
        text.lower(),
        text.upper(),
        f"{CHROME}; {text}/1.0",
        f"Mozilla/5.0 (compatible; {text}; x)",
        f"Mozilla/5.0+(compatible;+{text.replace(' ', '+')}+x)",
        f"Not{text}",
        f"{text}Checker",
        f"not-{text}/1.0",
        f"x/1.0 (+https://example.org/{text})",
        f"x/1.0 (+https://www.{text}/a)",
        f"x/1.0 (+{text})",
        f"x/1.0 (+{text}@example.org)",
        f"x/1.0 (+example.org/{text})",
        f"com.example.{text}",
        f"{text}.example",
        f"{text}.",
        f"agent={text}:2",
        f"{text} Electron/1",
    )


def test_each_spelling_is_found_as_the_engine_finds_it() -> None:
    for token in TOKENS:
        for way in ways(token.text):
            assert rank_by_pcre(way) == rank_by_engine(way), way


FIXED = st.sampled_from(
    [
        *(" ", "; ", "(", ")", "/", "+", ":", "@", "=", ".", ",", "-", "_", "x", "9", "%2C", "://", "?", "#", "&"),
        *(
            "https://",
            "http://www.",
            "example.org",
            "www.",
            "mailto:",
            "Mozilla/5.0",
            "(KHTML, like Gecko)",
            "\N{HYPHEN}",
        ),
        *("GPTBot", "CCBot", "Googlebot", "YaK/", "Devin/", "Cursor/", "Electron/", "amazon-kendra", "archive.org_bot"),
        *("ExaBot", "Exabot", "bigsur.ai", "Claude-User", "Kangaroo Bot"),
    ]
)


@settings(deadline=None)
@given(st.lists(FIXED, max_size=8).map("".join))
def test_a_text_made_of_names_and_addresses_names_nobody_whom_the_engine_does_not_find(text: str) -> None:
    if rank_by_engine(text) is None and not is_beyond(text):
        assert rank_by_pcre(text) is None


@settings(deadline=None)
@given(st.lists(FIXED, max_size=8).map("".join))
def test_a_text_made_of_names_and_addresses_names_everybody_whom_the_engine_finds(text: str) -> None:
    if not is_beyond(text):
        assert rank_by_pcre(text) == rank_by_engine(text)


def is_beyond(text: str) -> bool:
    """Whether a text is one of those that `recognition` sets apart."""
    addresses = sum(map(text.count, ("://", "@", ".org", "www.")))
    return (
        addresses > 1
        or "mailto:" in text
        or not text.isascii()
        or re.search(r"(?<!http)(?<!https)://|:[^/]*/", text) is not None
    )


def test_a_typographic_hyphen_is_a_hyphen() -> None:
    assert rank_by_pcre("Claude\u2011User/1.0") == rank_by_engine("Claude-User/1.0")


USUAL = tuple(
    (place, compiled(each.found), each.found) for place, group in enumerate(GROUPS) for each in usual([group])
)


def usual_rank(user_agent: str) -> int | None:
    return next((place for place, each, _ in USUAL if each.search(octets(user_agent)) is not None), None)


@pytest.mark.parametrize("user_agent", SEEN)
def test_what_most_crawlers_write_is_found_sooner_and_means_the_same(user_agent: str) -> None:
    assert usual_rank(user_agent) in (None, rank_by_engine(user_agent))


def test_many_crawlers_write_so() -> None:
    assert len([each for each in SEEN if usual_rank(each) is not None]) > len(SEEN) / 3


@settings(deadline=None)
@given(st.lists(FIXED, max_size=8).map("".join))
def test_a_usual_user_agent_names_whom_the_engine_finds(text: str) -> None:
    for form in (
        text,
        f"Mozilla/5.0 (compatible; {text})",
        f"{text}/1.0 (+https://{text})",
        f"{text}; https://x{text}",
    ):
        if (found := usual_rank(form)) is not None:
            assert found == rank_by_engine(form)


AT_ONCE = tuple(compiled(each.found) for each in usual(GROUPS))


def test_names_of_all_groups_looked_for_at_once_are_found_as_one_after_the_other() -> None:
    assert len(AT_ONCE) < len(USUAL)
    for user_agent in SEEN:
        found = {each.search(octets(user_agent)) for each in AT_ONCE}
        assert found | {None} == {each.search(octets(user_agent)) for _, each, _ in USUAL} | {None}, user_agent


def test_no_person_writes_so() -> None:
    assert [each for each in PEOPLE if usual_rank(each) is not None] == []


def test_the_name_as_sent_is_in_group_1() -> None:
    train = next(group for group in GROUPS if any(token.text == "GPTBot" for token, _ in group.spellings))
    found = [
        Pcre(each.found).search(b"Mozilla/5.0 (compatible; gptBOT/1.0)") for each in pcre(train, capture="optout_name")
    ]
    assert b"gptBOT" in found


def test_no_expression_is_longer_than_nginx_takes() -> None:
    assert all(len(each) <= MOST for each in EXPRESSIONS)


def test_no_name_begins_with_anything_but_a_letter_or_digit() -> None:
    assert all(token.text[0].isalnum() and token.text.isascii() for token in TOKENS)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_octets_are_read(text: bytes) -> None:
    for each in EXPRESSIONS:
        compiled(each).search(text)


@pytest.mark.parametrize(
    "piece", ["a", "a.", "a-", "/", ":", "@", "http://", "a.b/", "GPTBo", "Cursor", " ", "+", "www."]
)
def test_the_work_grows_in_step_with_the_user_agent(piece: str) -> None:
    text = octets(piece * 500 + "!")
    for each in (*EXPRESSIONS, *(found for _, _, found in USUAL)):
        Pcre(each, limit=60 * len(text)).search(text)  # PCRE2 gives up beyond so many steps


EVERY = (
    *EXPRESSIONS,
    *(found for _, _, found in USUAL),
    *possible(REGISTRY),
    *glances(GROUPS),
    *(expression for group in GROUPS if (expression := signers(group))),
    ORDINARY,
)


@pytest.mark.parametrize(
    "piece", ["a", "a.", "www.", "a.b/", "x:", "Cursor ", " Chrome/1", "%20", "https://a;", "GPTBo"]
)
def test_no_user_agent_is_too_long_for_the_stack_that_nginx_has(piece: str) -> None:
    for before in ("", CHROME[: CHROME.index(" Chrome")]):
        text = octets((before + piece * 32_000)[:32_000])
        for each in EVERY:
            compiled(each).search(text)
