"""Where an index lies, whether it still fits its log, and what happens if not.

`index.sqlite` lies in the log's directory. Each opening reads what is new. An index of another log, of another version
of this code, of a log that was cut back or replaced, or with damaged bytes is moved aside (one is kept, for whoever
wants to know why) and made anew. Where nothing can be written, the index is a temporary file and ends with its user.

Whether it fits is asked of the key, of the first record of each segment and of the last record read: a log that was
put back from a copy and written on differs there. It is not asked of every record, which `verify` does.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import apsw
import apsw.sqlite_extra

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, open_checkpoint
from optout.evidence.directory import INDEX, Layout
from optout.evidence.frames import Damage, Framed
from optout.evidence.index.filling import Filler
from optout.evidence.index.tables import FACETS, SCHEMA, VERSION, ask
from optout.evidence.packed import open_segment
from optout.evidence.segments import Break, list_segments, read_record, reread, segment_path
from optout.evidence.signing import load_verifier_key
from optout.evidence.tree import leaf_hash

NAME = INDEX
_ASIDE = "index.damaged.sqlite"
_COMPANIONS = ("", "-wal", "-shm")
_BUSY_MS = 60_000  # another process that fills holds its lock for the tenth of a second that a batch takes
_SETTINGS = (
    "journal_mode = WAL",
    "synchronous = NORMAL",  # a power cut may take the last batches back, whole
    "wal_autocheckpoint = 8000",  # pages; a filling that moves them oftener writes the same ones again and again
    "cache_size = -32768",  # KiB
    "temp_store = FILE",
)
_NOT_OURS_TO_WRITE = (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.FullError, apsw.BusyError)
_CHECKSUM_BYTES = 8
_PROFILES = f"SELECT id, {', '.join(FACETS)} FROM profiles"


class _UnfitError(Exception):
    """The index is not one of this log; the message says in which way."""


class Index:
    """An index that has read its log up to `size` records; use it within `open_index`.

    `vkey` is the log's key, `path` None where the index is temporary. `breaks` are places where records are missing or
    damaged. `replaced` says why a former index was moved aside; "" if none was.
    """

    def __init__(self, connection: apsw.Connection, layout: Layout, vkey: str, path: Path | None) -> None:
        self.connection, self.layout, self.vkey, self.path = connection, layout, vkey, path
        self.replaced = ""
        self._filler = Filler(connection, layout)
        self._profiles: dict[int, tuple[str, ...]] = {}
        self._counted = 0  # records below this leaf
        self._size = 0

    def catch_up(self, told: Callable[[int], None] | None = None) -> int:
        """Read what is new; returns how many records that were."""
        return self._filler.catch_up(told)

    def retract(self, ids: Iterable[str]) -> None:
        """Take back requests that another log retracts: a person's record may be found out after the quarter's end."""
        self._filler.retract(ids)

    @property
    def retractions(self) -> frozenset[str]:
        """The ids of the requests that were taken back."""
        return self._filler.retractions

    @property
    def size(self) -> int:
        """How many records it has, those left out that are none. Only new ones are counted: none ever goes."""
        # All are counted sooner than those from a leaf on: SQLite then takes the smallest of its trees.
        new = " WHERE leaf >= ?" if self._counted else ""
        with self.connection:  # both as of one moment
            count = self.connection.execute(f"SELECT count(*) FROM records{new}", (self._counted,) if new else ()).get
            last = self.connection.execute("SELECT max(leaf) FROM records").get
        if isinstance(count, int) and isinstance(last, int):
            self._size, self._counted = self._size + count, last + 1
        return self._size

    @property
    def profiles(self) -> Mapping[int, tuple[str, ...]]:
        """The texts of `FACETS` by their number. Only new ones are read: none ever changes."""
        known = next(reversed(self._profiles), -1)  # they come in the order of their numbers
        for number, *texts in ask(self.connection, f"{_PROFILES} WHERE id > ? ORDER BY id", (known,)):
            self._profiles[number] = tuple(texts)
        return self._profiles

    @property
    def breaks(self) -> tuple[Break, ...]:
        """Where records are missing or damaged, but for an unfinished write at the end; in the order of the log."""
        return (*_breaks(self.connection, self.layout), *_damage(self._filler.unfinished))

    @property
    def lost(self) -> int:
        """How many records are damaged, or lie behind damage: up to the next whole one, or the signed end."""
        starts = [each.index for each in self.breaks]
        ends = (*starts[1:], self._signed_size())
        return sum(self._missing(start, end) for start, end in zip(starts, ends, strict=True)) if starts else 0

    def _missing(self, start: int, end: int) -> int:
        """How many records are missing from `start` on; `end` is where something else begins."""
        whole = self.connection.execute("SELECT min(leaf) FROM records WHERE leaf > ?", (start,)).get
        known = [place for place in (whole, end) if isinstance(place, int) and place > start]
        return min(known, default=start + 1) - start

    def _signed_size(self) -> int:
        """The size that the log's key signed; 0 where there is no checkpoint that it did."""
        try:
            found = open_checkpoint(self.layout.checkpoint.read_bytes(), load_verifier_key(self.layout.vkey))
        except (OSError, EvidenceError):
            return 0
        return found.size if isinstance(found, Checkpoint) else 0

    def taken(self, spools: dict[str, int]) -> dict[str, int]:
        """For each of these spools how many of its records the log has, as `waiting.read_taken` finds by reading."""
        known = dict(ask(self.connection, "SELECT boot, next_seq FROM writers"))
        return {name: known.get(name, 0) for name in spools}


def _damage(unfinished: Break | None) -> tuple[Break, ...]:
    is_damage = unfinished is not None and unfinished.damage is not Damage.INCOMPLETE
    return (unfinished,) if unfinished is not None and is_damage else ()


@contextmanager
def open_index(directory: Path, *, rebuild: bool = False, told: Callable[[int], None] | None = None) -> Iterator[Index]:
    """The index of the log in `directory`, caught up; `told` hears how many records are read while it reads.

    Raises EvidenceError if there is no log or its records cannot be read. What is wrong with the index itself is not
    an error.
    """
    layout = Layout(directory)
    vkey = str(load_verifier_key(layout.vkey))
    try:
        index = _kept(layout, vkey, rebuild, told) or _temporary(layout, vkey, told)
    except OSError as fault:
        raise EvidenceError(f"cannot read {fault.filename or directory}: {fault.strerror}") from fault
    try:
        yield index
    finally:
        with suppress(apsw.Error):
            index.connection.close()


def _kept(layout: Layout, vkey: str, rebuild: bool, told: Callable[[int], None] | None) -> Index | None:
    """The index in the log's directory, made anew if need be; None if that cannot be."""
    path, why = layout.root / NAME, ""
    if rebuild:
        _remove(path)
    for _ in range(2):
        connection = None
        try:
            connection = _connect(path)
            index = Index(connection, layout, vkey, path)
            _check(connection, layout, vkey)
            index.catch_up(told)
        except (_UnfitError, apsw.Error) as fault:
            if connection is not None:
                connection.close()
            if isinstance(fault, _NOT_OURS_TO_WRITE) or not move_aside(layout):
                return None
            why = str(fault)
        except PermissionError:
            return None
        else:
            index.replaced = why
            return index
    return None


def _temporary(layout: Layout, vkey: str, told: Callable[[int], None] | None) -> Index:
    connection = _prepare(apsw.Connection(""))
    _check(connection, layout, vkey)
    index = Index(connection, layout, vkey, None)
    index.catch_up(told)
    return index


def _connect(path: Path) -> apsw.Connection:
    """Open the file, made with the mode and for the owner of the directory it lies in."""
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            owner = path.parent.stat()
            if os.geteuid() == 0:
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
        finally:
            os.close(descriptor)
    _load_checksums()
    return _prepare(apsw.Connection(str(path)))


def _load_checksums() -> None:
    """Have SQLite check each page that it reads, where its extension for that is there: else flipped bits are facts."""
    if apsw.sqlite_extra.has("cksumvfs") and "cksmvfs" not in apsw.vfs_names():
        with suppress(apsw.Error):
            apsw.sqlite_extra.load(apsw.Connection(":memory:"), "cksumvfs")


def _prepare(connection: apsw.Connection) -> apsw.Connection:
    connection.set_busy_timeout(_BUSY_MS)
    connection.reserve_bytes(reserve=_CHECKSUM_BYTES)
    for setting in _SETTINGS:
        connection.execute(f"PRAGMA {setting}")
    return connection


def _check(connection: apsw.Connection, layout: Layout, vkey: str) -> None:
    """Make the tables where there are none; raise _UnfitError where they are not this log's."""
    connection.execute("BEGIN IMMEDIATE")
    version = connection.execute("PRAGMA user_version").get
    if not version and not connection.execute("SELECT count(*) FROM sqlite_schema").get:
        connection.execute(SCHEMA)
        connection.execute("INSERT INTO meta VALUES ('vkey', ?)", (vkey,))
        connection.execute(f"PRAGMA user_version = {VERSION}")
        version = VERSION
    connection.execute("COMMIT")
    if version != VERSION:
        raise _UnfitError(f"it is of version {version}, not {VERSION}")
    if connection.execute("SELECT value FROM meta WHERE name = 'vkey'").get != vkey:
        raise _UnfitError("it is the index of another log")
    _check_places(connection, layout)
    if any(reread(each) is None for each in _breaks(connection, layout)):
        raise _UnfitError("records that were damaged are whole again")


def _check_places(connection: apsw.Connection, layout: Layout) -> None:
    last = connection.execute("SELECT value FROM meta WHERE name = 'last'").get
    if last is None:
        return
    leaf, offset, digest = str(last).split(",")
    firsts = {segment.first: segment.path for segment in list_segments(layout.segments)}
    known = dict(ask(connection, "SELECT first, leaf_hash FROM segments"))
    if {first for first in firsts if first <= int(leaf)} != known.keys():
        raise _UnfitError("the log has other segments now")
    places = [(first, 0, known[first]) for first in known if known[first] is not None]
    places.append((max(known), int(offset), bytes.fromhex(digest)))
    for first, place, expected in places:
        with open_segment(firsts[first]) as file:
            framed = read_record(file, place)
        if not isinstance(framed, Framed) or leaf_hash(framed.record) != expected:
            raise _UnfitError("the log has other records now")


def _breaks(connection: apsw.Connection, layout: Layout) -> Iterator[Break]:
    rows = ask(connection, "SELECT leaf, segment, offset, damage FROM breaks ORDER BY leaf")
    for leaf, first, offset, damage in list(rows):
        path = segment_path(layout.segments, first)
        yield Break(index=leaf, path=path, offset=offset, damage=Damage(damage), last=False)


def move_aside(layout: Layout) -> bool:
    """Put the index where nobody takes it for one; False if that cannot be. A reader that has it open keeps it."""
    path, aside = layout.root / NAME, layout.root / _ASIDE
    try:
        for suffix in _COMPANIONS:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    except OSError:
        return False
    return True


def _remove(path: Path) -> None:
    for suffix in _COMPANIONS:
        with suppress(OSError):
            path.with_name(path.name + suffix).unlink()
