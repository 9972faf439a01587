"""A log's directory: what lies where, who may write in it, and how a log is made.

    vkey          the log's public key, one line (a C2SP verifier key); its name is the log's origin
    key           the private key, PKCS #8 PEM
    checkpoint    the last signed checkpoint, for readers
    state         the same, and when it was signed (see `signing`)
    segments/     the records (see `segments`)
    snapshots/    documents, each under the SHA-256 of its bytes
    tile/         hashes of the tree, which follow from the records (see `tiles`)
    spool/        records of processes that do not hold the lock, on their way into the segments (see `spool`)
    keys/         keys of private parts, by tenant and month (see `keys`); may be a link to another volume
    anchors/      timestamps of outside authorities (see `anchors`)
    torn/         ends of segments that a crash had damaged, kept as found
    past/         logs of earlier quarters and keys (see `succession`)
    ballast       room to give up when the disk is full
    lock          held by the process that writes

The directory has mode 0700, its files have 0600.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, Signer, VerifierKey, is_key_name
from optout.evidence.files import make_directory, replace_file
from optout.evidence.quarters import quarterly
from optout.evidence.signing import State, load_private_key, new_private_key
from optout.evidence.tree import EMPTY_ROOT

INDEX = "index.sqlite"
"""What makes questions quick (`index`); it is made anew from the records."""

TURNING = "turning"
"""A file that is there while one log follows another (`succession`): then no key has to be."""

# What an empty volume or a broken-off init may hold; a log has a vkey, which is written last.
_STILL_NEW = frozenset({"lock", "key", "segments", "snapshots", "state", "checkpoint", "keys", "lost+found"})
_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_LONGEST_ORIGIN = 200  # bytes: the name stands in every record and twice in every checkpoint


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths within a log's directory."""

    root: Path

    @property
    def vkey(self) -> Path:
        """The public key."""
        return self.root / "vkey"

    @property
    def key(self) -> Path:
        """The private key."""
        return self.root / "key"

    @property
    def checkpoint(self) -> Path:
        """The published checkpoint."""
        return self.root / "checkpoint"

    @property
    def state(self) -> Path:
        """The last signed state."""
        return self.root / "state"

    @property
    def segments(self) -> Path:
        """The records."""
        return self.root / "segments"

    @property
    def snapshots(self) -> Path:
        """The documents kept by content."""
        return self.root / "snapshots"

    def document(self, sha256: str) -> bytes | None:
        """The document with this SHA-256 (hex); None where there is none, or other bytes lie in its place."""
        try:
            data = (self.snapshots / sha256).read_bytes() if _DIGEST.match(sha256) else b""
        except OSError:
            return None
        return data if hashlib.sha256(data).hexdigest() == sha256 else None

    @property
    def tiles(self) -> Path:
        """The tree's hashes."""
        return self.root / "tile"

    @property
    def spools(self) -> Path:
        """The spools of other writers."""
        return self.root / "spool"

    @property
    def keys(self) -> Path:
        """The keys of private parts."""
        return self.root / "keys"

    @property
    def anchors(self) -> Path:
        """Timestamps of outside authorities."""
        return self.root / "anchors"

    @property
    def torn(self) -> Path:
        """Damaged ends of segments."""
        return self.root / "torn"

    @property
    def ballast(self) -> Path:
        """The reserve."""
        return self.root / "ballast"

    @property
    def lock(self) -> Path:
        """The writer's lock."""
        return self.root / "lock"


class HeldError(EvidenceError):
    """Another process holds the log."""


class DirectoryLock:
    """The right to write in a directory, held until `release`, the end of a `with` block, or of the process."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Let another process have the directory. Safe to call twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> DirectoryLock:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def lock_directory(layout: Layout) -> DirectoryLock:
    """Take the right to write, making the directory if need be.

    Raises HeldError if another process has it, and EvidenceError if the directory holds files and no log.
    """
    try:
        make_directory(layout.root)
        is_turning = (layout.root / TURNING).exists()
        if not layout.vkey.exists() and not is_turning and not _is_new(layout):
            raise EvidenceError(
                f"{layout.root} holds files but no evidence log", "name the log's directory, or a new one"
            )
        descriptor = os.open(layout.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as fault:
        raise EvidenceError(f"cannot keep evidence in {layout.root}: {fault.strerror}") from fault
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(descriptor)
        raise HeldError(
            f"another process writes the evidence log in {layout.root}",
            "give each process a directory of its own",
        ) from fault
    return DirectoryLock(descriptor)


def create_log(root: Path, origin: str = "", *, now_us: int) -> VerifierKey:
    """Make a log in a new or empty directory and return its public key.

    `origin` is the log's name, best a host name and path of the owner's own; without one it is random. Raises
    EvidenceError if the directory holds something else, or a log already.
    """
    layout = Layout(root)
    with lock_directory(layout):
        if layout.vkey.exists():
            raise EvidenceError(f"{root} holds an evidence log already", "name a new directory for a new log")
        return fill_directory(layout, origin, now_us=now_us)


def fill_directory(layout: Layout, origin: str = "", *, now_us: int) -> VerifierKey:
    """Make a log in a directory that the caller has locked and found without one; raises EvidenceError."""
    if origin and (not is_key_name(origin) or len(origin.encode()) > _LONGEST_ORIGIN):
        raise EvidenceError(
            f"{origin!r} cannot name a log", "use a short host name and path without spaces or plus, as example.org/log"
        )
    name = origin or quarterly(f"optout.local/{secrets.token_hex(4)}", now_us)
    try:
        private = load_private_key(layout.key) if layout.key.exists() else new_private_key(layout.key)
        signer = Signer(name=name, private=private)
        layout.segments.mkdir(mode=0o700, exist_ok=True)
        layout.snapshots.mkdir(mode=0o700, exist_ok=True)
        empty = signer.sign(Checkpoint(origin=name, size=0, root=EMPTY_ROOT))
        replace_file(Path(os.path.realpath(layout.state)), State(note=empty, time_us=now_us).encode())
        replace_file(layout.checkpoint, empty)
        replace_file(layout.vkey, f"{signer.verifier}\n".encode())
    except OSError as fault:
        raise EvidenceError(f"cannot make an evidence log in {layout.root}: {fault.strerror}") from fault
    return signer.verifier


def _is_new(layout: Layout) -> bool:
    names = {path.name for path in layout.root.iterdir() if not path.name.endswith(".tmp")}
    has_records = layout.segments.is_dir() and any(layout.segments.iterdir())
    return names <= _STILL_NEW and not has_records
