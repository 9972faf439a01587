"""What documents cannot say of a policy, each with the line that wanted it said. Codes are permanent; all since 0.1.

docs/documents.md lists them. A difference between the documents and the door is either here or a fault.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from optout.compilers.documents.audiences import Audiences
from optout.compilers.documents.ordered import Line, Ordered
from optout.compilers.edge import Loss
from optout.policy.model import Action, Clause, ClauseAction, Mode, OnReservation, Policy
from optout.robots.parser import SIZE_LIMIT

_IN_GRAMMAR = re.compile(r"[A-Za-z_-]+|\*")
_SHOWN = 5


def losses(
    policy: Policy, found: Audiences, reserved: Ordered, opened: tuple[str, ...], *, is_licensed: bool, size: int
) -> tuple[Loss, ...]:
    """The losses, those that stem from a line of the policy first, in the order of the file.

    `opened` are the paths that robots.txt allows to everybody; `is_licensed` says that there is a license document.
    `size` is that of robots.txt, in octets.
    """
    whole = ((_SILENCE, is_licensed), (_TOO_LONG, size > SIZE_LIMIT))
    kept = (loss for loss, applies in whole if applies)
    return (*_of_clauses(policy), *_of_lines(found, reserved), *kept, *_of_names(found), *_of_readers(found, opened))


def _of_clauses(policy: Policy) -> Iterator[Loss]:
    for clause in policy.clauses:
        yield from _of_clause(clause, policy)
    if policy.default is Action.REQUIRE_LICENSE:
        yield _as_disallow(f"{policy.default_place} default")


def _of_clause(clause: Clause, policy: Policy) -> Iterator[Loss]:
    where = f'{clause.place} clause "{clause.id}"'
    if clause.mode is Mode.OBSERVE:
        yield _loss("observed-clause", f"{where} only observes, and is not published", "write `mode: enforce`")
        return
    if clause.action is ClauseAction.THROTTLE:
        text = f"{where} says how often whoever is let in may come, which documents do not; it is not published"
        yield _loss("rate-clause", text, "none is needed: the door applies it, and says Retry-After")
        return
    if clause.standings:
        text = f"{where} depends on how sure it is who asks, which no document can; it is not published"
        yield _loss("standing-clause", text, "none is needed: the door applies it")
        return
    if clause.methods and "GET" not in clause.methods:
        text = f"{where} is not about GET, and documents speak of nothing else; it is not published"
        yield _loss("method-clause", text, "none is needed: the door applies it")
        return
    if clause.methods:
        text = f"{where} is published for all methods"
        yield _loss("method-clause", text, "none is needed: crawlers use GET")
    if clause.action is ClauseAction.REQUIRE_LICENSE:
        yield _as_disallow(where)
    if clause.action is ClauseAction.ALLOW and not clause.purposes:
        text = f"{where} lets crawlers in and names no purpose, so no signal says that it permits a use"
        yield _loss("no-permission", text, "name the `purpose` that is permitted, or none is")
    if clause.action is ClauseAction.PUBLISHED:
        text = f"{where} hands on to what is published, which is made from the rest of the policy"
        if policy.on_reservation is not OnReservation.DECLARE:
            text += "; where some of its paths are reserved, all of them are disallowed to whom the reservation refuses"
        yield _loss("published-clause", text, "write allow, deny or require-license")
    if clause.crawlers or clause.operators:
        text = f"{where} names crawlers: tdmrep.json, ai.txt, license.xml and fields speak to everybody alike"
        yield _loss("names-nobody", text, "none is needed: robots.txt and the door name them")
    if any(not path.is_literal or path.anchored for path in clause.paths):
        text = f"{where} has a path with * or $: robots.txt and tdmrep.json say it, signals of uses do not"
        yield _loss("use-by-pattern", text, "none is needed: what is left unsaid is no permission")


def _as_disallow(where: str) -> Loss:
    text = f"{where} requires a license; robots.txt knows only Disallow, Content-Signal and Content-Usage only no"
    return _loss("license-as-disallow", text, "publish `license:`, which says how to get one")


def _of_lines(found: Audiences, reserved: Ordered) -> Iterator[Loss]:
    stuck: dict[Line, None] = {}
    for ordered in (*(audience.ordered for audience in found.groups), reserved):
        stuck.update(dict.fromkeys(ordered.stuck))
    for line in stuck:
        where = f"{line.place} " if line.place.line else ""
        text = f"{where}{line.pattern.written} matches one path, and a longer line with stars says otherwise of it"
        yield _loss("too-short", text, "write the pattern without $, or the longer one without stars")
    if reserved.lines:
        text = "tdmrep.json has one bit for all text and data mining: what is refused to training is reserved for all"
        yield _loss("one-bit", text, "none is needed: robots.txt tells purposes apart")


def _of_names(found: Audiences) -> Iterator[Loss]:
    if found.tokenless:
        text = f"robots.txt has no name for {_few(found.tokenless)}"
        yield _loss("no-token", text, "none is needed: the door refuses them")
    if found.shared:
        names = _few(found.shared)
        text = f"{names} is the name of several crawlers that the policy treats differently; the stricter stands"
        yield _loss("shared-token", text, "treat them alike")
    foreign = [token for audience in found.groups for token in audience.tokens if _IN_GRAMMAR.fullmatch(token) is None]
    if foreign:
        text = f"{_few(foreign)} are no product tokens of RFC 9309, and Google's reader cuts them short"
        yield _loss("token-outside-grammar", text, "none: their operators ask for these names")


def _of_readers(found: Audiences, opened: tuple[str, ...]) -> Iterator[Loss]:
    written = [line.pattern for audience in found.groups for line in audience.ordered.lines]
    exactly = {f"{path}$" for path in opened}
    patterns = [pattern for pattern in written if pattern.written not in exactly]
    if len(patterns) < len(written):
        text = (
            "files that answer everybody are allowed by their exact names: with a query, and to Python's reader before"
        )
        text += " 2026, which does not know $, they are disallowed like the rest"
        yield _loss("open-files", text, "none is needed: the door lets them out")
    if any(not pattern.is_literal or pattern.anchored or "$" in pattern.written for pattern in patterns):
        text = "Python's reader took * and $ for letters until 2026, and measures since then what they matched"
        yield _loss("read-by-python", text, "`optout robots compare` shows who reads what")
    if any("%" in pattern.written for pattern in patterns):
        text = "escapes are not compared alike by all readers: Google's keeps %61, Python's takes %2F for a slash"
        yield _loss("escapes", text, "write paths without escapes where there is a choice")
    if found.tangled:
        text = f"readers that take the first name that fits take {_few(found.tangled)} for one another"
        yield _loss("name-within-name", text, "none is needed: RFC 9309 compares whole names")


def _few(names: Iterable[str]) -> str:
    listed = list(dict.fromkeys(names))
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def _loss(code: str, text: str, remedy: str) -> Loss:
    return Loss(code=code, text=text, remedy=remedy)


_TOO_LONG = _loss(
    "too-long",
    f"robots.txt is longer than the {SIZE_LIMIT:,} octets that readers read: the last groups do not exist for them",
    "write fewer paths and names",
)
_SILENCE = _loss(
    "license-silence",
    "license.xml cannot leave a use unsaid: of one that it does not name, readers may think what they like",
    "write a clause for each purpose",
)
