"""Keys, the last signed state, and a notary that never signs two histories."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from optout.errors import EvidenceError
from optout.evidence import signing
from optout.evidence.checkpoint import Checkpoint, NoteFault, Signer, open_checkpoint
from optout.evidence.directory import Layout, create_log
from optout.evidence.signing import (
    Notary,
    State,
    load_private_key,
    load_signer,
    load_verifier_key,
    parse_state,
    parse_vkey_file,
)
from optout.evidence.tree import Tree, leaf_hash

NOW_US = 1_795_000_000_000_000


@pytest.fixture
def layout(home: Path) -> Layout:
    create_log(home, "example.org/log", now_us=NOW_US)
    return Layout(home)


@pytest.fixture
def signer(layout: Layout) -> Signer:
    return load_signer(layout.key, layout.vkey)


def _notary(layout: Layout) -> Notary:
    return Notary(load_signer(layout.key, layout.vkey), state_file=layout.state, checkpoint_file=layout.checkpoint)


def _grown(count: int, tree: Tree | None = None) -> Tree:
    tree = tree or Tree()
    for number in range(count):
        tree.append(leaf_hash(bytes([number])))
    return tree


def test_a_signature_is_in_the_state_and_in_the_published_checkpoint(layout: Layout, signer: Signer) -> None:
    checkpoint = _notary(layout).sign(_grown(3), NOW_US + 1)
    assert open_checkpoint(layout.checkpoint.read_bytes(), signer.verifier) == checkpoint
    state = parse_state(layout.state.read_bytes())
    assert state == State(note=layout.checkpoint.read_bytes(), time_us=NOW_US + 1)


def test_nothing_is_signed_for_a_tree_that_has_not_grown(layout: Layout) -> None:
    notary = _notary(layout)
    first = notary.sign(_grown(3), NOW_US)
    before = layout.state.read_bytes()
    assert notary.sign(_grown(3), NOW_US + 5) is first
    assert notary.sign(_grown(2), NOW_US + 5) is first
    assert layout.state.read_bytes() == before


def test_nothing_is_signed_while_the_clock_is_behind_the_last_checkpoint(layout: Layout) -> None:
    notary = _notary(layout)
    with pytest.raises(EvidenceError, match="clock"):
        notary.sign(_grown(3), NOW_US - 1)
    assert notary.sign(_grown(3), NOW_US).size == 3


def test_of_two_notaries_with_one_key_the_second_is_stopped(layout: Layout) -> None:
    one, other = _notary(layout), _notary(layout)
    one.sign(_grown(3), NOW_US)
    with pytest.raises(EvidenceError, match="somebody else"):
        other.sign(_grown(4), NOW_US)
    assert one.sign(_grown(5), NOW_US).size == 5


def test_a_state_that_was_replaced_although_the_write_failed_is_still_our_own(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    notary = _notary(layout)
    real = signing.replace_file

    def replace_then_fail(path: Path, data: bytes) -> None:
        real(path, data)
        raise OSError(errno.EIO, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(signing, "replace_file", replace_then_fail)
        with pytest.raises(OSError, match="Input/output"):
            notary.sign(_grown(3), NOW_US)
    assert notary.sign(_grown(4), NOW_US).size == 4


def test_a_state_ahead_of_the_checkpoint_is_published_again(layout: Layout, signer: Signer) -> None:
    notary = _notary(layout)
    old = layout.checkpoint.read_bytes()
    notary.sign(_grown(3), NOW_US)
    layout.checkpoint.write_bytes(old)
    restarted = _notary(layout)
    assert restarted.checkpoint.size == 3
    restarted.publish()
    published = open_checkpoint(layout.checkpoint.read_bytes(), signer.verifier)
    assert isinstance(published, Checkpoint)
    assert published.size == 3


def test_a_state_behind_the_checkpoint_was_rolled_back(layout: Layout) -> None:
    old = layout.state.read_bytes()
    _notary(layout).sign(_grown(3), NOW_US)
    layout.state.write_bytes(old)
    with pytest.raises(EvidenceError, match="rolled back"):
        _notary(layout)


def test_two_roots_for_one_size_are_refused(layout: Layout, signer: Signer) -> None:
    _notary(layout).sign(_grown(3), NOW_US)
    layout.checkpoint.write_bytes(signer.sign(Checkpoint(origin=signer.name, size=3, root=bytes(32))))
    with pytest.raises(EvidenceError, match="rolled back"):
        _notary(layout)


@pytest.mark.parametrize("name", ["state", "checkpoint"])
@pytest.mark.parametrize("data", [b"", b"{}", b"\xff", b"[" * 100_000, None])
def test_a_state_or_checkpoint_that_cannot_be_read_is_refused(layout: Layout, name: str, data: bytes | None) -> None:
    path = layout.root / name
    if data is None:
        path.unlink()
    else:
        path.write_bytes(data)
    with pytest.raises(EvidenceError, match=name):
        _notary(layout)


def test_a_checkpoint_of_another_key_is_refused(layout: Layout, tmp_path: Path) -> None:
    create_log(tmp_path / "other", "example.org/log", now_us=NOW_US)
    layout.state.write_bytes((tmp_path / "other" / "state").read_bytes())
    with pytest.raises(EvidenceError, match="not signed by"):
        _notary(layout)


def test_every_flipped_bit_of_a_state_is_found(layout: Layout, signer: Signer) -> None:
    data = layout.state.read_bytes()
    for place in range(len(data) * 8):
        flipped = bytearray(data)
        flipped[place // 8] ^= 1 << place % 8
        assert isinstance(parse_state(bytes(flipped)), NoteFault), place


def test_key_and_vkey_must_be_one_pair(layout: Layout, tmp_path: Path) -> None:
    create_log(tmp_path / "other", "example.org/log", now_us=NOW_US)
    layout.key.write_bytes((tmp_path / "other" / "key").read_bytes())
    with pytest.raises(EvidenceError, match="not the private half"):
        load_signer(layout.key, layout.vkey)


@pytest.mark.parametrize("data", [b"", b"no key", None])
def test_a_private_key_that_cannot_be_read_is_refused(layout: Layout, data: bytes | None) -> None:
    if data is None:
        layout.key.unlink()
    else:
        layout.key.write_bytes(data)
    with pytest.raises(EvidenceError, match="cannot read the log's key"):
        load_private_key(layout.key)


def test_a_private_key_of_another_kind_is_refused(layout: Layout) -> None:
    other = generate_private_key(SECP256R1())
    layout.key.write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(EvidenceError, match="not an Ed25519 key"):
        load_private_key(layout.key)


def test_a_vkey_file_is_one_line_and_nothing_else(layout: Layout) -> None:
    data = layout.vkey.read_bytes()
    assert parse_vkey_file(data) == load_verifier_key(layout.vkey)
    for wrong in (data[:-1], data + b"\n", data + data, b"\xff", b""):
        assert isinstance(parse_vkey_file(wrong), NoteFault)
    layout.vkey.write_bytes(data[1:])
    with pytest.raises(EvidenceError, match="vkey"):
        load_verifier_key(layout.vkey)
