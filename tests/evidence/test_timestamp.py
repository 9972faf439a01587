"""Tokens of a real authority (`openssl ts`): the one that was asked for holds, and nothing else does."""

from __future__ import annotations

import builtins
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.errors import EvidenceError
from optout.evidence.timestamp import (
    MAX_TOKEN,
    TOLERANCE_US,
    Token,
    TokenFault,
    authority_name,
    check_token,
    load_roots,
    request_token,
)
from tests.authority import Authority

DATA = b"example.org/log\n7\nAAAA\n"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that behaves."""
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


def _now_us() -> int:
    return time.time_ns() // 1000


def test_a_token_holds_and_openssl_says_so_too(authority: Authority) -> None:
    request, asked_us = request_token(DATA), _now_us()
    response = authority.reply(request)
    token = check_token(response, request, DATA, load_roots(authority.roots), asked_us=asked_us, now_us=_now_us())
    assert isinstance(token, Token), token
    assert abs(token.time_us - asked_us) < TOLERANCE_US
    assert token.signer == "CN=A CA"
    assert token.moment.endswith(" UTC")
    assert authority.verify(DATA, response, str(token.time_us // 1_000_000))


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("other data", "Mismatch between messages"),
        ("other request", "Nonce mismatch"),
        ("other root", "certificate"),
        ("late", "its time is before it was asked for"),
        ("early", "its time is in the future"),
        ("cut", "not a timestamp"),
        ("long", "longer than"),
    ],
)
def test_what_does_not_hold_says_why(authority: Authority, tmp_path: Path, what: str, text: str) -> None:
    request = request_token(DATA)
    response = authority.reply(request)
    roots = load_roots(authority.roots)
    now_us = _now_us()
    found = {
        "other data": lambda: check_token(response, request, DATA + b"x", roots),
        "other request": lambda: check_token(response, request_token(DATA), DATA, roots),
        "other root": lambda: check_token(response, request, DATA, load_roots(Authority(tmp_path / "other").roots)),
        "late": lambda: check_token(response, request, DATA, roots, asked_us=now_us + 2 * TOLERANCE_US),
        "early": lambda: check_token(response, request, DATA, roots, now_us=now_us - 2 * TOLERANCE_US),
        "cut": lambda: check_token(response[:-9], request, DATA, roots),
        "long": lambda: check_token(response + bytes(MAX_TOKEN), request, DATA, roots),
    }[what]()
    assert isinstance(found, TokenFault)
    assert text in found.text


def test_a_certificate_for_something_else_signs_no_time(tmp_path: Path) -> None:
    for use in ("critical,serverAuth", "timeStamping"):
        authority = Authority(tmp_path / use.replace(",", "-"), use="critical,timeStamping")
        (authority.place / "use").write_text(f"extendedKeyUsage={use}\n")
        request = request_token(DATA)
        good = authority.reply(request)
        signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "use"]
        subprocess.run(
            ["openssl", "x509", "-req", "-in", "tsa.csr", *signing, "-out", "tsa.pem"],
            cwd=authority.place,
            capture_output=True,
            check=True,
        )
        try:
            response = authority.reply(request)
        except AssertionError:
            continue  # openssl itself refuses to sign with it
        assert response != good
        assert isinstance(check_token(response, request, DATA, load_roots(authority.roots)), TokenFault)


def test_a_certificate_that_expired_since_is_no_fault(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "tsa", days=1)
    request = request_token(DATA)
    response = authority.reply(request)
    token = check_token(response, request, DATA, load_roots(authority.roots))
    assert isinstance(token, Token)
    later = authority.reply(request, faketime="+3 days")
    found = check_token(later, request, DATA, load_roots(authority.roots))
    assert isinstance(found, TokenFault)  # made after its end


@pytest.fixture(scope="module")
def good(authority: Authority) -> tuple[bytes, bytes]:
    """A request and its answer."""
    request = request_token(DATA)
    return request, authority.reply(request)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(place=st.integers(0, 5000), change=st.integers(1, 255))
def test_no_changed_token_says_another_time(
    authority: Authority, good: tuple[bytes, bytes], place: int, change: int
) -> None:
    request, response = good
    roots = load_roots(authority.roots)
    true = check_token(response, request, DATA, roots)
    at = place % len(response)
    changed = response[:at] + bytes([response[at] ^ change]) + response[at + 1 :]
    found = check_token(changed, request, DATA, roots)
    assert isinstance(found, TokenFault) or (isinstance(true, Token) and found.time_us == true.time_us)


@given(st.binary(max_size=500))
def test_foreign_bytes_are_no_token(data: bytes) -> None:
    assert isinstance(check_token(data, data, DATA, ()), TokenFault)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://timestamp.example.com/tsa", "timestamp.example.com"),
        ("https://user:pass@tsa.example:8443/x", "tsa.example-8443"),
        ("http://[::1]/", "--1"),
        ("..", "authority"),
        ("http:///x", "authority"),
    ],
)
def test_an_authority_has_a_name_that_is_a_file_name(url: str, name: str) -> None:
    assert authority_name(url).strip("-") == name.strip("-")


def test_roots_are_certificates() -> None:
    for data in (b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"):
        with pytest.raises(EvidenceError, match="no certificates"):
            load_roots(data)


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name == "rfc3161_client":
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(EvidenceError, match="rfc3161-client"):
        request_token(DATA)
