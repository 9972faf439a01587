"""What Caddy's edge says: to a refused crawler, in the log, and in the fields of each response."""

from __future__ import annotations

from optout.compilers.access_log.forms import CADDY_MEMBERS
from optout.compilers.caddy.text import (
    BRACES,
    SIGNATURE_AGENT,
    TARGET,
    USER_AGENT,
    Lines,
    expression,
    field,
    kept,
    mapped,
    route,
    var,
    word,
)
from optout.compilers.edge import Edge
from optout.compilers.patterns import re2
from optout.compilers.plan import Plan
from optout.compilers.templates import (
    DETAILS_WANTED,
    PAGE_WANTED,
    Form,
    Mark,
    Slot,
    Template,
    slots,
    spelled,
    without,
)

_WORDS = (
    (Mark.DECIDED, Form.JSON),
    (Mark.DECIDED, Form.HTML),
    (Mark.REASON, Form.JSON),
    (Mark.SOURCE, Form.JSON),
    (Mark.CODE, Form.JSON),
    (Mark.CLAUSE, Form.JSON),
    (Mark.PURPOSE, Form.JSON),
    (Mark.STANDING, Form.JSON),
)


def _name_of(mark: Mark, form: Form) -> str:
    return f"{mark.name.lower()}_{form.value}"


def said(made: Plan) -> Lines:
    """What is logged, and an answer's own words."""
    destinations = ["template", "action", *(_name_of(mark, form) for mark, form in _WORDS)]
    lines = [
        (f"a{number}", str(telling.template), made.templates[telling.template].action, *words)
        for number, telling in enumerate(made.answers)
        for words in [[spelled(telling.words.get(mark, ""), form, but=BRACES + "<") for mark, form in _WORDS]]
    ]
    yield from mapped(var("outcome"), destinations, lines, "", "allow", *[""] * len(_WORDS))
    yield kept("template")
    yield from mapped(var("target"), ["path_1", "path_"], [("~^([^?]*)", "${1}", "")], "", "")
    yield from mapped(var("target"), ["query"], [("~[?]", "1")], "0")
    edge = made.edge
    values = {
        "id": "{http.request.uuid}",
        "method": "{http.request.orig_method}",
        "scheme": "{http.request.scheme}",
        "host": "{http.request.hostport}",
        "path": "{optout_logged_path}",
        "query": "{optout_query}",
        "protocol": "{http.request.proto}",
        "user_agent": USER_AGENT,
        "signature_agent": SIGNATURE_AGENT,
        "crawler": "{optout_name_json}",
        "action": "{optout_action}",
        "enforced": "1" if edge.enforced else "0",
        "code": "{optout_code_json}",
        "clause": "{optout_clause_json}",
        "policy": edge.policy.digest,
        "robots": edge.robots_sha256,
        "tdm": edge.tdmrep_sha256,
        "registry": edge.registry_sha256,
    }
    yield from mapped("{optout_path_shown}", ["logged_path"], [("1", "{optout_path_1}")], "")
    yield f"map {var('outcome')} {{http.auth.user.id}} {{"
    yield "\tdefault " + word("\n".join(["optout 1", *(values[name] for name in CADDY_MEMBERS)]))
    yield "}"
    yield "vars skip_log no"


def declaring(edge: Edge) -> Lines:
    """The fields of every response to GET and HEAD; a refusal has those of a reservation, whatever the method."""
    refused = ["vars_regexp optout_outcome ^a"] if edge.enforced else []
    kinds: dict[tuple[object, ...], str] = {}
    lines = []
    for each in edge.declared:
        kind = kinds.setdefault((each.fields, each.reserved), f"d{len(kinds)}")
        lines.append((f"~{expression(re2(each.pattern) if each.pattern is not None else '^')}", kind))
    if lines:
        yield from mapped(TARGET, ["declared"], lines, "")
        yield kept("declared")
    shown = set()
    for each in edge.declared:
        kind = kinds[each.fields, each.reserved]
        if kind in shown:
            continue
        shown.add(kind)
        told = (f"header +{name} {word(field(value))}" for name, value in each.fields)
        passing = [f"vars optout_declared {kind}", "method GET HEAD", *(f"not {each}" for each in refused)]
        yield from route(f"says_{kind}", passing, told)
        if each.reserved and refused:
            told = (f"header +{name} {word(field(value))}" for name, value in each.fields)
            yield from route(f"refuses_{kind}", [f"vars optout_declared {kind}", *refused], told)
    if edge.links:
        links = (f"header +{name} {word(field(value))}" for name, value in edge.links)
        yield from route("links", ["method GET HEAD", *(f"not {each}" for each in refused)], links)


def answering(made: Plan) -> Lines:
    """The refusals, one route for each template."""
    for number, template in enumerate(made.templates):
        yield from route(f"answer_{number}", [f"vars optout_template {number}"], _answer(number, template))


def _answer(number: int, template: Template) -> Lines:
    yield from (f"header +{name} {word(field(value))}" for name, value in template.fields)
    accept = "{http.request.header.Accept}"
    conditions = [f"vars_regexp {accept} {word(PAGE_WANTED)}", f"not vars_regexp {accept} {word(DETAILS_WANTED)}"]
    yield from route(
        f"page_{number}", conditions, _body(template, template.page, Form.HTML, "text/html; charset=utf-8")
    )
    yield from _body(template, template.json, Form.JSON, "application/problem+json")


def _body(template: Template, text: str, form: Form, content_type: str) -> Lines:
    written = "".join(_part(part) for part in slots(without(text, form, but=BRACES), form))
    yield f"header Content-Type {word(content_type)}"
    yield f"respond {word(written)} {template.status}"


def _part(part: str | Slot) -> str:
    if isinstance(part, str):
        return part
    if part.mark is Mark.NUMBER:
        return "{http.request.uuid}"
    return f"{{optout_{_name_of(*part)}}}"


def logging(log: str) -> Lines:
    """The access log: of nobody, but for requests that take it back."""
    yield "log {"
    yield f"\toutput file {word(log)}"
    yield "\tformat filter {"
    yield "\t\twrap json"
    yield "\t\tfields {"
    yield "\t\t\trequest delete"
    yield "\t\t\tresp_headers delete"
    yield "\t\t\tuser_id rename optout"
    yield "\t\t}"
    yield "\t}"
    yield "}"
    yield "skip_log"
