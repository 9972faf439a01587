"""Checkpoints: a log's size and root hash, signed (C2SP signed-note 1.0.0, tlog-checkpoint 1.0.0).

A checkpoint is three lines of text, a blank line, and signature lines that start with an em dash. Parsing is
strict: ASCII decimal without leading zeros, base64 that encodes back to itself. A lenient reader would let two
different files pass for one checkpoint. Foreign notes never raise; they come back as a `NoteFault`.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

MAX_NOTE = 128 * 1024  # bytes; 16 post-quantum cosignatures of 5 kB must fit
MAX_SIGNATURES = 64
_ED25519 = b"\x01"
_HASH_BYTES = 32
_SIZE = re.compile(r"(?:0|[1-9][0-9]{0,17})\Z")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_SIGNATURE_START = "\N{EM DASH} "


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteFault:
    """Why some bytes are not a note, a checkpoint or a verifier key."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """One signature line. `key_id` is the four bytes that say which key of that name made it."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A signed note: its text, with the final newline, and its signatures, none of them verified yet."""

    text: str
    signatures: tuple[Signature, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What a log commits to: `origin` is its name, `size` the number of leaves, `root` the hash over them."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def text(self) -> str:
        """The note text that is signed."""
        lines = (self.origin, str(self.size), _b64(self.root), *self.extensions)
        return "".join(f"{line}\n" for line in lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class VerifierKey:
    """A public key by which a log is known: `<name>+<key id>+<base64 of type and key>`."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """The first four bytes of SHA-256 over name, newline, signature type and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{_b64(_ED25519 + self.public)}"

    @property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of the key as a DER SubjectPublicKeyInfo, as `openssl pkey -pubin` prints it with sha256sum."""
        key = Ed25519PublicKey.from_public_bytes(self.public)
        return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()

    def verify(self, note: Note) -> NoteFault | None:
        """None if this key signed the note; signatures of other keys are ignored, as the document asks."""
        mine = [one for one in note.signatures if one.name == self.name and one.key_id == self.key_id]
        if not mine:
            return NoteFault(text=f"it is not signed by {self}")
        key = Ed25519PublicKey.from_public_bytes(self.public)
        for one in mine:
            try:
                key.verify(one.signature, note.text.encode())
            except InvalidSignature:
                return NoteFault(text=f"the signature by {self} does not fit its text")
        return None


@dataclass(frozen=True, slots=True)
class Signer:
    """The private half of a log's key, with the log's name."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> VerifierKey:
        """The public half."""
        return VerifierKey(name=self.name, public=self.private.public_key().public_bytes_raw())

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """The signed note for a checkpoint."""
        return self.sign_text(checkpoint.text())

    def sign_text(self, text: str) -> bytes:
        """The signed note for a text of whole lines. The first must not be a log's name, or it is a checkpoint."""
        signature = _b64(self.verifier.key_id + self.private.sign(text.encode()))
        return f"{text}\n{_SIGNATURE_START}{self.name} {signature}\n".encode()


def parse_verifier_key(text: str) -> VerifierKey | NoteFault:
    """A verifier key from its one line (signed-note, "Verifier keys"); Ed25519 only."""
    name, first, rest = text.partition("+")
    key_id, second, encoded = rest.partition("+")
    material = _strict_b64(encoded)
    if not (first and second and is_key_name(name)) or material is None:
        return NoteFault(text="not a verifier key of the form name+id+key")
    if material[:1] != _ED25519 or len(material) != 1 + _HASH_BYTES:
        return NoteFault(text="not an Ed25519 verifier key")
    key = VerifierKey(name=name, public=material[1:])
    if key.key_id.hex() != key_id:
        return NoteFault(text="the verifier key's id does not fit its name and key")
    return key


def is_key_name(name: str) -> bool:
    """Whether a log may be called so: not empty, no Unicode space, no plus, no control character."""
    if not name or "+" in name or any(char.isspace() for char in name) or _CONTROL.search(name):
        return False
    return name.isascii() or _encodable(name)


def parse_note(data: bytes) -> Note | NoteFault:
    """A signed note from its bytes (signed-note, "Format"). Never raises."""
    if len(data) > MAX_NOTE:
        return NoteFault(text=f"longer than {MAX_NOTE} bytes")
    try:
        whole = data.decode("utf-8")
    except UnicodeDecodeError:
        return NoteFault(text="not UTF-8")
    if _CONTROL.search(whole):
        return NoteFault(text="it holds a control character")
    text, blank, tail = whole.rpartition("\n\n")
    if not blank or not tail.endswith("\n"):
        return NoteFault(text="no signature lines behind a blank line")
    lines = tail[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        return NoteFault(text=f"more than {MAX_SIGNATURES} signatures")
    signatures = []
    for line in lines:
        one = _signature(line)
        if one is None:
            return NoteFault(text="a signature line is malformed")
        signatures.append(one)
    return Note(text=f"{text}\n", signatures=tuple(signatures))


def parse_checkpoint(note: Note) -> Checkpoint | NoteFault:
    """The checkpoint in a note's text (tlog-checkpoint, "Note text"). Says nothing about who signed it."""
    lines = note.text.split("\n")[:-1]
    if len(lines) < 3 or not all(lines):
        return NoteFault(text="fewer than three lines, or an empty one")
    origin, size, root, *extensions = lines
    if _SIZE.match(size) is None:
        return NoteFault(text="the tree size is not a plain decimal number")
    digest = _strict_b64(root)
    if digest is None or len(digest) != _HASH_BYTES:
        return NoteFault(text="the root hash is not the base64 of 32 bytes")
    return Checkpoint(origin=origin, size=int(size), root=digest, extensions=tuple(extensions))


def open_checkpoint(data: bytes, key: VerifierKey) -> Checkpoint | NoteFault:
    """The checkpoint in some bytes, if `key` signed it and it speaks of the log of that name."""
    note = parse_note(data)
    if isinstance(note, NoteFault):
        return note
    fault = key.verify(note)
    if fault is not None:
        return fault
    checkpoint = parse_checkpoint(note)
    if isinstance(checkpoint, Checkpoint) and checkpoint.origin != key.name:
        return NoteFault(text=f"it is of another log than {key.name}")
    return checkpoint


def _signature(line: str) -> Signature | None:
    if not line.startswith(_SIGNATURE_START):
        return None
    name, _, encoded = line.removeprefix(_SIGNATURE_START).partition(" ")
    material = _strict_b64(encoded)
    if not is_key_name(name) or material is None or len(material) <= 4:
        return None
    return Signature(name=name, key_id=material[:4], signature=material[4:])


def _strict_b64(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    # Spare bits in the last character would give one value several spellings.
    return data if _b64(data) == text else None


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
