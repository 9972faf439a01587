"""TD2xx: each rule finds its example and not what it advises, and every fault has a rule."""

from __future__ import annotations

import json

import pytest

from optout.compilers.documents.reservations import odrl_json
from optout.lint.base import Rule
from optout.lint.rules.tdm_policy import TDM_POLICY, PolicySource
from optout.lint.runner import fix_tdmrep, lint_tdmrep
from optout.signals.odrl import LARGEST_POLICY, OdrlFaultCode, parse_odrl
from tests.compilers.documents.published import policy


def _codes(data: bytes) -> list[str]:
    return [finding.code for finding in lint_tdmrep(data)]


@pytest.mark.parametrize("rule", TDM_POLICY, ids=lambda rule: rule.code)
def test_a_rule_finds_its_example_and_nothing_is_wrong_with_what_it_advises(rule: Rule[PolicySource]) -> None:
    assert _codes(rule.example.encode()) == [rule.code]
    assert _codes(rule.instead.encode()) == []
    assert fix_tdmrep(rule.example.encode()) == rule.example.encode()


SOUND = TDM_POLICY[0].instead
FAULTY = {
    OdrlFaultCode.TOO_LARGE: f"{SOUND}{' ' * LARGEST_POLICY}",
    OdrlFaultCode.TOO_DEEP: '{"@context": ' + "[" * 20,
    OdrlFaultCode.NOT_UTF_8: '{"@context": "\udcff"}',
    OdrlFaultCode.NOT_JSON: '{"@context"',
    OdrlFaultCode.DUPLICATE_MEMBER: SOUND.replace('"uid"', '"uid": 1, "uid"'),
    OdrlFaultCode.BAD_CONTEXT: SOUND.replace("odrl.jsonld", "odrl"),
    OdrlFaultCode.BAD_TYPE: SOUND.replace("Offer", "Set"),
    OdrlFaultCode.BAD_PROFILE: SOUND.replace('/tdmrep"', '/tdm"'),
    OdrlFaultCode.BAD_UID: SOUND.replace("https://site.example/p", "p"),
    OdrlFaultCode.BAD_ASSIGNER: SOUND.replace('"assigner"', '"assignee"'),
    OdrlFaultCode.BAD_CONTACT: SOUND.replace('"https://site.example/x"', "1"),
    OdrlFaultCode.BAD_PERMISSION: SOUND.replace('[{"action"', '[1, {"action"'),
    OdrlFaultCode.BAD_ACTION: SOUND.replace("tdm:mine", "use"),
    OdrlFaultCode.BAD_DUTY: SOUND.replace('"tdm:mine"', '"tdm:mine", "duty": 1'),
    OdrlFaultCode.BAD_CONSTRAINT: SOUND.replace('"tdm:mine"', '"tdm:mine", "constraint": 1'),
    OdrlFaultCode.UNEXPECTED_RULE: SOUND.replace('"permission"', '"obligation": [], "permission"'),
}


def test_every_fault_has_a_rule() -> None:
    # A file that is no object is taken for a tdmrep.json, which has a rule of its own for that.
    assert FAULTY.keys() | {OdrlFaultCode.NOT_AN_OBJECT} == set(OdrlFaultCode)
    for code, text in FAULTY.items():
        data = text.encode("utf-8", "surrogateescape")
        assert code in {fault.code for fault in parse_odrl(data).faults}, code
        assert len(_codes(data)) >= 1, code


def test_what_is_compiled_is_read_back_and_has_no_mistake() -> None:
    data = odrl_json(policy("terms: /terms\n"), uid="https://a.example/p.json", site="https://a.example")
    found = parse_odrl(data)
    assert (found.uid, found.assigner) == ("https://a.example/p.json", "https://a.example")
    assert found.contacts == (("email", "mailto:me@site.example"), ("url", "https://a.example/terms"))
    assert [each.duties for each in found.permissions] == [("obtainConsent",)]
    assert _codes(data) == []
    assert json.loads(data)["@type"] == "Offer"
