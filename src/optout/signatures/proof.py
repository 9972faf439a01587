"""A signature as a record keeps it, and as anybody checks it again years later from the record alone.

Who kept the log cannot have made this up: it takes the signer's private key. What is kept is the text that was signed,
the signature, the public key and the hash of the directory that listed it (RFC 9421 section 2.5; RFC 7638 section 3).
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from optout.signatures.directory import parse_directory, parse_key
from optout.signatures.verification import Checked, Presented, is_signed

VERDICT, BASE, VALUE = "signature.verdict", "signature.base", "signature.value"
KEY, SIGNER, DIRECTORY = "signature.key", "signature.signer", "signature.keys.sha256"

# What a record says in public anyway, and what it keeps sealed. A signer may cover any field, a cookie or a credential
# too; those are kept nowhere, and the signature then cannot be checked again.
_PUBLIC = frozenset({"@authority", "@method", "@scheme", "signature-agent", "signature-input", "accept", "user-agent"})
_SEALED = frozenset({"@path", "@query", "@query-param", "@target-uri", "@request-target"})
_HARMLESS = frozenset({"content-digest", "content-length", "content-type", "date", "host"})


class Kept(NamedTuple):
    """The fields of a record that hold a signature: for everybody, and for the sealed part."""

    public: dict[str, str | int | bool | list[str]]
    private: dict[str, str | int | bool | list[str]]


def keep(presented: Presented, checked: Checked, *, shows_path: bool) -> Kept:
    """What a record holds of a signature; of one for which no key was tried, the verdict alone.

    The text that was signed is public where it holds no more than the rest of the record: never a query, and a path
    only where the record `shows_path`. Else it is sealed, and left out where it holds what no record may.
    """
    public: dict[str, str | int | bool | list[str]] = {VERDICT: checked.verdict.value}
    private: dict[str, str | int | bool | list[str]] = {}
    signature, key = presented.signature, checked.key
    if signature is not None and key is not None:
        public[VALUE] = base64.b64encode(signature.value).decode()
        public[KEY] = key.jwk
        public[SIGNER] = presented.host
        public[DIRECTORY] = checked.directory_sha256
        covered = {component.name for component in signature.components}
        shown = _PUBLIC | _HARMLESS | ({"@path"} if shows_path else frozenset())
        if covered <= shown:
            public[BASE] = presented.base
        elif covered <= shown | _SEALED:
            private[BASE] = presented.base
        else:
            public[f"{BASE}.truncated"] = True
    return Kept(public, private)


class Recheck(StrEnum):
    """What checking a record's signature again gave. Closed."""

    NONE = "none"  # the record holds no signature
    SEALED = "sealed"  # the text that was signed is in the private part
    INCOMPLETE = "incomplete"  # something was cut or left out, or is no key
    GOOD = "good"
    BAD = "bad"
    ELSEWHERE = "elsewhere"  # good, but made for another site than the record is about


def recheck(fields: Mapping[str, object]) -> Recheck:
    """Whether the signature in a record's fields is one by the key in them, over the text in them. Never raises.

    Add the private part's fields to those of the record where the text is sealed.
    """
    value, key, base = fields.get(VALUE), fields.get(KEY), fields.get(BASE)
    if value is None and key is None:
        return Recheck.NONE
    if f"{BASE}.truncated" in fields:
        return Recheck.INCOMPLETE
    if base is None:
        return Recheck.INCOMPLETE if f"{BASE}.b64" in fields else Recheck.SEALED
    if not isinstance(value, str) or not isinstance(key, str) or not isinstance(base, str):
        return Recheck.INCOMPLETE
    known = parse_key(key.encode("utf-8", "surrogatepass"))
    try:
        octets = base64.b64decode(value, validate=True)
    except ValueError:
        return Recheck.INCOMPLETE
    if known is None:
        return Recheck.INCOMPLETE
    if not is_signed(known, base, octets):
        return Recheck.BAD
    return Recheck.GOOD if _is_of_site(base, fields) else Recheck.ELSEWHERE


def is_listed(fields: Mapping[str, object], document: bytes) -> bool:
    """Whether the key in a record's fields stands in a key directory: in the one that the record names, by its hash."""
    return any(key.jwk == fields.get(KEY) for key in parse_directory(document, with_published_keys=True).keys)


def _is_of_site(base: str, fields: Mapping[str, object]) -> bool:
    """Whether the site that was signed is the one that the record is about; a record without a site says nothing."""
    name, port = fields.get("server.address"), fields.get("server.port")
    authority = f"{name}:{port}" if port is not None else f"{name}"
    signed = {line.partition(": ")[0]: line.partition(": ")[2] for line in base.split("\n")}
    said = signed.get('"@authority"') or signed.get('"@target-uri"', "").partition("://")[2].partition("/")[0]
    return name is None or said == authority
