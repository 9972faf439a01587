"""Notes, checkpoints and keys beyond the documents' own vectors, which are in tests/spec/test_c2sp.py."""

from __future__ import annotations

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from optout.evidence.checkpoint import (
    MAX_NOTE,
    MAX_SIGNATURES,
    Checkpoint,
    Note,
    NoteFault,
    Signer,
    is_key_name,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
)

SIGNER = Signer(name="example.org/log", private=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CHECKPOINT = Checkpoint(origin="example.org/log", size=7, root=bytes(range(32)))


def test_what_is_signed_is_read_back() -> None:
    note = parse_note(SIGNER.sign(CHECKPOINT))
    assert isinstance(note, Note)
    assert SIGNER.verifier.verify(note) is None
    assert parse_checkpoint(note) == CHECKPOINT


def test_a_verifier_key_is_read_back_from_its_line() -> None:
    assert parse_verifier_key(str(SIGNER.verifier)) == SIGNER.verifier


def test_the_fingerprint_is_the_hash_of_the_key_as_openssl_writes_it() -> None:
    der = SIGNER.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert SIGNER.verifier.fingerprint == hashlib.sha256(der).hexdigest()


def test_every_single_flipped_bit_of_a_checkpoint_is_found() -> None:
    data = SIGNER.sign(CHECKPOINT)
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        assert isinstance(open_checkpoint(bytes(flipped), SIGNER.verifier), NoteFault), place


def test_a_note_has_a_largest_size_and_a_most_of_signatures() -> None:
    data = SIGNER.sign(CHECKPOINT)
    line = data.splitlines(keepends=True)[-1]
    assert isinstance(parse_note(data + line * (MAX_SIGNATURES - 1)), Note)
    assert isinstance(parse_note(data + line * MAX_SIGNATURES), NoteFault)
    assert isinstance(parse_note(b"x" * MAX_NOTE + data), NoteFault)


@pytest.mark.parametrize("name", ["example.org/log", "optout.local/0a1b2c3d", "bücher.example"])
def test_names_that_a_log_may_have(name: str) -> None:
    assert is_key_name(name)


@pytest.mark.parametrize("name", ["", "a b", "a\u2003b", "a+b", "a\nb", "a\x01b", "a\udc80b"])
def test_names_that_a_log_may_not_have(name: str) -> None:
    assert not is_key_name(name)
