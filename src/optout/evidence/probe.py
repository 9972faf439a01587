"""The field by which an owner's own probe shows a door that it is one: a MAC under a key that follows from the log's.

    Optout-Probe: v1; t=<seconds since 1970>; n=<32 hex digits>; mac=<64 hex digits>

HMAC-SHA256 (RFC 2104) under a key derived by HKDF (RFC 5869) from the log's private key. It covers the method, the
authority, the target, the user agent, the time and the number: nothing of a probe can be used for another request.

Rule: a field that is not good makes an ordinary request. Nobody learns from an answer whether it was.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from optout.messages import Request

FIELD = "Optout-Probe"
PROBE = "probe.request"
"""The type of a probe's record: the fields of a `crawl.request`, and in no figure."""

VALID_S = 60
"""Seconds, before and after its time, for which a probe is good: clocks of two machines differ."""

_INFO = b"optout probe v1"
_MOST_SEEN = 1024  # numbers of one process; an owner sends thirteen at once
_FORM = re.compile(r"v1; t=([0-9]{1,12}); n=([0-9a-f]{32}); mac=([0-9a-f]{64})")


def probe_key(private: Ed25519PrivateKey) -> bytes:
    """The 32 bytes with which probes of a log's owner are marked; they tell nothing of the log's key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(private.private_bytes_raw())


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """What a mark covers; `time_s` in seconds since 1970 UTC, `number` 32 hex digits that are used once."""

    method: str
    authority: str
    target: str
    user_agent: str
    time_s: int
    number: str

    def mark(self, key: bytes) -> str:
        """The field's value."""
        return f"v1; t={self.time_s}; n={self.number}; mac={self._mac(key)}"

    def is_marked(self, key: bytes, mac: str) -> bool:
        """Whether `mac` was made with the key, in constant time."""
        return hmac.compare_digest(self._mac(key).encode(), mac.encode("utf-8", "surrogatepass"))

    def _mac(self, key: bytes) -> str:
        texts = (self.method, self.authority, self.target, self.user_agent, str(self.time_s), self.number)
        parts = [text.encode("utf-8", "surrogatepass") for text in texts]
        # Each with its length: no two lists of parts have the same bytes.
        return hmac.new(key, b"".join(b"%d:%b," % (len(part), part) for part in parts), hashlib.sha256).hexdigest()


class ProbeCheck:
    """Tells probes from requests, under one key. Memory is bounded; one thread uses it."""

    __slots__ = ("_key", "_seen")

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._seen: dict[str, int] = {}  # numbers, and the second after which each is no longer good, oldest first

    def takes(self, request: Request, now_us: int) -> bool:
        """Whether the request carries a good mark that was not seen before. Never raises."""
        values = request.fields.all(FIELD.lower())
        if len(values) != 1:
            return False
        found = _FORM.fullmatch(values[0].strip(" \t"))
        if found is None:
            return False
        time_s, number, now_s = int(found.group(1)), found.group(2), now_us // 1_000_000
        if abs(now_s - time_s) > VALID_S:
            return False
        marked = Marked(
            method=request.method,
            authority=request.authority,
            target=request.target,
            user_agent=request.user_agent,
            time_s=time_s,
            number=number,
        )
        return marked.is_marked(self._key, found.group(3)) and self._is_new(number, time_s, now_s)

    def _is_new(self, number: str, time_s: int, now_s: int) -> bool:
        """Whether a number comes for the first time. A set that is full takes none: a probe is then a request."""
        self._seen = {seen: until for seen, until in self._seen.items() if until >= now_s}
        if number in self._seen or len(self._seen) >= _MOST_SEEN:
            return False
        self._seen[number] = time_s + VALID_S
        return True
