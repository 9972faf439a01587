"""TD1xx: each rule finds its example and not what it advises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.lint.base import Rule
from optout.lint.rules.tdmrep import TDMREP, TdmSource
from optout.lint.runner import fix_tdmrep, lint_tdmrep
from optout.signals.tdmrep import TdmFaultCode, parse_tdmrep


def _codes(data: bytes) -> list[str]:
    return [finding.code for finding in lint_tdmrep(data)]


@pytest.mark.parametrize("rule", [rule for rule in TDMREP if rule.code != "TD104"], ids=lambda rule: rule.code)
def test_a_rule_finds_its_example_and_not_what_it_advises(rule: Rule[TdmSource]) -> None:
    assert rule.code in _codes(rule.example.replace("\\ufeff", "\ufeff").encode())
    assert rule.code not in _codes(rule.instead.encode())


def test_every_fault_of_the_file_has_a_rule() -> None:
    by_field = {TdmFaultCode.CONFLICTING_FIELDS}
    faulty = {
        TdmFaultCode.TOO_LARGE: b"[" + b" " * 600_000,
        TdmFaultCode.TOO_DEEP: b"[" * 40,
        TdmFaultCode.TOO_MANY: b"[" + b'{"location":"/","tdm-reservation":1},' * 10_001 + b"]",
        TdmFaultCode.BYTE_ORDER_MARK: b"\xef\xbb\xbf[]",
        TdmFaultCode.NOT_UTF_8: b'["\xff"]',
        TdmFaultCode.NOT_JSON: b"[,]",
        TdmFaultCode.NOT_AN_ARRAY: b"{}",
        TdmFaultCode.NOT_AN_OBJECT: b"[1]",
        TdmFaultCode.DUPLICATE_MEMBER: b'[{"location":"/","tdm-reservation":1,"tdm-reservation":0}]',
        TdmFaultCode.NO_LOCATION: b'[{"tdm-reservation":1}]',
        TdmFaultCode.BAD_LOCATION: b'[{"location":"x","tdm-reservation":1}]',
        TdmFaultCode.NO_RESERVATION: b'[{"location":"/"}]',
        TdmFaultCode.BAD_RESERVATION: b'[{"location":"/","tdm-reservation":2}]',
        TdmFaultCode.BAD_POLICY: b'[{"location":"/","tdm-reservation":1,"tdm-policy":"x"}]',
    }
    assert faulty.keys() | by_field == set(TdmFaultCode)
    for code, data in faulty.items():
        assert code in {fault.code for fault in parse_tdmrep(data).faults}, code
        assert set(_codes(data)) - {"TD111"}, code


@pytest.mark.parametrize(
    ("first", "second", "is_shadowed"),
    [
        ("/", "/a", True),
        ("/*", "/a$", True),
        ("/a", "/ab", True),
        ("/ab", "/a", False),
        ("/a$", "/a", False),
        ("/*.jpg", "/a.jpg", False),
    ],
)
def test_only_a_rule_that_surely_never_counts_is_called_so(first: str, second: str, is_shadowed: bool) -> None:
    file = f'[{{"location":"{first}","tdm-reservation":1}},\n{{"location":"{second}","tdm-reservation":0}}]'
    assert ([finding.line for finding in lint_tdmrep(file.encode()) if finding.code == "TD110"] == [2]) is is_shadowed


@given(st.binary(max_size=200))
def test_no_file_raises(data: bytes) -> None:
    lint_tdmrep(data)
    assert fix_tdmrep(fix_tdmrep(data)) == fix_tdmrep(data)
