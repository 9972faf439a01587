"""Where an nginx edge answers: one location for each template of an answer, with its fields and both bodies.

A refused request is rewritten to an internal location, because in a server `if` nginx sets no type and no fields. The
location's own `add_header` lines take the place of those that it would inherit, which are the site's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from optout.compilers.edge import Answer, CrawlerClass
from optout.compilers.nginx.names import literal
from optout.compilers.nginx.tables import WORDS
from optout.compilers.nginx.text import LONGEST, block, named, quoted, searched
from optout.compilers.plan import Plan
from optout.compilers.templates import Form, Mark, Slot, Template, slots, without
from optout.messages import octets
from optout.response import PROBLEM_JSON

PLACE = "/.optout"
"""Where the internal locations are; no visitor reaches them."""

_TYPES = {Form.JSON: PROBLEM_JSON, Form.HTML: "text/html; charset=utf-8"}


def answer_maps(made: Plan, tag: str) -> Iterator[str]:
    """The maps that take a table's words apart and put a body together."""
    captured = "".join(rf"\t(?<{tag}_{mark.name.lower()}_{form.value}>[^\t]*)" for mark, form in WORDS)
    said = rf"^(?<{tag}_number>[0-9]+)\t(?<{tag}_code>[^\t]*)\t(?<{tag}_clause>[^\t]*){captured}$"
    yield named(f"${tag}_crawler", f"${tag}_answer", [("", "")], default=f"${tag}_told")  # a person's way is short
    yield searched(f"${tag}_said", f"${tag}_told", [(said, f"a${tag}_number")], exact=[("", ""), ("pass", "")])
    uuid = "^(.{8})(.{4}).(.{3}).(.{3})(.{12})$"
    yield searched("$request_id", f"${tag}_id", [(uuid, "$1-$2-4$3-a$4-$5")])
    for mark in (Mark.PURPOSE, Mark.STANDING):
        words = ((str(at), _word(made, group, mark)) for at, group in enumerate(made.edge.classes))
        yield named(f"${tag}_class", f"${tag}_{mark.name.lower()}", words)
    yield from _bodies(made, tag)


def _word(made: Plan, group: CrawlerClass, mark: Mark) -> str:
    """What the answers of a class all say."""
    steps = [step.outcome for table in group.tables for step in table.steps]
    others = [table.otherwise for table in group.tables]
    answers = (each for each in (*steps, *others, group.malformed, group.ambiguous) if isinstance(each, Answer))
    found = (made.answers[made.numbers[answer]].words.get(mark, "") for answer in answers)
    return next(filter(None, found), "")


def _bodies(made: Plan, tag: str) -> Iterator[str]:
    """Each body in parts that nginx can read, and which of the two it is to be."""
    for number, template in enumerate(made.templates):
        bodies = {}
        for form, text in ((Form.JSON, template.json), (Form.HTML, template.page)):
            parts = list(_parts(text, form, tag))
            for place, part in enumerate(parts):
                yield named("", f"${tag}_{form.value}_{number}_{place}", (), default=part)
            bodies[form] = "".join(f"${{{tag}_{form.value}_{number}_{place}}}" for place in range(len(parts)))
        pairs = [("page", bodies[Form.HTML])]
        yield named(f"${tag}_accepts", f"${tag}_body_{number}", pairs, default=bodies[Form.JSON])
    yield named(f"${tag}_accepts", f"${tag}_type", [("page", _TYPES[Form.HTML])], default=_TYPES[Form.JSON])
    yield searched("$http_accept", f"${tag}_accepts", _ACCEPT, exact=[("", ""), ("*/*", "")])


_OF_TYPE = r"(?i)(?:^|,)[ \t]*"
_WITHOUT_QUALITY = r"[ \t]*(?:,|$|;(?![^,]*;?[ \t]*q=0))"
_JSON = r"application/(?:problem\+)?json"
# What `response.prefers_html` says, but where both are named with qualities below 1: then it is problem details.
_ACCEPT = (
    (rf"{_OF_TYPE}{_JSON}{_WITHOUT_QUALITY}", ""),
    (rf"{_OF_TYPE}text/html[ \t]*;[^,]*q=0(?:\.0{{0,3}})?[ \t]*(?:,|$)", ""),
    (rf"{_OF_TYPE}text/html{_WITHOUT_QUALITY}", "page"),
    (rf"{_OF_TYPE}{_JSON}", ""),
    (rf"{_OF_TYPE}text/html[ \t]*;", "page"),
)


def _parts(body: str, form: Form, tag: str) -> Iterator[str]:
    part = ""
    for piece in slots(without(body, form, but="$"), form):
        text = piece if isinstance(piece, str) else f"${{{tag}_{_variable(piece)}}}"
        for cut in range(0, len(text), _MOST_TEXT) if isinstance(piece, str) else (0,):
            more = text[cut : cut + _MOST_TEXT] if isinstance(piece, str) else text
            if part and len(octets(quoted(part + more))) > LONGEST:
                yield part
                part = ""
            part += more
    yield part


_MOST_TEXT = 500  # characters: quoted and in UTF-8 still far below what nginx reads


def _variable(slot: Slot) -> str:
    if slot.mark is Mark.NUMBER:
        return "id"
    name = slot.mark.name.lower()
    if slot.mark in (Mark.CODE, Mark.CLAUSE, Mark.PURPOSE, Mark.STANDING):
        return name
    return f"{name}_{slot.form.value}"


def locations(made: Plan, tag: str, reserved: Iterable[str]) -> Iterator[str]:
    """The locations that answer; `reserved` are lines for what the site says of mining."""
    for number, template in enumerate(made.templates):
        yield block(f"location = {PLACE}/{tag}/a{number}", _location(template, number, tag, tuple(reserved)))


def _location(template: Template, number: int, tag: str, reserved: tuple[str, ...]) -> Iterator[str]:
    yield "internal;"
    yield "types { }"
    yield 'default_type "";'
    yield f'add_header Content-Type "${tag}_type" always;'
    for name, value in template.fields:
        yield f"add_header {name} {quoted(literal(value, tag))} always;"
    yield from reserved
    yield f'return {template.status} "${tag}_body_{number}";'
