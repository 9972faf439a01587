"""A compiled edge for Apache httpd 2.4.26 and later: a file to include in a virtual host, and two maps beside it.

`mod_rewrite` asks and decides, before anything else looks at the request, and only sets variables; whoever has an
ordinary browser's user agent passes all of it over by one rule. An `<If>` that these variables open refuses, with an
`ErrorDocument` that stands inside it: the owner's own error pages, rewrites, proxies and passwords stay as they are.

Rule: what an owner or a stranger wrote stands in double quotes with its backslashes doubled, or is spelled in JSON's or
HTML's own escapes where a rule's flags or an expression would read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from urllib.parse import quote

from optout.compilers.apache.rules import WORDS, Rule, block, expression, variable
from optout.compilers.apache.site import site_lines
from optout.compilers.edge import CrawlerClass, Edge
from optout.compilers.front_losses import APACHE, one_by_one
from optout.compilers.heads import edge_head
from optout.compilers.patterns import ALWAYS_OPEN, AMBIGUOUS, MALFORMED, exactly, pcre
from optout.compilers.plan import LEFT, NEXT, PASS, Known, Line, Plan, Written, is_ai, plan
from optout.compilers.recognition import ORDINARY, glances, signers
from optout.compilers.recognition.pcre import pcre as spellings
from optout.compilers.templates import DETAILS_WANTED, PAGE_WANTED, Form, spelled
from optout.crawlers.registry import Registry

FILE, NAMES, CRAWLERS = "optout.conf", "names.txt", "crawlers.txt"
_SAFE = "$-_.+!*'(),:@&=/~"  # what mod_rewrite's `int:escape` leaves as it is
_MOST = 7000  # octets of an expression, as far as PCRE's own limit on its compiled form is away


def compile_apache(
    edge: Edge, registry: Registry, *, place: str = "/etc/apache2/optout", log: str = "/var/log/apache2/optout.log"
) -> Written:
    """The files of an edge: `place` is where Apache will find them, `log` where it writes about crawlers."""
    made = plan(edge, registry)
    asked = [*_recognized(made), *block(Rule(conditions=('%{ENV:OPTOUT_CRAWLER} =""',)), list(_decided(made)))]
    rules = [
        *declared_rules(edge),
        *passed_over([ORDINARY], "", passed_over(glances(made.groups, most=_MOST), "!", asked)),
    ]
    lines = [
        "RewriteEngine On",
        f'RewriteMap optout_names "txt:{place}/{NAMES}"',
        f'RewriteMap optout_crawlers "txt:{place}/{CRAWLERS}"',
        *(f"RewriteMap optout_{name} int:{name}" for name in ("tolower", "escape", "unescape")),
        *(line for rule in rules for line in rule.lines()),
        *site_lines(made, log=log),
    ]
    names = ((f"{number}/{quote(name, safe=_SAFE).lower()}", str(at)) for (number, name), at in made.names.items())
    losses = (*edge.losses, *one_by_one(made, front="apache"), *APACHE)
    files = {
        FILE: edge_head(edge, losses, front="apache", uses=_USES) + "".join(f"{line}\n" for line in lines),
        NAMES: "".join(f"{name} {at}\n" for name, at in names),
        CRAWLERS: "".join(f"{at} {_crawler(known)}\n" for at, known in enumerate(made.crawlers)),
    }
    return Written(files=files, losses=losses)


_USES = (
    "Use: `a2enmod rewrite headers unique_id`; `Include` this file first in the site's VirtualHost;",
    "then `apachectl configtest && systemctl reload apache2`. The files beside this one stay there.",
    "Undo: take the Include line out, and reload.",
)


def passed_over(user_agents: Sequence[str], sign: str, rules: Sequence[Rule]) -> list[Rule]:
    """Rules that pass over whoever names no signer and has such a user agent, or, with `!`, none of such."""
    conditions = [f'%{{HTTP_USER_AGENT}} "{sign}{expression(each)}" [NV]' for each in user_agents]
    return block(Rule(conditions=(*conditions, '%{HTTP:Signature-Agent} ="" [NV]')), rules)


def _crawler(known: Known) -> str:
    crawler = known.crawler
    forms = (spelled(text, form, but="<|%$") for form in Form for text in (crawler.name, crawler.operator))
    fields = (f"c{known.group}", "" if known.hides_path else "1", *forms, crawler.name)
    return quote("|".join(fields), safe="|")


def declared_rules(edge: Edge) -> Iterator[Rule]:
    """What the site says of the target: the first pattern that matches."""
    if not edge.declared:
        return
    kinds: dict[tuple[object, ...], int] = {}
    rules = []
    for each in edge.declared:
        kind = kinds.setdefault((each.fields, each.reserved), len(kinds))
        path = pcre(each.pattern) if each.pattern is not None else "^"
        conditions = (f'%{{ENV:OPTOUT_TARGET}} "{expression(path)}"',)
        rules.append(Rule(conditions=conditions, sets=(("DECLARED", f"d{kind}"),)))
    yield from target_rules()
    for place, rule in enumerate(rules):
        yield rule.passing_over(len(rules) - place - 1)


def target_rules() -> Iterator[Rule]:
    """The target as it came, of an absolute one the path and the query."""
    yield Rule(sets=(("TARGET", "/"),))
    request = r"^\S+ (?:[A-Za-z][A-Za-z0-9+.-]*://[^/?# ]*)?(/\S*)"
    yield Rule(conditions=(f'%{{THE_REQUEST}} "{expression(request)}"',), sets=(("TARGET", "%1"),))


def _recognized(made: Plan) -> Iterator[Rule]:
    nobody_yet = '%{ENV:OPTOUT_CRAWLER} =""'
    for number, group in enumerate(made.groups):
        expressions = [("%{HTTP_USER_AGENT}", each.found) for each in spellings(group, most=_MOST)]
        if group.signers:
            expressions.append(("%{HTTP:Signature-Agent}", signers(group)))
        named = [crawler for _, crawler in (*group.spellings, *group.signers)]
        anybody = next(at for at, known in enumerate(made.crawlers) if known.crawler is named[0])
        name = f"${{optout_names:{number}/${{optout_escape:${{optout_tolower:%1}}}}|{anybody}}}"
        for field, found in expressions:
            yield Rule(conditions=(nobody_yet, f'{field} "{expression(found)}" [NV]'), sets=(("CRAWLER", name),))


def _decided(made: Plan) -> Iterator[Rule]:
    fields = "|".join(["([^|]*)"] * 7).replace("|", r"\|").replace(r"[^\|]", "[^|]")
    crawler = "${optout_unescape:${optout_crawlers:%{ENV:OPTOUT_CRAWLER}}}"
    names = ("CLASS", "PATH_SHOWN", "NAME_JSON", "OPERATOR_JSON", "NAME_HTML", "OPERATOR_HTML", "LOGGED_NAME")
    yield Rule(
        conditions=(f'{crawler} "{expression(f"^{fields}$")}"',),
        sets=tuple((name, f"%{place}") for place, name in enumerate(names, 1)),
    )
    yield from target_rules()
    target = "%{ENV:OPTOUT_TARGET}"
    for opening in filter(None, (ALWAYS_OPEN, exactly(made.edge.open_targets))):
        yield Rule(conditions=(f'{target} "{expression(opening)}"',), sets=(("OPENING", "open"),))
    malformed = ('%{ENV:OPTOUT_OPENING} =""', f'{target} "{expression(MALFORMED)}"')
    yield Rule(conditions=malformed, sets=(("OPENING", "malformed"),))
    yield Rule(conditions=(f'{target} "{expression(AMBIGUOUS)}"',), sets=(("READING", "ambiguous"),))
    for number, group in enumerate(made.edge.classes):
        yield from block(Rule(conditions=(f"%{{ENV:OPTOUT_CLASS}} !=c{number}",)), list(_of_class(made, group)))
    yield from block(Rule(conditions=('%{ENV:OPTOUT_LOGGED} =""',)), list(_told()))


def _of_class(made: Plan, group: CrawlerClass) -> Iterator[Rule]:
    """The rules of one class. The first outcome passes over all that follow; `next` over the rest of its table."""
    malformed, ambiguous = made.outcome(group.malformed), made.outcome(group.ambiguous)
    first = [("%{ENV:OPTOUT_OPENING} =open", PASS if is_ai(group) else LEFT)]
    if is_ai(group):  # to others no target is malformed
        first.append(("%{ENV:OPTOUT_OPENING} =malformed", malformed))
    if ambiguous != PASS:
        first.append(("%{ENV:OPTOUT_READING} =ambiguous", ambiguous))
    rules: list[tuple[Rule, str]] = [
        (Rule(conditions=(condition,), sets=_sets(made, outcome)), outcome) for condition, outcome in first
    ]
    ends = [0] * len(rules)  # where the table of each rule ends; these have none, and none says `next`
    for table in made.tables(group):
        rules += [(Rule(conditions=_fits(line), sets=_sets(made, line.outcome)), line.outcome) for line in table]
        ends += [len(rules)] * len(table)
    for place, (rule, outcome) in enumerate(rules):
        end = ends[place] if outcome == NEXT else len(rules)
        yield rule.passing_over(end - place - 1)


def _fits(line: Line) -> tuple[str, ...]:
    conditions = []
    if line.methods:
        conditions.append(f'%{{REQUEST_METHOD}} "{expression(_either(line.methods))}"')
    if line.pattern is not None:
        conditions.append(f'%{{ENV:OPTOUT_TARGET}} "{expression(pcre(line.pattern))}"')
    return tuple(conditions)


def _either(methods: Sequence[str]) -> str:
    quoted = ("".join(char if char.isalnum() else f"\\x{ord(char):02X}" for char in method) for method in methods)
    return f"^(?:{'|'.join(quoted)})$"


def _sets(made: Plan, outcome: str) -> tuple[tuple[str, str], ...]:
    if outcome in (NEXT, LEFT):
        return ()
    if outcome == PASS:
        return (("LOGGED", "1"), ("ACTION", "allow"), ("CODE", ""), ("CLAUSE", ""))
    telling = made.answers[int(outcome[1:])]
    words = tuple((name, variable(telling.words.get(mark, ""), form)) for name, mark, form in WORDS)
    action = made.templates[telling.template].action
    return (("LOGGED", "1"), ("ANSWER", str(telling.template)), ("ACTION", action), *words)


def _told() -> Iterator[Rule]:
    """What only a line of the log and an answer need."""
    number = expression("md5(reqenv('UNIQUE_ID')) =~ /^(.{8})(.{4}).(.{3}).(.{3})(.{12})/")
    # A digest as a UUID of version 8, which says that its bits are nobody's business (RFC 9562 section 5.8).
    yield Rule(conditions=(f'expr "{number}"',), sets=(("ID", "%1-%2-8%3-8%4-%5"),))
    yield Rule(conditions=(), sets=(("QUERY", "0"),))
    yield Rule(conditions=('%{ENV:OPTOUT_TARGET} "[?]"',), sets=(("QUERY", "1"),))
    path = ("%{ENV:OPTOUT_PATH_SHOWN} =1", f'%{{ENV:OPTOUT_TARGET}} "{expression("^([^?]*)")}"')
    yield Rule(conditions=(), sets=(("PATH", ""),))
    yield Rule(conditions=path, sets=(("PATH", "%1"),))
    yield Rule(conditions=('%{HTTP:Signature-Agent} "(.*)" [NV]',), sets=(("SIGNATURE_AGENT", "%1"),))
    yield Rule(conditions=('%{REQUEST_SCHEME} "(.*)"',), sets=(("SCHEME", "%1"),))
    accepts = (
        f'%{{HTTP_ACCEPT}} "{expression(PAGE_WANTED)}" [NV]',
        f'%{{HTTP_ACCEPT}} "!{expression(DETAILS_WANTED)}" [NV]',
    )
    yield Rule(conditions=accepts, sets=(("FORM", "html"),))
