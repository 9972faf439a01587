"""Clocks, coverage, signers and keys: what a signature proves, and what it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import as_text
from optout.signatures.directory import parse_directory
from optout.signatures.verification import UNSIGNED, Checked, Presented, Verdict, check, directory_host, present
from optout.testing import make_request
from tests.signatures.signer import COVERED, HOST, NOW, Signer, directory

SIGNER = Signer()
URL = "https://site.example/page?q=1"
KEYS = parse_directory(directory(SIGNER.jwk))


def shown(*, at: int = NOW, url: str = URL, method: str = "GET", signed_for: str = URL, **changed: object) -> Presented:
    headers = SIGNER.headers(signed_for, **changed)  # type: ignore[arg-type]
    return present(make_request(url, method=method, headers=headers, received_us=at * 1_000_000), {HOST})


def checked(found: Presented, at: int = NOW) -> Checked:
    assert found.verdict is Verdict.UNCHECKED
    assert found.signature is not None
    signature = found.signature
    return check(keyid=signature.keyid, base=found.base, value=signature.value, keys=KEYS, now_s=at)


def test_a_signed_request_verifies_with_the_key_of_its_directory() -> None:
    found = shown()
    assert (found.host, found.agent) == (HOST, f"https://{HOST}")
    result = checked(found)
    assert (result.verdict, result.key, result.directory_sha256) == ("verified", KEYS.keys[0], KEYS.sha256)


def test_a_request_without_a_signature_is_unsigned() -> None:
    assert present(make_request(URL, headers=(("Signature-Agent", '"https://x"'),)), {HOST}) is UNSIGNED


# Seconds of created and expires against the time of the request.
@pytest.mark.parametrize(
    ("created", "expires", "nonce", "verdict"),
    [
        (0, 60, "n", "unchecked"),
        (-3600, 1, "n", "unchecked"),
        (60, 120, "n", "unchecked"),  # a clock that is a minute ahead
        (61, 120, "n", "not-yet-valid"),
        (3600, 7200, "n", "not-yet-valid"),
        (-60, 0, "n", "expired"),
        (-60, -30, "n", "expired"),
        (60, 30, "n", "unchecked"),  # ends before it begins, and neither is far away
        (0, 86_400, "n", "unchecked"),
        (-1, 86_400, "n", "lives-too-long"),
        (0, 3600, "", "unchecked"),
        (-1, 3600, "", "lives-too-long"),
        (-(10**12), 10**12, "n", "lives-too-long"),
        (-(10**12), -1, "n", "expired"),
    ],
)
def test_clocks_may_differ_by_a_minute_and_no_signature_lives_long(
    created: int, expires: int, nonce: str, verdict: str
) -> None:
    assert shown(created=NOW + created, expires=NOW + expires, nonce=nonce).verdict == verdict


def test_expiry_goes_by_the_time_of_the_request() -> None:
    assert shown(at=NOW + 289).verdict is Verdict.UNCHECKED
    assert shown(at=NOW + 290).verdict is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("covered", "changes", "verdict"),
    [
        (COVERED, {"url": "https://site.example/other"}, "verified"),  # the host alone is covered
        (COVERED, {"url": "https://other.example/page?q=1"}, "bad-signature"),
        (f'{COVERED} "@path"', {"url": "https://site.example/other"}, "bad-signature"),
        (f'{COVERED} "@query"', {"url": "https://site.example/page?q=2"}, "bad-signature"),
        (f'{COVERED} "@method"', {"method": "POST"}, "bad-signature"),
        (COVERED.replace("@authority", "@target-uri"), {"url": "https://site.example/"}, "bad-signature"),
        (COVERED.replace("@authority", "@target-uri"), {}, "verified"),
    ],
)
def test_a_signature_holds_for_what_it_covers(covered: str, changes: dict[str, str], verdict: str) -> None:
    assert checked(shown(covered=covered, **changes)).verdict == verdict  # type: ignore[arg-type]


def test_of_several_signatures_the_one_that_could_count_is_taken() -> None:
    first, second = SIGNER.headers(URL, expires=NOW - 1), SIGNER.headers(URL, label="sig2")
    headers = (first[0], *first[1:], *second[1:])
    found = present(make_request(URL, headers=headers), {HOST})
    assert found.signature is not None
    assert found.signature.label == "sig2"
    assert checked(found).verdict is Verdict.VERIFIED


@pytest.mark.parametrize(
    ("agent", "host"),
    [
        ("https://chatgpt.com", "chatgpt.com"),
        ("https://chatgpt.com/", "chatgpt.com"),
        ("HTTPS://ChatGPT.com:443", "chatgpt.com"),
        ("https://chatgpt.com.", "chatgpt.com"),
        ("https://chatgpt.com/.well-known/http-message-signatures-directory", "chatgpt.com"),
        # SSRF and confusion: none of these means a directory of the host that a person reads in it
        ("https://chatgpt.com/share/keys.json", ""),
        ("https://chatgpt.com/.well-known/http-message-signatures-directory/../../share/keys.json", ""),
        ("https://chatgpt.com?x=/.well-known/http-message-signatures-directory", ""),
        ("https://chatgpt.com#", ""),
        ("https://chatgpt.com@evil.example", ""),
        ("https://user:pw@chatgpt.com", ""),
        ("https://chatgpt.com:8443", ""),
        ("https://chatgpt.com\\@evil.example", ""),
        ("https://chatgpt.com\t", ""),
        ("https://chatgpt.com\n", ""),
        ("https://[::1]", ""),
        ("https://", ""),
        ("http://chatgpt.com", ""),
        ("ftp://chatgpt.com", ""),
        ("file:///etc/passwd", ""),
        ("gopher://127.0.0.1:6379/_x", ""),
        ("//chatgpt.com", ""),
        ("chatgpt.com", ""),
        ("https://chatgpt\u3002com", ""),
        # hosts all the same, and none of any operator's: they are no signers, so nobody asks them
        ("https://127.0.0.1", "127.0.0.1"),
        ("https://169.254.169.254", "169.254.169.254"),
        ("https://2130706433", "2130706433"),
        ("https://0x7f.1", "0x7f.1"),
        ("https://localhost", "localhost"),
        ("https://chatgpt.com.evil.example", "chatgpt.com.evil.example"),
    ],
)
def test_a_signer_is_a_host_and_nothing_beside(agent: str, host: str) -> None:
    assert directory_host(agent) == host


def test_keys_are_those_of_the_named_signer_alone() -> None:
    assert shown(agent='sig1="https://evil.example"').verdict is Verdict.OTHER_SIGNER
    assert present(make_request(URL, headers=SIGNER.headers(URL)), ()).verdict is Verdict.OTHER_SIGNER


@pytest.mark.parametrize(
    ("jwk", "verdict"),
    [
        (Signer(2).jwk, "unknown-key"),
        ({**SIGNER.jwk, "exp": NOW}, "key-not-valid"),
        ({**SIGNER.jwk, "nbf": NOW + 1}, "key-not-valid"),
    ],
)
def test_a_key_that_does_not_count_verifies_nothing(jwk: object, verdict: str) -> None:
    found = shown()
    assert found.signature is not None
    keys = parse_directory(directory(jwk))
    result = check(keyid=SIGNER.keyid, base=found.base, value=found.signature.value, keys=keys, now_s=NOW)
    assert result.verdict == verdict


def test_a_key_of_another_algorithm_is_not_tried() -> None:
    keys = parse_directory(directory({"kty": "RSA", "n": "AAAA", "e": "AQAB"}))
    result = check(keyid=keys.keys[0].thumbprint, base="", value=b"", keys=keys, now_s=NOW)
    assert result.verdict is Verdict.UNSUPPORTED_ALGORITHM


@pytest.mark.parametrize("place", [0, 31, 32, 63])
def test_every_octet_of_a_signature_counts(place: int) -> None:
    found = shown()
    assert found.signature is not None
    value = bytearray(found.signature.value)
    value[place] ^= 1
    result = check(keyid=SIGNER.keyid, base=found.base, value=bytes(value), keys=KEYS, now_s=NOW)
    assert result.verdict is Verdict.BAD_SIGNATURE


def test_a_base_that_a_record_could_not_hold_is_not_checked() -> None:
    covered = f'{COVERED} "x-long"'
    assert shown(covered=covered, more=(("X-Long", "x" * 5000),)).verdict is Verdict.COMPONENT_UNAVAILABLE


@given(agent=st.binary().map(as_text) | st.just('sig1="https://keys.example"'), described=st.text(), value=st.text())
def test_nothing_that_is_sent_raises(agent: str, described: str, value: str) -> None:
    headers = (("Signature-Agent", agent), ("Signature-Input", f"s={described}"), ("Signature", f"s={value}"))
    found = present(make_request(URL, headers=headers), {HOST})
    assert found.verdict is not Verdict.VERIFIED


def test_every_verdict_is_explained_to_the_owner() -> None:
    page = (Path(__file__).parents[2] / "docs" / "web-bot-auth.md").read_text()
    assert [each for each in Verdict if f"`{each}`" not in page] == []
