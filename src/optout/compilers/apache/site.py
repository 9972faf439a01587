"""What stands behind the rules of Apache's edge: the access log, the refusals, and what each response declares."""

from __future__ import annotations

from collections.abc import Iterator

from optout.compilers.apache.rules import WORDS, literal
from optout.compilers.edge import Edge
from optout.compilers.plan import Plan
from optout.compilers.templates import Form, Mark, Slot, Template, slots, without
from optout.messages import Fields


def site_lines(made: Plan, *, log: str) -> Iterator[str]:
    """The lines, in order."""
    yield from _logging(made.edge, log)
    if made.edge.enforced and made.templates:
        yield "<If \"-n reqenv('OPTOUT_ANSWER')\">"
        for number, template in enumerate(made.templates):
            yield from _refusal(number, template, Form.HTML, "reqenv('OPTOUT_FORM') == 'html'")
            yield from _refusal(number, template, Form.JSON, "reqenv('OPTOUT_FORM') != 'html'")
        yield "</If>"
    yield from declaring(made.edge)


def _logging(edge: Edge, log: str) -> Iterator[str]:
    members = {
        "optout": "1",
        "front": "apache",
        "time": "%{sec}t.%{usec_frac}t",
        "id": "%{OPTOUT_ID}e",
        "method": "%m",
        "scheme": "%{OPTOUT_SCHEME}e",
        "host": "%{Host}i",
        "path": "%{OPTOUT_PATH}e",
        "query": "%{OPTOUT_QUERY}e",
        "protocol": "%H",
        "user_agent": "%{User-Agent}i",
        "signature_agent": "%{OPTOUT_SIGNATURE_AGENT}e",
        "crawler": "%{OPTOUT_LOGGED_NAME}e",
        "action": "%{OPTOUT_ACTION}e",
        "enforced": "1" if edge.enforced else "0",
        "code": "%{OPTOUT_CODE}e",
        "clause": "%{OPTOUT_CLAUSE}e",
        "status": "%>s",
        "bytes": "%B",
        "policy": edge.policy.digest,
        "robots": edge.robots_sha256,
        "tdm": edge.tdmrep_sha256,
        "registry": edge.registry_sha256,
    }
    line = "{" + ",".join(f'"{name}":"{value}"' for name, value in members.items()) + "}"
    yield f'LogFormat "{literal(line)}" optout'
    yield f'CustomLog "{literal(log)}" optout env=OPTOUT_LOGGED'


_CONTENT_TYPES = {Form.HTML: "text/html; charset=utf-8", Form.JSON: "application/problem+json"}


def _refusal(number: int, template: Template, form: Form, condition: str) -> Iterator[str]:
    body = template.page if form is Form.HTML else template.json
    written = "".join(map(_part, slots(without(body, form, but="%$"), form)))
    yield f"  <If \"reqenv('OPTOUT_ANSWER') == '{number}' && {condition}\">"
    yield f'    ErrorDocument {template.status} "{written}"'
    # Another status than this is the owner's, who refuses everybody here: that answer keeps its own fields.
    only = f'"expr=%{{REQUEST_STATUS}} == {template.status}"'
    yield f'    Header always set Content-Type "{_CONTENT_TYPES[form]}" {only}'
    yield from (f"    {line} {only}" for line in _fields(template.fields))
    yield f"    Redirect {template.status}"
    yield "  </If>"


def _fields(fields: Fields) -> Iterator[str]:
    named: set[str] = set()
    for name, value in fields:
        action = "add" if name in named or name == "Link" else "set"
        named.add(name)
        yield f'Header always {action} {name} "{literal(value.replace("%", "%%"))}"'


_VARIABLES = {(mark, form): f"OPTOUT_{name}" for name, mark, form in WORDS} | {
    (mark, form): f"OPTOUT_{mark.name}_{form.name}" for mark in (Mark.NAME, Mark.OPERATOR) for form in Form
}


def _part(part: str | Slot) -> str:
    if isinstance(part, str):
        # Once for the file, once for the expression that the text is.
        return literal(part.replace("\\", r"\\")).replace("\n", "%{unescape:%0A}")
    if part.mark is Mark.NUMBER:
        return "%{reqenv:OPTOUT_ID}"
    return f"%{{reqenv:{_VARIABLES[part.mark, part.form]}}}"


def declaring(edge: Edge) -> Iterator[str]:
    """The fields of every response to GET and HEAD; a refusal has those of a reservation, whatever the method."""
    passed = "%{REQUEST_METHOD} in {'GET', 'HEAD'}"
    refused = "-n reqenv('OPTOUT_ANSWER')"
    if edge.enforced:
        passed += f" && !({refused})"
    kinds: dict[tuple[object, ...], int] = {}
    for each in edge.declared:
        if (each.fields, each.reserved) in kinds:
            continue
        kind = kinds.setdefault((each.fields, each.reserved), len(kinds))
        when = f"({passed}) || {refused}" if each.reserved and edge.enforced else passed
        for line in _fields(each.fields):
            yield f"{line.replace(' set ', ' add ', 1)} \"expr=reqenv('OPTOUT_DECLARED') == 'd{kind}' && ({when})\""
    yield from (f'{line} "expr={passed}"' for line in _fields(edge.links))
