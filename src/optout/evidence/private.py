"""The private part of a record: sealed beside it, committed to in it, and erasable (evidence.md part 4.3).

    private.commit    SHA-256(salt || private JSON): whoever is shown both can check them, nobody can guess them
    private.key       which key sealed it, 4 bytes of a hash: a part whose key was destroyed is no damaged part
    peer.token        HMAC-SHA256(the month's key, packed address), 16 bytes: links visits of one month, not across
    the sealed part   version | nonce | AES-256-GCM(salt || private JSON), the record's id as associated data,
                      under HMAC-SHA256(the month's key, id), which is HKDF-Expand (RFC 5869) for one block

Whoever records makes salt and commitment; the writer's thread, which alone touches the disk, has the keys, seals, and
puts pseudonym and key where zeros stood. Where no key could be had the record goes without: the zeros say so.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from optout.evidence.keys import MonthKeys, TenantMonth, month_of
from optout.evidence.schema import Value, conform, encode

VERSION = 1
SALT_BYTES = 32
_NONCE_BYTES = 12
_TOKEN_BYTES = 16
_NO_TOKEN = "0" * (2 * _TOKEN_BYTES)
_TOKEN_FIELD = b'"peer.token":"'  # within a text the quotes would be escaped, so these are the fields
_KEY_FIELD = b'"private.key":"'
NO_KEY = "0" * 8
_ADDRESS = "client.address"
_INFO = b"optout private part\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Private:
    """A private part on its way to the disk: of which record, whose, and of which month (YYYY-MM)."""

    record_id: str
    tenant: str
    month: str
    salt: bytes
    body: bytes
    address: bytes

    def public_fields(self) -> dict[str, Value]:
        """What the record says of it."""
        found: dict[str, Value] = {
            "private.commit": hashlib.sha256(self.salt + self.body).hexdigest(),
            "private.key": NO_KEY,
            "private.v": VERSION,
        }
        if self.address:
            found["peer.token"] = _NO_TOKEN
            found["peer.token.epoch"] = self.month
        return found

    def seal(self, record: bytes, keys: MonthKeys) -> tuple[bytes, bytes]:
        """The record with its pseudonym, and the sealed part."""
        nonce = os.urandom(_NONCE_BYTES)
        name = self.record_id.encode()
        sealed = AESGCM(_own_key(keys, name)).encrypt(nonce, self.salt + self.body, name)
        if self.address:
            token = hmac.digest(keys.name, self.address, "sha256")[:_TOKEN_BYTES].hex()
            record = record.replace(_TOKEN_FIELD + _NO_TOKEN.encode(), _TOKEN_FIELD + token.encode(), 1)
        record = record.replace(_KEY_FIELD + NO_KEY.encode(), _KEY_FIELD + key_id(keys).encode(), 1)
        return record, bytes([VERSION]) + nonce + sealed


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What was sealed: the salt (32 bytes) and the JSON of the private fields."""

    salt: bytes
    body: bytes

    @property
    def commit(self) -> str:
        """What the record has to say of it, hex."""
        return hashlib.sha256(self.salt + self.body).hexdigest()

    def fields(self) -> dict[str, object]:
        """The private fields."""
        found: dict[str, object] = msgspec.json.decode(self.body, type=dict[str, object])
        return found

    def disclosed(self) -> bytes:
        """It as a file of a bundle, for whoever has to check the commitment."""
        return msgspec.json.encode({"private": self.body.decode(), "salt": self.salt.hex()}, order="sorted") + b"\n"


def prepare(private: Mapping[str, object], *, record_id: str, tenant: str, time_us: int) -> Private:
    """A private part of these fields. Raises EvidenceError as `conform` does."""
    body = encode(conform(private))
    return Private(
        record_id=record_id,
        tenant=tenant,
        month=month_of(time_us),
        salt=os.urandom(SALT_BYTES),
        body=body,
        address=_packed(private.get(_ADDRESS)),
    )


def open_sealed(sealed: bytes, record_id: str, keys: MonthKeys) -> Opened | None:
    """What was sealed; None for what is erased, damaged, another's, or of another key. Never raises."""
    if sealed[:1] != bytes([VERSION]) or len(sealed) < 1 + _NONCE_BYTES:
        return None
    name = record_id.encode("utf-8", "surrogatepass")
    nonce, rest = sealed[1 : 1 + _NONCE_BYTES], sealed[1 + _NONCE_BYTES :]
    try:
        whole = AESGCM(_own_key(keys, name)).decrypt(nonce, rest, name)
    except InvalidTag:
        return None
    return Opened(salt=whole[:SALT_BYTES], body=whole[SALT_BYTES:])


def key_id(keys: MonthKeys) -> str:
    """What a record calls the key that sealed its part, 8 hex digits; it says nothing about the key."""
    return hashlib.sha256(_INFO + keys.seal).hexdigest()[:8]


def where_sealed(fields: Mapping[str, object]) -> TenantMonth:
    """Under whose keys of which month the private part of a record with these fields lies."""
    time_us = fields.get("time_us")
    return TenantMonth(str(fields.get("tenant", "")), month_of(time_us if isinstance(time_us, int) else 0))


def is_erased(sealed: bytes) -> bool:
    """Whether a part was overwritten: nothing but zeros is left."""
    return not any(sealed)


def _own_key(keys: MonthKeys, name: bytes) -> bytes:
    return hmac.digest(keys.seal, _INFO + name + b"\x01", "sha256")


def _packed(address: object) -> bytes:
    """An address's own bytes, so that each has one pseudonym however it is written; b"" for what is none."""
    try:
        return ipaddress.ip_address(address).packed if isinstance(address, str) else b""
    except ValueError:
        return b""
