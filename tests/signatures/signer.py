"""A crawler that signs: keys, directories and signed requests for tests (RFC 9421 section 3.1)."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from optout.messages import Fields, Request
from optout.signatures.directory import parse_directory
from optout.signatures.signature import Signature, parse_signatures, request_base
from optout.testing import make_request

NOW = 1_764_000_000  # the time of `make_request`
HOST = "keys.example"
AGENT = f'sig1="https://{HOST}"'
COVERED = '"@authority" "signature-agent";key="sig1"'


def unpadded(data: bytes) -> str:
    """Base64url as JSON Web Keys write it."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class Signer:
    """Holds one private key, always the same for the same number."""

    def __init__(self, number: int = 1) -> None:
        self.private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        self.public = self.private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.jwk = {"kty": "OKP", "crv": "Ed25519", "x": unpadded(self.public)}
        self.keyid = parse_directory(directory(self.jwk), with_published_keys=True).keys[0].thumbprint

    def headers(
        self,
        url: str = "https://site.example/",
        *,
        covered: str = COVERED,
        agent: str = AGENT,
        created: int | None = NOW - 10,
        expires: int | None = NOW + 290,
        nonce: str = "n1",
        tag: str = "web-bot-auth",
        keyid: str | None = None,
        alg: str = "",
        label: str = "sig1",
        method: str = "GET",
        more: Sequence[tuple[str, str]] = (),
    ) -> tuple[tuple[str, str], ...]:
        """The fields of a request for `url` that is signed with these parameters; None and "" leave one out."""
        named = {"created": created, "expires": expires}
        quoted = {"keyid": self.keyid if keyid is None else keyid, "alg": alg, "nonce": nonce, "tag": tag}
        parts = [f"{name}={value}" for name, value in named.items() if value is not None]
        parts += [f'{name}="{value}"' for name, value in quoted.items() if value]
        described = ";".join((f"({covered})", *parts))
        first = ((("Signature-Agent", agent),) if agent else ()) + tuple(more)
        unsigned = (*first, ("Signature-Input", f"{label}={described}"), ("Signature", f"{label}=::"))
        request = make_request(url, method=method, headers=unsigned)
        return (*unsigned[:-1], ("Signature", f"{label}=:{self._signed(request)}:"))

    def _signed(self, request: Request) -> str:
        signature = only(parse_signatures(request.fields))
        base = request_base(signature, request)
        text = base if isinstance(base, str) else "nobody can make this base"
        return base64.b64encode(self.private.sign(text.encode())).decode()


def only(found: tuple[Signature, ...] | None) -> Signature:
    """The one signature that was found."""
    assert found is not None
    (signature,) = found
    return signature


def directory(*keys: object) -> bytes:
    """A key directory's bytes."""
    return json.dumps({"keys": list(keys)}).encode()


def fields(**named: str) -> Fields:
    """Fields from names with underscores."""
    return Fields(tuple((name.replace("_", "-"), value) for name, value in named.items()))
