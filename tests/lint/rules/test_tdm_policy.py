"""PD1xx: a TDM policy."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.lint.rules.tdm_policy import TDM_POLICY, PolicySource, is_policy
from optout.lint.runner import lint
from tests.calls import calls_of

GOOD: dict[str, Any] = {
    "@context": ["http://www.w3.org/ns/odrl.jsonld", "http://www.w3.org/ns/tdmrep.jsonld"],
    "@type": "Offer",
    "profile": "http://www.w3.org/ns/tdmrep",
    "uid": "https://photos.example/policies/tdm-1",
    "assigner": {"uid": "https://photos.example", "vcard:hasEmail": "mailto:rights@photos.example"},
    "permission": [{"action": "tdm:mine", "duty": [{"action": "compensate"}]}],
}


def _codes(data: bytes) -> list[str]:
    return [finding.code for finding in lint(TDM_POLICY, PolicySource(data))]


def test_a_sound_policy_has_nothing() -> None:
    assert _codes(json.dumps(GOOD).encode()) == []


@pytest.mark.parametrize(
    ("changed", "codes"),
    [
        ({"@context": "http://www.w3.org/ns/odrl.jsonld"}, ["PD102"]),
        ({"@type": "Policy"}, ["PD103"]),
        ({"profile": "https://www.w3.org/ns/tdmrep"}, ["PD103"]),
        ({"uid": 1}, ["PD104"]),
        ({"assigner": None}, ["PD105"]),
        ({"assigner": [GOOD["assigner"]] * 2}, ["PD105"]),
        ({"assigner": {"uid": "https://photos.example"}}, ["PD105"]),
        ({"assigner": {"uid": "x:", "vcard:hasEmail": "rights@photos.example"}}, ["PD105"]),
        ({"assigner": {"uid": "x:", "vcard:hasURL": "/terms"}}, ["PD105"]),
        ({"permission": [{"action": "use"}]}, ["PD106"]),
        ({"permission": []}, ["PD106"]),
        ({"permission": [{"action": "tdm:mine", "duty": [{"action": "pay"}]}]}, ["PD107"]),
        ({"permission": [{"action": "tdm:mine", "duty": ["pay"]}]}, ["PD107"]),
        ({"prohibition": []}, ["PD108"]),
    ],
)
def test_each_mistake_has_its_code(changed: dict[str, Any], codes: list[str]) -> None:
    assert _codes(json.dumps({**GOOD, **changed}).encode()) == codes


@pytest.mark.parametrize("data", [b"", b"[]", b"{", b"[" * 100_000, b"\xff", b'{"a": "' + b"x" * 300_000 + b'"}'])
def test_what_is_no_object_is_one_mistake(data: bytes) -> None:
    assert _codes(data) == ["PD101"]


@pytest.mark.parametrize("place", ["uid", "assigner", "permission", "@context"])
def test_depth_is_no_trap(place: str) -> None:
    for depth in (100, 900, 960, 980, 985, 990):
        deep = "[" * depth + "]" * depth
        _codes(b'{"%s": %s, "x": 1}' % (place.encode(), deep.encode()))
        duty = f'[{{"action": "tdm:mine", "duty": [{{"action": {deep}}}]}}]'
        _codes(b'{"permission": %s}' % duty.encode())


def test_a_page_for_people_is_no_policy_for_machines() -> None:
    assert not is_policy("text/html", b"<p>Ask us")
    assert is_policy("text/plain", b' {"@type": "Offer"}')
    assert is_policy("application/ld+json", b"")


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from((*GOOD, "duty", "action")), inner),
    max_leaves=20,
)


@given(
    st.binary(max_size=100) | st.dictionaries(st.sampled_from(tuple(GOOD)), _JSON).map(lambda x: json.dumps(x).encode())
)
def test_nothing_raises_and_what_is_told_is_printable_ascii(data: bytes) -> None:
    for finding in lint(TDM_POLICY, PolicySource(data)):
        assert finding.text.isascii()
        assert finding.text.isprintable()


def test_work_is_bounded_whatever_the_policy_holds() -> None:
    def work(times: int) -> int:
        permission = [{"action": "x", "duty": [{"action": "y"}] * times}] * times
        data = json.dumps({**GOOD, "permission": permission}).encode()
        return calls_of(lambda: lint(TDM_POLICY, PolicySource(data)))

    assert work(80) <= work(20) + 50
