"""An edge, numbered: every name leads to its crawler, and every table ends or hands on."""

from __future__ import annotations

from optout.compilers.edge import Answer
from optout.compilers.plan import LEFT, NEXT, PASS, Line, is_ai, plan
from tests.compilers.test_tables import EDGE, REGISTRY, class_of

MADE = plan(EDGE, REGISTRY)


def test_every_spelling_leads_to_a_crawler_of_that_spelling() -> None:
    for place, group in enumerate(MADE.groups):
        for token, crawler in group.spellings:
            number = MADE.names[place, token.text.lower()]
            assert MADE.crawlers[number].crawler is crawler
        for host, crawler in group.signers:
            assert MADE.crawlers[MADE.names[place, host]].crawler is crawler


def test_a_crawler_knows_its_class() -> None:
    for known in MADE.crawlers:
        assert known.crawler in EDGE.classes[known.group].crawlers
    hidden = {known.crawler.name for known in MADE.crawlers if known.hides_path}
    assert "ChatGPT-User" in hidden
    assert "GPTBot" not in hidden


def test_outcomes_are_words_and_answers_have_numbers() -> None:
    for group in EDGE.classes:
        assert MADE.outcome(group.malformed) in {PASS, *(f"a{number}" for number in range(len(MADE.answers)))}
    numbered = sorted(MADE.numbers.values())
    assert numbered == list(range(len(MADE.answers)))


def test_a_table_ends_with_a_line_that_fits_always_or_hands_on() -> None:
    for group in EDGE.classes:
        tables = MADE.tables(group)
        assert tables[-1][-1].pattern is None
        assert tables[-1][-1].outcome != NEXT
        for lines, table in zip(tables, group.tables, strict=True):
            wanted = sum(len(step.patterns) or 1 for step in table.steps)
            assert len(lines) - wanted in (0, 1)


def test_who_is_no_ai_crawler_is_left_alone_where_no_clause_says_anything() -> None:
    googlebot, gptbot = class_of(EDGE, "Googlebot"), class_of(EDGE, "GPTBot")
    assert googlebot is not None
    assert gptbot is not None
    assert not is_ai(googlebot)
    assert is_ai(gptbot)
    assert MADE.tables(googlebot)[0][-1] == Line(outcome=LEFT)
    assert isinstance(gptbot.malformed, Answer)


def test_one_pattern_makes_one_line_with_the_methods_of_its_step() -> None:
    lines = [line for group in EDGE.classes for table in MADE.tables(group) for line in table if line.methods]
    assert lines
    assert {line.methods for line in lines} == {("POST",)}
