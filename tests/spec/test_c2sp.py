"""C2SP signed-note 1.0.0 and tlog-checkpoint 1.0.0, by section; the first vectors are the documents' own."""

from __future__ import annotations

import base64
import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from optout.evidence.checkpoint import (
    Checkpoint,
    Note,
    NoteFault,
    Signer,
    VerifierKey,
    open_checkpoint,
    parse_checkpoint,
    parse_note,
    parse_verifier_key,
)

_VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
_NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
_CHECKPOINT = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)
_POEM = (
    "Ognuno sta solo sul cuor della terra\ntrafitto da un raggio di sole:\n\ned è subito sera.\n\n"
    "— quasimodo.example/salvatore "
    "NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=\n"
)
_SIGNATURE = _NOTE.partition("\n\n")[2]


def _note(text: str) -> Note:
    note = parse_note(text.encode())
    assert isinstance(note, Note)
    return note


def _key(text: str = _VKEY) -> VerifierKey:
    key = parse_verifier_key(text)
    assert isinstance(key, VerifierKey)
    return key


def test_note_example_the_verifier_key_verifies_the_example() -> None:
    assert _key().verify(_note(_NOTE)) is None


def test_note_example_a_changed_text_does_not_verify() -> None:
    assert _key().verify(_note(_NOTE.replace("example message", "example massage"))) is not None


def test_note_format_the_text_is_all_before_the_last_empty_line() -> None:
    note = _note(_POEM)
    assert note.text.endswith("sole:\n\ned è subito sera.\n")
    assert [one.name for one in note.signatures] == ["quasimodo.example/salvatore"]


def test_note_format_several_signatures_are_read_in_order() -> None:
    note = _note(_NOTE + _CHECKPOINT.partition("\n\n")[2])
    assert [one.name for one in note.signatures] == ["example.com/foo", "example.com/behind-the-sofa"]


def test_note_format_at_least_sixteen_signatures_are_taken() -> None:
    assert len(_note(_NOTE + _SIGNATURE * 15).signatures) == 16


@pytest.mark.parametrize(
    "text",
    [
        "",
        "text\n",
        "text\n\n",
        _NOTE.removesuffix("\n"),
        _NOTE.replace("—", "-"),
        _NOTE.replace("— example", "—example"),
        _NOTE.replace("\n\n", "\r\n\r\n"),
        _NOTE.replace("This", "Th\x00s"),
        _NOTE.replace("This", "Th\tis"),
        _NOTE.replace("example.com/foo ", "example.com/foo+1 "),
        _NOTE.replace("example.com/foo ", " "),
        _NOTE.replace("foo Uw2Q", "foo\u00a0Uw2Q"),
        _NOTE.replace("yaQM=", "yaQM"),
        _NOTE.replace("yaQM=", "yaQN="),
        _NOTE.replace("Uw2Q", "Uw2Q\n"),
        _NOTE.replace("Uw2QOkn8", "Uw2-Okn8"),
        "text\n\n— example.com/foo Uw2QOg==\n",
    ],
    ids=lambda text: repr(text[:24]),
)
def test_note_format_what_is_no_note(text: str) -> None:
    assert isinstance(parse_note(text.encode()), NoteFault)


def test_note_format_what_is_not_utf_8_is_no_note() -> None:
    assert isinstance(parse_note(_NOTE.encode().replace(b"This", b"Th\xff")), NoteFault)


def test_note_signatures_the_key_id_is_the_hash_of_name_type_and_key() -> None:
    key = _key()
    assert key.key_id == hashlib.sha256(b"example.com/foo\n\x01" + key.public).digest()[:4]


def test_note_signatures_of_unknown_keys_are_ignored() -> None:
    stranger = "— example.com/other AAAAAAECAwQ=\n"
    same_name = "— example.com/foo AAAAAAECAwQ=\n"
    assert _key().verify(_note(_NOTE + stranger + same_name)) is None


def test_note_signatures_one_that_fails_rejects_the_note() -> None:
    wrong = "— example.com/foo " + base64.b64encode(_key().key_id + bytes(64)).decode() + "\n"
    assert _key().verify(_note(_NOTE + wrong)) is not None


def test_note_signatures_a_note_without_a_known_key_is_rejected() -> None:
    other = Signer(name="example.com/foo", private=Ed25519PrivateKey.from_private_bytes(bytes(32))).verifier
    assert other.verify(_note(_NOTE)) is not None


def test_vkey_is_written_as_it_was_read() -> None:
    assert str(_key()) == _VKEY


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com/foo",
        _VKEY.replace("530d903a", "530d903b"),
        _VKEY.replace("530d903a", "530D903A"),
        _VKEY.replace("+Aeky", "+Ateky"),
        _VKEY.replace("+Aeky", "+Beky"),
        _VKEY.replace("example.com/foo", "example.com/bar"),
        _VKEY.replace("example.com/foo", "example com"),
        _VKEY.replace("example.com/foo", ""),
        _VKEY + "=",
        _VKEY + "\n",
    ],
)
def test_vkey_what_is_no_verifier_key(text: str) -> None:
    assert isinstance(parse_verifier_key(text), NoteFault)


def test_checkpoint_example_is_read() -> None:
    checkpoint = parse_checkpoint(_note(_CHECKPOINT))
    assert isinstance(checkpoint, Checkpoint)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert checkpoint.root == base64.b64decode("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=")
    assert checkpoint.text() == _CHECKPOINT.partition("\n\n")[0] + "\n"


@pytest.mark.parametrize("size", ["0", "1", "20852163"])
def test_checkpoint_sizes_that_are_plain_decimals(size: str) -> None:
    assert isinstance(parse_checkpoint(_note(_CHECKPOINT.replace("20852163", size))), Checkpoint)


@pytest.mark.parametrize("size", ["00", "01", "+1", "-1", "1 ", " 1", "1e3", "0x1", "1_0", "\u0661", "9" * 30, "one"])
def test_checkpoint_sizes_that_are_not(size: str) -> None:
    assert isinstance(parse_checkpoint(_note(_CHECKPOINT.replace("20852163", size))), NoteFault)


@pytest.mark.parametrize("root", ["", "CsUY", "CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2J=", "!" * 44])
def test_checkpoint_roots_that_are_not_the_base64_of_32_bytes(root: str) -> None:
    text = _CHECKPOINT.replace("CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=", root)
    note = parse_note(text.encode())
    assert isinstance(note, NoteFault) or isinstance(parse_checkpoint(note), NoteFault)


def test_checkpoint_extension_lines_are_kept_and_may_not_be_empty() -> None:
    first, second = _CHECKPOINT.split("\n\n")
    checkpoint = parse_checkpoint(_note(f"{first}\nmore\n\n{second}"))
    assert isinstance(checkpoint, Checkpoint)
    assert checkpoint.extensions == ("more",)
    assert isinstance(parse_checkpoint(_note(f"{first}\n\nmore\n\n{second}")), NoteFault)


def test_checkpoint_of_two_lines_is_none() -> None:
    assert isinstance(parse_checkpoint(_note(_CHECKPOINT.replace("20852163\n", ""))), NoteFault)


def test_checkpoint_signatures_the_key_name_is_the_origin() -> None:
    signer = Signer(name="example.org/log", private=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    data = signer.sign(Checkpoint(origin="example.org/log", size=5, root=bytes(32)))
    assert data.decode().splitlines()[0] == data.decode().splitlines()[-1].split(" ")[1] == "example.org/log"
    assert isinstance(open_checkpoint(data, signer.verifier), Checkpoint)


def test_checkpoint_signatures_one_of_another_origin_is_refused() -> None:
    signer = Signer(name="example.org/log", private=Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
    data = signer.sign(Checkpoint(origin="example.org/other", size=5, root=bytes(32)))
    assert isinstance(open_checkpoint(data, signer.verifier), NoteFault)
