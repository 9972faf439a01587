"""What is wrong with clauses only when they are seen together, or beside the rest of the policy (design 5.1 to 5.4).

Values that are wrong by themselves have been reported and are left out here, so that one mistake is one problem.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain

from optout.crawlers.model import AI_PURPOSES, Purpose
from optout.policy.always_open import ACME_PREFIX, ALWAYS_OPEN_PATHS
from optout.policy.model import Clause, ClauseAction, Mode, Place
from optout.policy.problems import Findings
from optout.policy.site_names import nearest
from optout.policy.values import shown
from optout.policy.vocabulary import Vocabulary
from optout.policy.yaml_positions import KeyPath

_REFUSING = frozenset({ClauseAction.DENY, ClauseAction.REQUIRE_LICENSE})
_HANDING_ON = frozenset({ClauseAction.THROTTLE})  # they end no search
_NAMED_ENGINES = 3  # a list of more helps nobody


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is looked at: the file's top keys as read, and its sound clauses with their place in the list.

    `sites` are the policy's and `enforced` those that `enforce` lists; both are empty where a top key is wrong.
    """

    keys: Mapping[str, object]
    clauses: Sequence[tuple[int, Clause]]
    always_open: frozenset[str]
    vocabulary: Vocabulary
    sites: tuple[str, ...] = ()
    enforced: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A problem with the value at `path`."""

    path: KeyPath
    what: str
    remedy: str


def check(subject: Subject, findings: Findings) -> None:
    """Adds to `findings` whatever is wrong with `subject`."""
    found = chain(
        _license_without_offer(subject),
        _server_without_license(subject),
        _same_id_twice(subject),
        _search_engines(subject),
        _always_open_files(subject),
        _never_reached(subject),
        _enforced_while_observing(subject),
        _rollout_while_observing(subject),
        _enforced_elsewhere(subject),
        _generated(subject),
    )
    for each in found:
        findings.add(each.path, each.what, each.remedy)


def _license_without_offer(subject: Subject) -> Iterator[Finding]:
    if "terms" in subject.keys or "contact" in subject.keys:
        return
    top: Iterator[KeyPath] = (
        (key,) for key in ("default", "on_disallow", "on_reservation") if subject.keys.get(key) == "require-license"
    )
    below: Iterator[KeyPath] = (
        ("clauses", at, "action") for at, clause in subject.clauses if clause.action is ClauseAction.REQUIRE_LICENSE
    )
    first = next(chain(top, below), None)
    if first is not None:
        what = "a license is required here, but nothing says how to get one"
        yield Finding(path=first, what=what, remedy="add `terms:` (a page) or `contact:` (an e-mail address)")


def _server_without_license(subject: Subject) -> Iterator[Finding]:
    """Crawler Authorization Protocol (standards.md part 5.5): a challenge comes with a link to the license."""
    if subject.keys.get("license_server") and not subject.keys.get("license"):
        what = "a license server is named here, but not the license that it grants"
        yield Finding(path=("license_server",), what=what, remedy="add `license:`, the URL of your RSL document")


def _same_id_twice(subject: Subject) -> Iterator[Finding]:
    seen: dict[str, Clause] = {}
    for at, clause in subject.clauses:
        first = seen.setdefault(clause.id, clause)
        if first is not clause:
            what = f'clause "{clause.id}" has the name of the clause in line {first.place.line}'
            yield Finding(path=("clauses", at, "id"), what=what, remedy="give each clause an id of its own")


_TO_SEARCH = {
    ClauseAction.DENY: "refuses search engines",
    ClauseAction.REQUIRE_LICENSE: "refuses search engines",
    ClauseAction.PUBLISHED: "lets robots.txt refuse search engines",
    ClauseAction.THROTTLE: "turns search engines away that come more often",
}


def _search_engines(subject: Subject) -> Iterator[Finding]:
    """Design part 5.2: nobody vanishes from a search engine by default or by mistake."""
    for at, clause in subject.clauses:
        # What is published may refuse, too: `published` hands a search engine on to robots.txt.
        if clause.action is ClauseAction.ALLOW or clause.including_search or not (clause.crawlers or clause.purposes):
            continue
        engines = _engines(subject.vocabulary, clause.crawlers, clause.operators, clause.purposes)
        if engines:
            names = ", ".join(engines[:_NAMED_ENGINES])
            more = f" and {len(engines) - _NAMED_ENGINES} more" if len(engines) > _NAMED_ENGINES else ""
            yield Finding(
                path=("clauses", at),
                what=f'clause "{clause.id}" {_TO_SEARCH[clause.action]}: {names}{more}',
                remedy="the site leaves their results; if that is meant, add `including_search: true`",
            )


_NOWHERE = Place(file="", line=0)


@lru_cache(maxsize=1024)  # of the many clauses of a fleet, few differ in whom they are about
def _engines(
    vocabulary: Vocabulary, crawlers: frozenset[str], operators: frozenset[str], purposes: frozenset[Purpose]
) -> tuple[str, ...]:
    """The search engines that a clause with these selectors is about."""
    clause = Clause(
        id="", action=ClauseAction.DENY, place=_NOWHERE, crawlers=crawlers, operators=operators, purposes=purposes
    )
    return tuple(each.name for each in vocabulary.search_engines if clause.names(each, each.acts_for))


def _always_open_files(subject: Subject) -> Iterator[Finding]:
    for at, clause in subject.clauses:
        if clause.action not in _REFUSING:
            continue
        for pattern in clause.paths:
            path = pattern.octets.decode("ascii").removesuffix("$")
            if path in ALWAYS_OPEN_PATHS or path in subject.always_open or path.startswith(ACME_PREFIX):
                yield Finding(
                    path=("clauses", at, "path"),
                    what=f'clause "{clause.id}" refuses {path}, which always answers everybody',
                    remedy="delete this path: refusing it hides your own terms",
                )


def _never_reached(subject: Subject) -> Iterator[Finding]:
    """Only what is certain: a clause about AI crawlers below an enforced one that has no selector at all."""
    catch_all: Clause | None = None
    for at, clause in subject.clauses:
        if catch_all is not None and _only_about_ai(clause, subject.vocabulary):
            yield Finding(
                path=("clauses", at),
                what=f'clause "{clause.id}" is never reached: "{catch_all.id}" in line '
                f"{catch_all.place.line} is about every AI crawler",
                remedy="put the general clause last, or delete this one",
            )
        if catch_all is None and _is_catch_all(clause):
            catch_all = clause


def _is_catch_all(clause: Clause) -> bool:
    selectors = (
        clause.crawlers,
        clause.operators,
        clause.purposes,
        clause.standings,
        clause.paths,
        clause.methods,
    )
    return clause.mode is not Mode.OBSERVE and clause.action not in _HANDING_ON and not any(selectors)


def _only_about_ai(clause: Clause, vocabulary: Vocabulary) -> bool:
    if clause.purposes and not clause.purposes <= AI_PURPOSES:
        return False
    named = (crawler for name in clause.crawlers for crawler in vocabulary.crawlers[name])
    return not any(crawler.acts_for.isdisjoint(AI_PURPOSES) for crawler in named)


def _enforced_while_observing(subject: Subject) -> Iterator[Finding]:
    if subject.keys.get("mode", "observe") != "observe":
        return
    for at, clause in subject.clauses:
        if clause.mode is Mode.ENFORCE:
            yield Finding(
                path=("clauses", at, "mode"),
                what=f'clause "{clause.id}" would enforce, but the policy as a whole observes',
                remedy="write `mode: enforce` at the top, and `mode: observe` in the clauses that shall wait",
            )


def _rollout_while_observing(subject: Subject) -> Iterator[Finding]:
    if "enforce" in subject.keys and subject.keys.get("mode", "observe") == "observe":
        yield Finding(
            path=("enforce",),
            what="`enforce` says which sites are enforced, but the policy as a whole observes",
            remedy="write `mode: enforce` at the top; sites that are not meant here go on observing",
        )


def _enforced_elsewhere(subject: Subject) -> Iterator[Finding]:
    """A site that is misspelled here would quietly go on observing."""
    for at, site in enumerate(subject.enforced):
        if nearest(site, subject.sites) is None:
            yield Finding(
                path=("enforce", "sites", at),
                what=f"`enforce`: {'every site (*)' if site == '*' else shown(site)} is not among the policy's `sites`",
                remedy="add it there, or spell it as it is spelled there",
            )


_MOST_PUBLISHED = 200  # clauses and paths; each may stand in many groups of a robots.txt, and readers stop at 500 KiB


def _generated(subject: Subject) -> Iterator[Finding]:
    """What goes wrong where the documents are made from the policy itself, and then count as published."""
    documents = subject.keys.get("documents")
    if not isinstance(documents, dict) or documents.get("from") != "generated":
        return
    where = ("documents", "from")
    default, on_disallow = subject.keys.get("default"), subject.keys.get("on_disallow", "deny")
    if default == "require-license" and on_disallow == "deny":
        what = (
            "the generated robots.txt says Disallow for `default: require-license`, and `on_disallow` makes that a 403"
        )
        yield Finding(path=("default",), what=what, remedy="add `on_disallow: require-license`")
    if "*" in subject.sites:
        what = "generated documents hold absolute addresses, and the policy is for every site"
        yield Finding(path=where, what=what, remedy="name your sites under `sites:`")
    if sum(1 + len(clause.paths) for _, clause in subject.clauses) > _MOST_PUBLISHED:
        what = f"more than {_MOST_PUBLISHED} clauses and paths are too many for a generated robots.txt"
        yield Finding(path=where, what=what, remedy="write `from: files`, and publish a file")
