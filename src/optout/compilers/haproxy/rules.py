"""The part of HAProxy's edge that is pasted into a frontend.

Each rule costs a person some fifty nanoseconds, in which it asks for a variable that is not there: so there are few,
and each looks up as much as it can. Rule: nothing of a request is ever part of a name of a file or of an expression,
only of what is looked up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from optout.compilers.edge import Edge
from optout.compilers.plan import Plan
from optout.compilers.templates import DETAILS_WANTED, PAGE_WANTED, Form, Mark, Template

FIELDS: Final = (
    (Mark.CODE, Form.JSON),
    (Mark.CLAUSE, Form.JSON),
    (Mark.DECIDED, Form.JSON),
    (Mark.DECIDED, Form.HTML),
    (Mark.REASON, Form.JSON),
    (Mark.SOURCE, Form.JSON),
    (Mark.PURPOSE, Form.JSON),
    (Mark.STANDING, Form.JSON),
)
"""What an answer's line in `answers.map` holds behind the number of its template, in order."""


def rules(made: Plan, *, place: str, tables: Iterable[str]) -> str:
    """The lines to paste. `tables` are the rules that ask the tables of the classes, in order."""
    edge = made.edge
    lines = [
        "# optout: begin",
        *_recognized(edge, place),
        *_decided(place, tables),
        *_declared(edge, place),
        *_logged(edge, place),
        *(_answered(made.templates, place) if edge.enforced else ()),
        *_declaring(edge),
        "# optout: end",
    ]
    return "".join(f"    {line}\n" for line in lines)


def word(text: str) -> str:
    """Text as one word of HAProxy's configuration, in which nothing is replaced."""
    return "'" + text.replace("'", r"'\''") + "'"


def _format(text: str) -> str:
    return word(text.replace("%", "%%"))


def _set(name: str, value: str, condition: str = "") -> str:
    return f"http-request set-var(txn.optout_{name}) {value} {condition}".rstrip()


def _recognized(edge: Edge, place: str) -> Iterator[str]:
    # A site that is written without a port is meant on every port; a request without a Host is for it, too.
    name, _, port = edge.authority.partition(":")
    host = rf"^{re.escape(name)}\.?{f':{port}' if port else '(:[0-9]*)?'}$"
    yield f"acl optout_site req.hdr(host) -m reg -i {word(host)}"
    yield "acl optout_site req.hdr_cnt(host) eq 0"
    # Security: a Host that names no site (empty, with a user, with a path) must not be the way past all of them.
    yield f"acl optout_site req.hdr(host) -m reg {word('^$|[^]A-Za-z0-9.:[_~-]')}"
    yield f"acl optout_ordinary req.fhdr(user-agent,1) -m reg -f {place}/ordinary.lst"
    yield f"acl optout_glance req.fhdr(user-agent) -m reg -f {place}/glance.lst"
    yield "acl optout_several req.fhdr_cnt(user-agent) gt 1"
    yield "acl optout_signed req.fhdr(signature-agent) -m found"
    yield "acl optout_asked var(txn.optout_ua) -m found"
    first = "unless !optout_site or optout_ordinary !optout_several !optout_signed or !optout_glance !optout_signed"
    yield _set("ua", "req.fhdr(user-agent,1)", first)
    yield _set("more", "req.fhdr(user-agent,2)", "if optout_asked optout_several")
    joined = word('var(txn.optout_ua),concat(", ",txn.optout_more)')
    yield _set("ua", joined, "if { var(txn.optout_more) -m found }")
    # Who sends more of them than any client does is asked about the whole head, in which they all stand.
    yield _set("ua", "req.hdrs", "if { var(txn.optout_more) -m found } { req.fhdr_cnt(user-agent) gt 2 }")
    yield _set("named", f"var(txn.optout_ua),map_regm({place}/names.map)")
    yield _set("signer", "req.fhdr(signature-agent,1)", "if optout_signed optout_site")
    several = "if { var(txn.optout_signer) -m found } { req.fhdr_cnt(signature-agent) gt 1 }"
    yield _set("signer", "req.hdrs", several)
    yield _set("signing", f"var(txn.optout_signer),map_regm({place}/signers.map)")
    yield _set("rank", "var(txn.optout_named),field(1,|)", "if { var(txn.optout_signing) -m found }")
    stricter = "{ var(txn.optout_signing),field(1,|),sub(txn.optout_rank) lt 0 }"
    signing = "{ var(txn.optout_signing) -m found }"
    unnamed = "!{ var(txn.optout_named) -m found }"
    yield _set("named", "var(txn.optout_signing)", f"if {signing} {unnamed} or {signing} {stricter}")
    yield _set("known", f"var(txn.optout_named),lower,url_enc,map_str({place}/crawlers.map)")


def _decided(place: str, tables: Iterable[str]) -> Iterator[str]:
    known = "if { var(txn.optout_known) -m found }"
    yield _set("kind", f"pathq,map_reg({place}/targets.map)", known)
    yield _set("class", "var(txn.optout_known),field(1,|)")
    by_kind = word(f'var(txn.optout_class),concat("-",txn.optout_kind),map_str({place}/classes.map)')
    yield _set("outcome", by_kind, "if { var(txn.optout_kind) -m found }")
    yield _set("target", "pathq", known)
    yield f"http-request set-var-fmt(txn.optout_key) {word('%[var(txn.optout_class)] %[method] %[pathq]')} {known}"
    yield from tables
    yield _set("told", f"var(txn.optout_outcome),map_str({place}/answers.map)")


def _declared(edge: Edge, place: str) -> Iterator[str]:
    """What a response declares is settled before it is known who answers: HAProxy's own answers declare, too."""
    told = "{ var(txn.optout_told) -m found }"
    if edge.declared:
        found = f"pathq,map_reg({place}/declared.map)"
        yield _set("declared", found, f"if METH_GET optout_site or {told}")
        if edge.enforced:
            unreserved = f"if {told} !{{ var(txn.optout_declared) -m beg reserved }}"
            yield f"http-request unset-var(txn.optout_declared) {unreserved}"
    if edge.links:
        passed = f" !{told}" if edge.enforced else ""
        yield _set("links", "bool(true)", f"if METH_GET optout_site{passed}")


def _logged(edge: Edge, place: str) -> Iterator[str]:
    """The line of the access log: what the request holds is written down at once, its end when it has ended.

    Long texts are cut: a line that outgrows HAProxy's buffer would not be written at all.
    """
    is_logged = "{ var(txn.optout_outcome) -m beg a p }"
    is_hidden = "{ var(txn.optout_known),field(2,|) -m str user }"
    yield _set("id", "uuid()", f"if {is_logged}")
    yield _set("path", "path,bytes(0,2000)", f"if {is_logged} !{is_hidden}")
    members = {
        "optout": "1",
        "front": "haproxy",
        "id": "%[var(txn.optout_id)]",
        "method": "%[method,json(utf8s)]",
        "scheme": "%[ssl_fc,iif(https,http)]",
        "host": "%[req.hdr(host),json(utf8s)]",
        "path": "%[var(txn.optout_path),json(utf8s)]",
        "query": f"%[pathq,map_reg({place}/queries.map,0)]",
        "user_agent": "%[req.fhdr(user-agent,1),bytes(0,1500),json(utf8s)]",
        "signature_agent": "%[req.fhdr(signature-agent,1),bytes(0,500),json(utf8s)]",
        "crawler": "%[var(txn.optout_known),field(3,|)]",
        "enforced": "1" if edge.enforced else "0",
        "policy": edge.policy.digest,
        "robots": edge.robots_sha256,
        "tdm": edge.tdmrep_sha256,
        "registry": edge.registry_sha256,
    }
    said = f"%[var(txn.optout_outcome),map_str({place}/said.map)]"
    line = "{" + "".join(f'"{name}":"{value}",' for name, value in members.items()) + said
    yield f"http-request set-var-fmt(txn.optout_line) {word(line)} if {is_logged}"
    yield f"http-request set-log-level silent if !{is_logged}"
    # Rule: `optout_ua` may hold a whole head, and is never written.
    # A request that is none was never looked at: of such a one this writes no more than a status.
    ending = {"time": "%Ts.%ms", "protocol": "%HV", "status": "%ST", "bytes": "%B"}
    ended = "".join(f',"{name}":"{value}"' for name, value in ending.items())
    yield "log-format " + word("%[var(txn.optout_line)]" + ended + "}")


def _answered(templates: tuple[Template, ...], place: str) -> Iterator[str]:
    yield f"acl optout_page req.fhdr(accept) -m reg {word(PAGE_WANTED)}"
    yield f"acl optout_page_not req.fhdr(accept) -m reg {word(DETAILS_WANTED)}"
    for number, template in enumerate(templates):
        fields = " ".join(f"hdr {word(name)} {_format(value)}" for name, value in template.fields)
        this = f"{{ var(txn.optout_told),field(1,|) -m str {number} }}"
        for ending, content, only in (
            ("html", "text/html; charset=utf-8", "optout_page !optout_page_not"),
            ("json", "application/problem+json", ""),
        ):
            yield (
                f"http-request return status {template.status} content-type {word(content)}"
                f" lf-file {place}/{number}.{ending} {fields} if {this} {only}".rstrip()
            )


def _declaring(edge: Edge) -> Iterator[str]:
    numbers: dict[tuple[object, ...], int] = {}
    for each in edge.declared:
        if (each.fields, each.reserved) in numbers:
            continue
        number = numbers.setdefault((each.fields, each.reserved), len(numbers))
        this = f"{'reserved' if each.reserved else 'said'}-{number}"
        for name, value in each.fields:
            only = f"if {{ var(txn.optout_declared) -m str {this} }}"
            yield f"http-after-response add-header {word(name)} {_format(value)} {only}"
    for name, value in edge.links:
        only = "if { var(txn.optout_links) -m found }"
        yield f"http-after-response add-header {word(name)} {_format(value)} {only}"
