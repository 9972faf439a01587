"""A policy tried on requests: its owner's own cases (`optout policy test`), and what a site publishes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from optout.compilers.documents import compile_documents
from optout.engine import Engine, Outcome
from optout.policy.cases import PolicyCase
from optout.policy.model import DocumentsFrom
from optout.signals.declaration import (
    ROBOTS_NAME,
    TDMREP_NAME,
    Document,
    Published,
    known,
    parse_published,
    unknown,
)
from optout.testing import make_request


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What a visitor gets: the decision's action and clause, the status (200: the origin's own), and why."""

    action: str
    clause: str
    status: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseResult:
    """One case, what came of it, and in what that differs from what was expected."""

    case: PolicyCase
    got: Got
    differences: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """The differences for a person."""
        yield f"{self.case.place}: {self.case.method} {self.case.url} from {self.case.user_agent}"
        yield from (f"  {text}" for text in self.differences)
        yield f"  because: {self.got.why}"

    def as_object(self) -> dict[str, object]:
        """The result for a program."""
        case, got = self.case, self.got
        return {
            "file": case.place.file,
            "line": case.place.line,
            "url": case.url,
            "user_agent": case.user_agent,
            "action": got.action,
            "clause": got.clause,
            "status": got.status,
            "why": got.why,
            "differences": list(self.differences),
        }


def run(engine: Engine, case: PolicyCase) -> CaseResult:
    """What a case comes to under the engine's policies."""
    request = make_request(case.url, case.user_agent, method=case.method, headers=case.headers)
    given = case.robots is not None or case.tdmrep is not None
    documents = None if given else _generated(engine, request.authority)
    if documents is None:
        documents = publishes(_octets(case.robots), _octets(case.tdmrep), request.authority)
    got = _got(engine.explain(request, documents))
    expected = ((key, getattr(case.expect, key), getattr(got, key)) for key in ("action", "clause", "status"))
    differences = tuple(
        f"{key}: expected {wanted}, got {found or 'none'}"
        for key, wanted, found in expected
        if wanted is not None and wanted != found
    )
    return CaseResult(case=case, got=got, differences=differences)


def _generated(engine: Engine, authority: str) -> Published | None:
    """What the policy itself publishes for the site; None where the site does."""
    policy = engine.policies.find(authority)
    if policy is None or policy.documents_from is not DocumentsFrom.GENERATED or not policy.enforces(authority):
        return None
    made = compile_documents(policy, engine.registry, authority=authority)
    return parse_published(*made.declared, authority=authority)


def publishes(robots: bytes | None, tdmrep: bytes | None, authority: str) -> Published:
    """What a site publishes; of a document that is not given nothing is known."""

    def document(name: str, data: bytes | None) -> Document:
        return unknown(name, "not given") if data is None else known(name, data)

    return parse_published(document(ROBOTS_NAME, robots), document(TDMREP_NAME, tdmrep), authority=authority)


def _octets(text: str | None) -> bytes | None:
    return None if text is None else text.encode()


def _got(outcome: Outcome | None) -> Got:
    if outcome is None:
        return Got(action="allow", clause="", status=200, why="it passes without a trace")
    decision = outcome.decision
    return Got(
        action=decision.action.value,
        clause=decision.clause,
        status=outcome.response.status if outcome.response else 200,
        why=str(decision.deciding),
    )
