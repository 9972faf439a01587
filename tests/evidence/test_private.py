"""The private part: sealed, committed to, bound to its record, and linked by pseudonyms of one month only."""

from __future__ import annotations

import hashlib
import hmac
import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.keys import KeyStore, MonthKeys
from optout.evidence.private import Opened, Private, is_erased, open_sealed, prepare
from optout.evidence.schema import encode

KEYS = MonthKeys(b"\x01" * 32, b"\x02" * 32)
FIELDS = {"client.address": "203.0.113.7", "url.query": "q=a b"}


def _private(**more: object) -> Private:
    return prepare({**FIELDS, **more}, record_id="id-1", tenant="alice", time_us=1_795_000_000_000_000)


def test_what_was_sealed_is_opened_and_fits_its_commitment() -> None:
    private = _private()
    record, sealed = private.seal(encode({"id": "id-1", **private.public_fields()}), KEYS)
    opened = open_sealed(sealed, "id-1", KEYS)
    assert opened is not None
    assert opened.fields() == FIELDS
    assert opened.commit == private.public_fields()["private.commit"] == json.loads(record)["private.commit"]
    disclosed = json.loads(opened.disclosed())
    assert hashlib.sha256(bytes.fromhex(disclosed["salt"]) + disclosed["private"].encode()).hexdigest() == opened.commit
    assert b"203.0.113" not in sealed
    assert b"q=a" not in sealed


def test_it_opens_for_its_own_record_and_key_only() -> None:
    _, sealed = _private().seal(b"{}", KEYS)
    assert open_sealed(sealed, "id-2", KEYS) is None
    assert open_sealed(sealed, "id-1", MonthKeys(KEYS.name, KEYS.seal)) is None
    assert open_sealed(bytes(len(sealed)), "id-1", KEYS) is None
    assert is_erased(bytes(len(sealed)))
    assert not is_erased(sealed)


def test_the_same_fields_are_never_sealed_or_committed_to_alike() -> None:
    one, two = _private(), _private()
    assert one.public_fields()["private.commit"] != two.public_fields()["private.commit"]
    assert one.seal(b"{}", KEYS)[1] != one.seal(b"{}", KEYS)[1]


def test_a_pseudonym_links_one_month_however_the_address_is_written() -> None:
    def token(keys: MonthKeys, address: str) -> str:
        private = _private(**{"client.address": address})
        return str(json.loads(private.seal(encode(private.public_fields()), keys)[0])["peer.token"])

    expected = hmac.digest(KEYS.name, bytes([203, 0, 113, 7]), "sha256")[:16].hex()
    assert token(KEYS, "203.0.113.7") == expected
    assert token(KEYS, "2001:db8::1") == token(KEYS, "2001:0db8:0:0:0:0:0:1")
    assert token(MonthKeys(KEYS.seal, b"\x03" * 32), "203.0.113.7") != expected


def test_what_is_no_address_gets_no_pseudonym() -> None:
    for address in ("", "unknown", "203.0.113.7:80", 7):
        assert "peer.token" not in _private(**{"client.address": address}).public_fields()


def test_a_strangers_text_cannot_take_the_pseudonyms_place() -> None:
    fake = '"peer.token":"' + "0" * 32
    private = _private()
    record = encode({"a": fake, **private.public_fields(), "z": fake})
    fields = json.loads(private.seal(record, KEYS)[0])
    assert fields["a"] == fields["z"] == fake
    assert fields["peer.token"] != "0" * 32


@given(st.binary(max_size=200))
def test_foreign_bytes_are_nothing(data: bytes) -> None:
    assert open_sealed(data, "id-1", KEYS) is None


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_part_that_was_changed_is_nothing(place: int, change: int) -> None:
    _, sealed = _private().seal(b"{}", KEYS)
    at = place % len(sealed)
    assert open_sealed(sealed[:at] + bytes([sealed[at] ^ change]) + sealed[at + 1 :], "id-1", KEYS) is None


def test_the_key_of_one_tenant_opens_nothing_of_another(tmp_path: Path) -> None:
    store = KeyStore(tmp_path)
    _, sealed = _private().seal(b"{}", store.get("alice", "2026-11", 0))
    assert open_sealed(sealed, "id-1", store.get("bob", "2026-11", 0)) is None
    assert isinstance(open_sealed(sealed, "id-1", store.get("alice", "2026-11", 0)), Opened)
