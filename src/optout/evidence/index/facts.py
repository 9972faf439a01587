"""What the index knows of a record: the fields that name who, what, when, and how it ended, as plain values.

The bytes may be anything. A record that `parse_envelope` does not take is no record here either; one whose other
fields hold something of another type, or a number past what JSON carries, is taken without those fields.
"""

from __future__ import annotations

import zlib
from typing import Annotated

import msgspec

from optout.evidence.index.tables import FACETS
from optout.evidence.schema import MAX_INTEGER, parse_envelope, parse_record

_Number = Annotated[int, msgspec.Meta(ge=-MAX_INTEGER, le=MAX_INTEGER)]
_RETRACT = "crawl.retract"
OUTCOME = "crawl.outcome"
REQUEST = "crawl.request"


class Facts(msgspec.Struct, frozen=True, gc=False):
    """The fields of one record; `time_us` in µs since 1970 UTC, `size` in bytes of content sent."""

    v: int
    type: str
    id: str
    time_us: _Number
    writer_id: str = msgspec.field(name="writer.id")
    boot: str = msgspec.field(name="writer.boot")
    seq: _Number = msgspec.field(name="writer.seq")
    snapshot: str = msgspec.field(name="snapshot.sha256", default="")
    tenant: str = ""
    host: str = msgspec.field(name="server.address", default="")
    product: str = msgspec.field(name="crawl.product", default="")
    operator: str = msgspec.field(name="crawl.operator", default="")
    purpose: str = msgspec.field(name="crawl.purpose", default="")
    action: str = msgspec.field(name="decision.action", default="")
    standing: str = msgspec.field(name="identity.standing", default="")
    path: str | None = msgspec.field(name="url.path", default=None)
    about: str = msgspec.field(name="crawl.request.id", default="")
    status: _Number | None = msgspec.field(name="http.response.status_code", default=None)
    size: _Number | None = msgspec.field(name="http.response.body.size", default=None)

    @property
    def profile(self) -> tuple[str, ...]:
        """The texts of `FACETS`, in that order."""
        return (
            self.type,
            self.tenant,
            self.host,
            self.product,
            self.operator,
            self.purpose,
            self.action,
            self.standing,
        )

    @property
    def retracts(self) -> str:
        """The id of the request that this record takes back; "" if it does no such thing."""
        return self.about if self.type == _RETRACT else ""


_decoder = msgspec.json.Decoder(Facts)


def parse_facts(record: bytes) -> Facts | None:
    """The facts of stored bytes, or None if they are no record. Never raises."""
    try:
        return _decoder.decode(record)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _parse_oddly_typed(record)


def _parse_oddly_typed(record: bytes) -> Facts | None:
    envelope, fields = parse_envelope(record), parse_record(record)
    if envelope is None or fields is None:
        return None
    texts = {column: _text(fields.get(name)) for column, name in FACETS.items() if column != "type"}
    path = fields.get("url.path")
    return Facts(
        v=envelope.v,
        type=envelope.type,
        id=envelope.id,
        time_us=_clamp(envelope.time_us),
        writer_id=envelope.writer_id,
        boot=envelope.boot,
        seq=_clamp(envelope.seq),
        path=path if isinstance(path, str) else None,
        about=_text(fields.get("crawl.request.id")),
        status=_number(fields.get("http.response.status_code")),
        size=_number(fields.get("http.response.body.size")),
        **texts,
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if abs(value) <= MAX_INTEGER else None


def _clamp(number: int) -> int:
    return max(-MAX_INTEGER, min(MAX_INTEGER, number))


_TIME_BITS, _HASH_BITS = 34, 29


def id_key(record_id: str) -> int:
    """A number for an id, nearly unique, and for ids made one after the other (UUIDv7) one behind the other.

    An index on texts would take three times the room, and one on hashes would be written all over.
    """
    try:
        milliseconds = int(record_id[:8] + record_id[9:13], 16)
    except ValueError:
        milliseconds = 0
    spread = zlib.crc32(record_id.encode("utf-8", "surrogatepass"))
    return (milliseconds & ((1 << _TIME_BITS) - 1)) << _HASH_BITS | (spread & ((1 << _HASH_BITS) - 1))
