"""Where an nginx edge answers: two locations for each reply, one for machines and one with a page.

A refused request is rewritten to an internal location, because in a server `if` nginx sets no type and no fields. The
location's own `add_header` lines take the place of those that it would inherit, which are the site's.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from optout.compilers.edge import CrawlerClass
from optout.compilers.nginx.names import keys, literal, told_name
from optout.compilers.nginx.replies import WORDS, Reply, answers_of
from optout.compilers.nginx.tables import GOES_ON
from optout.compilers.nginx.text import LONGEST, block, named, quoted, searched
from optout.compilers.plan import Plan
from optout.compilers.templates import Form, Mark, Slot, slots, without
from optout.messages import octets
from optout.response import PROBLEM_JSON

PLACE = "/.optout"
"""Where the internal locations are; no visitor reaches them."""

_TYPES = {Form.JSON: PROBLEM_JSON, Form.HTML: "text/html; charset=utf-8"}
_ENDS = {Form.JSON: "", Form.HTML: "page"}  # what `$TAG_accepts` says


def answer_maps(made: Plan, replies: Sequence[Reply], tag: str) -> Iterator[str]:
    """The maps that take a table's words apart and put a body together."""
    if any(not reply.is_whole for reply in replies):
        captured = "".join(rf"\t(?<{tag}_{mark.name.lower()}_{form.value}>[^\t]*)" for mark, form in WORDS)
        said = rf"^(?<{tag}_number>[0-9]+)\t(?<{tag}_its_code>[^\t]*)\t(?<{tag}_its_clause>[^\t]*){captured}$"
        kept = [("", ""), (GOES_ON, ""), *((reply.name, reply.name) for reply in replies if reply.is_whole)]
        yield searched(f"${tag}_said", f"${tag}_answer", [(said, f"r${tag}_number")], exact=kept)
        for mark in (Mark.PURPOSE, Mark.STANDING):
            words = [_word(made, group, mark) for group in made.edge.classes]
            of_crawler = ((key, words[made.crawlers[at].group]) for key, at in keys(made))
            yield named(f"${tag}_crawler", f"${tag}_{mark.name.lower()}", of_crawler)
    uuid = "^(.{8})(.{4}).(.{3}).(.{3})(.{12})$"
    yield searched("$request_id", f"${tag}_id", [(uuid, "$1-$2-4$3-a$4-$5")])
    for reply in replies:
        for form in Form:
            yield from _long_body(made, reply, form, tag)
    yield searched("$http_accept", f"${tag}_accepts", _ACCEPT, exact=[("", ""), ("*/*", "")])


def answering(replies: Sequence[Reply], tag: str) -> str:
    """The variable that names a request's reply: what a table said, where no table says more than that."""
    return f"${tag}_said" if all(reply.is_whole for reply in replies) else f"${tag}_answer"


def _word(made: Plan, group: CrawlerClass, mark: Mark) -> str:
    """What the answers of a class all say."""
    found = (made.answers[made.numbers[answer]].words.get(mark, "") for answer in answers_of(group))
    return next(filter(None, found), "")


_OF_TYPE = r"(?i)(?:^|,)[ \t]*"
_WITHOUT_QUALITY = r"[ \t]*(?:,|$|;(?![^,]*;?[ \t]*q=0))"
_JSON = r"application/(?:problem\+)?json"
# What `accept.prefers_html` says, but where both are named with qualities below 1: then it is problem details.
_ACCEPT = (
    (rf"{_OF_TYPE}{_JSON}{_WITHOUT_QUALITY}", ""),
    (rf"{_OF_TYPE}text/html[ \t]*;[^,]*q=0(?:\.0{{0,3}})?[ \t]*(?:,|$)", ""),
    (rf"{_OF_TYPE}text/html{_WITHOUT_QUALITY}", "page"),
    (rf"{_OF_TYPE}{_JSON}", ""),
    (rf"{_OF_TYPE}text/html[ \t]*;", "page"),
)


def _long_body(made: Plan, reply: Reply, form: Form, tag: str) -> Iterator[str]:
    """A body that is too long for one parameter, in parts that nginx can read."""
    parts = _parts(made, reply, form, tag)
    for place, part in enumerate(parts if len(parts) > 1 else ()):
        yield named("", f"${_part(reply, form, place, tag)}", (), default=part)


def _body(made: Plan, reply: Reply, form: Form, tag: str) -> str:
    parts = _parts(made, reply, form, tag)
    if len(parts) == 1:
        return parts[0]
    return "".join(f"${{{_part(reply, form, place, tag)}}}" for place in range(len(parts)))


def _part(reply: Reply, form: Form, place: int, tag: str) -> str:
    return f"{tag}_{form.value}_{reply.name}_{place}"


def _parts(made: Plan, reply: Reply, form: Form, tag: str) -> list[str]:
    body = reply.json if form is Form.JSON else reply.page
    parts = [""]
    for piece in slots(without(body, form, but="$"), form):
        text = piece if isinstance(piece, str) else f"${{{_variable(made, piece, tag)}}}"
        for cut in range(0, len(text), _MOST_TEXT) if isinstance(piece, str) else (0,):
            more = text[cut : cut + _MOST_TEXT] if isinstance(piece, str) else text
            if parts[-1] and len(octets(quoted(parts[-1] + more))) > LONGEST:
                parts.append("")
            parts[-1] += more
    return parts


_MOST_TEXT = 500  # characters: quoted and in UTF-8 still far below what nginx reads


def _variable(made: Plan, slot: Slot, tag: str) -> str:
    name = slot.mark.name.lower()
    if slot.mark is Mark.NUMBER:
        return f"{tag}_id"
    if slot.mark in (Mark.NAME, Mark.OPERATOR):
        return told_name(made, tag, name, slot.form)
    if slot.mark in (Mark.CODE, Mark.CLAUSE):
        return f"{tag}_its_{name}"
    return f"{tag}_{name}" if slot.mark in (Mark.PURPOSE, Mark.STANDING) else f"{tag}_{name}_{slot.form.value}"


def locations(
    made: Plan, replies: Sequence[Reply], tag: str, *, reserved: Iterable[str], settings: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    """The locations that answer, each with the lines of its reply in `settings`.

    `reserved` are lines for what the site says of mining.
    """
    lines = tuple(reserved)
    for reply in replies:
        for form in Form:
            inside = (*_location(reply, form, tag), *lines, *settings[reply.name])
            answer = f"return {reply.status} {quoted(_body(made, reply, form, tag))};"
            yield block(f"location = {PLACE}/{tag}/{reply.name}{_ENDS[form]}", (*inside, answer))


def _location(reply: Reply, form: Form, tag: str) -> Iterator[str]:
    yield "internal;"
    yield "types { }"
    yield 'default_type "";'
    yield f"add_header Content-Type {quoted(_TYPES[form])} always;"
    for name, value in reply.fields:
        yield f"add_header {name} {quoted(literal(value, tag))} always;"
