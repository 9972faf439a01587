"""The policies of a directory, file by file: one changed file costs the reading of one file (design part 5.10).

Rule: the answer is that of judging every file anew. A sound file whose sites no other file names depends on nothing
but itself, and what it gave is kept. All others are judged again each time, because what they give depends on what was
in force: a broken file keeps the last good copy of its own, and a site that two files name stays where it was.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping
from operator import attrgetter

from msgspec.structs import replace

from optout.errors import Problem
from optout.policy.draft import Draft, is_stand_in
from optout.policy.model import Policy, PolicySet

_FEW = 64  # changes up to which a sorted list is mended in place
_LINES_AT_A_TIME = 1000  # hashed together: other threads get in between
_file_of = attrgetter("file")


class Fleet:
    """The drafts of a directory's files, and which of them may depend on another."""

    def __init__(self) -> None:
        self._drafts: dict[str, Draft] = {}
        self._naming: dict[str, tuple[str, ...]] = {}  # the files that name a site, by name
        self._apart: set[str] = set()  # files that are judged each time
        self._alone: dict[str, Policy] = {}  # the sites of all other files
        self._policies: list[Policy] = []  # of those, by file
        self._lines: list[str] = []  # of those, for the digest, sorted

    def digest(self, file: str) -> str:
        """The SHA-256 (hex) of what a file holds; "" for one that is not known."""
        draft = self._drafts.get(file)
        return draft.digest if draft is not None else ""

    def put(self, drafts: Iterable[Draft], gone: Iterable[str] = ()) -> None:
        """Takes in what files hold now, and that some are no longer there."""
        news = {draft.file: draft for draft in drafts}
        touched: set[str] = set()  # files whose place may have changed
        for file in {*news, *gone}:
            touched.update(self._leave(file))
        for draft in news.values():
            touched.update(self._enter(draft))
        self._sort_out({file: self._drafts.get(file) for file in touched})

    def _leave(self, file: str) -> Iterable[str]:
        draft = self._drafts.pop(file, None)
        yield file
        for site in draft.sites if draft is not None else ():
            left = tuple(each for each in self._naming.pop(site) if each != file)
            if left:
                self._naming[site] = left
            yield from left

    def _enter(self, draft: Draft) -> Iterable[str]:
        self._drafts[draft.file] = draft
        yield draft.file
        for site in draft.sites:
            others = self._naming.get(site, ())
            self._naming[site] = tuple(sorted((*others, draft.file))) if others else (draft.file,)
            yield from others

    def _sort_out(self, touched: Mapping[str, Draft | None]) -> None:
        """Keeps what touched files give by themselves, or notes that they are to be judged each time."""
        old = self._governing(touched)
        new: list[Policy] = []
        for policy in old:
            for site in policy.sites:
                del self._alone[site]
        for file, draft in touched.items():
            self._apart.discard(file)
            if draft is None:
                continue
            sound = draft.policy
            if sound is None or any(len(self._naming[site]) > 1 for site in draft.sites):
                self._apart.add(file)
            else:
                new.append(sound)
                self._alone.update(dict.fromkeys(sound.sites, sound))
        self._list(old, new)

    def _governing(self, files: Iterable[str]) -> list[Policy]:
        """What files gave by themselves until now."""
        found: list[Policy] = []
        for file in files:
            at = bisect_left(self._policies, file, key=_file_of)
            if at < len(self._policies) and self._policies[at].file == file:
                found.append(self._policies[at])
        return found

    def _list(self, old: list[Policy], new: list[Policy]) -> None:
        if len(old) + len(new) <= _FEW:
            for policy in old:
                del self._policies[bisect_left(self._policies, policy.file, key=_file_of)]
                del self._lines[bisect_left(self._lines, _line(policy))]
            for policy in new:
                insort(self._policies, policy, key=_file_of)
                insort(self._lines, _line(policy))
            return
        dropped = set(map(_file_of, old))
        kept = [policy for policy in self._policies if policy.file not in dropped]
        self._policies = sorted((*kept, *new), key=_file_of)
        self._lines = sorted(map(_line, self._policies))

    def govern(self, last_good: PolicySet | None = None) -> tuple[PolicySet, tuple[Problem, ...]]:
        """The policies to be in force after `last_good`, and what is wrong with files."""
        if not self._apart:
            return _set(tuple(self._policies), dict(self._alone), self._lines), ()
        kept, problems = self._judge_apart(last_good)
        policies = tuple(sorted((*self._policies, *kept), key=_file_of))
        by_site = {**self._alone, **{site: policy for policy in kept for site in policy.sites}}
        return _set(policies, by_site, sorted((*self._lines, *map(_line, kept)))), tuple(problems)

    def _judge_apart(self, last_good: PolicySet | None) -> tuple[list[Policy], list[Problem]]:
        drafts = [self._drafts[file] for file in sorted(self._apart)]
        before = {policy.file: policy for policy in last_good or () if policy.file in self._apart}
        owners = self._owners(drafts, last_good)
        kept: list[Policy] = []
        problems: list[Problem] = []
        for draft in drafts:
            found = (*draft.problems, *_taken_elsewhere(draft, owners))
            problems.extend(found)
            policy = draft.policy
            if found:
                last = before.get(draft.file)
                policy = last if last is not None and not is_stand_in(last) else draft.stand_in
            if policy is None:
                continue
            sites = tuple(site for site in policy.sites if self._owner(site, owners, draft.file) == draft.file)
            if sites:
                kept.append(policy if sites == policy.sites else replace(policy, sites=sites))
        return kept, problems

    def _owners(self, drafts: Iterable[Draft], last_good: PolicySet | None) -> dict[str, str]:
        """Which file governs each site that these name: a newcomer never takes one from the file that has it."""
        owners: dict[str, str] = {}
        for draft in drafts:
            for site in draft.sites:
                naming = self._naming[site]
                before = last_good.by_site.get(site) if last_good is not None else None
                owners[site] = before.file if before is not None and before.file in naming else naming[0]
        return owners

    def _owner(self, site: str, owners: dict[str, str], file: str) -> str:
        """The file that governs `site`; `file`, if no other does."""
        naming = self._naming.get(site)
        return owners.setdefault(site, naming[0] if naming else file)


def _taken_elsewhere(draft: Draft, owners: Mapping[str, str]) -> list[Problem]:
    return [
        Problem(
            file=draft.file,
            line=draft.sites_line,
            text=f"{'every site (*)' if site == '*' else site} is already governed by {owners[site]}",
            remedy="name each site in one file only",
        )
        for site in draft.sites
        if owners[site] != draft.file
    ]


def policy_set(policies: Iterable[Policy]) -> PolicySet:
    """Policies in force, by authority; no two may share one.

    The set's digest is the SHA-256 over a sorted line for each policy: its file's digest and name, and its sites.
    """
    kept = tuple(policies)
    by_site = {site: policy for policy in kept for site in policy.sites}
    return _set(kept, by_site, sorted(map(_line, kept)))


def _line(policy: Policy) -> str:
    return f"{policy.digest} {policy.file} {' '.join(policy.sites)}\n"


def _set(policies: tuple[Policy, ...], by_site: Mapping[str, Policy], lines: list[str]) -> PolicySet:
    digest = hashlib.sha256()
    for start in range(0, len(lines), _LINES_AT_A_TIME):
        digest.update("".join(lines[start : start + _LINES_AT_A_TIME]).encode("utf-8", "surrogateescape"))
    return PolicySet(policies=policies, by_site=by_site, digest=digest.hexdigest())
