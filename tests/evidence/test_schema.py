"""What a record may hold: limits, text that is no text, and the canonical form."""

from __future__ import annotations

import base64
import hashlib
from enum import StrEnum

import msgspec
import pytest
import rfc8785

from optout.errors import EvidenceError
from optout.evidence.schema import (
    MAX_INTEGER,
    MAX_RECORD,
    conform,
    conform_sized,
    encode,
    octets,
    parse_envelope,
    parse_record,
)


class _Word(StrEnum):
    DENY = "deny"


class _Text(str):
    __slots__ = ()


def test_plain_fields_stay_as_they_are() -> None:
    fields = {"type": "crawl.request", "robots.line": 12, "decision.enforced": True, "crawl.named": ["a", "b"]}
    assert conform(fields) == fields


def test_none_means_not_there() -> None:
    assert conform({"a": None, "b": "x"}) == {"b": "x"}


def test_words_of_an_enumeration_become_text() -> None:
    fields = conform({"a": _Word.DENY, "b": [_Word.DENY], "c": _Text("x"), "d": (_Text("y"),)})
    assert encode(fields) == b'{"a":"deny","b":["deny"],"c":"x","d":["y"]}'


@pytest.mark.parametrize(
    "fields",
    [
        {"a": 1.5},
        {"a": float("nan")},
        {"a": {"b": 1}},
        {"a": b"x"},
        {"a": [1]},
        {"a": [["b"]]},
        {"a": MAX_INTEGER + 1},
        {"a": -MAX_INTEGER - 1},
        {"A": "x"},
        {"a b": "x"},
        {"a..b": "x"},
        {"": "x"},
        {"ä": "x"},
        {f"field-{number}": "x" for number in range(4000)},
    ],
    ids=lambda fields: repr(fields)[:30],
)
def test_what_only_our_own_code_could_get_wrong_is_an_error(fields: dict[str, object]) -> None:
    with pytest.raises(EvidenceError):
        conform(fields)


def test_the_largest_integers_are_kept() -> None:
    assert parse_record(encode(conform({"a": MAX_INTEGER, "b": -MAX_INTEGER}))) == {
        "a": MAX_INTEGER,
        "b": -MAX_INTEGER,
    }


@pytest.mark.parametrize(
    ("field", "limit"), [("url.path", 4096), ("user_agent.original", 2048), ("identity.claimed", 1024)]
)
def test_long_text_is_cut_and_its_hash_kept(field: str, limit: int) -> None:
    text = "x" * limit
    assert conform({field: text}) == {field: text}
    longer = text + "yz"
    assert conform({field: longer}) == {
        field: text,
        f"{field}.sha256": hashlib.sha256(longer.encode()).hexdigest(),
        f"{field}.truncated": True,
    }


def test_a_character_is_never_cut_in_half() -> None:
    assert conform({"a": "x" + "é" * 600})["a"] == "x" + "é" * 511


def test_bytes_that_are_not_utf_8_are_kept_as_base64() -> None:
    raw = b"GPTBot/\xff\xfe"
    assert conform({"user_agent.original": raw.decode("utf-8", "surrogateescape")}) == {
        "user_agent.original.b64": base64.b64encode(raw).decode()
    }


def test_long_bytes_that_are_not_utf_8_are_cut_hashed_and_marked() -> None:
    raw = b"\xff" * 5000
    assert conform({"url.path": raw.decode("utf-8", "surrogateescape")}) == {
        "url.path.b64": base64.b64encode(raw[:4096]).decode(),
        "url.path.sha256": hashlib.sha256(raw).hexdigest(),
        "url.path.truncated": True,
    }


def test_escaped_bytes_that_together_are_utf_8_become_text() -> None:
    assert conform({"a": "\udcc3\udca9"}) == {"a": "é"}


def test_surrogates_that_stand_for_no_byte_have_a_form_too() -> None:
    text = "a\ud800b\udcffc"
    assert conform({"a": text}) == {"a.b64": base64.b64encode(octets(text)).decode()}


def test_a_list_is_base64_as_a_whole_or_not_at_all() -> None:
    assert conform({"a": ["x", "\udcff"]}) == {
        "a.b64": [base64.b64encode(b"x").decode(), base64.b64encode(b"\xff").decode()]
    }


def test_long_lists_are_cut_hashed_and_marked() -> None:
    many = [f"value {number}" for number in range(300)]
    fields = conform({"a": many})
    assert fields["a"] == many[:256]
    assert fields["a.truncated"] is True
    large = conform({"a": ["x" * 2000, "y" * 2000, "é" * 2000] * 5})
    kept = large["a"]
    assert isinstance(kept, list)
    assert kept == ["x" * 1024, "y" * 1024, "é" * 512] * 2 + ["x" * 1024, "y" * 1024]
    assert large["a.sha256"] != fields["a.sha256"]


def test_two_lists_that_join_to_the_same_text_have_different_hashes() -> None:
    one = conform({"a": ["x" * 2000, "y" * 3000]})
    other = conform({"a": ["x" * 2001, "y" * 2999]})
    assert one["a.sha256"] != other["a.sha256"]


@pytest.mark.parametrize(
    "text",
    [
        "A" * 65_536,
        "\x00" * 65_536,
        "\x1b]8;;http://evil.example\x07" * 3000,
        "\u202egpj.exe" * 5000,
        "\U0001f600" * 20_000,
        "\udc80" * 65_536,
        '","type":"log.end","x":"' * 3000,
        "</script><script>" * 4000,
        "=cmd|' /C calc'!A0\r\n" * 3000,
    ],
    ids=["long", "nul", "terminal", "bidi", "non-BMP", "bytes", "json", "html", "csv"],
)
def test_hostile_text_is_bounded_and_parses_back(text: str) -> None:
    fields = conform({"type": "crawl.request", "user_agent.original": text, "url.path": text, "identity.claimed": text})
    record = encode(fields)
    assert len(record) <= MAX_RECORD
    assert record.isascii() or record.decode("utf-8")
    parsed = parse_record(record)
    assert parsed is not None
    assert parsed["type"] == "crawl.request"
    assert parsed["user_agent.original.truncated"] is True
    assert parsed["user_agent.original.sha256"] == hashlib.sha256(octets(text)).hexdigest()


def test_the_hash_is_of_the_whole_text_however_far_it_is_cut() -> None:
    text = "\x01" * 4096
    fields = conform({f"f{number}": text for number in range(8)})
    assert all(fields[f"f{number}.sha256"] == hashlib.sha256(text.encode()).hexdigest() for number in range(8))


@pytest.mark.parametrize("text", ["", "\x00\x01\b\t\n\f\r\x1f\x7f\x80", "\u2028\ufeff\U0010ffff", '"\\/<>&'])
def test_the_form_is_that_of_rfc_8785(text: str) -> None:
    fields = conform({"z.last": text, "a.first": [text], "m": -1, "m-1": True, "m.1": MAX_INTEGER})
    assert encode(fields) == rfc8785.dumps(fields)


def test_the_size_is_the_length_of_the_encoding() -> None:
    fields, size = conform_sized({"a": "é\x00", "b": ["x"], "c": 1})
    assert size == len(encode(fields))


@pytest.mark.parametrize(
    "record",
    [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"v":1}', b'{"v":"1","type":"x"}', b'{"\\ud800":1}'],
    ids=lambda record: repr(record[:20]),
)
def test_bytes_that_are_no_record_have_no_envelope(record: bytes) -> None:
    assert parse_envelope(record) is None


def test_an_envelope_is_read_from_among_other_fields() -> None:
    record = msgspec.json.encode(
        {"v": 1, "type": "t", "id": "i", "time_us": 5, "writer.id": "w", "writer.boot": "b", "writer.seq": 3, "x": 1}
    )
    envelope = parse_envelope(record)
    assert envelope is not None
    assert (envelope.type, envelope.id, envelope.time_us, envelope.boot, envelope.seq) == ("t", "i", 5, "b", 3)


@pytest.mark.parametrize("record", [b"", b"[]", b"1", b"\xff", b"[" * 100_000])
def test_bytes_that_are_no_object_are_no_record(record: bytes) -> None:
    assert parse_record(record) is None
