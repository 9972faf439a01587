"""RL1xx: each rule finds its example and not what it advises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.cli.demo.site import LICENSE_XML
from optout.lint.base import Rule
from optout.lint.rules.rsl import RSL, RslSource
from optout.lint.runner import lint_rsl
from optout.signals.rsl import parse_rsl
from optout.signals.rsl_model import NAMESPACE, RslFaultCode


def _codes(data: bytes) -> list[str]:
    return [finding.code for finding in lint_rsl(data)]


def _document(text: str) -> bytes:
    """An example as a document: what stands inside others is put there."""
    if text.startswith(("<permits", "<prohibits", "<payment")):
        text = f"<license>{text}</license>"
    if text.startswith("<license"):
        text = f'<content url="/">{text}</content>'
    if text.startswith("<content"):
        text = f'<rsl xmlns="{NAMESPACE}">{text}</rsl>'
    return text.encode()


@pytest.mark.parametrize("rule", [rule for rule in RSL if rule.code != "RL103"], ids=lambda rule: rule.code)
def test_a_rule_finds_its_example_and_not_what_it_advises(rule: Rule[RslSource]) -> None:
    assert rule.code in _codes(_document(rule.example))
    assert rule.code not in _codes(_document(rule.instead))


def test_a_sound_document_has_nothing() -> None:
    free = '<license><permits type="usage">search</permits><prohibits type="usage">ai-all</prohibits></license>'
    paid = '<license><permits type="usage">ai-input</permits><payment type="crawl"/></license>'
    assert _codes(_document(f'<content url="/">{free}{paid}</content>')) == []


def test_the_license_of_the_sample_site_is_sound() -> None:
    assert _codes(LICENSE_XML.encode()) == []


def test_every_fault_of_a_document_has_a_rule() -> None:
    found = {RslFaultCode.TOO_LARGE: b"<a>" + b" " * 600_000, RslFaultCode.TOO_MANY: b"<a>" + b"<b/>" * 10_001}
    found |= {
        code: _document(text)
        for code, text in {
            RslFaultCode.TOO_DEEP: "<a>" * 40,
            RslFaultCode.NOT_XML: "<a",
            RslFaultCode.DOCTYPE: "<!DOCTYPE a><a/>",
            RslFaultCode.NOT_RSL: "<a/>",
            RslFaultCode.UNKNOWN_ELEMENT: "<license><a xmlns='https://rslstandard.org/rsl'/></license>",
            RslFaultCode.DUPLICATE_ELEMENT: "<payment type='free'/><payment type='free'/>",
            RslFaultCode.NO_CONTENT: f"<rsl xmlns='{NAMESPACE}'/>",
            RslFaultCode.OUTSIDE_ITEM: f"<rss><content xmlns='{NAMESPACE}'/></rss>",
            RslFaultCode.BAD_URL: "<content><license/></content>",
            RslFaultCode.NO_LICENSE: "<content url='/'/>",
            RslFaultCode.BAD_TYPE: "<permits/>",
            RslFaultCode.UNKNOWN_TOKEN: "<permits type='usage'>x</permits>",
            RslFaultCode.OLD_SPELLING: "<permits type='usage'>all,</permits>",
            RslFaultCode.BAD_AMOUNT: "<payment type='use'><amount>1</amount></payment>",
            RslFaultCode.BAD_VALUE: "<content url='/' lastmod='x'><license/></content>",
            RslFaultCode.ENCRYPTED_WITHOUT_SERVER: "<content url='/' encrypted='true'><license/></content>",
        }.items()
    }
    found[RslFaultCode.NOT_UTF_8] = _document("<license><!--\xff--></license>").decode().encode("latin-1")
    assert found.keys() == set(RslFaultCode)
    for code, data in found.items():
        assert code in {fault.code for fault in parse_rsl(data).faults}, code
        told = [rule.code for rule in RSL for _ in rule.check(RslSource(data))]
        assert set(told) - {"RL118"}, code


@given(st.binary(max_size=200) | st.text(alphabet="<>/=\"' rslcontenturllicense", max_size=80).map(str.encode))
def test_no_file_raises(data: bytes) -> None:
    for finding in lint_rsl(data):
        assert finding.text.isascii()
