"""Answers that differ only in a few words, told apart from what they have in common.

A policy with a thousand rules has thousands of answers, each with a body for machines and a page. Most differ in the
rule alone. A `Template` is what many answers share, with a mark where each says something of its own; a `Telling` is
what one answer puts there. Rule: a template is used only where filling it gives back the very bytes of the answer.

What an owner or a stranger wrote reaches a front end's configuration in a body. A character that means something there
is written as the body's own language allows: `\\u0025` in JSON, `&#37;` in HTML. The body says the same.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec

from optout.compilers.edge import NAME, NUMBER, OPERATOR, Answer
from optout.messages import Fields
from optout.refusal_page import page


class Mark(Enum):
    """Where a body says something of the request, the first three, or of the rule that decided."""

    NAME = NAME.decode()
    OPERATOR = OPERATOR.decode()
    NUMBER = NUMBER.decode()
    DECIDED = "OPTOUT-DECIDED"  # the source and the reason as one sentence, without its full stop
    REASON = "OPTOUT-REASON"
    SOURCE = "OPTOUT-SOURCE"
    CODE = "OPTOUT-CODE"
    CLAUSE = "OPTOUT-CLAUSE"
    PURPOSE = "OPTOUT-PURPOSE"
    STANDING = "OPTOUT-STANDING"


class Form(Enum):
    """The language that a part of a body is written in."""

    JSON = "json"
    HTML = "html"


class Slot(NamedTuple):
    """A place in a body for what `mark` stands for, spelled for `form`."""

    mark: Mark
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What answers have in common; `json` and `page` hold marks."""

    status: int
    fields: Fields
    action: str
    json: str
    page: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """One answer: the number of its template, and its own words as plain text."""

    template: int
    words: Mapping[Mark, str]


def tellings(answers: Iterable[Answer]) -> tuple[tuple[Template, ...], Mapping[Answer, Telling]]:
    """The templates of `answers`, and what each answer puts into its own."""
    numbers: dict[Template, int] = {}
    found: dict[Answer, Telling] = {}
    for answer in dict.fromkeys(answers):
        template, words = _shared(answer) or _alone(answer)
        found[answer] = Telling(template=numbers.setdefault(template, len(numbers)), words=words)
    return tuple(numbers), found


PAGE_WANTED: Final = r"(?i)(?:^|,)[ \t]*text/html[ \t]*(?:;|,|$)"
"""An `Accept` that names a page, for PCRE and RE2."""

DETAILS_WANTED: Final = r"(?i)(?:^|,)[ \t]*application/(?:problem[+])?json[ \t]*(?:;|,|$)"
"""An `Accept` that names problem details. Where both are named, a front end does not weigh one against the other."""

_HEADING = re.compile(r"<h1>([^<]*)</h1>")
_MEMBERS = {"reason": Mark.REASON, "source": Mark.SOURCE, "code": Mark.CODE, "clause": Mark.CLAUSE}
_OF_AGENT = {"purpose": Mark.PURPOSE, "standing": Mark.STANDING}


def _shared(answer: Answer) -> tuple[Template, Mapping[Mark, str]] | None:
    """The answer with its own words taken out; None where they cannot be told from the rest."""
    problem = json.loads(answer.json)
    heading = _HEADING.search(answer.page.decode())
    words = {mark: problem[name] for name, mark in _MEMBERS.items() if name in problem}
    words |= {mark: problem["agent"][name] for name, mark in _OF_AGENT.items()}
    words[Mark.DECIDED] = " ".join(filter(None, [words.get(Mark.SOURCE, ""), words[Mark.REASON]])).rstrip(".")
    sentence = f"Decided by {words[Mark.DECIDED]}."
    if heading is None or problem["detail"].count(sentence) != 1:
        return None
    marked = {name: _MEMBERS[name].value if name in _MEMBERS else value for name, value in problem.items()}
    marked["detail"] = problem["detail"].replace(sentence, f"Decided by {Mark.DECIDED.value}.")
    marked["agent"] = {
        name: _OF_AGENT[name].value if name in _OF_AGENT else value for name, value in problem["agent"].items()
    }
    written = msgspec.json.encode(marked)
    template = Template(
        status=answer.status,
        fields=answer.fields,
        action=answer.action,
        json=written.decode() + "\n",
        page=_page(html.unescape(heading[1]), written),
    )
    is_same = filled(template.json, Form.JSON, words) == answer.json.decode()
    is_same = is_same and filled(template.page, Form.HTML, words) == answer.page.decode()
    return (template, words) if is_same else None


@lru_cache(maxsize=256)  # a thousand answers have a handful of pages
def _page(heading: str, problem: bytes) -> str:
    return page(heading, msgspec.json.decode(problem)).decode()


def _alone(answer: Answer) -> tuple[Template, Mapping[Mark, str]]:
    template = Template(
        status=answer.status,
        fields=answer.fields,
        action=answer.action,
        json=answer.json.decode(),
        page=answer.page.decode(),
    )
    return template, {Mark.CODE: answer.code, Mark.CLAUSE: answer.clause}


def filled(body: str, form: Form, words: Mapping[Mark, str]) -> str:
    """A body with `words` in their places; marks that `words` lacks stay."""
    form_text, places = _cut(body, form)
    return form_text.format(*[spelled(words.get(place.mark, place.mark.value), place.form) for place in places])


@lru_cache(maxsize=64)  # a few templates, and tens of thousands of answers
def _cut(body: str, form: Form) -> tuple[str, tuple[Slot, ...]]:
    """A body as a format of `str.format`, and what its numbered places are for, once each."""
    places: dict[Slot, int] = {}
    parts = [
        part.replace("{", "{{").replace("}", "}}")
        if isinstance(part, str)
        else f"{{{places.setdefault(part, len(places))}}}"
        for part in slots(body, form)
    ]
    return "".join(parts), tuple(places)


_MARK = re.compile("|".join(re.escape(mark.value) for mark in Mark))
_SCRIPT = '<script type="application/problem+json">'


def slots(body: str, form: Form) -> Iterator[str | Slot]:
    """A body of this form as literal text and slots, in order. A page embeds JSON."""
    outer, opening, embedded = body.partition(_SCRIPT) if form is Form.HTML else (body, "", "")
    yield from _slots(outer + opening, form)
    if opening:
        yield from _slots(embedded, Form.JSON)


def _slots(text: str, form: Form) -> Iterator[str | Slot]:
    at = 0
    for found in _MARK.finditer(text):
        if found.start() > at:
            yield text[at : found.start()]
        yield Slot(Mark(found[0]), form)
        at = found.end()
    if at < len(text):
        yield text[at:]


@lru_cache(maxsize=32768)  # each class says the same of a rule, and a body says it several times
def spelled(text: str, form: Form, *, but: str = "") -> str:
    """Plain text as it stands in a string of JSON or in HTML, without the characters in `but` as themselves."""
    if form is Form.HTML:
        return _references(html.escape(text), but)
    return _escapes(msgspec.json.encode(text).decode()[1:-1], but)


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STYLE_END = "</style>"


def without(body: str, form: Form, *, but: str) -> str:
    """A whole body that says the same without the characters in `but`, but for what makes its structure."""
    if form is Form.JSON:
        return _STRING.sub(lambda found: f'"{_escapes(found[0][1:-1], but)}"', body)
    head, style_end, rest = body.partition(_STYLE_END)
    shown, opening, embedded = rest.partition(_SCRIPT)
    return head + style_end + _references(shown, but) + opening + without(embedded, Form.JSON, but=but)


def _escapes(text: str, but: str) -> str:
    return re.sub(f"[{re.escape(but)}]", lambda found: f"\\u{ord(found[0]):04x}", text) if but else text


def _references(text: str, but: str) -> str:
    """Character references for what `but` names and for controls, which no configuration should hold."""
    return re.sub(rf"[\x00-\x09\x0b-\x1f\x7f{re.escape(but)}]", lambda found: f"&#{ord(found[0])};", text)
