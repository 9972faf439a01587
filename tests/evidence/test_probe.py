"""The mark of a probe: good for one request, for a minute, once."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.probe import FIELD, VALID_S, Marked, ProbeCheck, probe_key
from optout.messages import Request
from optout.testing import make_request

KEY = b"k" * 32
NOW_S = 1_764_000_000
MARKED = Marked(
    method="GET", authority="site.example", target="/a?b", user_agent="GPTBot/1.4", time_s=NOW_S, number="0" * 32
)


def _request(
    mark: str, url: str = "https://site.example/a?b", agent: str = "GPTBot/1.4", method: str = "GET"
) -> Request:
    return make_request(url, agent, method=method, headers=((FIELD, mark),))


def _takes(request: Request, now_s: int = NOW_S, key: bytes = KEY) -> bool:
    return ProbeCheck(key).takes(request, now_s * 1_000_000)


def test_the_form_and_the_bytes_are_fixed() -> None:
    covered = b"3:GET,12:site.example,4:/a?b,10:GPTBot/1.4,10:1764000000,32:" + b"0" * 32 + b","
    mac = hmac.new(KEY, covered, hashlib.sha256).hexdigest()
    assert MARKED.mark(KEY) == f"v1; t={NOW_S}; n={'0' * 32}; mac={mac}"


def test_the_key_follows_from_the_logs_and_is_another_for_another_log() -> None:
    private = Ed25519PrivateKey.from_private_bytes(b"1" * 32)
    assert probe_key(private) == probe_key(Ed25519PrivateKey.from_private_bytes(b"1" * 32))
    assert probe_key(private) != probe_key(Ed25519PrivateKey.from_private_bytes(b"2" * 32))
    assert probe_key(private) != private.private_bytes_raw()


def test_a_good_mark_is_taken_once() -> None:
    check, request = ProbeCheck(KEY), _request(MARKED.mark(KEY))
    assert check.takes(request, NOW_S * 1_000_000)
    assert not check.takes(request, NOW_S * 1_000_000)
    assert not check.takes(request, (NOW_S + VALID_S) * 1_000_000)


@pytest.mark.parametrize("late", [-VALID_S, 0, VALID_S])
def test_it_is_good_for_a_minute(late: int) -> None:
    assert _takes(_request(MARKED.mark(KEY)), NOW_S + late)


@pytest.mark.parametrize("late", [-VALID_S - 1, VALID_S + 1, 86_400])
def test_and_no_longer(late: int) -> None:
    assert not _takes(_request(MARKED.mark(KEY)), NOW_S + late)


@pytest.mark.parametrize(
    "request_",
    [
        _request(MARKED.mark(KEY), url="https://other.example/a?b"),
        _request(MARKED.mark(KEY), url="https://site.example/a?c"),
        _request(MARKED.mark(KEY), agent="CCBot/2.0"),
        _request(MARKED.mark(KEY), method="HEAD"),
        _request(MARKED.mark(b"x" * 32)),
        _request(replace(MARKED, time_s=NOW_S + 1).mark(KEY).replace(str(NOW_S + 1), str(NOW_S))),
        _request(MARKED.mark(KEY).replace("n=0", "n=1")),
        _request(MARKED.mark(KEY).upper()),
        _request(MARKED.mark(KEY) + "; x=1"),
        make_request("https://site.example/a?b", "GPTBot/1.4", headers=((FIELD, MARKED.mark(KEY)),) * 2),
        make_request("https://site.example/a?b", "GPTBot/1.4"),
    ],
)
def test_for_any_other_request_it_is_no_mark(request_: Request) -> None:
    assert not _takes(request_)


@given(st.text(max_size=200))
def test_no_field_raises(text: str) -> None:
    assert not _takes(_request(text))


def test_memory_is_bounded_and_a_full_one_takes_nothing_until_the_minute_is_over() -> None:
    check = ProbeCheck(KEY)

    def taken(number: int, now_s: int) -> bool:
        mark = replace(MARKED, number=f"{number:032x}", time_s=now_s).mark(KEY)
        return check.takes(_request(mark), now_s * 1_000_000)

    assert all(taken(number, NOW_S) for number in range(1024))
    assert not taken(2000, NOW_S)
    assert taken(2000, NOW_S + VALID_S + 1)
