"""Proofs: each record of a log has one, it fits nothing else, and foreign ones never raise."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.errors import EvidenceError
from optout.evidence.checkpoint import NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.proofs import MAX_PROOF, Hashes, LogProof, parse_log_proof, prove
from optout.evidence.signing import load_verifier_key
from optout.evidence.tiles import WIDTH
from optout.evidence.tree import consistency_proof, inclusion_proof, leaf_hash, root_of
from tests.evidence.setting import crawl, entries, fill, open_log

SIZES = (1, 2, 3, 255, 256, 257, 511, 512, 513, 1030)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A log of more than four tiles."""
    home = tmp_path_factory.mktemp("past") / "evidence"
    log = open_log(home)
    for each in [log.append(crawl(number)) for number in range(1040)]:
        each.result(20)
    log.close()
    return home


@pytest.mark.parametrize("trusting", [True, False])
def test_proofs_are_those_of_the_document(past: Path, trusting: bool) -> None:
    leaves = [leaf_hash(entry.record) for entry in entries(past)]
    hashes = Hashes(Layout(past), trusting=trusting)
    for size in SIZES:
        assert hashes.range(0, size) == root_of(leaves[:size])
        for index in {0, size // 2, size - 1}:
            assert hashes.inclusion(index, size) == inclusion_proof(leaves[:size], index)
        for old in {1, size // 2 or 1, size}:
            assert hashes.consistency(old, size) == consistency_proof(leaves[:size], old)


def test_a_proof_survives_its_file_and_fits_its_record_alone(past: Path) -> None:
    layout = Layout(past)
    key = load_verifier_key(layout.vkey)
    every = entries(past)
    for entry in (every[0], every[700], every[-1]):
        proof = prove(layout, entry.record, entry.leaf_index, key)
        assert proof is not None
        read = parse_log_proof(proof.encode())
        assert read == proof
        assert proof.check(entry.record, key) is None
        assert isinstance(proof.check(entry.record + b" ", key), NoteFault)
        assert isinstance(replace(proof, index=entry.leaf_index ^ 1).check(entry.record, key), NoteFault)
        assert isinstance(replace(proof, note=proof.note[:-9]).check(entry.record, key), NoteFault)


def test_a_wrong_tile_makes_no_wrong_proof(home: Path) -> None:
    fill(home, 600)
    layout = Layout(home)
    tile = layout.tiles / "0" / "000"
    tile.unlink()
    tile.write_bytes(bytes(WIDTH * 32))
    key = load_verifier_key(layout.vkey)
    entry = entries(home)[500]
    proof = prove(layout, entry.record, entry.leaf_index, key)
    assert proof is not None
    assert proof.check(entry.record, key) is None


def test_a_record_that_is_not_signed_yet_has_no_proof(home: Path) -> None:
    fill(home, 3)
    layout = Layout(home)
    key = load_verifier_key(layout.vkey)
    checkpoint = open_checkpoint(layout.checkpoint.read_bytes(), key)
    assert not isinstance(checkpoint, NoteFault)
    assert prove(layout, b"{}", checkpoint.size, key) is None


def test_a_record_that_was_not_signed_has_none_either(home: Path) -> None:
    fill(home, 3)
    layout = Layout(home)
    with pytest.raises(EvidenceError, match="record 1 is not the one that was signed"):
        prove(layout, b"{}", 1, load_verifier_key(layout.vkey))


def test_records_that_are_gone_are_told(home: Path) -> None:
    fill(home, 3)
    for segment in (home / "segments").iterdir():
        segment.write_bytes(b"")
    with pytest.raises(EvidenceError, match="records are missing"):
        Hashes(Layout(home)).inclusion(0, 4)


GOOD = LogProof(index=5, hashes=(bytes(32), bytes(range(32))), note=b"example.org/log\n6\nAA==\n\n").encode()


@given(
    st.binary(max_size=300)
    | st.builds(lambda at, octet: GOOD[:at] + octet + GOOD[at + 1 :], st.integers(0, len(GOOD)), st.binary(max_size=2))
)
def test_foreign_bytes_are_a_value(data: bytes) -> None:
    found = parse_log_proof(data)
    assert isinstance(found, NoteFault) or found.encode() == data


@pytest.mark.parametrize(
    "data",
    [
        b"",
        GOOD.replace(b"@v1", b"@v2"),
        GOOD.replace(b"index 5", b"index 05"),
        GOOD.replace(b"index 5", b"index -5"),
        GOOD.replace(b"=\n", b"=\r\n"),
        GOOD.split(b"\n\n")[0],
        GOOD + bytes(MAX_PROOF),
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + b"A" * 43 + b"=\n" + b"\n",
        b"c2sp.org/tlog-proof@v1\nindex 0\n" + (b"A" * 43 + b"=\n") * 64 + b"\n",
    ],
)
def test_what_is_no_proof_says_so(data: bytes) -> None:
    found = parse_log_proof(data)
    assert isinstance(found, NoteFault) or not found.note
