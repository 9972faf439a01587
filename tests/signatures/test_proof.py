"""What a record keeps of a signature, and that a stranger can check it again from that alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signatures.directory import parse_directory
from optout.signatures.proof import BASE, KEY, VALUE, VERDICT, Kept, Recheck, is_listed, keep, recheck
from optout.signatures.verification import Checked, Presented, Verdict, check, present
from optout.testing import make_request
from tests.signatures.signer import COVERED, HOST, NOW, Signer, directory

SIGNER = Signer()
KEYS = parse_directory(directory(SIGNER.jwk))
URL = "https://site.example/page?q=1"


def shown(covered: str = COVERED) -> tuple[Presented, Checked]:
    headers = SIGNER.headers(URL, covered=covered)
    found = present(make_request(URL, headers=headers), {HOST})
    assert found.signature is not None
    value = found.signature.value
    return found, check(keyid=SIGNER.keyid, base=found.base, value=value, keys=KEYS, now_s=NOW)


def kept(covered: str = COVERED, *, shows_path: bool = True) -> Kept:
    found, checked = shown(covered)
    return keep(found, checked, shows_path=shows_path)


def test_a_record_holds_all_that_it_takes_to_check_again() -> None:
    public, private = kept()
    assert private == {}
    assert public["signature.verdict"] == "verified"
    assert public["signature.signer"] == HOST
    assert public["signature.keys.sha256"] == KEYS.sha256
    assert public["signature.key"] == KEYS.keys[0].jwk
    assert recheck(public) is Recheck.GOOD


@pytest.mark.parametrize("name", [BASE, VALUE, KEY])
def test_whatever_of_it_is_changed_shows(name: str) -> None:
    public = dict(kept().public)
    other = {
        BASE: str(public[BASE]).replace("site.example", "other.example"),
        VALUE: "A" * 86 + "==",
        KEY: parse_directory(directory(Signer(2).jwk)).keys[0].jwk,
    }
    assert recheck({**public, name: other[name]}) is Recheck.BAD


@pytest.mark.parametrize(
    ("site", "port", "covered", "found"),
    [
        ("site.example", None, COVERED, Recheck.GOOD),
        ("other.example", None, COVERED, Recheck.ELSEWHERE),
        ("site.example", 8443, COVERED, Recheck.ELSEWHERE),
        ("site.example", None, COVERED.replace("@authority", "@target-uri"), Recheck.GOOD),
        ("other.example", None, COVERED.replace("@authority", "@target-uri"), Recheck.ELSEWHERE),
    ],
)
def test_a_signature_for_another_site_is_told_from_one_for_this(
    site: str, port: int | None, covered: str, found: Recheck
) -> None:
    fields: dict[str, object] = {**kept(covered).public, **kept(covered).private, "server.address": site}
    assert recheck(fields if port is None else {**fields, "server.port": port}) is found


def test_the_key_of_a_record_stands_in_the_directory_that_it_names() -> None:
    public = kept().public
    assert is_listed(public, directory(Signer(2).jwk, SIGNER.jwk))
    assert not is_listed(public, directory(Signer(2).jwk))
    assert not is_listed(public, b"")
    assert not is_listed({}, directory(SIGNER.jwk))


def test_a_bad_signature_is_kept_and_stays_bad() -> None:
    found, checked = shown()
    assert checked.key is not None
    bad = check(keyid=SIGNER.keyid, base=found.base + "x", value=b"\0" * 64, keys=KEYS, now_s=NOW)
    public, _ = keep(found, bad, shows_path=True)
    assert (public[VERDICT], recheck({**public, VALUE: "A" * 86 + "=="})) == ("bad-signature", Recheck.BAD)


@pytest.mark.parametrize(
    ("covered", "shows_path", "is_public"),
    [
        (COVERED, False, True),
        (f'{COVERED} "@method" "@scheme"', False, True),
        (f'{COVERED} "@path"', True, True),
        (f'{COVERED} "@path"', False, False),
        (f'{COVERED} "@query"', True, False),
        (f'{COVERED} "@query-param";name="q"', True, False),
        (f'{COVERED} "@target-uri"', True, False),
        (f'{COVERED} "@request-target"', True, False),
    ],
)
def test_what_is_signed_makes_nothing_public(covered: str, shows_path: bool, is_public: bool) -> None:
    public, private = kept(covered, shows_path=shows_path)
    assert (BASE in public, BASE in private) == (is_public, not is_public)
    assert recheck(public) is (Recheck.GOOD if is_public else Recheck.SEALED)
    assert recheck({**public, **private}) is Recheck.GOOD


@pytest.mark.parametrize("name", ["cookie", "authorization", "from", "referer", "x-anything"])
def test_what_no_record_may_hold_is_not_kept_because_it_was_signed(name: str) -> None:
    headers = SIGNER.headers(URL, covered=f'{COVERED} "{name}"', more=((name, "secret-thing"),))
    found = present(make_request(URL, headers=headers), {HOST})
    assert "secret-thing" in found.base
    assert found.signature is not None
    checked = check(keyid=SIGNER.keyid, base=found.base, value=found.signature.value, keys=KEYS, now_s=NOW)
    public, private = keep(found, checked, shows_path=True)
    assert "secret-thing" not in repr((public, private))
    assert (public[VERDICT], recheck({**public, **private})) == ("verified", Recheck.INCOMPLETE)


def test_of_what_no_key_was_tried_on_the_verdict_is_kept_alone() -> None:
    found, _ = shown()
    for verdict in Verdict:
        assert keep(found, Checked(verdict=verdict), shows_path=True) == ({VERDICT: verdict.value}, {})


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({KEY: None, VALUE: None}, Recheck.NONE),
        ({KEY: None}, Recheck.INCOMPLETE),
        ({KEY: "{}"}, Recheck.INCOMPLETE),
        ({KEY: '{"e":"AQAB","kty":"RSA","n":"AAAA"}'}, Recheck.INCOMPLETE),
        ({KEY: "\udcff"}, Recheck.INCOMPLETE),
        ({VALUE: "!"}, Recheck.INCOMPLETE),
        ({VALUE: 1}, Recheck.INCOMPLETE),
        ({BASE: None}, Recheck.SEALED),
        ({BASE: None, f"{BASE}.b64": "AAAA"}, Recheck.INCOMPLETE),
        ({f"{BASE}.truncated": True}, Recheck.INCOMPLETE),
    ],
)
def test_a_record_that_lacks_something_is_not_called_good(changed: dict[str, object], found: Recheck) -> None:
    assert recheck({**kept().public, **changed}) is found


@given(st.dictionaries(st.sampled_from([BASE, VALUE, KEY, VERDICT]), st.text() | st.integers() | st.none()))
def test_no_record_raises(fields: dict[str, object]) -> None:
    assert recheck(fields) in Recheck
