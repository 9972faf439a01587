"""Which answers of an nginx edge have a place of their own, and which share one.

What is put together while a request waits costs it a look into a map for each word. So an answer is written out whole,
but for who asks and the request's number, unless very many differ in a rule alone: then they share a template, and a
table says the rule's words. Tables name an answer so:

    r7                          reply 7, which is whole
    7, code, clause, ...        reply 7, a template, and what the rule says (tab-separated, `WORDS`)
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from optout.compilers.edge import Answer, CrawlerClass
from optout.compilers.plan import Plan
from optout.compilers.templates import Form, Mark, Telling, Template, filled, spelled
from optout.crawlers.model import Purpose
from optout.messages import Fields

WORDS = tuple((mark, form) for mark in (Mark.REASON, Mark.SOURCE, Mark.DECIDED) for form in Form)
"""What a table's line says of its rule, behind the answer's template, code and clause; each as a body spells it."""

FEW = 64
"""The most answers of one template that are written out: with their pages some hundred kilobytes of configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What one place answers; `json` and `page` hold the marks that are filled while a request waits.

    `name` is what leads to it; `is_whole` whether its code and clause are here, else a table says them.
    `hides_path`: whether those whom it answers have no path in the log; None where some have one.
    """

    name: str
    status: int
    fields: Fields
    action: str
    json: str
    page: str
    is_whole: bool
    code: str
    clause: str
    hides_path: bool | None


def replies(made: Plan) -> tuple[tuple[Reply, ...], tuple[str, ...]]:
    """The replies, and for each answer of the plan by its number what a table says of it."""
    shared = Counter(answer.template for answer in made.answers)
    hidden = _hidden(made)
    found: list[Reply] = []
    places: dict[int, int] = {}
    told: list[str] = []
    for number, answer in enumerate(made.answers):
        if shared[answer.template] <= FEW:
            told.append(f"r{len(found)}")
            found.append(_whole(made.templates[answer.template], answer, f"r{len(found)}", hidden.get(number)))
            continue
        if answer.template not in places:
            places[answer.template] = len(found)
            found.append(_template(made.templates[answer.template], f"r{len(found)}"))
        told.append(_told(places[answer.template], answer))
    return tuple(found), tuple(told)


def _whole(template: Template, answer: Telling, name: str, hides_path: bool | None) -> Reply:
    return Reply(
        name=name,
        status=template.status,
        fields=template.fields,
        action=template.action,
        json=filled(template.json, Form.JSON, answer.words),
        page=filled(template.page, Form.HTML, answer.words),
        is_whole=True,
        code=answer.words.get(Mark.CODE, ""),
        clause=answer.words.get(Mark.CLAUSE, ""),
        hides_path=hides_path,
    )


def _template(template: Template, name: str) -> Reply:
    return Reply(
        name=name,
        status=template.status,
        fields=template.fields,
        action=template.action,
        json=template.json,
        page=template.page,
        is_whole=False,
        code="",
        clause="",
        hides_path=None,
    )


def _told(place: int, answer: Telling) -> str:
    words = [answer.words.get(mark, "") for mark in (Mark.CODE, Mark.CLAUSE)]
    spoken = [spelled(answer.words.get(mark, ""), form, but="$\t") for mark, form in WORDS]
    return "\t".join([str(place), *words, *spoken])


def _hidden(made: Plan) -> Mapping[int, bool | None]:
    """Whether paths are hidden of all whom an answer is for, by its number; None where of some alone."""
    found: dict[int, bool | None] = {}
    for group in made.edge.classes:
        hides = Purpose.USER_FETCH in group.crawlers[0].purposes  # of a class all have the same purposes
        for answer in answers_of(group):
            number = made.numbers[answer]
            found[number] = hides if found.get(number, hides) is hides else None
    return found


def answers_of(group: CrawlerClass) -> tuple[Answer, ...]:
    """Every answer that a class can get."""
    steps = [step.outcome for table in group.tables for step in table.steps]
    others = [table.otherwise for table in group.tables]
    return tuple(each for each in (*steps, *others, group.malformed, group.ambiguous) if isinstance(each, Answer))
