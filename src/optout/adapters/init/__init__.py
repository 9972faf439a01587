"""`optout init`: from an owner's answers to the files that put Optout before his site, and back.

Nothing is done to the machine: files are written into one new directory, and the lines that put them into use are for
the owner to type. `UNDO.md` beside them says how to go back.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from optout.adapters.crawler_files import registry_in_use
from optout.adapters.documents import OriginSource
from optout.adapters.fetcher import Fetcher
from optout.adapters.init.answers import COMPILED, EMBEDDED, ROUTED, Answers
from optout.adapters.init.files import write_files
from optout.adapters.init.fronts import Plan, add_user, plan_front
from optout.adapters.init.policy import FILE as POLICY
from optout.adapters.init.policy import load_written, policy_text
from optout.adapters.init.units import STATE_DIRECTORY, USER
from optout.compilers.edge import Loss
from optout.compilers.tables import compile_edge
from optout.signals.declaration import (
    ROBOTS_NAME,
    TDMREP_NAME,
    DocumentState,
    Published,
    parse_published,
    unknown,
)

UNDO = "UNDO.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """What was written, and what to type next; `then` comes once it runs, `remarks` say what could not be done.

    `first` starts what the steps rely on. `again` is the line for when the policy has changed; "" where none is needed.
    """

    files: tuple[str, ...]
    first: tuple[str, ...]
    steps: tuple[str, ...]
    then: tuple[str, ...]
    undo: tuple[str, ...]
    remarks: tuple[str, ...]
    losses: tuple[Loss, ...]
    again: str


async def set_up(answers: Answers) -> Made:
    """Write everything; raises UsageError for answers that make no sound policy, and for files that are there."""
    registry = registry_in_use(answers.state)
    text = policy_text(answers)
    policy = load_written(text, registry)
    published = await _published(answers) if answers.front in COMPILED | ROUTED else _not_asked("nobody asked")
    edge = compile_edge(policy, registry, published, authority=answers.sites[0])
    plan = plan_front(answers, edge, registry)
    sudo = "" if answers.front in EMBEDDED else "sudo "
    undo = (
        *plan.undo,
        *((f"sudo systemctl disable --now {plan.unit}",) if plan.unit else ()),
        f"{sudo}optout init --undo {shlex.quote(str(answers.directory))}",
    )
    files = {POLICY: text, **plan.files, UNDO: _undo_page(answers, undo)}
    write_files(answers.directory, files)
    return Made(
        files=tuple(files),
        first=_start(answers, plan),
        steps=plan.steps,
        then=_look(answers),
        undo=undo,
        remarks=(*plan.remarks, *_remarks(answers, published)),
        losses=plan.losses,
        again=plan.again,
    )


async def _published(answers: Answers) -> Published:
    """What the first site publishes, for a front end that reads it once."""
    scheme = answers.origin.partition("://")[0]
    async with Fetcher() as fetcher:
        found = await OriginSource(fetcher, answers.origin, scheme=scheme).fetch(answers.sites[0])
    documents = {document.name: document for document in found}
    return parse_published(documents[ROBOTS_NAME], documents[TDMREP_NAME], authority=answers.sites[0])


def _not_asked(why: str) -> Published:
    return parse_published(unknown(ROBOTS_NAME, why), unknown(TDMREP_NAME, why))


def _remarks(answers: Answers, published: Published) -> list[str]:
    if answers.front not in COMPILED | ROUTED:
        return []
    remarks = [
        f"{document.name} of {answers.sites[0]} could not be read at {answers.origin}: {document.why};"
        " what it says is not in the compiled files"
        for document in (published.robots_document, published.tdmrep_document)
        if document.state is DocumentState.UNKNOWN
    ]
    others = [site for site in answers.sites[1:] if site != f"www.{answers.sites[0]}"]
    if others and answers.front in ROUTED:
        remarks.append(f"the fields that declare are those of {answers.sites[0]}, for {', '.join(others)} too")
    elif others:
        remarks.append(f"the compiled files are for {answers.sites[0]}; for {', '.join(others)} make others")
    return remarks


def _start(answers: Answers, plan: Plan) -> tuple[str, ...]:
    if not plan.unit:
        return ()
    own = [place for place in (answers.state, answers.evidence) if not place.is_relative_to(STATE_DIRECTORY)]
    made = [f"sudo install -d -o {USER} -g {USER} -m 700 {shlex.quote(str(place))}" for place in own]
    return (
        add_user(),
        *made,
        f"sudo systemctl enable --now {shlex.quote(str(answers.directory / plan.unit))}",
    )


def _look(answers: Answers) -> tuple[str, ...]:
    state = shlex.quote(str(answers.state))
    # What a front end serves now says whether the site has a certificate; an application behind one does not.
    scheme = answers.origin.partition("://")[0] if answers.front in COMPILED | ROUTED else "https"
    return (
        f"sudo optout doctor {scheme}://{answers.sites[0]}/ --state {state}",
        f"sudo optout evidence list {answers.evidence}",
    )


def _undo_page(answers: Answers, undo: tuple[str, ...]) -> str:
    lines = "\n".join(f"    {line}" for line in undo)
    return f"""# Going back

Made by `optout init` for {", ".join(answers.sites)}. Type these lines, in this order:

{lines}

The last one removes what `optout init` wrote into {answers.directory}, and nothing else: a file that you
changed stays. The evidence stays, too. If you want it gone for good:

    sudo rm -r {shlex.quote(str(answers.evidence))}
{_USER_UNDO if answers.front not in EMBEDDED else ""}"""


_USER_UNDO = f"""
The services ran as a user of their own, who owns nothing but the evidence:

    sudo userdel {USER}
"""
