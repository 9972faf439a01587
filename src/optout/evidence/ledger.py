"""The log itself as a place for records: segments and tree, documents, checkpoints, and what comes out of spools.

One thread uses it, that of the `Writer`. Nothing enters the tree that is not durable in a segment, and nothing is
signed that is not in the tree.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint
from optout.evidence.clock import Clock
from optout.evidence.directory import Layout
from optout.evidence.files import replace_file
from optout.evidence.notes import Notes
from optout.evidence.packing import Packing
from optout.evidence.quarters import is_over
from optout.evidence.receipt import Loss, Receipt
from optout.evidence.schema import Value
from optout.evidence.segments import SegmentWriter, segment_name
from optout.evidence.sequencer import Batch, Sequencer
from optout.evidence.signing import Notary
from optout.evidence.spool import spools_size
from optout.evidence.succession import Ending, begin, has_wish, next_segments, turn
from optout.evidence.tiles import Tiler, write_tile
from optout.evidence.tree import EMPTY_ROOT, leaf_hash
from optout.evidence.writer import RESERVE

_LOOK_US = 200_000  # how long a record may lie in a spool before it is taken over; a checkpoint takes far longer
_LOOK_S = _LOOK_US / 1_000_000
_LOOK_FOR_NEW_S = 1.0
_SEAL_BYTES = 1 << 20
_LOOK_FOR_END_US = 1_000_000
_MOST_CARRIED = 128  # spools whose places fit into one record; with more of them a log goes on until there are fewer


class HalfwayError(Exception):
    """One log has ended and the next one could not begin; only a new start can mend it."""


class Ledger:
    """A log's own files. `size` counts the records of the tree, `used` bytes, `spooled` those that wait in spools."""

    def __init__(
        self,
        *,
        layout: Layout,
        segments: SegmentWriter,
        tree: Tiler,
        notary: Notary,
        sequencer: Sequencer,
        notes: Notes,
        clock: Clock,
        recorded: set[str],
        used: int,
        max_bytes: int,
        checkpoint_every_s: int,
        segment_bytes: int,
    ) -> None:
        self.notary = notary
        self.size = tree.size
        self.used, self.max_bytes, self.spooled = used, max_bytes, 0
        self.recorded = recorded
        self.shortage = Loss.BUDGET
        self._is_full = False
        self._sign_trouble = ""
        self._layout, self._segments, self._tree = layout, segments, tree
        self._sequencer, self._notes, self._clock = sequencer, notes, clock
        self._has_more = False
        self._segment_bytes = segment_bytes
        self._packing = Packing(layout)
        self._end_us = 0
        self._look_us = clock.mono_us()
        self._sign_every_us = checkpoint_every_s * 1_000_000
        self._signed_us = clock.mono_us()

    @property
    def trouble(self) -> str:
        """What is wrong besides writing; "" if nothing is."""
        return "the log is too full for what waits in spools" if self._is_full else self._sign_trouble

    @property
    def patience(self) -> float:
        """How long it may be left alone, in seconds."""
        if self._has_more:
            return 0.0
        return _LOOK_S if self._sequencer.is_followed else _LOOK_FOR_NEW_S

    # Documents

    def knows(self, digest: str) -> bool:
        """Whether the log has this document."""
        return digest in self.recorded

    def store(self, digest: str, document: bytes) -> None:
        """Keep a document; raises OSError."""
        replace_file(self._layout.snapshots / digest, document)
        self.used += len(document)

    def discard(self, digest: str) -> None:
        """Remove a document whose record could not be written: lying there, it would pass for recorded."""
        with suppress(OSError):
            (self._layout.snapshots / digest).unlink(missing_ok=True)

    # Records

    def append(
        self, records: Sequence[bytes], privates: Sequence[bytes], documents: Sequence[str], first_seq: int
    ) -> list[Receipt]:
        """Make records of the writer in this process durable and take them into the tree; raises OSError."""
        first = self._tree.size
        leaves = self._enter(records, privates, documents)
        return [Receipt(index=first + place, seq=first_seq + place, leaf=leaf) for place, leaf in enumerate(leaves)]

    def _enter(self, records: Sequence[bytes], privates: Sequence[bytes], documents: Sequence[str]) -> list[bytes]:
        self.used += self._segments.append(records, privates)
        leaves = [leaf_hash(record) for record in records]
        for leaf in leaves:
            self._tree.append(leaf)
        self.recorded.update(documents)
        self.size = self._tree.size
        return leaves

    def look(self, mono_us: int, *, now: bool, may_write: bool) -> None:
        """Take over what waits in spools, if it is time or `now`; raises OSError when it cannot be written here.

        One batch at a time, so that nobody who records in this process waits for more; `now` takes everything.
        """
        if not (now or self._has_more or mono_us >= self._look_us):
            return
        self._look_us = mono_us + _LOOK_US
        self._has_more = False
        self._sequencer.look()
        while may_write:
            batch = self._sequencer.batch()
            self._is_full = self.used + batch.size + RESERVE > self.max_bytes
            if not batch.parts or self._is_full:
                break
            self._take_over(batch)
            if not now:
                self._has_more = True
                break
        self._make_room()
        with suppress(OSError):
            self.spooled = spools_size(self._layout) if self._sequencer.is_followed else 0

    def _make_room(self) -> None:
        """Pack old segments near the end, and seal the one that is written if that is not enough."""
        self.used -= self._packing.look(self.used, self.max_bytes)
        if self._packing.wants_more and self._segments.length >= max(_SEAL_BYTES, self.max_bytes // 64):
            self._segments.begin_next()
            self._packing.sealed()

    def _take_over(self, batch: Batch) -> None:
        for digest, document in batch.documents.items():
            self.store(digest, document)
        self._enter(batch.records, batch.privates, batch.named)
        self._sequencer.took(batch)

    # The next log

    def ending(self, mono_us: int) -> Ending | None:
        """The end of this log, if it is time for that; raises OSError and EvidenceError."""
        if mono_us < self._end_us:
            return None
        self._end_us = mono_us + _LOOK_FOR_END_US
        name, now_us = self.notary.signer.name, self._clock.now_us()
        reason = "rotation" if has_wish(self._layout) else "quarter" if is_over(name, now_us) else ""
        if not reason or len(self._sequencer.places()) > _MOST_CARRIED or now_us < self.notary.state.time_us:
            return None
        return begin(self._layout, name, reason, now_us)

    def sign_off(self, ending: Ending) -> dict[str, Value]:
        """Sign all of this log, with both keys; what the first record of the next one says. Raises as `ending`."""
        self.notary.sign(self._tree, self._clock.now_us())
        self._write_tiles()
        note = self.notary.sign_off(ending.successor)
        start: dict[str, Value] = {
            "log.origin": ending.successor.name,
            "log.vkey": str(ending.successor.verifier),
            "log.predecessor.vkey": str(self.notary.signer.verifier),
            "log.predecessor.checkpoint": note.decode(),
            "log.size": 0,
        }
        places = self._sequencer.places()
        if places:
            start["log.carried"] = [f"{boot} {seq}" for boot, seq in places.items()]
        empty = Checkpoint(origin=ending.successor.name, size=0, root=EMPTY_ROOT)
        return start | {"log.previous.checkpoint": ending.successor.sign(empty).decode()}

    def hand_over(self, ending: Ending, start: bytes) -> None:
        """Become the next log, whose first record is `start`; raises OSError while this one still goes on.

        Raises HalfwayError when it does not go on any more.
        """
        segments = SegmentWriter(next_segments(self._layout), size=0, segment_bytes=self._segment_bytes)
        try:
            taken = segments.append([start])
        finally:
            segments.close()
        try:
            self._segments.close()
            turn(self._layout, self.notary.signer.name, self.recorded)
            self.notary = Notary(
                ending.successor, state_file=self._layout.state, checkpoint_file=self._layout.checkpoint
            )
            path = self._layout.segments / segment_name(0)
            self._segments = SegmentWriter(
                self._layout.segments, size=1, segment_bytes=self._segment_bytes, resume=(path, taken)
            )
        except (OSError, EvidenceError) as fault:
            raise HalfwayError(f"one log could not follow another: {fault}; the next start goes on with it") from fault
        self._tree = Tiler()
        self._tree.append(leaf_hash(start))
        self.size, self.used = 1, self.used + taken

    # Checkpoints

    def sign(self, wishes: Sequence[Future[Checkpoint]], mono_us: int) -> None:
        """Sign what is wished for, or what is due."""
        due = mono_us - self._signed_us >= self._sign_every_us
        if not wishes and not (due and self.size > self.notary.checkpoint.size):
            return
        self._signed_us = mono_us
        try:
            checkpoint = self.notary.sign(self._tree, self._clock.now_us())
        except (OSError, EvidenceError) as fault:
            self._notes.fault(f"sign {_short(fault)}", self._clock.now_us())
            self._sign_trouble = f"no checkpoint could be signed: {fault}"
            for wish in wishes:
                wish.set_exception(EvidenceError(self._sign_trouble))
        else:
            self._sign_trouble = ""
            self._write_tiles()
            for wish in wishes:
                wish.set_result(checkpoint)

    def _write_tiles(self) -> None:
        """Write the tiles that have become full. What fails is tried again with the next checkpoint."""
        tiles = self._tree.take_full()
        while tiles:
            try:
                write_tile(self._layout.tiles, tiles[0])
            except OSError:
                self._tree.put_back(tiles)
                return
            self.used += len(tiles.pop(0).hashes)

    def close(self) -> None:
        """Close the files; nothing is pending."""
        self._packing.close()
        self._segments.close()
        self._sequencer.close()


def _short(fault: OSError | EvidenceError) -> str:
    if isinstance(fault, OSError):
        return errno.errorcode.get(fault.errno or 0, "unknown")
    return fault.what
