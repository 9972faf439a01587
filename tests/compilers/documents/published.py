"""Shared by tests of documents: a policy's documents from YAML text."""

from __future__ import annotations

from optout.compilers.documents import SiteDocuments, compile_documents
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from optout.policy.model import Policy
from tests.judge import SITE

HEAD = "version: 1\nmode: enforce\non_error: allow\ncontact: me@site.example\n"
NO_TRAINING = "clauses:\n  - {id: none, action: deny, purpose: [train, dataset]}\n"


def policy(more: str, default: str = "allow") -> Policy:
    """A policy called policy.yaml, whose first four lines are `HEAD`."""
    return load_policy(f"{HEAD}default: {default}\n{more}".encode(), "policy.yaml", bundled_registry())


def documents(more: str, default: str = "allow") -> SiteDocuments:
    """The documents of a policy for one site."""
    return compile_documents(policy(more, default), bundled_registry(), authority=SITE)


def text(made: SiteDocuments, path: str) -> str:
    """One document."""
    return made.files[path].data.decode()


def codes(made: SiteDocuments) -> list[str]:
    """The codes of what is lost."""
    return [loss.code for loss in made.losses]
