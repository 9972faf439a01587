"""Web Bot Auth: the published Ed25519 vectors, and requests that must not verify.

The vectors are those of the architecture draft (draft-meunier-web-bot-auth-architecture, as the repository
cloudflare/web-bot-auth publishes them: versions 1 and 2, and the directory response). The requests that must not
verify are made here with the key of RFC 9421 appendix B.1.4, after those of ParallaxGrain/webbotauth-negative-vectors
(NV-01 to NV-19); each is named with its number.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from optout.messages import Fields, Request
from optout.signatures.binding import Binding, binding_of
from optout.signatures.directory import (
    KeySet,
    directory_fault,
    parse_directory,
)
from optout.signatures.signature import Uncovered, parse_signatures, request_base
from optout.signatures.verification import Verdict, check, present
from optout.testing import make_request
from tests.signatures.signer import Signer, directory, only, unpadded

PUBLIC = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
PRIVATE = "n4Ni-HpISpVObnQMW0wOhCKROaIKqKtW_2ZYb2p9KcU"
THUMBPRINT = "poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"
URL = "https://example.com/path/to/resource"
HOST = "signature-agent.test"
CREATED = 1_735_689_600
FOREVER = 10**10
KEYS = parse_directory(directory(PUBLIC), with_published_keys=True)


class Vector(NamedTuple):
    """One published request."""

    described: str
    value: str
    agent: str


VECTORS = {
    "v2 sig1": Vector(
        'sig1=("@authority");created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519"'
        ';expires=4889289600;nonce="zIW8+cdmA3vdYagbxojpONwa/l0EKJ/O3/wD486VvsQjO/RxPaSt6ZxvQaMcQzNnqKN/mQ6hpGiFro2L2qkz'
        '5A==";tag="web-bot-auth"',
        "sig1=:QKN4fTdIYfh82fvoZCQiQA1weuozfCS/Led2zTMbewMMqH8PI2Wsy/5c4ao6B6D09nraNQdBNOADg8aM1MqfCg==:",
        "",
    ),
    "v2 sig2": Vector(
        'sig2=("@authority" "signature-agent";key="agent2");created=1735689600'
        ';keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=4889289600'
        ';nonce="n9p433xm+NJ3ph3upfBIGmsuwHw387YV7Q/F+6BSpGCVjYCqQw6rznNA8PVVLySrAWsv0hQtFioQb6E1YsauiA=="'
        ';tag="web-bot-auth"',
        "sig2=:RdNFx5Bj6au3YgAMQL/RzmUlZE8QZLIaXGRpw985hWnwPfMxT228NMk6ehRS1PSl4e8PhbNZACSanGdhEwYCCg==:",
        'agent2="https://signature-agent.test"',
    ),
    "v1 sig2": Vector(
        'sig2=("@authority" "signature-agent");created=1735689600;keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"'
        ';alg="ed25519";expires=1735693200;nonce="e8N7S2MFd/qrd6T2R3tdfAuuANngKI7LFtKYI/vowzk4lAZYadIX6wW25MwG7DCT9RUKAJ'
        '0qVkU0mEeLElW1qg==";tag="web-bot-auth"',
        "sig2=:jdq0SqOwHdyHr9+r5jw3iYZH6aNGKijYp/EstF4RQTQdi5N5YYKrD+mCT1HA1nZDsi6nJKuHxUi/5Syp3rLWBA==:",
        '"https://signature-agent.test"',
    ),
}


def request_of(vector: Vector, *, at: int = CREATED + 60, url: str = URL) -> Request:
    agent = (("Signature-Agent", vector.agent),) if vector.agent else ()
    headers = (*agent, ("Signature-Input", vector.described), ("Signature", vector.value))
    return make_request(url, headers=headers, received_us=at * 1_000_000)


def outcome(request: Request, keys: KeySet = KEYS) -> Verdict:
    """What a verifier that has the key, and bears long lives, says."""
    found = present(request, {HOST}, longest_s=FOREVER)
    if found.verdict is not Verdict.UNCHECKED or found.signature is None:
        return found.verdict
    signature, now_s = found.signature, request.received_us // 1_000_000
    return check(keyid=signature.keyid, base=found.base, value=signature.value, keys=keys, now_s=now_s).verdict


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_signatures_verify(name: str) -> None:
    request = request_of(VECTORS[name])
    signature = only(parse_signatures(request.fields))
    base = request_base(signature, request)
    assert isinstance(base, str)
    found = check(keyid=signature.keyid, base=base, value=signature.value, keys=KEYS, now_s=CREATED)
    assert found.verdict is Verdict.VERIFIED
    assert base.splitlines()[0] == '"@authority": example.com'


@pytest.mark.parametrize(
    ("name", "verdict"), [("v2 sig1", "agent-absent"), ("v2 sig2", "verified"), ("v1 sig2", "verified")]
)
def test_both_forms_of_the_signer_are_read_and_none_is_no_signer(name: str, verdict: str) -> None:
    assert outcome(request_of(VECTORS[name])) == verdict


def test_a_label_that_differs_from_the_members_key_is_borne() -> None:
    found = present(request_of(VECTORS["v2 sig2"]), {HOST}, longest_s=FOREVER)
    assert found.signature is not None
    assert (found.signature.label, found.agent, found.host) == ("sig2", f"https://{HOST}", HOST)


def test_the_legacy_vector_has_expired() -> None:
    assert outcome(request_of(VECTORS["v1 sig2"], at=1_735_693_200)) == "expired"


@pytest.mark.parametrize("name", VECTORS)
def test_none_verifies_for_another_site(name: str) -> None:
    request = request_of(VECTORS[name], url="https://example.org/path/to/resource")
    signature = only(parse_signatures(request.fields))
    base = request_base(signature, request)
    assert not isinstance(base, Uncovered)
    found = check(keyid=signature.keyid, base=base, value=signature.value, keys=KEYS, now_s=CREATED)
    assert found.verdict is Verdict.BAD_SIGNATURE


def test_a_hundred_years_are_too_long_for_a_signature_by_default() -> None:
    assert present(request_of(VECTORS["v2 sig2"]), {HOST}).verdict is Verdict.LIVES_TOO_LONG


def test_the_key_of_the_vectors_counts_for_nobody() -> None:
    assert outcome(request_of(VECTORS["v2 sig2"]), parse_directory(directory(PUBLIC))) == "unknown-key"


class PublishedSigner(Signer):
    """Whoever has read RFC 9421."""

    def __init__(self) -> None:
        super().__init__()
        self.private = Ed25519PrivateKey.from_private_bytes(base64.urlsafe_b64decode(PRIVATE + "="))
        self.keyid = THUMBPRINT
        self.jwk = PUBLIC


SIGNER = PublishedSigner()
AGENT = f'sig1="https://{HOST}"'
LIVES = {"created": CREATED, "expires": CREATED + 3600, "agent": AGENT, "alg": "ed25519"}
NEGATIVE = {
    "NV-01 no target covered": ({"covered": '"signature-agent";key="sig1"'}, "target-not-covered"),
    "NV-03 a parameter is missing": ({"expires": None}, "missing-parameter"),
    "NV-04 expired": ({"expires": CREATED + 60}, "expired"),
    "NV-05 from the future": ({"created": CREATED + 3600, "expires": CREATED + 7200}, "not-yet-valid"),
    "NV-09 a component is missing": (
        {"covered": '"@authority" "signature-agent";key="sig1" "x-missing"'}, "component-unavailable"
    ),
    "NV-12 no Signature-Agent": ({"covered": '"@authority"', "agent": ""}, "agent-absent"),
    "NV-13 several members": (
        {"covered": '"@authority" "signature-agent"', "agent": f'a="https://{HOST}", b="https://b.test"'},
        "agent-unreadable",
    ),
    "NV-14 no such member": ({"covered": '"@authority" "signature-agent";key="x"'}, "component-unavailable"),
    "NV-16 no https": ({"agent": f'sig1="http://{HOST}"'}, "agent-unreadable"),
    "NV-17 no origin": ({"agent": f'sig1="https://{HOST}/keys.json"'}, "other-directory"),
    "NV-19 covered twice": ({"covered": '"@authority" "@authority" "signature-agent";key="sig1"'}, "malformed"),
    "another tag": ({"tag": "sign-me"}, "wrong-tag"),
    "no tag": ({"tag": ""}, "wrong-tag"),
    "the agent is not covered": ({"covered": '"@authority"'}, "agent-not-covered"),
    "another algorithm": ({"alg": "hmac-sha256"}, "unsupported-algorithm"),
    "another host's directory": ({"agent": 'sig1="https://other.test"'}, "other-signer"),
    "another key": ({"keyid": unpadded(bytes(32))}, "unknown-key"),
}  # fmt: skip


def negative(changed: dict[str, object], *more: tuple[str, str]) -> Request:
    try:
        headers = SIGNER.headers(URL, **{**LIVES, **changed})  # type: ignore[arg-type]
    except AssertionError:  # the signer's own reader refuses, too: the signature is of no account
        described = f"sig1=({changed['covered']});created={CREATED}"
        headers = (("Signature-Agent", AGENT), ("Signature-Input", described), ("Signature", "sig1=:AAAA:"))
    return make_request(URL, headers=(*headers, *more), received_us=(CREATED + 60) * 1_000_000)


@pytest.mark.parametrize("name", NEGATIVE)
def test_requests_that_must_not_verify(name: str) -> None:
    changed, verdict = NEGATIVE[name]
    assert outcome(negative(dict(changed))) == verdict


def test_the_request_that_they_differ_from_verifies() -> None:
    assert outcome(negative({})) == "verified"


@pytest.mark.parametrize(
    ("name", "value", "verdict"),
    [
        ("NV-06 a bit is wrong", "sig1=:" + "A" * 86 + "==:", "bad-signature"),
        ("NV-06 cut short", "sig1=:AAAA:", "bad-signature"),
        ("NV-11 no bytes", "sig1=AAAA", "malformed"),
        ("NV-11 another label", "sig2=:AAAA:", "malformed"),
        ("NV-11 not there", "", "malformed"),
    ],
)
def test_signatures_that_are_wrong(name: str, value: str, verdict: str) -> None:
    headers = [(key, value if key == "Signature" else text) for key, text in SIGNER.headers(URL, **LIVES)]  # type: ignore[arg-type]
    request = make_request(URL, headers=headers, received_us=(CREATED + 60) * 1_000_000)
    assert outcome(request) == verdict, name


@pytest.mark.parametrize(
    "described",
    ["sig1", "sig1=1", 'sig1=("@authority"', "sig1=(@authority)", 'sig1=("@authority");created="1"', "\x00"],
)
def test_descriptions_that_cannot_be_read(described: str) -> None:
    """NV-10."""
    fields = (("Signature-Agent", AGENT), ("Signature-Input", described), ("Signature", "sig1=:AAAA:"))
    assert outcome(make_request(URL, headers=fields)) == "malformed"


@pytest.mark.parametrize("agent", ["=", '"https://signature-agent.test', "signature-agent.test", "sig1=1", "sig1"])
def test_signers_that_cannot_be_read(agent: str) -> None:
    """NV-18, and the unquoted host of some senders."""
    covered = '"@authority" "signature-agent"'
    headers = [
        (key, agent if key == "Signature-Agent" else text)
        for key, text in SIGNER.headers(URL, **{**LIVES, "covered": covered})
    ]  # type: ignore[arg-type]
    request = make_request(URL, headers=headers, received_us=(CREATED + 60) * 1_000_000)
    assert outcome(request) == "agent-unreadable"


def test_the_published_directory_response_is_bound_to_its_host() -> None:
    """The vector web_bot_auth_directory_response_v1, its body byte for byte."""
    body = (
        b'{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U",'
        b'"x":"JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs","use":"sig"}]}'
    )
    fields = Fields(
        (
            ("content-type", "application/http-message-signatures-directory+json"),
            ("content-digest", "sha-256=:CADMT2aBdV/rqQr/NIru64ERQkCobVvllA4V0fLFDu0=:"),
            (
                "Signature",
                "binding0=:yiHq0TXrbpzbmlttAQMpYoAufitFJUWuNsakB7QQMoN0EHbo5o51bZRVR8az/ptTWCwllix9clrKXfGKwdPzBg==:",
            ),
            (
                "Signature-Input",
                'binding0=("@authority";req "content-digest");created=1735689600'
                ';keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U";alg="ed25519";expires=4889289600'
                ';tag="http-message-signatures-directory"',
            ),
        )
    )
    keys = parse_directory(body, with_published_keys=True)
    assert [key.thumbprint for key in keys.keys] == [THUMBPRINT]
    assert directory_fault(200, "application/http-message-signatures-directory+json", body) == (
        "key 1: its private half is published, so anybody can sign with it"
    )
    assert binding_of(fields, HOST, body, keys) is Binding.GOOD
    assert binding_of(fields, "mirror.test", body, keys) is Binding.BAD
    assert binding_of(fields, HOST, body + b" ", keys) is Binding.BAD
    assert binding_of(Fields(), HOST, body, keys) is Binding.NONE


@pytest.mark.parametrize(
    ("jwk", "thumbprint"),
    [
        # RFC 7638 section 3.1
        (
            {
                "kty": "RSA",
                "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWK"
                "RXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqz"
                "s8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_"
                "xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
                "e": "AQAB",
                "alg": "RS256",
                "kid": "2011-04-29",
            },
            "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
        ),
        # RFC 8037 appendix A.3
        (
            {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        ),
    ],
)
def test_thumbprints(jwk: dict[str, str], thumbprint: str) -> None:
    keys = parse_directory(directory(jwk), with_published_keys=True)
    assert [key.thumbprint for key in keys.keys] == [thumbprint]
