"""What the log signs with, and what it signed last.

A log must never sign two histories (tlog-checkpoint, "Signatures"). Its last signed checkpoint is therefore kept in
a state file of its own, changed only by compare-and-swap, and nothing smaller or earlier is ever signed again. The
paths are given one by one because the state is worth most on another volume than the records.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from optout.errors import EvidenceError
from optout.evidence.checkpoint import (
    Checkpoint,
    NoteFault,
    Signer,
    VerifierKey,
    open_checkpoint,
    parse_verifier_key,
)
from optout.evidence.files import replace_file
from optout.evidence.tiles import Tiler
from optout.evidence.tree import Tree

_FROM_BACKUP = "restore it from its backup"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The last checkpoint that the log signed, as the note's bytes, and when (µs since 1970 UTC)."""

    note: bytes
    time_us: int

    def encode(self) -> bytes:
        """The state file's bytes."""
        checksum = hashlib.sha256(b"%d\n%b" % (self.time_us, self.note)).hexdigest()
        body = {"checkpoint": self.note.decode(), "sha256": checksum, "time_us": self.time_us}
        return msgspec.json.encode(body, order="sorted") + b"\n"


class _StateFile(msgspec.Struct, forbid_unknown_fields=True):
    checkpoint: str
    sha256: str
    time_us: int


def parse_state(data: bytes) -> State | NoteFault:
    """The state in a state file's bytes; any changed byte is a fault. Never raises."""
    try:
        body = msgspec.json.decode(data, type=_StateFile)
        state = State(note=body.checkpoint.encode(), time_us=body.time_us)
    except (msgspec.DecodeError, UnicodeError):
        return NoteFault(text="not a state file")
    return state if state.encode() == data else NoteFault(text="its checksum does not fit")


def load_state(state_file: Path, checkpoint_file: Path, key: VerifierKey) -> tuple[State, Checkpoint]:
    """The last signed state and its checkpoint.

    Raises EvidenceError if either file is damaged or foreign, or if the state was rolled back.
    """
    try:
        data, published = state_file.read_bytes(), checkpoint_file.read_bytes()
    except OSError as fault:
        raise EvidenceError(
            f"cannot read the last signed state: {fault}", "restore state and checkpoint from one backup"
        ) from fault
    state = parse_state(data)
    if isinstance(state, NoteFault):
        raise EvidenceError(f"{state_file}: {state.text}", _FROM_BACKUP)
    signed = _opened(state.note, key, state_file)
    seen = _opened(published, key, checkpoint_file)
    if seen.size > signed.size or (seen.size == signed.size and seen.root != signed.root):
        raise EvidenceError(
            f"{checkpoint_file} is ahead of {state_file}: the state was rolled back",
            "restore the newer state; to sign on would give the log two histories",
        )
    return state, signed


def _opened(note: bytes, key: VerifierKey, file: Path) -> Checkpoint:
    checkpoint = open_checkpoint(note, key)
    if isinstance(checkpoint, NoteFault):
        raise EvidenceError(f"{file}: {checkpoint.text}", _FROM_BACKUP)
    return checkpoint


class Notary:
    """Signs a growing tree, each time only after the last checkpoint and never beside it.

    `state` and `checkpoint` are what it signed last. The state file goes first: a crash between the two leaves a
    state that is ahead, never a published checkpoint that could be signed over.
    """

    def __init__(self, signer: Signer, *, state_file: Path, checkpoint_file: Path) -> None:
        self.signer = signer
        # A link to another volume stays one: what is replaced is the file that it points to.
        self._state_file, self._checkpoint_file = Path(os.path.realpath(state_file)), checkpoint_file
        self.state, self.checkpoint = load_state(state_file, checkpoint_file, signer.verifier)
        self._ours = {self.state.encode()}

    def publish(self) -> None:
        """Publish the last signed checkpoint, in case a crash came between the two files; raises OSError."""
        if self._checkpoint_file.read_bytes() != self.state.note:
            replace_file(self._checkpoint_file, self.state.note)

    def sign_off(self, successor: Signer) -> bytes:
        """The last checkpoint, signed by the next log's key, too, as it is kept for good; raises OSError."""
        ours = self.state.note
        theirs = successor.sign(self.checkpoint)
        note = ours + theirs[len(self.checkpoint.text()) + 1 :]
        state = State(note=note, time_us=self.state.time_us)
        self._ours.add(state.encode())
        replace_file(self._state_file, state.encode())
        self.state = state
        replace_file(self._checkpoint_file, note)
        return note

    def sign(self, tree: Tree | Tiler, now_us: int) -> Checkpoint:
        """Sign the tree as it is now; the tree must have grown from the one signed last, as its frontier does.

        Raises EvidenceError if the clock is behind the last checkpoint or somebody else moved the state (compare
        and swap), OSError if a file cannot be written.
        """
        if tree.size <= self.checkpoint.size:
            return self.checkpoint
        if now_us < self.state.time_us:
            raise EvidenceError("the clock is behind the last checkpoint", "set the clock")
        if self._state_file.read_bytes() not in self._ours:
            raise EvidenceError("somebody else moved the log's state", "see who holds the log's key")
        checkpoint = Checkpoint(origin=self.signer.name, size=tree.size, root=tree.root())
        state = State(note=self.signer.sign(checkpoint), time_us=now_us)
        # A write that fails may still have replaced the file: both are our own, and the tree grows from both.
        self._ours = {self.state.encode(), state.encode()}
        replace_file(self._state_file, state.encode())
        self.state, self.checkpoint = state, checkpoint
        replace_file(self._checkpoint_file, state.note)
        return checkpoint


def new_private_key(path: Path) -> Ed25519PrivateKey:
    """A fresh key, written to `path` as PKCS #8 PEM; raises OSError."""
    private = Ed25519PrivateKey.generate()
    replace_file(path, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return private


def load_private_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a PEM file; raises EvidenceError."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as fault:
        raise EvidenceError(f"cannot read the log's key {path}: {fault}", _FROM_BACKUP) from fault
    if not isinstance(private, Ed25519PrivateKey):
        raise EvidenceError(f"{path} is not an Ed25519 key", _FROM_BACKUP)
    return private


def load_verifier_key(path: Path) -> VerifierKey:
    """The public key in a vkey file; raises EvidenceError."""
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise EvidenceError(
            f"no evidence log here: {path}: {fault.strerror}", "make one with `optout evidence init`"
        ) from fault
    key = parse_vkey_file(data)
    if isinstance(key, NoteFault):
        raise EvidenceError(f"{path}: {key.text}", _FROM_BACKUP)
    return key


def parse_vkey_file(data: bytes) -> VerifierKey | NoteFault:
    """The key in a vkey file: its one line and a newline, nothing else. Never raises."""
    try:
        key = parse_verifier_key(data.decode("utf-8").removesuffix("\n"))
    except UnicodeDecodeError:
        return NoteFault(text="not UTF-8")
    if isinstance(key, VerifierKey) and f"{key}\n".encode() != data:
        return NoteFault(text="more than the key's one line")
    return key


def load_signer(key_file: Path, vkey_file: Path) -> Signer:
    """The log's name and private key; raises EvidenceError if the two files are not one pair."""
    verifier = load_verifier_key(vkey_file)
    signer = Signer(name=verifier.name, private=load_private_key(key_file))
    if signer.verifier != verifier:
        raise EvidenceError(f"{key_file} is not the private half of {vkey_file}", "restore both from one backup")
    return signer
