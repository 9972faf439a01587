"""What a record may hold and its one canonical form (evidence.md parts 5.1 and 5.2).

A record is one JSON object and one leaf: flat, dotted, ASCII keys; text, booleans, integers up to 2^53 - 1 and
lists of text; no floats, no null. Under these limits msgspec's sorted JSON is RFC 8785, byte for byte, and whoever
checks a log hashes stored bytes and never encodes anything again.

A stranger's text is bounded and always has a form: what is not UTF-8 goes into `<field>.b64`, what is too long is
cut and gets `<field>.sha256` (of all its bytes) and `<field>.truncated`.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Mapping, Sequence

import msgspec

from optout.errors import EvidenceError

VERSION = 1
MAX_RECORD = 16 * 1024  # bytes; a C2SP tile entry could hold 65,535
MAX_INTEGER = 2**53 - 1  # the largest that JSON carries everywhere (RFC 8785 section 3.2.2.3)

Scalar = str | int | bool
Value = str | int | bool | list[str]

_LIMITS = {"signature.base": 4096, "url.path": 4096, "user_agent.original": 2048}
_LIMIT = 1024
_LIST_LIMIT = 8 * 1024
_LIST_LENGTH = 256
_ENVELOPE = 768  # what the writer adds: id, writer.*, clock.*
MAX_BODY = MAX_RECORD - _ENVELOPE
_LISTS = (list, tuple)
_KEY = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\Z")
_MOST_CHECKED_KEYS = 1024
_checked_keys: set[str] = set()  # field names are few and our own: each is looked at once

_encoder = msgspec.json.Encoder(order="sorted")

encode_value: Callable[[Value], bytes] = _encoder.encode
"""The canonical bytes of one field's value."""


class Envelope(msgspec.Struct, frozen=True):
    """The fields of a record that hold the log together; a record without them is not one."""

    v: int
    type: str
    id: str
    time_us: int
    writer_id: str = msgspec.field(name="writer.id")
    boot: str = msgspec.field(name="writer.boot")
    seq: int = msgspec.field(name="writer.seq")
    snapshot: str = msgspec.field(name="snapshot.sha256", default="")


_envelope_decoder = msgspec.json.Decoder(Envelope)


def parse_envelope(record: bytes) -> Envelope | None:
    """The envelope of stored bytes, or None if they are no record."""
    try:
        return _envelope_decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def parse_record(record: bytes) -> dict[str, object] | None:
    """A record's fields, or None if the bytes are no JSON object."""
    try:
        return msgspec.json.decode(record, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def encode(fields: Mapping[str, Value]) -> bytes:
    """The canonical bytes of a record whose fields went through `conform`."""
    return _encoder.encode(fields)


def conform(fields: Mapping[str, object]) -> dict[str, Value]:
    """The fields in the form that the schema allows, cut so that the record fits with the writer's own fields.

    None means: not there. Raises EvidenceError only for what our own code did wrong: a name that is not ASCII and
    dotted, a float, an integer past 2^53 - 1, more fields than a record holds.
    """
    return conform_sized(fields)[0]


def conform_sized(fields: Mapping[str, object]) -> tuple[dict[str, Value], int]:
    """The same as `conform`, and how many bytes the fields take without what the writer adds."""
    for divisor in (1, 4, 16, 64):
        found = _conform(fields, divisor)
        size = len(encode(found))
        if size <= MAX_BODY:
            return found, size
    raise EvidenceError(f"a record of {len(fields)} fields does not fit into {MAX_RECORD} bytes")


def conform_uncut(fields: Mapping[str, object]) -> dict[str, Value]:
    """Some fields of a record in the form that `conform` gives them where the whole fits."""
    return _conform(fields, 1)


def _conform(fields: Mapping[str, object], divisor: int) -> dict[str, Value]:
    limit = _LIMIT // divisor
    found: dict[str, Value] = {}
    for key, value in fields.items():
        if key not in _checked_keys:
            _check_key(key)
        # Exact types first: this runs once for each field of every record.
        if (
            (type(value) is str and len(value) <= limit and value.isascii())
            or type(value) is bool
            or (type(value) is int and -MAX_INTEGER <= value <= MAX_INTEGER)
        ):
            found[key] = value
        else:
            _put(found, key, value, divisor)
    return found


def _check_key(key: str) -> None:
    if _KEY.match(key) is None:
        raise EvidenceError(f"a record field is named {key!r}, which is not dotted lower-case ASCII")
    if len(_checked_keys) < _MOST_CHECKED_KEYS:
        _checked_keys.add(key)


def _put(found: dict[str, Value], key: str, value: object, divisor: int) -> None:
    if isinstance(value, str):
        _put_text(found, key, value, _LIMITS.get(key, _LIMIT) // divisor)
    elif isinstance(value, int):
        if abs(value) > MAX_INTEGER:
            raise EvidenceError(f"the record field {key} holds an integer past 2^53 - 1")
        found[key] = int(value)
    elif isinstance(value, _LISTS):
        _put_list(found, key, value, divisor)
    elif value is not None:
        raise EvidenceError(f"the record field {key} holds a {type(value).__name__}")


def _put_text(found: dict[str, Value], key: str, value: str, limit: int) -> None:
    if len(value) <= limit and value.isascii():
        found[key] = str.__str__(value)
        return
    raw = octets(value)
    if len(raw) > limit:
        found[f"{key}.sha256"] = hashlib.sha256(raw).hexdigest()
        found[f"{key}.truncated"] = True
    text = _as_utf8(raw)
    if text is None:
        found[f"{key}.b64"] = _b64(raw[:limit])
    else:
        found[key] = _cut(raw, limit)


def _put_list(found: dict[str, Value], key: str, values: Sequence[object], divisor: int) -> None:
    texts = [str.__str__(value) for value in values if isinstance(value, str)]
    if len(texts) != len(values):
        raise EvidenceError(f"the record field {key} holds a list of something else than text")
    joined = "".join(texts)
    if len(joined) <= _LIMIT // divisor and len(texts) <= _LIST_LENGTH and joined.isascii():
        found[key] = texts
        return
    raws = [octets(text) for text in texts]
    kept = _within(raws, _LIMIT // divisor, _LIST_LIMIT // divisor)
    if kept != raws:
        found[f"{key}.sha256"] = _digest(raws)
        found[f"{key}.truncated"] = True
    if any(_as_utf8(raw) is None for raw in raws):
        found[f"{key}.b64"] = [_b64(raw) for raw in kept]
    else:
        found[key] = [_cut(raw, len(raw)) for raw in kept]


def _within(raws: list[bytes], limit: int, room: int) -> list[bytes]:
    kept = []
    for raw in raws[:_LIST_LENGTH]:
        kept.append(raw[:limit])
        room -= len(kept[-1])
        if room < 0:
            return kept[:-1]
    return kept


def _digest(raws: list[bytes]) -> str:
    """The SHA-256 of a list: every element behind its length as four bytes, so that no two lists share one."""
    total = hashlib.sha256()
    for raw in raws:
        total.update(len(raw).to_bytes(4, "big"))
        total.update(raw)
    return total.hexdigest()


def octets(text: str) -> bytes:
    """The bytes that `text` stands for: surrogate escapes are single bytes, other lone surrogates stay three."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "surrogatepass")


def _as_utf8(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _cut(raw: bytes, limit: int) -> str:
    """The first `limit` bytes of valid UTF-8 as text, without a character cut in half."""
    return raw[:limit].decode("utf-8", "ignore")


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
