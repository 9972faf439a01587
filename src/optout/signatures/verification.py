"""What a Web Bot Auth signature proves: draft-ietf-webbotauth-httpsig-protocol-01 over RFC 9421 section 3.2.

Two steps, so that keys are asked for only where a signature could count: `present` looks at the request alone, `check`
at the signature and a set of keys. Both are pure; the time comes from the request. A signature proves who holds a key,
and that whoever holds it asked this site: never good conduct, and no path that it does not cover.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from optout.lookups import SignatureCheck
from optout.messages import AddressSource, ClientAddress, Request
from optout.signatures.directory import ED25519, WELL_KNOWN, Key, KeySet
from optout.signatures.signature import (
    LONGEST_BASE,
    Signature,
    Uncovered,
    parse_signature_agent,
    parse_signatures,
    request_base,
)

TAG = "web-bot-auth"
SKEW_S = 60  # by which a signer's clock may be ahead of ours; RFC 9421 section 3.2.1 leaves it to the verifier
LONGEST_S = 24 * 3600  # the draft's recommended limit between created and expires
LONGEST_UNCOUNTED_S = 3600  # where no nonce says that a signature counts once


class Verdict(StrEnum):
    """What came of a signature. Public and permanent; all since 0.1."""

    UNSIGNED = "unsigned"
    UNCHECKED = "unchecked"  # all is right but that no key has been tried yet
    VERIFIED = "verified"
    MALFORMED = "malformed"
    WRONG_TAG = "wrong-tag"
    MISSING_PARAMETER = "missing-parameter"
    TARGET_NOT_COVERED = "target-not-covered"
    AGENT_NOT_COVERED = "agent-not-covered"
    AGENT_ABSENT = "agent-absent"
    AGENT_UNREADABLE = "agent-unreadable"
    OTHER_DIRECTORY = "other-directory"  # https, but not where an operator's directory lies
    OTHER_SIGNER = "other-signer"  # a directory, but not one of the crawler that is claimed
    COMPONENT_UNAVAILABLE = "component-unavailable"
    UNSUPPORTED_ALGORITHM = "unsupported-algorithm"
    NOT_YET_VALID = "not-yet-valid"
    EXPIRED = "expired"
    LIVES_TOO_LONG = "lives-too-long"
    KEYS_UNAVAILABLE = "keys-unavailable"
    UNKNOWN_KEY = "unknown-key"
    KEY_NOT_VALID = "key-not-valid"
    BAD_SIGNATURE = "bad-signature"
    DOUBTED = "doubted"  # bad, but something unknown stands between, which may have changed what was signed
    REPLAYED = "replayed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """A signature as it came, before any key was tried: `verdict` is UNCHECKED where only a key can tell more.

    `base` is the text that was signed, `agent` the URL that the signer gives, `host` the host whose directory lists
    the keys; "" where that was not reached.
    """

    verdict: Verdict
    signature: Signature | None = None
    base: str = ""
    agent: str = ""
    host: str = ""


UNSIGNED = Presented(verdict=Verdict.UNSIGNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a set of keys says of a signature: `key` is the one tried, `directory_sha256` (hex) names the document."""

    verdict: Verdict
    key: Key | None = None
    directory_sha256: str = ""


def present(request: Request, signers: Collection[str], *, longest_s: int = LONGEST_S) -> Presented:
    """The Web Bot Auth signature of `request`, looked at without a key. Never raises.

    `signers` are the hosts whose signature would prove what the request claims. Of several signatures the first that
    only lacks a key counts, else the first. `longest_s` limits the time from `created` to `expires`.
    """
    if not request.fields.all("signature-input") and not request.fields.all("signature"):
        return UNSIGNED
    signatures = parse_signatures(request.fields)
    if signatures is None:
        return Presented(verdict=Verdict.MALFORMED)
    tagged = [each for each in signatures if each.tag == TAG]
    if not tagged:
        return Presented(verdict=Verdict.WRONG_TAG if signatures else Verdict.UNSIGNED)
    found = [_present(each, request, signers, longest_s) for each in tagged]
    return next((each for each in found if each.verdict is Verdict.UNCHECKED), found[0])


def _present(signature: Signature, request: Request, signers: Collection[str], longest_s: int) -> Presented:
    fault = _fault(signature, request.received_us // 1_000_000, longest_s)
    if fault is not None:
        return Presented(verdict=fault, signature=signature)
    if request.fields.all("signature-agent") and not signature.covers("signature-agent"):
        return Presented(verdict=Verdict.AGENT_NOT_COVERED, signature=signature)
    base = request_base(signature, request)
    if isinstance(base, Uncovered) or len(base) > LONGEST_BASE:
        return Presented(verdict=Verdict.COMPONENT_UNAVAILABLE, signature=signature)
    agent = parse_signature_agent(request.fields, signature)
    host = "" if agent is None else directory_host(agent)
    return Presented(
        verdict=_of_signer(agent, host, signers), signature=signature, base=base, agent=agent or "", host=host
    )


def _fault(signature: Signature, now_s: int, longest_s: int) -> Verdict | None:
    """What is wrong with coverage, parameters or times; None where nothing is."""
    created, expires = signature.created, signature.expires
    if created is None or expires is None or not signature.keyid:
        return Verdict.MISSING_PARAMETER
    if not signature.covers("@authority") and not signature.covers("@target-uri"):
        return Verdict.TARGET_NOT_COVERED
    if signature.alg not in ("", ED25519):
        return Verdict.UNSUPPORTED_ALGORITHM
    if created > now_s + SKEW_S:
        return Verdict.NOT_YET_VALID
    if expires <= now_s:
        return Verdict.EXPIRED
    longest = longest_s if signature.nonce else min(longest_s, LONGEST_UNCOUNTED_S)
    return Verdict.LIVES_TOO_LONG if expires - created > longest else None


def _of_signer(agent: str | None, host: str, signers: Collection[str]) -> Verdict:
    if agent is None or (agent and not agent.lower().startswith("https://")):
        return Verdict.AGENT_UNREADABLE
    if not agent:
        return Verdict.AGENT_ABSENT
    if not host:
        return Verdict.OTHER_DIRECTORY
    return Verdict.UNCHECKED if host in signers else Verdict.OTHER_SIGNER


_DIRECTORY = re.compile(rf"https://([a-z0-9.-]+)(?::443)?(?:/|{re.escape(WELL_KNOWN)})?\Z", re.IGNORECASE)


def directory_host(agent: str) -> str:
    """The host whose directory a `Signature-Agent` URL means, lower-cased; "" where it means none.

    An origin means its well-known directory. Any other path is not taken: an operator's host may serve what its users
    have uploaded, and a key that a user uploaded there would sign in the operator's name.
    """
    found = _DIRECTORY.match(agent)
    return found.group(1).lower().rstrip(".") if found else ""


def question(presented: Presented, request: Request) -> SignatureCheck | None:
    """What is to be asked about a signature; None where no key can tell more of it."""
    signature = presented.signature
    if presented.verdict is not Verdict.UNCHECKED or signature is None:
        return None
    return SignatureCheck(
        host=presented.host,
        keyid=signature.keyid,
        base=presented.base,
        value=signature.value,
        nonce=signature.nonce,
        expires_s=signature.expires or 0,
        at_s=request.received_us // 1_000_000,
    )


def settle(presented: Presented, answer: object, client: ClientAddress) -> Checked:
    """What a signature is worth after the `answer` to its question; a missing answer is a value.

    A bad signature says nothing where the client's address is unknown: whoever stands between may have changed what was
    signed, such as the Host.
    """
    if presented.verdict is not Verdict.UNCHECKED:
        return Checked(verdict=presented.verdict)
    if not isinstance(answer, Checked):
        return Checked(verdict=Verdict.KEYS_UNAVAILABLE)
    if answer.verdict is Verdict.BAD_SIGNATURE and client.source is AddressSource.UNKNOWN:
        return replace(answer, verdict=Verdict.DOUBTED)
    return answer


def check(*, keyid: str, base: str, value: bytes, keys: KeySet, now_s: int) -> Checked:
    """Whether `value` is a signature over `base` by the key of `keys` that `keyid` names. Never raises."""
    key = keys.find(keyid)
    if key is None:
        return Checked(verdict=Verdict.UNKNOWN_KEY, directory_sha256=keys.sha256)
    if not key.public:
        verdict = Verdict.UNSUPPORTED_ALGORITHM
    elif not key.is_valid(now_s):
        verdict = Verdict.KEY_NOT_VALID
    else:
        verdict = Verdict.VERIFIED if is_signed(key, base, value) else Verdict.BAD_SIGNATURE
    return Checked(verdict=verdict, key=key, directory_sha256=keys.sha256)


def is_signed(key: Key, base: str, value: bytes) -> bool:
    """Whether `value` is an Ed25519 signature (RFC 9421 section 3.3.6) over `base` by `key`. Never raises."""
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(value, base.encode("utf-8", "surrogateescape"))
    except (InvalidSignature, ValueError):
        return False
    return True
