"""Evidence for any input: proofs against the definition, one canonical form, parsers that are total and linear."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import rfc8785
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.evidence.audit import Verdict, audit
from optout.evidence.checkpoint import (
    Checkpoint,
    Note,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
)
from optout.evidence.frames import frame
from optout.evidence.schema import MAX_INTEGER, MAX_RECORD, conform, encode, parse_envelope, parse_record
from optout.evidence.segments import Entry, read_entries, segment_name
from optout.evidence.signing import parse_state, parse_vkey_file
from optout.evidence.tree import (
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)
from tests.calls import calls_of

KEYS = st.from_regex(r"[a-z0-9_-]{1,12}(\.[a-z0-9_-]{1,12}){0,3}", fullmatch=True)
ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=300)
VALUES = st.one_of(
    ANY_TEXT, st.booleans(), st.integers(-MAX_INTEGER, MAX_INTEGER), st.none(), st.lists(ANY_TEXT, max_size=5)
)
FIELDS = st.dictionaries(KEYS, VALUES, max_size=12)
KEY = parse_verifier_key("example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k")


def _root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 6962 section 2.1, word for word."""
    if len(leaves) == 1:
        return leaves[0]
    k = max(1 << power for power in range(20) if 1 << power < len(leaves))
    return node_hash(_root(leaves[:k]), _root(leaves[k:]))


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=150), st.data())
def test_roots_and_proofs_follow_the_definition(records: list[bytes], data: st.DataObject) -> None:
    leaves = [leaf_hash(record) for record in records]
    root = _root(leaves)
    assert root_of(leaves) == root
    index = data.draw(st.integers(0, len(leaves) - 1))
    proof = inclusion_proof(leaves, index)
    assert verify_inclusion(leaf=leaves[index], index=index, size=len(leaves), proof=proof, root=root)
    old = data.draw(st.integers(1, len(leaves)))
    proof = consistency_proof(leaves, old)
    assert verify_consistency(old_size=old, old_root=_root(leaves[:old]), size=len(leaves), root=root, proof=proof)


@given(
    st.integers(1, 64),
    st.integers(-3, 70),
    st.lists(st.sampled_from([leaf_hash(bytes([number])) for number in range(8)]), max_size=9),
)
def test_a_made_up_proof_never_passes(size: int, place: int, proof: list[bytes]) -> None:
    leaves = [leaf_hash(b"%d" % number) for number in range(size)]
    forged = leaf_hash(b"forged")
    assert not verify_inclusion(leaf=forged, index=place, size=size, proof=proof, root=root_of(leaves))
    assert not verify_consistency(old_size=place, old_root=forged, size=size, root=root_of(leaves), proof=proof), (
        "a root that never was cannot be consistent with one that is"
    )


@given(FIELDS)
def test_a_record_is_bounded_canonical_and_reads_back(fields: dict[str, object]) -> None:
    conformed = conform(fields)
    record = encode(conformed)
    assert len(record) <= MAX_RECORD
    assert record == rfc8785.dumps(conformed)
    assert parse_record(record) == conformed
    assert encode(conform(conformed)) == record


@given(
    st.dictionaries(KEYS, st.text(st.characters(exclude_categories=()), max_size=60).map(lambda t: t * 400), max_size=6)
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_record_of_very_long_text_is_bounded(fields: dict[str, object]) -> None:
    assert len(encode(conform(fields))) <= MAX_RECORD


@given(st.binary(max_size=400))
def test_parsers_take_any_bytes(data: bytes) -> None:
    note = parse_note(data)
    if isinstance(note, Note):
        parse_checkpoint(note)
    assert isinstance(KEY, VerifierKey)
    open_checkpoint(data, KEY)
    parse_state(data)
    parse_vkey_file(data)
    parse_envelope(data)
    parse_record(data)


@given(ANY_TEXT)
def test_parsers_take_any_text(text: str) -> None:
    parse_verifier_key(text)
    note = parse_note(f"{text}\n\n\u2014 {text} {text}\n".encode("utf-8", "surrogatepass"))
    if isinstance(note, Note):
        parse_checkpoint(note)


@given(st.integers(0, 10**17), st.binary(min_size=32, max_size=32), st.lists(KEYS, max_size=3))
def test_a_checkpoint_reads_back_from_its_text(size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin="example.org/log", size=size, root=root, extensions=tuple(extensions))
    assert parse_checkpoint(Note(text=checkpoint.text(), signatures=())) == checkpoint


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), st.binary(max_size=40), st.integers(0, 400))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_segment_gives_whole_records_or_none(tmp_path: Path, records: list[bytes], tail: bytes, cut: int) -> None:
    data = b"".join(map(frame, records))
    path = tmp_path / segment_name(0)
    path.write_bytes((data + tail)[: len(data) + cut])
    found = [item.record for item in read_entries(tmp_path) if isinstance(item, Entry)]
    assert found[: len(records)] == records
    path.write_bytes(data[:cut])
    found = [item.record for item in read_entries(tmp_path) if isinstance(item, Entry)]
    assert found == records[: len(found)]


@given(
    st.dictionaries(st.sampled_from(["vkey", "checkpoint", "state"]), st.binary(max_size=200)), st.binary(max_size=300)
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_audit_takes_any_directory(tmp_path: Path, files: dict[str, bytes], segment: bytes) -> None:
    for name in ("segments", "snapshots"):
        (tmp_path / name).mkdir(exist_ok=True)
    for name in ("vkey", "checkpoint", "state"):
        (tmp_path / name).unlink(missing_ok=True)
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "segments" / segment_name(0)).write_bytes(segment)
    assert audit(tmp_path).verdict is not Verdict.SOUND


@pytest.mark.parametrize(
    "act",
    [
        lambda n: conform({"user_agent.original": "\udcff" * n, "url.path": "é" * n}),
        lambda n: conform({"http.request.header.accept": ["\udcff\x00"] * n}),
        lambda n: conform({f"f{number}": "\x00" * n for number in range(20)}),
        lambda n: parse_note(b"\n" * n),
        lambda n: parse_note("\u2014 a AAAAAAA=\n".encode() * n),
        lambda n: parse_verifier_key("+" * n),
        lambda n: parse_record(b"[" * n),
        lambda n: parse_envelope(b'{"a":' * n),
    ],
    ids=["text", "lists", "fields", "newlines", "signatures", "plus", "arrays", "objects"],
)
def test_work_grows_no_faster_than_the_input(act: Callable[[int], object]) -> None:
    act(10)
    small, large = calls_of(lambda: act(1000)), calls_of(lambda: act(4000))
    assert large <= 4 * small + 100
