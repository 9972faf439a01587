"""What HAProxy, Caddy and Apache cannot do beyond what no compiled edge can (`compilers.losses`).

Codes are permanent; all since 0.1. docs/doors/edges.md lists them.
"""

from __future__ import annotations

from typing import Final

from optout.compilers.edge import Loss
from optout.compilers.plan import Plan

MANY_RULES: Final = 2000
"""More rules than this for one crawler are told, where a front end tries them one after the other."""


def one_by_one(made: Plan, *, front: str) -> tuple[Loss, ...]:
    """What very many rules cost in Caddy and Apache; nothing where they are few."""
    count = max((sum(map(len, made.tables(group))) for group in made.edge.classes), default=0)
    if count <= MANY_RULES:
        return ()
    costs = {
        "caddy": "milliseconds of each of its requests; Caddy reads them for seconds and keeps hundreds of megabytes",
        "apache": "milliseconds of each of its requests",
    }[front]
    return (
        Loss(
            code="rules-one-by-one",
            text=f"up to {count} rules are tried one after the other for a crawler, which takes {costs}",
            remedy=f"route possible crawlers to Optout instead: optout compile {front} --route",
        ),
    )


ACCEPT_BOTH: Final = Loss(
    code="accept-both",
    text="where Accept names HTML and problem details both, the answer is problem details, whatever their qualities",
    remedy="none is needed: the page embeds the same",
)
UNUSUAL: Final = Loss(
    code="unusual-user-agents",
    text="a user agent that is percent-encoded throughout, or has letters beyond ASCII beside a name, names nobody",
    remedy="send requests with such a user agent to forward-auth, or to none: no crawler writes itself so",
)
HAPROXY: Final = (
    ACCEPT_BOTH,
    UNUSUAL,
    Loss(
        code="one-site",
        text="the lines are for one site, and a frontend holds them once",
        remedy="give each site that is compiled a frontend of its own",
    ),
    Loss(
        code="one-log-format",
        text="a frontend writes one kind of line: with these lines in it, people's requests are in no log of HAProxy's",
        remedy="leave out the lines with log-format and set-log-level: nobody is refused less, but no record is made",
    ),
    Loss(
        code="head-in-bytes",
        text="`bytes` counts the response's head, too",
        remedy="none is needed: the record says whose figure it is",
    ),
    Loss(
        code="text-in-the-log",
        text="in the log texts are cut after some 2,000 octets, octets that are no UTF-8 are left out, and of several"
        " User-Agent fields it has the first",
        remedy="none is needed: what is decided rests on all of them",
    ),
)
CADDY: Final = (
    ACCEPT_BOTH,
    UNUSUAL,
    Loss(
        code="front-end-answers-first",
        text="a broken escape in a path is answered 400 by Caddy itself, to everybody, and is in no log",
        remedy="none is needed: nothing of the site goes out",
    ),
    Loss(
        code="one-log-format",
        text="a site has one access log: with `import optout_log` in it, requests of people are in none of Caddy's",
        remedy="keep your own `log` and leave `import optout_log` out: it then says in user_id what the evidence needs",
    ),
    Loss(
        code="one-site",
        text="a Caddyfile holds the snippets of one site",
        remedy="give the snippets of a second site's file, (optout) and (optout_log), names of their own",
    ),
    Loss(
        code="longer-names",
        text="a crawler's name within a longer name of another crawler's counts as its own",
        remedy="none is needed: the more restricted of both is judged",
    ),
)
APACHE: Final = (
    ACCEPT_BOTH,
    UNUSUAL,
    Loss(
        code="front-end-answers-first",
        text="a broken escape, an escaped NUL and, unless AllowEncodedSlashes is set, an escaped slash in a path are"
        " answered 400 or 404 by Apache itself, to everybody, and are in no log of Optout's",
        remedy="none is needed: nothing of the site goes out",
    ),
    Loss(
        code="passwords-first",
        text="who is refused by a password or a Require line of the site, or redirected by it, is told that first",
        remedy="none is needed: nothing of the site goes out",
    ),
    Loss(
        code="trace",
        text="TRACE is answered by Apache itself",
        remedy="write `TraceEnable off`",
    ),
)
