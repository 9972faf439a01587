"""A key directory: the keys with which an operator's crawlers sign (JSON Web Key Set, RFC 7517 section 5).

Implements the key directory of draft-ietf-webbotauth-httpsig-protocol-01, which names each key by its thumbprint
(RFC 7638, RFC 8037 appendix A.3). Thumbprints are computed here: a `kid` is often missing, and may lie. Nothing here
raises for what a stranger published: what is wrong with a key leaves out that key and is told.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field

import msgspec

WELL_KNOWN = "/.well-known/http-message-signatures-directory"
MEDIA_TYPE = "application/http-message-signatures-directory+json"
MOST_KEYS = 100
LONGEST_DIRECTORY = 64 * 1024  # octets

ED25519 = "ed25519"  # RFC 9421 section 3.3.6
_MEMBERS = {"OKP": ("crv", "kty", "x"), "RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}
_MEDIA_TYPES = frozenset({MEDIA_TYPE, "application/jwk-set+json", "application/json"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+\Z")
_MILLISECONDS = 10**11  # seconds of the year 5138: some directories count milliseconds

PUBLISHED_KEYS = frozenset(
    {
        "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",  # RFC 9421 appendix B.1.4
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",  # RFC 8037 appendix A.1
        "oD0HwocPBSfpNy5W3bpJeyFGY_IQ_YpqxSjQ3Yd-CLA",  # RFC 9421 appendix B.1.2
    }
)
"""Thumbprints of keys whose private half stands in a specification: anybody can sign with them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One public key. `jwk` is its canonical form, whose SHA-256 is the `thumbprint` (RFC 7638 section 3).

    `public` holds the octets of an Ed25519 key and is empty for a key of another algorithm. `not_before` and
    `expires` are seconds since 1970 UTC; None where the directory does not say.
    """

    thumbprint: str
    jwk: str
    public: bytes = b""
    not_before: int | None = None
    expires: int | None = None

    def is_valid(self, now_s: int) -> bool:
        """Whether the directory lets this key sign at `now_s`."""
        return (self.not_before is None or self.not_before <= now_s) and (self.expires is None or now_s < self.expires)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySet:
    """The keys of one directory, and what was left out and why. `sha256` (hex) names the `document`'s bytes."""

    keys: tuple[Key, ...]
    faults: tuple[str, ...]
    sha256: str
    document: bytes = field(repr=False)

    def find(self, thumbprint: str) -> Key | None:
        """The key of that thumbprint."""
        return next((key for key in self.keys if key.thumbprint == thumbprint), None)


def directory_fault(status: int, media_type: str, body: bytes) -> str:
    """Why an answer is no directory that counts, in words; "" where it is one."""
    if status != 200:
        return f"the server answered {status}"
    if media_type not in _MEDIA_TYPES:
        return "not the media type of a key directory"
    if len(body) > LONGEST_DIRECTORY:
        return f"more than {LONGEST_DIRECTORY} octets"
    keys = parse_directory(body)
    if keys.keys:
        return ""
    return keys.faults[0] if keys.faults else "no key in it"


def parse_directory(body: bytes, *, with_published_keys: bool = False) -> KeySet:
    """The keys of a directory. Never raises; no key where the document is none, or has more than `MOST_KEYS`.

    Keys of specifications (`PUBLISHED_KEYS`) are left out unless asked for.
    """
    found: dict[str, Key] = {}
    faults: list[str] = []
    for number, jwk in enumerate(_entries(body, faults), start=1):
        key = _key(jwk)
        if isinstance(key, str):
            faults.append(f"key {number}: {key}")
        elif key.thumbprint in PUBLISHED_KEYS and not with_published_keys:
            faults.append(f"key {number}: its private half is published, so anybody can sign with it")
        else:
            found.setdefault(key.thumbprint, key)
    return KeySet(
        keys=tuple(found.values()), faults=tuple(faults), sha256=hashlib.sha256(body).hexdigest(), document=body
    )


def _entries(body: bytes, faults: list[str]) -> list[object]:
    if len(body) > LONGEST_DIRECTORY:
        faults.append(f"more than {LONGEST_DIRECTORY} octets")
        return []
    try:
        document = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        faults.append("no JSON")
        return []
    keys = document.get("keys") if isinstance(document, dict) else None
    if not isinstance(keys, list):
        faults.append("no object with a list of keys")
        return []
    if len(keys) > MOST_KEYS:
        faults.append(f"more than {MOST_KEYS} keys")
        return []
    return keys


def parse_key(jwk: bytes) -> Key | None:
    """One Ed25519 key by itself, as a record holds it; None for anything else."""
    try:
        key = _key(msgspec.json.decode(jwk))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return key if isinstance(key, Key) and key.public else None


def _key(jwk: object) -> Key | str:
    """The key, or why it is left out."""
    if not isinstance(jwk, dict):
        return "no object"
    kind = jwk.get("kty")
    if not isinstance(kind, str) or kind not in _MEMBERS:
        return "its type is unknown"
    required = {name: jwk.get(name) for name in _MEMBERS[kind]}  # in the order of RFC 7638 section 3.3
    texts = {name: value for name, value in required.items() if isinstance(value, str) and _BASE64URL.match(value)}
    if len(texts) < len(required):
        return "a member is missing or has no form that a key can have"
    if jwk.get("use", "sig") != "sig":
        return "it is not for signatures"
    public = b""
    if (kind, texts.get("crv")) == ("OKP", "Ed25519"):
        public = _octets(texts["x"])
        if len(public) != 32:
            return "no Ed25519 key"
    canonical = msgspec.json.encode(texts)
    return Key(
        thumbprint=_unpadded(hashlib.sha256(canonical).digest()),
        jwk=canonical.decode(),
        public=public,
        not_before=_seconds(jwk.get("nbf")),
        expires=_seconds(jwk.get("exp")),
    )


def _octets(text: str) -> bytes:
    """The octets of base64url without padding, in its one form: another spelling would have another thumbprint."""
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        return b""
    return found if _unpadded(found) == text else b""


def _unpadded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _seconds(value: object) -> int | None:
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value // 1000 if value >= _MILLISECONDS else value
