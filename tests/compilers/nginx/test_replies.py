"""Answers are whole while they are few, and share a template when very many differ in their rule alone."""

from __future__ import annotations

import json
from collections import Counter

from optout.compilers.nginx.replies import FEW, WORDS, replies
from optout.compilers.plan import Plan, plan
from optout.compilers.templates import Form, Mark, filled, slots
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT


def planned(rules: int) -> Plan:
    robots = "User-agent: CCBot\n" + "".join(f"Disallow: /p{at}/\n" for at in range(rules))
    return plan(*compiled(DOCUMENT | {"robots": robots}))


def test_a_whole_reply_says_the_answer_but_for_who_asks_and_the_number() -> None:
    made = planned(3)
    found, told = replies(made)
    assert told == tuple(f"r{at}" for at in range(len(made.answers)))
    answers = {number: answer for answer, number in made.numbers.items()}
    for number, reply in enumerate(found):
        answer = answers[number]
        assert (reply.status, reply.fields, reply.action) == (answer.status, answer.fields, answer.action)
        assert (reply.code, reply.clause, reply.is_whole) == (answer.code, answer.clause, True)
        assert (reply.json, reply.page) == (answer.json.decode(), answer.page.decode())
        left = {part.mark for part in slots(reply.json, Form.JSON) if not isinstance(part, str)}
        assert left == {Mark.NAME, Mark.OPERATOR, Mark.NUMBER}


def test_more_answers_than_few_share_a_template_and_their_words_are_told() -> None:
    made = planned(FEW + 5)
    found, told = replies(made)
    (shared,) = (reply for reply in found if not reply.is_whole)
    worded = [(answer, text) for answer, text in zip(made.answers, told, strict=True) if "\t" in text]
    assert len(worded) > FEW
    for answer, text in worded:
        place, code, clause, *words = text.split("\t")
        assert f"r{place}" == shared.name
        assert (code, clause) == (answer.words[Mark.CODE], answer.words[Mark.CLAUSE])
        assert len(words) == len(WORDS)
        template = made.templates[answer.template]
        assert json.loads(filled(template.json, Form.JSON, answer.words))["reason"] in (answer.words[Mark.REASON],)
    counted = Counter(answer.template for answer in made.answers)
    assert len(found) == sum(count for count in counted.values() if count <= FEW) + 1


def test_what_is_told_holds_no_dollar_sign() -> None:
    policy = DOCUMENT["policy"] + "  - {id: dear, action: deny, path: /dear/, reason: It costs 5$ and 3$.}\n"
    robots = "User-agent: *\n" + "".join(f"Disallow: /$p{at}/\n" for at in range(FEW + 5))
    _, told = replies(plan(*compiled(DOCUMENT | {"policy": policy, "robots": robots})))
    assert any("\t" in text for text in told)
    assert not any("$" in text for text in told)


def test_the_path_of_what_a_person_asked_for_is_hidden_and_of_nobody_else() -> None:
    made = planned(3)
    found, _ = replies(made)
    numbers = {number: answer for answer, number in made.numbers.items()}
    for number, reply in enumerate(found):
        purpose = json.loads(numbers[number].json)["agent"]["purpose"]
        assert reply.hides_path is (purpose == "user-fetch"), purpose
    assert {reply.hides_path for reply in found} == {True, False}
