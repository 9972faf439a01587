"""What licenses say of a URL: the line, the words, and several documents' worth of conditions."""

from __future__ import annotations

import pytest

from optout.signals.preference import Preference, Statement, Usage
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_model import NAMESPACE
from optout.signals.rsl_uses import RslMatcher, demands, limits


def matcher(inside: str) -> RslMatcher:
    return RslMatcher(parse_rsl(f'<rsl xmlns="{NAMESPACE}">\n{inside}\n</rsl>'.encode()))


def said(inside: str, usage: Usage) -> Statement | None:
    found = matcher(inside).statements("/a", "site.example", "RSL license.xml")
    return next((each for each in found if each.usage is usage), None)


FULL = """<content url="/" server="https://api.example/">
<license>
<permits type="usage">ai-train</permits>
<permits type="user">education</permits>
<prohibits type="geo">EU</prohibits>
<payment type="crawl"/>
<reporting type="audit" profile="https://p.example/1"/>
</license></content>"""


def test_a_statement_carries_the_line_and_every_condition() -> None:
    found = said(FULL, Usage.TRAIN)
    assert found is not None
    assert (found.preference, found.source, found.line) == (Preference.DISALLOWED, "RSL license.xml", 4)
    assert found.text == (
        "permits ai-train on conditions (payment: crawl; a token of the license server; reports: audit; "
        "user only: education; geo not: EU)"
    )


def test_demands_are_everybodys_and_limits_are_not() -> None:
    content = parse_rsl(f'<rsl xmlns="{NAMESPACE}">{FULL}</rsl>'.encode()).contents[0]
    assert len(demands(content.licenses[0], content)) == 3
    assert limits(content.licenses[0]) == ("user only: education", "geo not: EU")


@pytest.mark.parametrize(
    ("lists", "usage", "text"),
    [
        ('<permits type="usage">search</permits>', Usage.SEARCH, "permits search"),
        ('<permits type="usage">search</permits>', Usage.TRAIN, "permits only search"),
        ('<permits type="usage"/>', Usage.TRAIN, "permits only nothing"),
        ('<prohibits type="usage">ai-all</prohibits>', Usage.INDEX, "prohibits ai-all"),
        ('<payment type="use"/>', Usage.SEARCH, "a license on conditions (payment: use)"),
    ],
)
def test_the_words_say_why(lists: str, usage: Usage, text: str) -> None:
    found = said(f'<content url="/"><license>{lists}</license></content>', usage)
    assert found is not None
    assert found.text == text


def test_a_free_license_wins_over_a_paid_one_for_the_same_use() -> None:
    permits = '<permits type="usage">ai-input</permits>'
    inside = f'<content url="/"><license>{permits}<payment type="use"/></license><license>{permits}</license></content>'
    found = said(inside, Usage.INPUT)
    assert found is not None
    assert found.preference is Preference.ALLOWED


def test_terms_for_people_are_no_condition() -> None:
    payment = '<payment type="free"><standard>https://creativecommons.org/licenses/by/4.0/</standard></payment>'
    found = said(
        f'<content url="/"><license><permits type="usage">search</permits>{payment}</license></content>', Usage.SEARCH
    )
    assert found is not None
    assert found.preference is Preference.ALLOWED


def test_where_the_site_is_not_known_an_absolute_url_is_compared_by_its_path() -> None:
    found = matcher('<content url="https://site.example/a"><license/></content>')
    assert len(found.match("/a")) == 1
    assert found.match("/a", "other.example") == ()


def test_contents_of_another_site_do_not_hide_those_of_this_one() -> None:
    found = matcher(
        '<content url="https://other.example/aaa"><license/></content><content url="/a"><license/></content>'
    )
    assert [content.url for content in found.match("/aaa", "site.example")] == ["/a"]


def test_a_content_without_a_license_does_not_hide_a_more_general_one() -> None:
    general = '<content url="/"><license><prohibits type="usage">ai-all</prohibits></license></content>'
    found = said(f'{general}<content url="/a"/>', Usage.TRAIN)
    assert found is not None
    assert found.preference is Preference.DISALLOWED


def test_what_a_statement_repeats_is_cut() -> None:
    tokens = " ".join(["ai-train"] * 100)
    found = said(
        f'<content url="/"><license><prohibits type="usage">{tokens}</prohibits></license></content>', Usage.TRAIN
    )
    assert found is not None
    assert len(found.text) < 200
