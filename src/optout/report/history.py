"""What a site published, from when to when, as its log tells it: versions, interruptions, and who fetched them.

The source is `declaration.seen` (at every change, and once a day that nothing changed), `policy.snapshot` for the
bytes, `log.start` and `log.gap` for times in which nobody looked. Nothing is filled in: between two records that are
more than a day and a quarter apart, the log does not say what was published, and neither does this.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from optout.report.figures import Fields, number

DAY_US = 86_400_000_000
_UNBROKEN_US = DAY_US + DAY_US // 4  # a day between two looks, and room for a site that answers late
_SEEN, _SNAPSHOT, _GAP, _REQUEST = "declaration.seen", "policy.snapshot", "log.gap", "crawl.request"
_OUTCOME = "crawl.outcome"
_DOCUMENTS = {"/robots.txt": "robots.txt", "/.well-known/tdmrep.json": "tdmrep.json"}


@dataclass(slots=True, kw_only=True)
class Version:
    """One version of a document, `sha256` "" where there was none; seen first and last, and each look between (µs)."""

    name: str
    sha256: str
    first_us: int
    first_index: int
    last_us: int
    last_index: int
    holes: list[tuple[int, int]] = field(default_factory=list)

    def confirm(self, time_us: int, index: int) -> None:
        """It was seen once more."""
        if time_us - self.last_us > _UNBROKEN_US:
            self.holes.append((self.last_us, time_us))
        self.last_us, self.last_index = max(self.last_us, time_us), index


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Somebody fetched a document: who he claimed to be, which version was in force, and the bytes that he got.

    `served` is the SHA-256 (hex) of what went out; "" where the door could not see it or the transfer broke off.
    """

    index: int
    time_us: int
    name: str
    sha256: str
    fields: Fields
    served: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What one site published. `versions` by document in their order, `gaps` those that the log tells of."""

    site: str
    versions: dict[str, tuple[Version, ...]]
    fetches: tuple[Fetch, ...]
    gaps: tuple[Fields, ...]

    def at(self, name: str, time_us: int) -> Version | None:
        """The version of a document that had been seen last at a time; None if none had."""
        before = [version for version in self.versions.get(name, ()) if version.first_us <= time_us]
        return before[-1] if before else None


def sites_of(records: Iterable[tuple[int, Fields]]) -> tuple[str, ...]:
    """The sites of which a log tells what they published."""
    return tuple(sorted({str(fields["server.address"]) for _, fields in records if fields.get("type") == _SEEN}))


def history(records: Iterable[tuple[int, Fields]], site: str) -> History:
    """The history of one site, from the records of a log with their places."""
    versions: dict[str, list[Version]] = {}
    fetches: list[Fetch] = []
    gaps: list[Fields] = []
    served: dict[str, str] = {}
    for index, fields in records:
        kind = fields.get("type")
        if kind == _GAP and fields.get("site", site) in (site, "*"):
            gaps.append(fields)
        elif kind == _OUTCOME and "served.sha256" in fields:
            served[str(fields.get("crawl.request.id"))] = str(fields["served.sha256"])
        elif fields.get("server.address") != site:
            continue
        elif kind == _SEEN:
            _see(versions.setdefault(str(fields.get("declaration.name")), []), index, fields)
        elif kind == _REQUEST and fields.get("url.path") in _DOCUMENTS:
            fetches.append(_fetch(index, fields))
    return History(
        site=site,
        versions={name: tuple(found) for name, found in sorted(versions.items())},
        fetches=tuple(replace(each, served=served.get(str(each.fields.get("id")), "")) for each in fetches),
        gaps=tuple(gaps),
    )


def _see(found: list[Version], index: int, fields: Fields) -> None:
    sha256, time_us = str(fields.get("declaration.sha256", "")), number(fields, "time_us")
    if found and found[-1].sha256 == sha256:
        found[-1].confirm(time_us, index)
        return
    name = str(fields.get("declaration.name"))
    found.append(
        Version(name=name, sha256=sha256, first_us=time_us, first_index=index, last_us=time_us, last_index=index)
    )


def _fetch(index: int, fields: Fields) -> Fetch:
    name = _DOCUMENTS[str(fields["url.path"])]
    field_name = "robots.sha256" if name == "robots.txt" else "tdm.sha256"
    return Fetch(
        index=index,
        time_us=number(fields, "time_us"),
        name=name,
        sha256=str(fields.get(field_name, "")),
        fields=fields,
    )
