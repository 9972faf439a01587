"""A site's documents made from its policy, for `documents: {from: generated}`: what is served is what decides.

Every door asks here, through its driver, before it lets a GET or HEAD on to the site. Where the policy only observes,
the site's own documents stand, and nothing is answered in its place.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final

from optout.adapters.documents import Documents
from optout.compilers.documents import Served, SiteDocuments, compile_documents
from optout.crawlers.registry import Registry
from optout.messages import Fields, Response
from optout.policy.model import DocumentsFrom, Policy, PolicySet
from optout.signals.declaration import TDMREP_PATH

_MOST_KEPT = 256  # sites, some 20 KB each; under a policy for `*.example.org` strangers choose the names
FRESH_S: Final = 300
"""Seconds for which anybody may keep a document: who changes a policy waits so long."""


NOTHING: Final = Served(data=b"Nothing is reserved here.\n", media_type="text/plain; charset=utf-8")
"""What is answered for a document that there is not."""


class Generated:
    """The documents of the sites whose policies want them made, each made when it is first asked for.

    May be asked in several threads: at worst a document is made twice, with the same bytes.
    """

    def __init__(self, registry: Registry, *, observe_only: bool) -> None:
        self._registry = registry
        self._observe_only = observe_only
        self._kept: OrderedDict[tuple[str, str], SiteDocuments] = OrderedDict()

    def is_wanted(self, policy: Policy, authority: str) -> bool:
        """Whether the documents of a site are made from its policy. They name the site, so it must have a name."""
        made = policy.documents_from is DocumentsFrom.GENERATED
        return made and bool(authority) and not self._observe_only and policy.enforces(authority)

    def any_wanted(self, policies: PolicySet) -> bool:
        """Whether any policy wants it: else nobody need be asked for each request."""
        return any(policy.documents_from is DocumentsFrom.GENERATED for policy in policies)

    def documents(self, policy: Policy, authority: str) -> Documents | None:
        """What the site publishes, to decide by; None where that is not made here."""
        if not self.is_wanted(policy, authority):
            return None
        return self._of(policy, authority).declared

    def find(self, policy: Policy, authority: str, target: str) -> Served | None:
        """The document at a target of the site, whatever its query; None where the site itself answers.

        A tdmrep.json of the site's own would speak against the policy: where the policy reserves nothing there is none.
        """
        if not self.is_wanted(policy, authority):
            return None
        path = target.partition("?")[0]
        return self._of(policy, authority).files.get(path, NOTHING if path == TDMREP_PATH else None)

    def _of(self, policy: Policy, authority: str) -> SiteDocuments:
        key = (policy.digest, authority)
        found = self._kept.get(key)
        if found is None:
            found = compile_documents(policy, self._registry, authority=authority)
            self._kept[key] = found
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def as_response(served: Served, declared: Fields) -> Response:
    """The answer that carries a document, with the fields that the site's answers declare."""
    fields = (
        ("Content-Type", served.media_type),
        ("Content-Length", str(len(served.data))),
        ("Cache-Control", f"max-age={FRESH_S}"),
        *declared,
    )
    return Response(status=404 if served is NOTHING else 200, fields=Fields(fields), body=served.data)
