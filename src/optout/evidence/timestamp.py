"""Timestamps of outside authorities over a checkpoint (RFC 3161), by `rfc3161-client` from the extra `[evidence]`.

A token says: these bytes existed at this time. It is believed only if it is over exactly our bytes, carries our nonce,
is signed by a certificate made for timestamps whose chain ends at a root that the owner named, valid at the token's
time, and if that time is the one at which we asked. A certificate that expired since is no fault: tokens are to be
checked as of their own time (`openssl ts -verify -attime`).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from types import ModuleType

from cryptography.x509 import Certificate, load_pem_x509_certificates

from optout.errors import EvidenceError

MAX_TOKEN = 64 * 1024
"""Bytes of an answer; a token with its chain has one to eight thousand."""
TOLERANCE_US = 60_000_000
"""How far an authority's clock and ours may differ, in µs."""
_SHA256 = "2.16.840.1.101.3.4.2.1"
_NOT_NAME = re.compile(r"[^A-Za-z0-9.-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A timestamp that holds: when (µs since 1970 UTC), the serial number, and who signed it, for people."""

    time_us: int
    serial: int
    signer: str

    @property
    def moment(self) -> str:
        """When, for people."""
        return datetime.fromtimestamp(self.time_us / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenFault:
    """Why an answer is no timestamp that holds."""

    text: str


def request_token(data: bytes) -> bytes:
    """A request for a token over some bytes: SHA-256, a nonce, the certificates wanted. Raises EvidenceError."""
    client = _client()
    builder = client.TimestampRequestBuilder().data(data).hash_algorithm(client.HashAlgorithm.SHA256)
    request: bytes = builder.nonce(nonce=True).cert_request(cert_request=True).build().as_bytes()
    return request


def load_roots(data: bytes) -> tuple[Certificate, ...]:
    """The certificates in a PEM file; raises EvidenceError if there is none."""
    try:
        return tuple(load_pem_x509_certificates(data))
    except ValueError as fault:
        raise EvidenceError("no certificates (PEM) are in the file of roots", "ask the authority for them") from fault


def check_token(
    response: bytes,
    request: bytes,
    data: bytes,
    roots: tuple[Certificate, ...],
    *,
    asked_us: int | None = None,
    now_us: int | None = None,
) -> Token | TokenFault:
    """Whether an answer is a token over `data` for this request, by an authority under one of `roots`.

    With `asked_us` and `now_us` its time must lie between them; without, as of later, any time will do. Never raises
    for what is in the answer; raises EvidenceError where the library is not installed.
    """
    if len(response) > MAX_TOKEN:
        return TokenFault(text=f"longer than {MAX_TOKEN} bytes")
    client = _client()
    nonce = _nonce(request)
    try:
        parsed = client.decode_timestamp_response(response)
        if client.tsp.PKIStatus(parsed.status) != client.tsp.PKIStatus.GRANTED:
            return TokenFault(text=f"the authority did not grant it: {', '.join(parsed.status_string)[:200]}")
        info = parsed.tst_info
        if info.message_imprint.hash_algorithm.dotted_string != _SHA256:
            return TokenFault(text="it is not over SHA-256")
        builder = client.VerifierBuilder(nonce=nonce, roots=list(roots))
        for der in parsed.signed_data.certificates:
            builder = builder.add_intermediate_certificate(
                client.verify.cryptography.x509.load_der_x509_certificate(der)
            )
        builder.build().verify(parsed, hashlib.sha256(data).digest())
        if nonce is None or info.nonce != nonce:
            return TokenFault(text="it carries another nonce")
        time_us = int(info.gen_time.timestamp() * 1_000_000)
        signer = next(iter(parsed.signed_data.signer_infos)).issuer.rfc4514_string()
        serial = int(info.serial_number)
    except client.VerificationError as fault:
        return TokenFault(text=str(fault)[:300])
    except Exception as fault:  # the library's parser is native code over foreign bytes: whatever it raises is a no
        return TokenFault(text=f"not a timestamp: {type(fault).__name__}")
    if asked_us is not None and time_us < asked_us - TOLERANCE_US:
        return TokenFault(text="its time is before it was asked for")
    if now_us is not None and time_us > now_us + TOLERANCE_US:
        return TokenFault(text="its time is in the future")
    return Token(time_us=time_us, serial=serial, signer=_printable(signer))


def authority_name(url: str) -> str:
    """A short name for an authority, good for a directory: its host."""
    host = url.split("//", 1)[-1].split("/", 1)[0].rsplit("@", 1)[-1]
    return _NOT_NAME.sub("-", host)[:80].strip(".-") or "authority"


def _nonce(request: bytes) -> int | None:
    """The nonce of a request of ours: the INTEGER at its top level that is not the version (RFC 3161 section 2.4.1)."""
    for tag, value in _sequence(request):
        if tag == 0x02 and value != b"\x01":
            return int.from_bytes(value, "big", signed=True)
    return None


def _sequence(der: bytes) -> list[tuple[int, bytes]]:
    """The elements of a DER sequence, shallow; what is malformed ends it."""
    found: list[tuple[int, bytes]] = []
    whole = _element(der, 0)
    if whole is None or whole[0] != 0x30:
        return found
    content, place = whole[1], 0
    while (element := _element(content, place)) is not None:
        found.append((element[0], element[1]))
        place = element[2]
    return found


def _element(data: bytes, place: int) -> tuple[int, bytes, int] | None:
    if place + 2 > len(data):
        return None
    tag, length, begin = data[place], data[place + 1], place + 2
    if length & 0x80:
        more = length & 0x7F
        length, begin = int.from_bytes(data[begin : begin + more], "big"), begin + more
    end = begin + length
    return (tag, data[begin:end], end) if end <= len(data) else None


def _printable(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text)[:200]


def _client() -> ModuleType:
    try:
        import rfc3161_client  # noqa: PLC0415  an extra
    except ImportError:
        raise EvidenceError("timestamps need rfc3161-client", "pip install 'optout[evidence]'") from None
    return rfc3161_client
