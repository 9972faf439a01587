"""Which records go into a bundle, and which documents they name.

Rule: of another tenant nothing goes in, not even where two tenants published the same document: the record that first
told of it names the site that had it first, and stays out. What the log says of itself (its starts, gaps, faults and
steps of its clock) goes in for the whole period, because a period without its gaps would be a false account.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from optout.errors import EvidenceError
from optout.evidence.directory import Layout
from optout.evidence.schema import parse_record
from optout.evidence.segments import Break, Entry, read_entries

_OF_THE_LOG = frozenset({"log.start", "log.end", "log.gap", "log.fault", "log.clock", "log.anchor", "key.rotate"})
_ACTS = frozenset({"custody.notice", "erase.notice", "hold.notice"})  # each is of a tenant or of the whole log
_FOLLOWS = "crawl.request.id"
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_DOCUMENT = "policy.snapshot"
_BELONGS_TO = ("tenant", "server.address", "authority", "site")  # fields that say whose a record is


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What to choose; an empty field chooses everything. Times in µs since 1970 UTC, `until_us` exclusive.

    `ids` are records' ids: then only these, and what followed them.
    """

    tenant: str = ""
    since_us: int | None = None
    until_us: int | None = None
    crawler: str = ""
    ids: frozenset[str] = frozenset()

    def words(self) -> dict[str, str]:
        """The scope for people, as names and values."""
        told = {"tenant": self.tenant, "crawler": self.crawler, "records": ", ".join(sorted(self.ids))}
        return {name: value for name, value in told.items() if value}

    def holds_time(self, fields: Mapping[str, object]) -> bool:
        """Whether a record is of this period."""
        moment = fields.get("time_us")
        if not isinstance(moment, int):
            return False
        return (self.since_us is None or moment >= self.since_us) and (self.until_us is None or moment < self.until_us)

    def wants(self, fields: Mapping[str, object]) -> bool:
        """Whether a record of a visit is chosen."""
        return (
            self.holds_time(fields)
            and self.tenant in ("", fields.get("tenant"))
            and self.crawler in ("", fields.get("crawl.product"))
            and (not self.ids or fields.get("id") in self.ids)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """What goes in: the places of records in the log, ascending, and the SHA-256 (hex) of documents that they name."""

    indexes: tuple[int, ...]
    documents: frozenset[str]


@dataclass(slots=True, kw_only=True)
class _Choice:
    """What was chosen so far. What can only be told when all visits are known waits in `later`."""

    scope: Scope
    indexes: list[int] = field(default_factory=list)
    ids: set[str] = field(default_factory=set)
    sites: set[str] = field(default_factory=set)
    documents: set[str] = field(default_factory=set)
    later: list[tuple[int, Mapping[str, object]]] = field(default_factory=list)

    def meet(self, index: int, fields: Mapping[str, object]) -> None:
        """Choose a record, or not; called with each in the order of the log."""
        kind, follows = fields.get("type"), fields.get(_FOLLOWS)
        if kind == _DOCUMENT or kind in _OF_THE_LOG or kind in _ACTS:
            if kind == _DOCUMENT or self.scope.holds_time(fields):
                self.later.append((index, fields))
        elif isinstance(follows, str):
            if follows in self.ids:
                self._take(index, fields)
        elif self.scope.wants(fields):
            self.ids.add(str(fields.get("id")))
            self.sites.add(str(fields.get("server.address", "")))
            self._take(index, fields)

    def _take(self, index: int, fields: Mapping[str, object]) -> None:
        self.indexes.append(index)
        for name, value in fields.items():
            if name.endswith(".sha256") and isinstance(value, str) and _DIGEST.match(value):
                self.documents.add(value)

    def finish(self) -> Chosen:
        """The whole choice."""
        for index, fields in self.later:
            is_wanted = fields["type"] != _DOCUMENT or fields.get("snapshot.sha256") in self.documents
            if is_wanted and not self._is_anothers(fields):
                self.indexes.append(index)
        return Chosen(indexes=tuple(sorted(self.indexes)), documents=frozenset(self.documents))

    def _is_anothers(self, fields: Mapping[str, object]) -> bool:
        if not self.scope.tenant:
            return False
        ours = {self.scope.tenant, *self.sites}
        is_of_all = fields["type"] in _ACTS and "tenant" not in fields
        return is_of_all or any(fields[name] not in ours for name in _BELONGS_TO if name in fields)


def choose(layout: Layout, size: int, scope: Scope) -> Chosen:
    """What of a log's first `size` records is in scope.

    Raises EvidenceError at a record that is damaged: a bundle is made of a sound log or not at all.
    """
    choice = _Choice(scope=scope)
    for entry in entries_below(layout, size):
        choice.meet(entry.leaf_index, parse_record(entry.record) or {})
    return choice.finish()


def entries_below(layout: Layout, size: int) -> Iterator[Entry]:
    """The first `size` records of a log; raises EvidenceError at one that is damaged."""
    for item in read_entries(layout.segments):
        if isinstance(item, Break):
            raise EvidenceError(f"{item.path}: record {item.index} is damaged", "run `optout evidence verify`")
        if item.leaf_index >= size:
            return
        yield item
