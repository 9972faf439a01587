"""Whether a directory still is what its log's key signed; reads only, so a door may go on writing meanwhile.

What sound means: every record below the checkpoint is, byte for byte and in this order, what the key signed; no
number of a writer is missing; every document kept is the one that its record names. What it does not mean is part of
every report (evidence.md part 5.9). Without a key from outside, the report says "self-attested".

It has over 300 lines because a log is read once, and everything that can be said of a record is said then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from optout.evidence.checkpoint import Checkpoint, NoteFault, VerifierKey, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.frames import Damage
from optout.evidence.keys import KeyStore
from optout.evidence.part_check import COMMITTED, PartCheck
from optout.evidence.schema import Envelope, parse_envelope, parse_record
from optout.evidence.seen import Seen, SeenCheck
from optout.evidence.segments import Break, Entry, read_entries, reread
from optout.evidence.signing import parse_state, parse_vkey_file
from optout.evidence.tiles import WIDTH, Tiler, list_tiles, parse_tile_path, read_tile
from optout.evidence.tree import leaf_hash
from optout.evidence.verdict import AuditProblem, AuditReport, Verdict
from optout.evidence.waiting import count_waiting, places_carried

__all__ = ["AuditProblem", "AuditReport", "Verdict", "audit"]
_MOST_PROBLEMS = 100
_BAD_TILE = "it does not hold hashes of these records; remove it, the next start makes it anew from them"


Progress = Callable[[int, int], None]
"""Told now and then how many records were read, and how many were signed."""


def audit(
    directory: Path, vkey: VerifierKey | None = None, seen: tuple[Seen, ...] = (), progress: Progress | None = None
) -> AuditReport:
    """Check a log against `vkey`, or, without one, against the key in the directory itself, and what was `seen` of it.

    Never raises.

    It reads in an order that a writer at work cannot upset: signatures, the names of tiles, then
    records, then documents.
    """
    layout = Layout(directory)
    run = _Audit(
        layout=layout, expected=vkey, parts=PartCheck(KeyStore(layout.keys)), seen=SeenCheck(seen), progress=progress
    )
    try:
        key = run.read_key()
        signed = run.read_signatures(key) if key is not None else None
        if signed is not None:
            tiles = tuple(list_tiles(run.layout.tiles))
            run.read_records(signed)
            run.check_places(tiles)
            run.read_documents()
            run.waiting = count_waiting(run.layout, run.next_seq)
    except OSError as fault:
        run.unreadable = f"cannot read {fault.filename or directory}: {fault.strerror}"
    return run.report()


@dataclass(slots=True, kw_only=True)
class _Audit:
    """An audit under way: what was read, and every problem found."""

    layout: Layout
    expected: VerifierKey | None
    parts: PartCheck
    seen: SeenCheck
    progress: Progress | None = None
    key: VerifierKey | None = None
    signed: Checkpoint | None = None
    tree: Tiler = field(default_factory=Tiler)
    next_seq: dict[str, int] = field(default_factory=dict)
    told: dict[tuple[str, int], int] = field(default_factory=dict)
    unsure: set[str] = field(default_factory=set)
    documents: dict[str, int] = field(default_factory=dict)
    gaps: int = 0
    waiting: int = 0
    lost: bool = False
    unfinished: bool = False
    broken: bool = False
    unreadable: str = ""
    problems: list[AuditProblem] = field(default_factory=list)

    def found(self, path: Path, text: str, index: int | None = None) -> None:
        """Add a problem."""
        if len(self.problems) < _MOST_PROBLEMS:
            name = str(path.relative_to(self.layout.root))
            self.problems.append(AuditProblem(file=name, index=index, text=text))

    # Keys and signatures

    def read_key(self) -> VerifierKey | None:
        """The key to check against."""
        self.key = self.expected
        try:
            own = parse_vkey_file(self.layout.vkey.read_bytes())
        except FileNotFoundError:
            self.unreadable = "" if self.expected else f"{self.layout.vkey} is missing: this is no evidence log"
            return self.key
        if isinstance(own, NoteFault):
            self.found(self.layout.vkey, own.text)
        elif self.expected is not None and own != self.expected:
            self.found(self.layout.vkey, f"it is the key {own}, not the one expected")
        elif self.key is None:
            self.key = own
        return self.key

    def read_signatures(self, key: VerifierKey) -> Checkpoint | None:
        """The newest checkpoint that `key` signed, from the checkpoint file and the state file."""
        published = self._checkpoint(self.layout.checkpoint, key)
        kept = self._checkpoint(self.layout.state, key)
        if published is not None and kept is not None and _is_behind(kept, published):
            self.found(self.layout.state, "it is behind the published checkpoint: the log was rolled back")
        both = [one for one in (published, kept) if one is not None]
        self.signed = max(both, key=lambda one: one.size, default=None)
        if self.signed is None and not self.problems:
            self.unreadable = "there is neither a checkpoint nor a state: nothing to check against"
        return self.signed

    def _checkpoint(self, path: Path, key: VerifierKey) -> Checkpoint | None:
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        if path == self.layout.state:
            state = parse_state(note)
            if isinstance(state, NoteFault):
                self.found(path, state.text)
                return None
            note = state.note
        checkpoint = open_checkpoint(note, key)
        if isinstance(checkpoint, NoteFault):
            self.found(path, checkpoint.text)
            return None
        return checkpoint

    # Records

    def read_records(self, signed: Checkpoint) -> None:
        """Every record, its place in the tree and its writer's number."""
        self._check_root(signed)
        self._check_seen()
        for item in read_entries(self.layout.segments):
            if isinstance(item, Break):
                self._break(item, signed)
                continue
            self._record(item)
            self.tree.append(leaf_hash(item.record))
            if self.tree.size == signed.size:
                self._check_root(signed)
            if self.seen.wants(self.tree.size):
                self._check_seen()
            if self.tree.size % WIDTH == 0:
                self._check_tiles()
                if self.progress is not None:
                    self.progress(self.tree.size, signed.size)
        if not self.broken and self.tree.size < signed.size:
            self.found(self.layout.segments, f"{self.tree.size} records are left of {signed.size} that were signed")
        for text in self.seen.beyond(signed.origin, self.tree.size) if not self.broken else ():
            self.found(self.layout.segments, text)

    def _check_seen(self) -> None:
        if not self.broken and self.key is not None:
            for text in self.seen.faults(self.key.name, self.tree.size, self.tree.root()):
                self.found(self.layout.segments, text)

    def _check_tiles(self) -> None:
        """Tiles that are there hold the hashes of the records; one that is missing can be made anew."""
        for tile in self.tree.take_full():
            data = read_tile(self.layout.tiles, tile.level, tile.number)
            if data is not None and data != tile.hashes and not self.broken:
                self.found(self.layout.tiles / tile.path, _BAD_TILE)

    def check_places(self, tiles: Iterable[Path]) -> None:
        """No file among the tiles is of records that are not there."""
        counts = self.tree.counts()
        for path in tiles:
            where = parse_tile_path(path.relative_to(self.layout.tiles).as_posix())
            is_ours = where is not None and where[0] < len(counts) and where[1] < counts[where[0]]
            if not is_ours and not self.broken:
                self.found(path, _BAD_TILE)

    def _check_root(self, signed: Checkpoint) -> None:
        if self.tree.size == signed.size and not self.broken and self.tree.root() != signed.root:
            self.found(self.layout.segments, f"the first {signed.size} records are not those that were signed")

    def _break(self, end: Break, signed: Checkpoint) -> None:
        above = end.last and end.index >= signed.size
        if above and (end.damage is Damage.INCOMPLETE or reread(end) is None):
            self.unfinished = True  # a writer at work, or a crash; the next start cuts it off
            return
        self.broken = True
        self.unsure.update(self.next_seq)
        self.found(end.path, f"damaged at byte {end.offset} ({end.damage})", end.index)

    def _record(self, entry: Entry) -> None:
        envelope = parse_envelope(entry.record)
        if envelope is None:
            self.found(entry.path, "not a record of this log", entry.leaf_index)
            return
        self._number(entry, envelope)
        if (entry.private or COMMITTED in entry.record) and (fault := self.parts.fault(entry)):
            self.found(entry.path, fault, entry.leaf_index)
        if envelope.type == "log.start":
            self._start(entry)
        elif envelope.type == "log.gap":
            self.gaps += 1
            self._gap(entry)
        elif envelope.type == "policy.snapshot":
            self.documents[envelope.snapshot] = entry.leaf_index

    def _number(self, entry: Entry, envelope: Envelope) -> None:
        expected = self.next_seq.get(envelope.boot, 0)
        while expected != envelope.seq and (envelope.boot, expected) in self.told:
            expected = self.told.pop((envelope.boot, expected))
            self.lost = True
        if envelope.boot in self.unsure:
            self.unsure.discard(envelope.boot)
        elif envelope.seq != expected:
            self.found(
                entry.path,
                f"its writer's number is {envelope.seq} where {expected} is due: records are missing or moved",
                entry.leaf_index,
            )
        if (envelope.seq == 0) != (envelope.type == "log.start"):
            self.found(entry.path, "a start of the writer does not begin with log.start", entry.leaf_index)
        self.next_seq[envelope.boot] = envelope.seq + 1

    def _gap(self, entry: Entry) -> None:
        """A gap may name numbers that were lost with a writer's spool (`sequencer`); it stands before what follows."""
        fields = parse_record(entry.record) or {}
        boot, first, last = (fields.get(f"lost.{name}") for name in ("boot", "first_seq", "last_seq"))
        if isinstance(boot, str) and isinstance(first, int) and isinstance(last, int) and first <= last:
            self.told[boot, first] = last + 1

    def _start(self, entry: Entry) -> None:
        fields = parse_record(entry.record) or {}
        if not entry.leaf_index:
            self.next_seq.update(places_carried(fields))
        if fields.get("log.vkey") != str(self.key):
            self.found(entry.path, "it names another key than the log's", entry.leaf_index)
        note = str(fields.get("log.previous.checkpoint", "")).encode("utf-8", "replace")
        before = open_checkpoint(note, self.key) if self.key else NoteFault(text="no key")
        if isinstance(before, NoteFault):
            self.found(entry.path, f"the checkpoint before it: {before.text}", entry.leaf_index)
        elif before.size > entry.leaf_index:
            self.found(entry.path, "the checkpoint before it covers more than there was", entry.leaf_index)

    # Documents

    def read_documents(self) -> None:
        """Every document kept, and every one that a record names."""
        present = set()
        for path in sorted(self.layout.snapshots.iterdir()):
            if path.name.startswith("."):
                continue
            present.add(path.name)
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != path.name:
                    self.found(path, "its bytes do not have the hash that names it")
        for digest, index in self.documents.items():
            if digest not in present:
                self.found(self.layout.snapshots, f"the document {digest} is missing", index)

    # The report

    def report(self) -> AuditReport:
        """The verdict, and what it rests on."""
        covered = self.signed.size if self.signed is not None else 0
        verdict = Verdict.COULD_NOT_TELL if self.unreadable else Verdict.SOUND
        return AuditReport(
            verdict=Verdict.NOT_SOUND if self.problems else verdict,
            origin=self.key.name if self.key is not None else "",
            vkey=str(self.key) if self.key is not None else "",
            self_attested=self.expected is None,
            size=self.tree.size,
            covered=covered,
            boots=len(self.next_seq),
            snapshots=len(self.documents),
            gaps=self.gaps,
            waiting=self.waiting,
            proved=tuple(self._proved(covered)) if verdict is Verdict.SOUND and not self.problems else (),
            not_proved=tuple(self._not_proved(covered)),
            problems=tuple(self.problems),
        )

    def _proved(self, covered: int) -> Iterator[str]:
        yield f"byte for byte and in this order, {_count(covered, 'record')} as signed by {self.key}"
        but = " but those that a log.gap names" if self.lost else ""
        yield f"no number is missing in {_count(len(self.next_seq), 'start')} of a writer{but}"
        yield f"{_count(len(self.documents), 'document')} with the hash that a record names"
        for one in self.seen.confirmed:
            yield f"the first {one.size} are those that were seen{f' by {one.by}' if one.by else ''}"
        if self.parts.read:
            yield f"{_count(self.parts.read, 'private part')} as committed to when logged"

    def _not_proved(self, covered: int) -> Iterator[str]:
        if self.unreadable:
            yield self.unreadable
            return
        if self.tree.size > covered:
            yield f"{_count(self.tree.size - covered, 'record')} after the last checkpoint: not yet signed"
        if self.unfinished:
            yield "behind the last record lies an unfinished write: a writer at work, or a crash"
        if self.waiting:
            yield f"{_count(self.waiting, 'record')} in the spools of other writers: not yet in the tree"
        if self.parts.unread:
            yield f"what {_count(self.parts.unread, 'private part')} held: erased, or the keys are not here"
        if self.expected is None:
            yield "whose key it is: it was taken from the directory itself, so the log is self-attested"
        yield "when the records were written: only the log's own clock says so"
        yield f"that every request was recorded: the log itself tells of {_count(self.gaps, 'gap')}"


def _is_behind(kept: Checkpoint, published: Checkpoint) -> bool:
    return published.size > kept.size or (published.size == kept.size and published.root != kept.root)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
