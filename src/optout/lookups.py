"""Questions that judgement wants to ask the world, as values; a door's resolver answers them.

A test can therefore assert that a stranger's words never turned into a question. A question that could not be
answered is missing from the answers: a missing answer is a value too, and never raises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec


class PublishedDocuments(msgspec.Struct, frozen=True, kw_only=True):
    """What does the site at `authority` publish? Answered by `signals.declaration.Published`.

    The authority comes from the owner's policy, never from a stranger alone.
    """

    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Introspection:
    """Is this license token good for this resource? Answered by `licensing.token.Grant`.

    Asked only of the license server that the owner's policy names (Open License Protocol, `POST /introspect`).
    """

    server: str
    token: str = field(repr=False)  # a credential: it must not reach a log through repr()
    resource: str


class SignatureCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Did the holder of a key of the directory at `host` sign this, for the first time?

    Answered by `signatures.verification.Checked`. The host is one that the registry names as a signer of the crawler
    that is claimed: no directory is ever asked because a stranger named it. `base` is the text that `value` signs;
    a `nonce` that is not "" makes the signature count once. Times are seconds since 1970 UTC.
    """

    host: str
    keyid: str
    base: str
    value: bytes
    nonce: str
    expires_s: int
    at_s: int


class ReverseDns(msgspec.Struct, frozen=True, kw_only=True):
    """Has this address a name that ends in one of these suffixes, and does that name lead back to it?

    Answered by `identity.Named`. The suffixes are those that the registry names for the crawler that is claimed; each
    begins with a dot, so that it matches whole labels.
    """

    address: str
    suffixes: tuple[str, ...]


Lookup = PublishedDocuments | Introspection | SignatureCheck | ReverseDns
Answers = Mapping[Lookup, object]
NO_ANSWERS: Answers = {}
