"""One policy file as far as it can be understood: a policy, or what is wrong and what can stand in meanwhile."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping

import msgspec
from pydantic import ValidationError

from optout.errors import Problem
from optout.policy import values
from optout.policy.checks import Subject, check
from optout.policy.clause_reader import clause_reader
from optout.policy.model import Action, Clause, Mode, OnError, Place, Policy
from optout.policy.problems import Findings
from optout.policy.rollout import Rollout
from optout.policy.schema import FORMS, HeadForm
from optout.policy.vocabulary import Vocabulary
from optout.policy.yaml_positions import Document, KeyPath
from optout.policy.yaml_sections import parse_sections

UNKNOWN_TENANT = "unreadable"
"""Whose evidence is written while a broken file does not even show its tenant: no other tenant's."""


class Draft(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What came of one file.

    `policy` is None where the file is broken. `sites` are those that could be read, `sites_line` is where they stand;
    `tenant` is whose they are.
    """

    file: str
    digest: str
    policy: Policy | None
    problems: tuple[Problem, ...]
    sites: tuple[str, ...]
    sites_line: int
    tenant: str

    @property
    def stand_in(self) -> Policy | None:
        """Observes the file's sites where `policy` cannot be used: nobody is answered. None where none can be read."""
        if not self.sites:
            return None
        return Policy(
            file=self.file,
            digest=self.digest,
            sites=self.sites,
            mode=Mode.OBSERVE,
            default=Action.ALLOW,
            on_error=OnError.ALLOW,
            default_place=Place(file=self.file, line=0),
            tenant=self.tenant,
        )


def read_draft(data: bytes, file: str, words: Vocabulary) -> Draft:
    """A file as far as it can be understood. Never raises."""
    document = parse_sections(data, file)
    findings = Findings(document, file, FORMS)
    keys = document.data if isinstance(document.data, dict) else {}
    digest = hashlib.sha256(data).hexdigest()
    policy = None
    if isinstance(document.data, dict) and document.complete:
        policy = _compile(keys, digest, words, findings)
    elif document.complete:
        what = "the file is empty" if document.data is None else "this is not a policy"
        findings.add((), what, "begin with `version: 1`, `default: allow` and `on_error: allow`")
    sites = policy.sites if policy is not None else _readable_sites(keys, document)
    return Draft(
        file=file,
        digest=digest,
        policy=policy,
        problems=findings.problems() if findings.total else (),
        sites=sites,
        sites_line=document.line(("sites",)),
        tenant=policy.tenant if policy is not None else _tenant(keys, document),
    )


def _compile(keys: Mapping[str, object], digest: str, words: Vocabulary, findings: Findings) -> Policy | None:
    head = _head(keys, words, findings)
    always_open = _always_open(head, findings) if head is not None else frozenset()
    clauses = _clauses(keys, words, findings)
    subject = Subject(
        keys=keys,
        clauses=clauses,
        always_open=always_open,
        vocabulary=words,
        sites=head.sites if head is not None else (),
        enforced=head.enforce.sites if head is not None and head.enforce is not None else (),
    )
    check(subject, findings)
    if head is None or findings.total:
        return None
    return _policy(head, tuple(clause for _, clause in clauses), digest, always_open, findings)


def _head(keys: Mapping[str, object], words: Vocabulary, findings: Findings) -> HeadForm | None:
    top = {key: value for key, value in keys.items() if key != "clauses"}
    try:
        return HeadForm.model_validate(top, context=words)
    except ValidationError as error:
        findings.add_validation(error)
        return None


def _clauses(keys: Mapping[str, object], words: Vocabulary, findings: Findings) -> list[tuple[int, Clause]]:
    """The clauses that are sound by themselves, each with its place in the list."""
    written = keys.get("clauses", [])
    if not isinstance(written, list):
        if ("clauses",) not in findings.document.unread:
            findings.add(("clauses",), "`clauses` is not a list", "begin each clause with `- `, or delete the key")
        return []
    reader = clause_reader(words)
    found: list[tuple[int, Clause]] = []
    for at, each in enumerate(written):
        path: KeyPath = ("clauses", at)
        try:
            found.append((at, reader.read(each, at, findings.place(path))))
        except ValidationError as error:
            findings.add_validation(error, path)
    return found


def _policy(
    head: HeadForm, clauses: tuple[Clause, ...], digest: str, always_open: frozenset[str], findings: Findings
) -> Policy:
    return Policy(
        file=findings.file,
        digest=digest,
        sites=tuple(dict.fromkeys(head.sites)),
        mode=head.mode,
        default=Action(head.default),
        on_error=head.on_error,
        default_place=findings.place(("default",)),
        clauses=clauses,
        on_disallow=Action(head.on_disallow),
        on_reservation=head.on_reservation,
        user_fetch_obeys_everyone_group=head.user_fetch_obeys == "everyone",
        contact=head.contact,
        terms=head.terms,
        license=head.license,
        license_server=head.license_server,
        tdm_policy=head.tdm_policy,
        tenant=head.tenant,
        evidence_required_for=frozenset(head.evidence.required_for),
        evidence_private=head.evidence.private,
        retention_days=head.evidence.retention_days,
        documents_from=head.documents.from_,
        robots_file=head.documents.robots,
        tdmrep_file=head.documents.tdmrep,
        robots_base=head.documents.base,
        sitemaps=head.documents.sitemaps,
        always_open=always_open,
        rollout=_rollout(head),
    )


def _rollout(head: HeadForm) -> Rollout | None:
    if head.enforce is None:
        return None
    return Rollout(sites=frozenset(head.enforce.sites), share=head.enforce.percent)


_ADDRESS_KEYS = ("contact", "terms", "license", "license_server", "tdm_policy")


def _always_open(head: HeadForm, findings: Findings) -> frozenset[str]:
    """The paths of the site itself that the policy names: they answer everybody, by exact comparison (part 5.4)."""
    found: set[str] = set()
    for key in _ADDRESS_KEYS:
        address: str = getattr(head, key)
        path = values.own_path(address, head.sites) if address else None
        if path is None:
            continue
        if key == "license_server":  # a client needs only the token endpoint (Open License Protocol)
            path = f"{path.rstrip('/')}/token"
        if values.is_plain_path(path):
            found.add(path)
        elif address.startswith("/") or "*" not in head.sites:
            what = f"`{key}`: {values.shown(path)} would have to answer every crawler, and not only with the terms"
            findings.add((key,), what, "give it a page of its own, such as /terms, without ? ; // or dots")
    return frozenset(found)


def _readable_sites(keys: Mapping[str, object], document: Document) -> tuple[str, ...]:
    """The authorities that a broken file is about; none where that cannot be told."""
    if not isinstance(document.data, dict) or ("sites",) in document.unread:
        return ()
    if "sites" not in keys:
        return ("*",) if document.complete else ()
    written = keys["sites"]
    found: dict[str, None] = {}
    for each in written if isinstance(written, list) else [written]:
        name = _sound(values.site, each)
        if name is not None:
            found[name] = None
    return tuple(found)


def _sound(rule: Callable[[str], str], value: object) -> str | None:
    if not isinstance(value, str):
        return None
    try:
        return rule(value)
    except values.WrongValueError:
        return None


def _tenant(keys: Mapping[str, object], document: Document) -> str:
    """Whose sites a broken file is about."""
    if "tenant" in keys or not document.complete:
        return _sound(values.name, keys.get("tenant")) or UNKNOWN_TENANT
    return "default"


def is_stand_in(policy: Policy) -> bool:
    """Whether `policy` only stands in for a broken file: it has no line for its default."""
    return policy.default_place.line == 0
