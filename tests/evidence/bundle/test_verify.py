"""T27: a thousand false bundles, none accepted; and whatever the bytes are, a verdict."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.evidence.bundle.verify import L, is_signature, printable, unbase64, verify
from optout.evidence.directory import Layout
from optout.evidence.signing import load_signer
from tests.evidence.bundle.cases import files_of, make_bundle, make_log, mutants, repack, with_manifests
from tests.evidence.setting import crawl, open_log


def test_a_true_one_is_sound_with_every_record_at_the_highest_level(bundle: bytes, vkey: str) -> None:
    said = verify(bundle, vkey)
    assert (said["exit"], said["verdict"]) == (0, "sound")
    assert {tuple(record["levels"]) for record in said["records"]} == {("bytes intact", "in the log", "log signed")}
    assert len(said["records"]) > 50


def test_without_a_key_it_proves_only_itself(bundle: bytes) -> None:
    said = verify(bundle)
    assert (said["exit"], said["verdict"]) == (2, "could not tell")
    assert any("self-attested" in line for line in said["not_proved"])


def test_none_of_a_thousand_false_ones_is_accepted(bundle: bytes, vkey: str, tmp_path: Path) -> None:
    older = make_log(tmp_path / "older", 3).checkpoint.read_bytes()
    count = 0
    for count, (what, data) in enumerate(mutants(bundle, older, 27), 1):  # noqa: B007
        said = verify(data, vkey)
        assert said["exit"] == 1, what
        assert said["why"], what
    assert count >= 1000


def test_an_older_checkpoint_of_the_same_log_does_not_cover_what_came_later(tmp_path: Path) -> None:

    layout = make_log(tmp_path / "evidence", 5)
    older = layout.checkpoint.read_bytes()
    log = open_log(layout.root)
    log.append(crawl(99, tenant="alice.example")).result(20)
    log.close()
    files = files_of(make_bundle(layout, tmp_path / "x.zip"))

    signer = load_signer(layout.key, layout.vkey)
    forged = repack(with_manifests({**files, "data/checkpoint": older}, signer))  # even with the log's own signature
    assert verify(forged, layout.vkey.read_text())["exit"] == 1


def test_the_owner_himself_cannot_change_a_record_below_the_checkpoint(
    layout: Layout, bundle: bytes, vkey: str
) -> None:

    signer = load_signer(layout.key, layout.vkey)
    files = files_of(bundle)
    records = files["data/records.ndjson"].replace(b"/gallery/0.jpg", b"/gallery/9.jpg")
    assert verify(repack(with_manifests({**files, "data/records.ndjson": records}, signer)), vkey)["exit"] == 1
    rows = files["data/index.csv"].splitlines(keepends=True)
    for wrong in (rows[:1] + rows[2:] + rows[1:2], [*rows, rows[-1]], rows[:-1]):
        said = verify(repack(with_manifests({**files, "data/index.csv": b"".join(wrong)}, signer)), vkey)
        assert said["exit"] == 1
    other = {**files, "data/documents/" + "0" * 64: b"another robots.txt"}
    assert verify(repack(with_manifests(other, signer)), vkey)["exit"] == 1


def test_a_disclosed_part_must_be_the_one_that_was_committed_to(tmp_path: Path) -> None:

    salt, private = b"\x07" * 32, '{"client.address":"192.0.2.7"}'
    log = open_log(tmp_path / "evidence")
    commit = hashlib.sha256(salt + private.encode()).hexdigest()
    log.append(crawl(1, tenant="alice.example", **{"private.commit": commit})).result(20)
    log.close()
    layout = Layout(tmp_path / "evidence")
    name = "00000000-0000-7000-8000-000000000001"
    for salted, said, exit_code in (
        (salt.hex(), private, 0),
        (salt.hex(), private.replace("7", "8"), 1),
        (salt.hex()[:-2], private, 1),
        ("zz" * 32, private, 1),
    ):
        part = json.dumps({"salt": salted, "private": said}).encode()
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}.zip"
        found = verify(make_bundle(layout, out, disclosed={name: part}), layout.vkey.read_text())
        assert found["exit"] == exit_code, found["why"]


@settings(max_examples=300)
@given(st.binary(max_size=200))
def test_any_bytes_have_a_verdict(data: bytes) -> None:
    assert verify(data, "example.org/log+00000000+AQ==")["exit"] == 1


@settings(max_examples=50, deadline=None)
@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_its_signatures_are_those_of_the_library(seed: bytes, message: bytes, flip: int) -> None:
    private = Ed25519PrivateKey.from_private_bytes(seed)
    public, signature = private.public_key().public_bytes_raw(), private.sign(message)
    assert is_signature(public, message, signature)
    wrong = bytearray(signature)
    wrong[flip // 8] ^= 1 << flip % 8
    with pytest.raises(InvalidSignature):
        Ed25519PublicKey.from_public_bytes(public).verify(bytes(wrong), message)
    assert not is_signature(public, message, bytes(wrong))
    scalar = int.from_bytes(signature[32:], "little") + L
    if scalar < 1 << 256:
        assert not is_signature(public, message, signature[:32] + scalar.to_bytes(32, "little"))


@given(st.text(max_size=20))
def test_base64_has_one_spelling(text: str) -> None:
    data = unbase64(text)
    assert data is None or len(text) % 4 == 0


def test_nothing_that_acts_reaches_the_terminal() -> None:
    assert printable("a\x1b[31m\u202eb" + "x" * 500) == "a?[31m?b" + "x" * 392
