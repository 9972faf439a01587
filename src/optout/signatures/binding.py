"""Whether a key directory's answer is signed by the keys in it: then whoever serves a key also holds it.

Implements the signed response of draft-ietf-webbotauth-httpsig-protocol-01. Nothing rests on it here: directories are
asked of the operator's own host, over TLS, so a missing or broken binding is told and refuses nobody.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from enum import StrEnum

from optout.messages import Fields
from optout.signatures.directory import KeySet
from optout.signatures.signature import Component, Signature, Uncovered, parse_signatures, signature_base
from optout.signatures.verification import is_signed

TAG = "http-message-signatures-directory"


class Binding(StrEnum):
    """What a directory's own signatures say. Closed."""

    NONE = "none"
    GOOD = "good"
    BAD = "bad"


def binding_of(fields: Fields, authority: str, body: bytes, keys: KeySet) -> Binding:
    """Whether the answer of `authority`, with these fields and this body, is signed by keys of its own. Never raises.

    One wrong signature makes it BAD. Those by keys that are not in the directory, or of another algorithm, say nothing.
    """
    found = list(_verdicts(fields, authority, body, keys))
    if not found:
        return Binding.NONE
    return Binding.GOOD if all(found) else Binding.BAD


def _verdicts(fields: Fields, authority: str, body: bytes, keys: KeySet) -> Iterator[bool]:
    for signature in parse_signatures(fields) or ():
        key = keys.find(signature.keyid)
        if signature.tag == TAG and key is not None and key.public:
            base = _base(signature, fields, authority)
            yield base is not None and is_signed(key, base, signature.value) and _names(fields, body)


def _base(signature: Signature, fields: Fields, authority: str) -> str | None:
    """The text that was signed, if that is this host's and this body's."""

    def derive(component: Component) -> str | None:
        is_authority = component.name == "@authority" and component.of_request
        return authority if is_authority and not component.key and not component.parameter else None

    if not signature.covers("@authority") or not signature.covers("content-digest"):
        return None
    base = signature_base(signature, fields, derive)
    return None if isinstance(base, Uncovered) else base


def _names(fields: Fields, body: bytes) -> bool:
    """Whether `Content-Digest` (RFC 9530 section 2) names these bytes by SHA-256 or SHA-512."""
    written = ", ".join(fields.all("content-digest"))
    known = {"sha-256": hashlib.sha256(body).digest(), "sha-512": hashlib.sha512(body).digest()}
    return any(f"{name}=:{base64.b64encode(value).decode()}:" in written for name, value in known.items())
