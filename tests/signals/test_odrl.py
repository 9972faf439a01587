"""The policy that a TDM reservation points to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals import odrl
from optout.signals.odrl import CONTEXTS, DEEPEST, LARGEST_POLICY, PROFILE, OdrlFaultCode, is_policy, parse_odrl


def offer(**changed: Any) -> dict[str, Any]:
    sound: dict[str, Any] = {
        "@context": list(CONTEXTS),
        "@type": "Offer",
        "profile": PROFILE,
        "uid": "https://site.example/policy",
        "assigner": {"uid": "https://site.example", "vcard:fn": "Site", "vcard:hasEmail": "mailto:me@site.example"},
        "permission": [
            {
                "action": "tdm:mine",
                "target": "https://site.example/a",
                "duty": [{"action": "obtainConsent"}, {"action": "compensate"}],
                "constraint": [{"leftOperand": "purpose", "operator": "eq", "rightOperand": "tdm:research"}],
            },
            {"action": "tdm:mine"},
        ],
    }
    return {name: value for name, value in {**sound, **changed}.items() if value is not ...}


def written(**changed: Any) -> bytes:
    return json.dumps(offer(**changed), indent=1).encode()


def faults(data: bytes) -> list[tuple[int, str]]:
    return [(fault.line, fault.code.value) for fault in parse_odrl(data).faults]


def test_a_sound_policy_is_read_whole() -> None:
    found = parse_odrl(written())
    assert found.faults == ()
    assert (found.uid, found.assigner) == ("https://site.example/policy", "https://site.example")
    assert found.contacts == (("name", "Site"), ("email", "mailto:me@site.example"))
    first, second = found.permissions
    assert (first.target, first.duties, first.purposes) == (
        "https://site.example/a", ("obtainConsent", "compensate"), ("tdm:research",),
    )  # fmt: skip
    assert (second.target, second.duties, second.purposes) == ("", (), ())
    lines = written().decode().splitlines()
    assert [lines[each.line - 1].strip() for each in found.permissions] == ["{", "{"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"@context": CONTEXTS[0]}, "bad-context"),
        ({"@type": "Set"}, "bad-type"),
        ({"profile": ...}, "bad-profile"),
        ({"uid": "policy 1"}, "bad-uid"),
        ({"assigner": []}, "bad-assigner"),
        ({"assigner": {"uid": 1}}, "bad-assigner"),
        ({"assigner": {"uid": "https://a.example", "vcard:hasEmail": "me@a.example"}}, "bad-contact"),
        ({"permission": {}}, "bad-permission"),
        ({"permission": [1]}, "bad-permission"),
        ({"permission": [{"action": "use"}]}, "bad-action"),
        ({"permission": [{"action": "tdm:mine", "duty": [{"action": "sing"}]}]}, "bad-duty"),
        ({"permission": [{"action": "tdm:mine", "duty": {}}]}, "bad-duty"),
        ({"permission": [{"action": "tdm:mine", "constraint": [{"operator": "lt"}]}]}, "bad-constraint"),
        ({"permission": [{"action": "tdm:mine", "target": 1}]}, "bad-permission"),
        ({"prohibition": []}, "unexpected-rule"),
        ({"permission": [{"action": "tdm:mine"}] * 101}, "bad-permission"),
    ],
)
def test_what_is_wrong_is_told(changed: dict[str, Any], fault: str) -> None:
    assert [code for _, code in faults(written(**changed))] == [fault]


def test_a_fault_stands_on_the_line_of_its_member() -> None:
    data = written(**{"@type": "Set"})
    ((line, _),) = faults(data)
    assert b"@type" in data.splitlines()[line - 1]


def test_a_permission_with_a_condition_that_nobody_understands_permits_nothing() -> None:
    odd = {"action": "tdm:mine", "duty": [{"action": "sing"}]}
    assert parse_odrl(written(permission=[odd])).permissions == ()


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b" " * (LARGEST_POLICY + 1), "too-large"),
        (b"\xff", "not-utf-8"),
        (b"{", "not-json"),
        (b'{"a": NaN}', "not-json"),
        (b"[" * (DEEPEST + 1), "too-deep"),
        (b"[]", "not-an-object"),
    ],
)
def test_what_is_no_policy_at_all_is_told_and_says_nothing(data: bytes, fault: str) -> None:
    found = parse_odrl(data)
    assert [each.code.value for each in found.faults] == [fault]
    assert (found.uid, found.permissions) == ("", ())


def test_a_member_that_is_named_twice_is_told() -> None:
    assert "duplicate-member" in [code for _, code in faults(b'{"uid": 1, "uid": 2}')]


@given(st.binary(max_size=300))
def test_any_octets_can_be_read(data: bytes) -> None:
    parse_odrl(data)
    is_policy(data)


NAMES = st.sampled_from(["@context", "uid", "assigner", "permission", "duty", "constraint", "action", "x"])
JSON = st.recursive(st.none() | st.text() | st.floats(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(JSON)
def test_any_json_can_be_read(value: object) -> None:
    parse_odrl(json.dumps(value).encode())


def test_the_work_grows_in_step_with_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = 0
    original = odrl._TOKEN

    class Counting:
        def finditer(self, text: str):  # type: ignore[no-untyped-def]
            nonlocal steps
            for found in original.finditer(text):
                steps += len(found[0])
                yield found

    monkeypatch.setattr(odrl, "_TOKEN", Counting())
    for opening in ('"', '{"a":', "[,", '"\\'):
        steps = 0
        data = (opening * (LARGEST_POLICY // len(opening))).encode()
        parse_odrl(data)
        assert steps <= len(data)


@pytest.mark.parametrize(
    ("data", "is_one"),
    [
        (b'\xef\xbb\xbf {"@context": []}', True),
        (b'[{"@context": []}]', False),
        (b'{"location": "/"}', False),
        (b"", False),
    ],
)
def test_a_policy_is_told_from_a_tdmrep_json(data: bytes, is_one: bool) -> None:
    assert is_policy(data) is is_one


def test_every_code_is_in_the_docs() -> None:
    page = Path("docs/tdmrep.md").read_text(encoding="utf-8")
    assert [code.value for code in OdrlFaultCode if f"`{code.value}`" not in page] == []
