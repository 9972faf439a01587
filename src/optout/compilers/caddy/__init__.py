"""A compiled edge for Caddy 2.6 and later: one file with two snippets, for a site's block in the Caddyfile.

    import optout_log       beside the site's directives: the access log, of crawlers alone
    import optout           first in a `route` that holds the rest of the site

A person costs one look at the user agent; whoever has an ordinary browser's is asked nothing more. The rest is looked
up in `map`s, which Caddy walks from top to bottom, so each result is kept in a variable and asked for once.

Caddy's access log has members of its own and takes no others. It does take a user's name, and a site that is open to
all has none: `http.auth.user.id` carries what the log has to say of a crawler (`access_log_forms` reads it back).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from optout.compilers.caddy.answers import answering, declaring, logging, said
from optout.compilers.caddy.text import (
    BRACES,
    SIGNATURE_AGENT,
    TARGET,
    USER_AGENT,
    Lines,
    expression,
    indented,
    kept,
    mapped,
    var,
    word,
)
from optout.compilers.caddy.text import (
    route as routed,
)
from optout.compilers.edge import Edge
from optout.compilers.front_losses import CADDY, one_by_one
from optout.compilers.heads import edge_head
from optout.compilers.patterns import ALWAYS_OPEN, AMBIGUOUS, MALFORMED, exactly, re2
from optout.compilers.plan import LEFT, NEXT, PASS, Known, Line, Plan, Written, is_ai, plan
from optout.compilers.recognition import ORDINARY, signers
from optout.compilers.recognition.glance import glance_re2
from optout.compilers.recognition.re2 import re2 as spellings
from optout.compilers.recognition.spelled_names import Expression
from optout.compilers.templates import Form, spelled
from optout.crawlers.registry import Registry

FILE = "optout.caddy"


def compile_caddy(edge: Edge, registry: Registry, *, log: str = "/var/log/caddy/optout.log") -> Written:
    """The file of an edge. `log` is the file that Caddy writes lines about crawlers to."""
    made = plan(edge, registry)
    lines = [
        "(optout) {",
        *indented(_asked(made)),
        *indented(declaring(edge)),
        *indented(answering(made) if edge.enforced else ()),
        "}",
        "",
        "(optout_log) {",
        *indented(logging(log)),
        "}",
    ]
    losses = (*edge.losses, *one_by_one(made, front="caddy"), *CADDY)
    head = edge_head(edge, losses, front="caddy", uses=_USES)
    return Written(files={FILE: head + "".join(f"{line}\n" for line in lines)}, losses=losses)


_USES = (
    "Use: `import` this file at the top of the Caddyfile; write `import optout_log` into the site's block, and around",
    "its other directives but tls, bind and log: `route`, in it `import optout`, and in a `handle` behind it the rest;",
    "then `caddy validate --config /etc/caddy/Caddyfile && systemctl reload caddy`.",
    "Undo: take these lines out, and reload.",
)


def _asked(made: Plan) -> Lines:
    ordinary = f"\tvars_regexp {USER_AGENT} {word(expression(ORDINARY))}"
    yield from routed("asked", ["not {", ordinary, "\theader !Signature-Agent", "}"], _glanced(made))


def _glanced(made: Plan) -> Lines:
    nobody = f"\tnot vars_regexp {USER_AGENT} {word(expression(glance_re2(made.groups)))}"
    yield from routed("glanced", ["not {", nobody, "\theader !Signature-Agent", "}"], _recognized(made))


def _recognized(made: Plan) -> Lines:
    expressions = [
        (number, each) for number, group in enumerate(made.groups) for each in spellings(group, capture=True)
    ]
    always = [(number, each) for number, each in expressions if not each.unless]
    yield from mapped(USER_AGENT, ["named"], list(map(_naming, expressions)), "")
    disclaimed = [each.unless for _, each in expressions if each.unless]
    yield kept("named")
    for number, text in enumerate(disclaimed):
        name = f"disclaimed_{number}"
        inside = iter([*mapped(USER_AGENT, [name], list(map(_naming, always)), ""), kept("named", name)])
        yield from routed(name, [f"vars_regexp {USER_AGENT} {word(expression(text))}"], inside)
    yield from routed("signed", ["header Signature-Agent *"], _signing(made))
    yield from routed("known", ["not vars optout_named ``"], _known(made))


def _naming(numbered: tuple[int, Expression]) -> tuple[str, str]:
    number, spelling = numbered
    groups = "".join(f"${{{place}}}" for place in range(1, re.compile(spelling.found).groups + 1))
    return f"~{expression(spelling.found)}", f"{number}|{groups}"


def _signing(made: Plan) -> Lines:
    """A signer's name counts where the user agent names nobody, or somebody who is restricted less."""
    for number, group in enumerate(made.groups):
        if not group.signers:
            continue
        stricter = "|".join(map(str, range(number + 1)))
        conditions = [f"not vars_regexp optout_named {word(f'^(?:{stricter})[|]')}"]
        conditions.append(f"vars_regexp {SIGNATURE_AGENT} {word(expression(signers(group)))}")
        lines = [(f"~{expression(signers(group))}", f"{number}|${{1}}")]
        name = f"signer_{number}"
        yield from routed(name, conditions, iter([*mapped(SIGNATURE_AGENT, [name], lines), kept("named", name)]))


def _known(made: Plan) -> Lines:
    by_crawler: dict[int, list[str]] = {}
    for (number, name), crawler in made.names.items():
        by_crawler.setdefault(crawler, []).append(f"{number}|{name}")
    exact = [(f"{number}|{token}", str(made.names[number, token.lower()])) for number, token in _as_sent(made)]
    folded = [(f"~(?i)^(?:{'|'.join(map(_quoted, names))})$", str(at)) for at, names in by_crawler.items()]
    yield from mapped(var("named"), ["number"], [*exact, *folded], "")
    yield kept("number")
    destinations = ["class", "path_shown", *(f"{name}_{form.value}" for form in Form for name in ("name", "operator"))]
    known = [(str(at), *_words_of(each)) for at, each in enumerate(made.crawlers)]
    yield from mapped(var("number"), destinations, known, *[""] * len(destinations))
    yield kept("class")
    of_target = [("~(?i)^[a-z][a-z0-9+.-]*://[^/?#]*(/.*)$", "${1}"), ("~^(.*)$", "${1}")]
    yield from mapped(TARGET, ["target"], of_target, "/")
    yield kept("target")
    yield from _kinds(made.edge)
    yield from mapped(f"{var('class')}-{var('opening')}-{var('reading')}", ["outcome"], list(_by_kind(made)), NEXT)
    yield kept("outcome")
    for number, group in enumerate(made.edge.classes):
        yield from routed(f"class_{number}", [f"vars optout_class c{number}"], _tables(number, made.tables(group)))
    yield from routed("logged", ["not vars_regexp optout_outcome ^l"], said(made))


def _as_sent(made: Plan) -> Iterator[tuple[int, str]]:
    for number, group in enumerate(made.groups):
        yield from ((number, token.text) for token, _ in group.spellings)
        yield from ((number, host) for host, _ in group.signers)


def _quoted(name: str) -> str:
    return "".join(char if char.isalnum() or ord(char) > 0x7F else f"\\x{ord(char):02X}" for char in name)


def _words_of(known: Known) -> Iterator[str]:
    yield f"c{known.group}"
    yield "" if known.hides_path else "1"
    for form in Form:
        yield from (spelled(text, form, but=BRACES + "<") for text in (known.crawler.name, known.crawler.operator))


def _kinds(edge: Edge) -> Lines:
    opening = [(f"~{expression(ALWAYS_OPEN)}", "open")]
    if edge.open_targets:
        opening.append((f"~{expression(exactly(edge.open_targets))}", "open"))
    opening.append((f"~{expression(MALFORMED)}", "malformed"))
    yield from mapped(var("target"), ["opening"], opening, "")
    yield kept("opening")
    yield from mapped(var("target"), ["reading"], [(f"~{expression(AMBIGUOUS)}", "ambiguous")], "")
    yield kept("reading")


def _by_kind(made: Plan) -> Iterator[tuple[str, str]]:
    for number, group in enumerate(made.edge.classes):
        malformed, ambiguous = made.outcome(group.malformed), made.outcome(group.ambiguous)
        ambiguous = NEXT if ambiguous == PASS else ambiguous
        for reading in ("", "ambiguous"):
            yield f"c{number}-open-{reading}", PASS if is_ai(group) else LEFT
            # To who is no AI crawler no target is malformed.
            otherwise = ambiguous if reading else NEXT
            yield f"c{number}-malformed-{reading}", malformed if is_ai(group) else otherwise
        yield f"c{number}--ambiguous", ambiguous


def _tables(number: int, tables: Sequence[Sequence[Line]]) -> Lines:
    for place, table in enumerate(tables):
        *steps, last = table if table and table[-1].pattern is None and not table[-1].methods else (*table, None)
        lines = [(f"~{_step(line)}", line.outcome) for line in steps if line is not None]
        asked = f"{{http.request.orig_method}} {var('target')}"
        name = f"outcome_{number}_{place}"
        default = NEXT if last is None else last.outcome
        inside = [*mapped(asked, [name], lines, default), kept("outcome", name)]
        yield from routed(f"table_{number}_{place}", [f"vars optout_outcome {NEXT}"], iter(inside))


def _step(line: Line) -> str:
    methods = f"(?:{'|'.join(map(_quoted, line.methods))})" if line.methods else "[^ ]*"
    path = re2(line.pattern).removeprefix("^") if line.pattern is not None else ""
    return expression(f"^{methods} {path}")
