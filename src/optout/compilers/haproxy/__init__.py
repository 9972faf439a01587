"""A compiled edge for HAProxy 2.6 and later: rules to paste into a frontend, and the files that they look things up in.

HAProxy has no include, so what goes into `haproxy.cfg` is short and hardly ever changes: all that a policy says stands
in map files beside it. A person costs one look at the user agent; whoever has an ordinary browser's is asked nothing
more. Everything else is looked up step by step, and each step only where the one before found something.

    names, signers   a field -> the number of a group and the name that was found
    crawlers         both -> class and names of the crawler
    targets          a target that is open to all, malformed or ambiguous
    classes          class and one of these three -> outcome
    table-N, -beg    class, method and target -> place in the table and outcome; the first place decides
    answers, said    outcome -> template and the answer's own words, and what the log says of it
    declared         a target -> what the site says of mining

Rule: what an owner or a stranger wrote stands in files, where nothing is a command, or between single quotes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from optout.compilers.edge import Declared, Edge
from optout.compilers.front_losses import HAPROXY
from optout.compilers.haproxy.rules import FIELDS, rules
from optout.compilers.haproxy.tables import beginnings, expressions, table_rules
from optout.compilers.heads import edge_head
from optout.compilers.patterns import ALWAYS_OPEN, AMBIGUOUS, MALFORMED, exactly, pcre
from optout.compilers.plan import LEFT, PASS, Known, Plan, Written, is_ai, plan
from optout.compilers.recognition import ORDINARY, glances, signers
from optout.compilers.recognition.pcre import pcre as spellings
from optout.compilers.templates import Form, Mark, Slot, slots, spelled
from optout.crawlers.registry import Registry

SNIPPET = "frontend.cfg"
_MOST = 7000  # octets of an expression: a line of a map file must fit into 16,384


def compile_haproxy(edge: Edge, registry: Registry, *, place: str = "/etc/haproxy/optout") -> Written:
    """The files of an edge. `place` is the directory in which HAProxy will find them."""
    made = plan(edge, registry)
    files = {
        "ordinary.lst": f"{_key(ORDINARY)}\n",
        "glance.lst": "".join(f"{_key(each)}\n" for each in glances(made.groups, most=_MOST)),
        "queries.map": "[?] 1\n",
        "names.map": _lines(
            (_key(each.found), rf"{number}|\1")
            for number, group in enumerate(made.groups)
            for each in spellings(group, most=_MOST)
        ),
        "signers.map": _lines(
            (_key(signers(group)), rf"{number}|\1") for number, group in enumerate(made.groups) if group.signers
        ),
        "crawlers.map": _lines(
            (quote(f"{number}|{name}", safe=""), _crawler(made.crawlers[at]))
            for (number, name), at in made.names.items()
        ),
        "targets.map": _lines(_targets(edge)),
        "classes.map": _lines(_classes(made)),
        "answers.map": _lines(_answers(made)),
        "said.map": _lines(_said(made)),
        "declared.map": _lines(_declared(edge)),
    }
    tables = [made.tables(group) for group in edge.classes]
    asking: list[str] = []
    for number in range(max(map(len, tables), default=0)):
        own = [(group, each[number]) for group, each in enumerate(tables) if number < len(each)]
        begun = [line for group, table in own for line in beginnings(group, table)]
        matched = [line for group, table in own for line in expressions(group, table)]
        files[f"table-{number}-beg.map"] = _lines(begun)
        files[f"table-{number}.map"] = _lines((_key(key), value) for key, value in matched)
        asking += table_rules(place, number, has_beginnings=bool(begun), has_expressions=bool(matched))
    for number, template in enumerate(made.templates if edge.enforced else ()):
        files[f"{number}.json"] = _body(template.json, Form.JSON)
        files[f"{number}.html"] = _body(template.page, Form.HTML)
    losses = (*edge.losses, *HAPROXY)
    head = edge_head(edge, losses, front="haproxy", uses=_USES)
    files[SNIPPET] = head + rules(made, place=place, tables=asking)
    return Written(files=files, losses=losses)


_USES = (
    "Use: paste the lines into the site's frontend; `log` there must name a syslog server, with `len 65535`;",
    "then `haproxy -c -f /etc/haproxy/haproxy.cfg && systemctl reload haproxy`. The files beside this one stay there.",
    "Undo: take the lines from `optout: begin` to `optout: end` out, and reload.",
)


def _lines(pairs: Iterable[tuple[str, str]]) -> str:
    return "".join(f"{key} {value}\n" for key, value in pairs) or "# none\n"


def _key(expression: str) -> str:
    """An expression as the first word of a line. Each begins with `^` or `(`, and is never taken for a remark."""
    return expression.replace(" ", r"\x20").replace("\t", r"\x09")


def _crawler(known: Known) -> str:
    name, operator = known.crawler.name, known.crawler.operator
    words = [_word(text, form) for form in Form for text in (name, operator)]
    return "|".join([f"c{known.group}", "user" if known.hides_path else "", *words])


def _word(text: str, form: Form) -> str:
    return spelled(text, form, but="|<")


def _targets(edge: Edge) -> Iterator[tuple[str, str]]:
    yield _key(ALWAYS_OPEN), "open"
    if edge.open_targets:
        yield _key(exactly(edge.open_targets)), "open"
    yield _key(f"(?={AMBIGUOUS}){MALFORMED}"), "malformed-ambiguous"
    yield _key(MALFORMED), "malformed"
    yield _key(AMBIGUOUS), "ambiguous"


def _classes(made: Plan) -> Iterator[tuple[str, str]]:
    for number, group in enumerate(made.edge.classes):
        malformed, ambiguous = made.outcome(group.malformed), made.outcome(group.ambiguous)
        yield f"c{number}-open", PASS if is_ai(group) else LEFT
        if is_ai(group):  # to others no target is malformed
            yield f"c{number}-malformed", malformed
        yield f"c{number}-malformed-ambiguous", malformed if is_ai(group) else ambiguous
        if ambiguous != PASS:
            yield f"c{number}-ambiguous", ambiguous


def _answers(made: Plan) -> Iterator[tuple[str, str]]:
    for number, telling in enumerate(made.answers):
        words = [_word(telling.words.get(mark, ""), form) for mark, form in FIELDS]
        yield f"a{number}", "|".join([str(telling.template), *words])


def _said(made: Plan) -> Iterator[tuple[str, str]]:
    """What the log says of a decision."""
    yield PASS, '"action":"allow","code":"","clause":""'
    for number, telling in enumerate(made.answers):
        action = made.templates[telling.template].action
        code, clause = telling.words[Mark.CODE], telling.words[Mark.CLAUSE]
        yield f"a{number}", f'"action":"{action}","code":"{code}","clause":"{clause}"'


def _declared(edge: Edge) -> Iterator[tuple[str, str]]:
    numbers: dict[tuple[object, ...], int] = {}
    for each in edge.declared:
        number = numbers.setdefault((each.fields, each.reserved), len(numbers))
        yield _key(pcre(each.pattern) if each.pattern is not None else "^"), _declaration(each, number)


def _declaration(declared: Declared, number: int) -> str:
    return f"{'reserved' if declared.reserved else 'said'}-{number}"


def _body(text: str, form: Form) -> str:
    return "".join(_part(part) for part in slots(text, form))


_TOLD = "%[var(txn.optout_told),field({},|)]"
_KNOWN = "%[var(txn.optout_known),field({},|)]"
_OF_REQUEST = {Mark.NAME: 0, Mark.OPERATOR: 1}


def _part(part: str | Slot) -> str:
    if isinstance(part, str):
        return part.replace("%", "%%")
    if part.mark is Mark.NUMBER:
        return "%[var(txn.optout_id)]"
    if part.mark in _OF_REQUEST:
        return _KNOWN.format(3 + 2 * list(Form).index(part.form) + _OF_REQUEST[part.mark])
    return _TOLD.format(2 + FIELDS.index((part.mark, part.form)))
