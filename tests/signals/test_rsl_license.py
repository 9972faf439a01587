"""One license: tokens as people write them, and what is reported of them."""

from __future__ import annotations

import pytest

from optout.signals.rsl_license import LicenseReading
from optout.signals.rsl_model import RslLicense
from optout.signals.rsl_xml import parse_xml


def read(inside: str) -> tuple[RslLicense, list[str], str]:
    xml = parse_xml(f'<license xmlns="https://rslstandard.org/rsl">{inside}</license>'.encode())
    assert xml.root is not None
    reading = LicenseReading()
    found = reading.license(xml.root)
    return found, [str(fault.code) for fault in reading.faults], " ".join(fault.text for fault in reading.faults)


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        ("usage", "train-ai", "ai-train"),
        ("usage", "AI-Train", "ai-train"),
        ("usage", "ai-use", "ai-input"),
        ("user", "Commercial", "commercial"),
        ("geo", "de", "DE"),
    ],
)
def test_a_token_in_another_spelling_prohibits_and_does_not_permit(kind: str, written: str, meant: str) -> None:
    for name, tokens in (("prohibits", (meant,)), ("permits", ())):
        found, codes, text = read(f'<{name} type="{kind}">{written}</{name}>')
        assert (found.prohibits or found.permits)[0].tokens == tokens
        assert codes == ["unknown-token"]
        assert f"was {meant} meant?" in text


def test_a_token_that_means_nothing_is_left_out() -> None:
    found, codes, _ = read('<permits type="usage">search everything \u202e</permits>')
    assert found.permits[0].tokens == ("search",)
    assert codes == ["unknown-token"] * 2


def test_of_very_many_unknown_tokens_the_first_are_told() -> None:
    found, codes, _ = read(f'<prohibits type="usage">{"x " * 1000}train-ai</prohibits>')
    assert found.prohibits[0].tokens == ("ai-train",)
    assert codes == ["unknown-token"] * 10


def test_a_list_without_tokens_is_an_empty_list() -> None:
    found, codes, _ = read('<permits type="usage"/>')
    assert found.permits[0].tokens == ()
    assert codes == []


@pytest.mark.parametrize(
    "inside",
    [
        "<permits>search</permits>",
        '<permits type="purpose">search</permits>',
        '<prohibits type="">x</prohibits>',
        "<payment/>",
        '<payment type="gift"/>',
        '<reporting profile="https://p.example/1"/>',
        '<legal type="poem">x</legal>',
    ],
)
def test_a_type_that_rsl_does_not_have_is_reported(inside: str) -> None:
    assert read(inside)[1] == ["bad-type"]


@pytest.mark.parametrize(
    "inside",
    [
        '<payment type="free"/><payment type="crawl"/>',
        '<payment type="crawl"><amount currency="EUR">1</amount><amount currency="USD">1</amount></payment>',
        '<prohibits type="geo">EU</prohibits><prohibits type="geo">US</prohibits>',
    ],
)
def test_what_there_is_once_is_reported_twice(inside: str) -> None:
    assert read(inside)[1] == ["duplicate-element"]


@pytest.mark.parametrize(
    ("amount", "code"),
    [
        ('<amount currency="EUR">1.5</amount>', None),
        ("<amount>1</amount>", "bad-amount"),
        ('<amount currency="euro">1</amount>', "bad-amount"),
        ('<amount currency="EUR">1,5</amount>', "bad-amount"),
        ('<amount currency="EUR">-1</amount>', "bad-amount"),
        ('<amount currency="EUR">1e9</amount>', "bad-amount"),
        ('<amount currency="XBT">1</amount>', "old-spelling"),
    ],
)
def test_an_amount_is_a_decimal_number_of_a_currency(amount: str, code: str | None) -> None:
    assert read(f'<payment type="crawl">{amount}</payment>')[1] == ([code] if code else [])


@pytest.mark.parametrize(
    "inside",
    [
        '<payment type="crawl"><custom>/buy</custom></payment>',
        '<payment type="crawl"><standard>javascript:alert(1)</standard></payment>',
        '<reporting type="audit"/>',
        '<legal type="attestation">yes</legal>',
    ],
)
def test_a_value_that_cannot_be_used_is_reported(inside: str) -> None:
    assert read(inside)[1] == ["bad-value"]


@pytest.mark.parametrize(
    "inside",
    ["<x/>", '<permits type="usage"><x/></permits>', '<payment type="free"><x/></payment>', "<content/>", "<license/>"],
)
def test_an_element_where_rsl_has_none_is_reported(inside: str) -> None:
    assert read(inside)[1] == ["unknown-element"]


def test_what_a_fault_repeats_is_safe_to_print() -> None:
    _, _, text = read('<permits type="\u202e\u001bx">&#9;\u202e\U0001f600</permits>'.replace("\u001b", "\u0085"))
    assert text.isascii()
    assert text.isprintable()
