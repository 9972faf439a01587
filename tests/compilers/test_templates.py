"""A template filled with an answer's own words is the answer, and no character of the front end's is left in it."""

from __future__ import annotations

import html
import json

from hypothesis import given, settings

from optout.compilers.edge import NAME, NUMBER, OPERATOR, Answer
from optout.compilers.templates import Form, Mark, Slot, filled, slots, spelled, tellings, without
from tests.compilers.hostile import PRINTABLE, edge_of
from tests.compilers.test_tables import EDGE


def answers_of(edge) -> list[Answer]:  # type: ignore[no-untyped-def]
    found = [step.outcome for group in edge.classes for table in group.tables for step in table.steps]
    found += [outcome for group in edge.classes for outcome in (group.malformed, group.ambiguous)]
    return [each for each in found if isinstance(each, Answer)]


def test_templates_are_few_and_give_back_every_answer() -> None:
    answers = answers_of(EDGE)
    templates, told = tellings(answers)
    assert len(templates) < len(told) / 4
    for answer in answers:
        template = templates[told[answer].template]
        assert filled(template.json, Form.JSON, told[answer].words).encode() == answer.json
        assert filled(template.page, Form.HTML, told[answer].words).encode() == answer.page
        assert (template.status, template.fields, template.action) == (answer.status, answer.fields, answer.action)


@settings(max_examples=30, deadline=None)
@given(reason=PRINTABLE)
def test_an_answer_is_given_back_whatever_its_reason_says(reason: str) -> None:
    answers = answers_of(edge_of(reason, ["/a"]))
    templates, told = tellings(answers)
    for answer in answers:
        template = templates[told[answer].template]
        assert filled(template.json, Form.JSON, told[answer].words).encode() == answer.json
        assert filled(template.page, Form.HTML, told[answer].words).encode() == answer.page


def test_a_reason_that_looks_like_a_mark_stays_what_it_says() -> None:
    (answer, *_) = [each for each in answers_of(edge_of("OPTOUT-DECIDED by OPTOUT-REASON", [])) if each.clause == "no"]
    templates, told = tellings([answer])
    assert filled(templates[0].json, Form.JSON, told[answer].words).encode() == answer.json


def test_slots_know_the_language_around_them() -> None:
    page = f'<p>{NAME.decode()}</p><script type="application/problem+json">{{"a":"{OPERATOR.decode()}"}}</script>'
    found = [part for part in slots(page, Form.HTML) if isinstance(part, Slot)]
    assert found == [Slot(Mark.NAME, Form.HTML), Slot(Mark.OPERATOR, Form.JSON)]
    assert list(slots(NUMBER.decode(), Form.JSON)) == [Slot(Mark.NUMBER, Form.JSON)]


@given(text=PRINTABLE)
def test_spelled_text_says_the_same_without_what_is_excepted(text: str) -> None:
    in_json, in_page = (spelled(text, form, but="{}`%$|<") for form in Form)
    assert json.loads(f'"{in_json}"') == text
    assert html.unescape(in_page) == text
    assert not set("{}`%$|<") & set(in_json + in_page)


@given(text=PRINTABLE)
def test_a_body_without_a_character_says_the_same(text: str) -> None:
    body = json.dumps({"reason": text, "agent": {"name": text}}, ensure_ascii=False)
    found = without(body, Form.JSON, but="{}%$`")
    assert json.loads(found) == json.loads(body)
    assert not set("%$`") & set(found)
    assert found.count("{") == 2
