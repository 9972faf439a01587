"""Key directories that operators publish, and what is made of odd ones."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signatures.directory import (
    LONGEST_DIRECTORY,
    MEDIA_TYPE,
    MOST_KEYS,
    directory_fault,
    parse_directory,
)
from tests.calls import calls_of
from tests.signatures.signer import Signer, directory, unpadded

GOOD = Signer(1).jwk


def faults(*keys: object) -> tuple[str, ...]:
    return parse_directory(directory(*keys)).faults


def test_a_directory_gives_its_keys_and_is_named_by_its_bytes() -> None:
    found = parse_directory(directory(GOOD, Signer(2).jwk))
    assert [key.thumbprint for key in found.keys] == [Signer(1).keyid, Signer(2).keyid]
    assert found.faults == ()
    assert found.find(Signer(2).keyid) is found.keys[1]
    assert found.find("none") is None
    assert len(found.sha256) == 64
    assert found.document == directory(GOOD, Signer(2).jwk)


def test_a_kid_that_lies_names_nobody() -> None:
    found = parse_directory(directory({**GOOD, "kid": Signer(2).keyid}))
    assert found.find(Signer(2).keyid) is None
    assert found.find(Signer(1).keyid) is not None


def test_a_key_of_another_algorithm_is_listed_and_verifies_nothing() -> None:
    found = parse_directory(directory({"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA"}))
    assert [key.public for key in found.keys] == [b""]


@pytest.mark.parametrize(
    ("jwk", "fault"),
    [
        (1, "no object"),
        ({}, "its type is unknown"),
        ({"kty": "oct", "k": "AAAA"}, "its type is unknown"),
        ({"kty": ["OKP"]}, "its type is unknown"),
        ({"kty": "OKP", "crv": "Ed25519"}, "a member is missing or has no form that a key can have"),
        ({**GOOD, "x": 1}, "a member is missing or has no form that a key can have"),
        ({**GOOD, "x": "AA=="}, "a member is missing or has no form that a key can have"),
        ({**GOOD, "x": "AAAA"}, "no Ed25519 key"),
        ({**GOOD, "x": "A"}, "no Ed25519 key"),
        ({**GOOD, "x": GOOD["x"][:-1] + "9"}, "no Ed25519 key"),  # other bits that stand for nothing
        ({**GOOD, "use": "enc"}, "it is not for signatures"),
    ],
)
def test_what_is_wrong_with_a_key_leaves_out_that_key(jwk: object, fault: str) -> None:
    assert faults(jwk, GOOD) == (f"key 1: {fault}",)
    assert len(parse_directory(directory(jwk, GOOD)).keys) == 1


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (b"", "no JSON"),
        (b"<html>", "no JSON"),
        (b"\xff", "no JSON"),
        (b"[" * 10_000, "no JSON"),
        (b"[]", "no object with a list of keys"),
        (b'{"keys":{}}', "no object with a list of keys"),
        (json.dumps(GOOD).encode(), "no object with a list of keys"),
        (b" " * (LONGEST_DIRECTORY + 1), f"more than {LONGEST_DIRECTORY} octets"),
        (b'{"keys":[' + b"1," * MOST_KEYS + b"1]}", f"more than {MOST_KEYS} keys"),
    ],
)
def test_what_is_no_directory_has_no_key(body: bytes, fault: str) -> None:
    found = parse_directory(body)
    assert (found.keys, found.faults) == ((), (fault,))


@pytest.mark.parametrize(
    ("status", "media_type", "body", "fault"),
    [
        (200, MEDIA_TYPE, directory(GOOD), ""),
        (200, "application/json", directory(GOOD), ""),
        (200, "application/jwk-set+json", directory(GOOD), ""),
        (200, "text/html", directory(GOOD), "not the media type of a key directory"),
        (200, "", directory(GOOD), "not the media type of a key directory"),
        (404, MEDIA_TYPE, directory(GOOD), "the server answered 404"),
        (302, MEDIA_TYPE, b"", "the server answered 302"),
        (200, MEDIA_TYPE, b" " * (LONGEST_DIRECTORY + 1), f"more than {LONGEST_DIRECTORY} octets"),
        (200, MEDIA_TYPE, b'{"keys":[]}', "no key in it"),
        (200, MEDIA_TYPE, directory({}), "key 1: its type is unknown"),
    ],
)
def test_an_answer_is_a_directory_or_why_not(status: int, media_type: str, body: bytes, fault: str) -> None:
    assert directory_fault(status, media_type, body) == fault


@pytest.mark.parametrize(
    ("times", "now", "valid"),
    [
        ({}, 0, True),
        ({"nbf": 100}, 99, False),
        ({"nbf": 100}, 100, True),
        ({"exp": 100}, 99, True),
        ({"exp": 100}, 100, False),
        ({"nbf": 1_743_465_600_000}, 1_743_465_600, True),  # milliseconds
        ({"nbf": 1_743_465_600_000}, 1_743_465_599, False),
        ({"exp": "soon", "nbf": True}, 0, True),
    ],
)
def test_a_key_has_its_time(times: dict[str, object], now: int, valid: bool) -> None:
    (key,) = parse_directory(directory({**GOOD, **times})).keys
    assert key.is_valid(now) is valid


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["keys", "kty", "crv", "x", "n", "e", "exp", "use"]) | st.text(), inner)
    ),
)


@given(st.binary() | _JSON.map(lambda value: json.dumps({"keys": [value]}).encode()))
def test_nothing_that_is_published_raises(body: bytes) -> None:
    parse_directory(body)


def test_the_work_grows_in_step_with_the_keys() -> None:
    def work(keys: int) -> int:
        body = directory(*({**GOOD, "x": unpadded(bytes([n]) * 32)} for n in range(keys)))
        return calls_of(lambda: parse_directory(body))

    assert work(MOST_KEYS) < 4.5 * work(MOST_KEYS // 4)
