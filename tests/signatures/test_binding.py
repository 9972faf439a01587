"""A directory that signs its own answer, and what is wrong with some."""

from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields, as_text
from optout.signatures.binding import TAG, Binding, binding_of
from optout.signatures.directory import parse_directory
from tests.signatures.signer import HOST, Signer, directory

SIGNER = Signer()
BODY = directory(SIGNER.jwk)
KEYS = parse_directory(BODY)
COVERED = '"@authority";req "content-digest"'
SHA256 = f"sha-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:"
SHA512 = f"sha-512=:{base64.b64encode(hashlib.sha512(BODY).digest()).decode()}:"


def answer(
    *, covered: str = COVERED, digest: str = SHA256, tag: str = TAG, signer: Signer = SIGNER, host: str = HOST
) -> Fields:
    """The fields of a directory's answer, signed."""
    described = f'({covered});created=1;keyid="{signer.keyid}";tag="{tag}"'
    lines = {
        '"@authority";req': host,
        '"content-digest"': digest,
        '"@authority"': host,
    }
    signed = [f"{part}: {lines[part]}" for part in covered.split(" ") if part]
    text = "\n".join([*signed, f'"@signature-params": {described}'])
    value = base64.b64encode(signer.private.sign(text.encode())).decode()
    named = (("Content-Digest", digest), ("Signature-Input", f"b={described}"), ("Signature", f"b=:{value}:"))
    return Fields(named)


@pytest.mark.parametrize("digest", [SHA256, SHA512, f"{SHA512}, {SHA256}"])
def test_an_answer_that_its_own_key_signed_is_bound(digest: str) -> None:
    assert binding_of(answer(digest=digest), HOST, BODY, KEYS) is Binding.GOOD


@pytest.mark.parametrize(
    "fields",
    [
        answer(host="other.example"),
        answer(digest=SHA256.replace("A", "B")),
        answer(digest="md5=:AAAA:"),
        answer(covered='"@authority";req'),
        answer(covered='"content-digest"'),
        answer(covered='"@authority" "content-digest"'),
    ],
)
def test_one_for_another_host_or_another_body_is_not(fields: Fields) -> None:
    assert binding_of(fields, HOST, BODY, KEYS) is Binding.BAD


@pytest.mark.parametrize("fields", [Fields(), answer(tag="web-bot-auth"), answer(signer=Signer(2))])
def test_one_without_a_signature_of_its_own_keys_says_nothing(fields: Fields) -> None:
    assert binding_of(fields, HOST, BODY, KEYS) is Binding.NONE


@given(described=st.binary().map(as_text), value=st.binary().map(as_text), body=st.binary())
def test_nothing_that_is_served_raises(described: str, value: str, body: bytes) -> None:
    fields = Fields((("Signature-Input", described), ("Signature", value), ("Content-Digest", value)))
    assert binding_of(fields, HOST, body, KEYS) is not Binding.GOOD
