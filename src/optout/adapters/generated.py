"""A site's documents made from its policy, for `documents: {from: generated}`: what is served is what decides.

Every door asks here, through its driver, before it lets a GET or HEAD on to the site. Where the policy only observes,
the site's own documents stand, and nothing is answered in its place.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

from optout.adapters.documents import Documents
from optout.compilers.documents import Served, SiteDocuments, compile_documents
from optout.crawlers.registry import Registry
from optout.engine import NO_FIELDS
from optout.messages import Fields, Response
from optout.policy.model import DocumentsFrom, Policy, PolicySet
from optout.robots.matcher import PatternIndex
from optout.robots.model import PathPattern, normalize_path
from optout.signals.declaration import TDMREP_PATH
from optout.targets import readings

_MOST_KEPT = 256  # sites, some 20 KB each; under a policy for `*.example.org` strangers choose the names
FRESH_S: Final = 300
"""Seconds for which anybody may keep a document: who changes a policy waits so long."""


_OF_USES = frozenset({"Content-Usage", "X-Robots-Tag"})  # the others follow from tdmrep.json, as for every site

NOTHING: Final = Served(data=b"Nothing is reserved here.\n", media_type="text/plain; charset=utf-8")
"""What is answered for a document that there is not."""


class _Site(NamedTuple):
    """The documents of one site, and the fields that say of each path what it may be used for."""

    documents: SiteDocuments
    paths: PatternIndex
    fields: tuple[Fields, ...]


class Generated:
    """The documents of the sites whose policies want them made, each made when it is first asked for.

    May be asked in several threads: at worst a document is made twice, with the same bytes.
    """

    def __init__(self, registry: Registry, *, observe_only: bool) -> None:
        self._registry = registry
        self._observe_only = observe_only
        self._kept: OrderedDict[tuple[str, str], _Site] = OrderedDict()

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
        return self._of(policy, authority).documents.declared

    def find(self, policy: Policy, authority: str, target: str) -> Served | None:
        """The document at a target of the site, whatever its query; None where the site itself answers.

        A tdmrep.json of the site's own would speak against the policy: where the policy reserves nothing there is none.
        """
        if not self.is_wanted(policy, authority):
            return None
        path = target.partition("?")[0]
        return self._of(policy, authority).documents.files.get(path, NOTHING if path == TDMREP_PATH else None)

    def uses(self, policy: Policy, authority: str, target: str) -> Fields:
        """What a response for `target` says besides tdmrep.json's own fields: Content-Usage, X-Robots-Tag.

        A target that can be read in several ways gets what says most.
        """
        if not self.is_wanted(policy, authority):
            return NO_FIELDS
        site = self._of(policy, authority)
        places = [site.paths.first(normalize_path(way)) for way in readings(target)]
        return max((site.fields[place] for place in places if place is not None), key=_refused, default=NO_FIELDS)

    def _of(self, policy: Policy, authority: str) -> _Site:
        key = (policy.digest, authority)
        found = self._kept.get(key)
        if found is None:
            made = compile_documents(policy, self._registry, authority=authority)
            paths = PatternIndex([PathPattern.parse(each.pattern) for each in made.sections])
            said = (tuple(pair for pair in each.fields if pair[0] in _OF_USES) for each in made.sections)
            found = self._kept[key] = _Site(made, paths, tuple(map(Fields, said)))
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found


def _refused(fields: Fields) -> int:
    """How many uses the fields of a path refuse."""
    return sum(value.count("=n") for _, value in fields)


def as_response(served: Served, declared: Fields) -> Response:
    """The answer that carries a document, with the fields that the site's answers declare."""
    fields = (
        ("Content-Type", served.media_type),
        ("Content-Length", str(len(served.data))),
        ("Cache-Control", f"max-age={FRESH_S}"),
        *declared,
    )
    return Response(status=404 if served is NOTHING else 200, fields=Fields(fields), body=served.data)
