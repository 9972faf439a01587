"""Three fields that strangers write: forms, limits, cost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields, as_text
from optout.signatures.signature import (
    LONGEST_FIELD,
    MOST_COMPONENTS,
    MOST_SIGNATURES,
    Signature,
    parse_signature_agent,
    parse_signatures,
    request_base,
)
from optout.testing import make_request
from tests.calls import calls_of
from tests.signatures.signer import only


def read(described: str, value: str = "s=:AAAA:") -> tuple[Signature, ...] | None:
    return parse_signatures(Fields((("Signature-Input", described), ("Signature", value))))


def test_a_message_without_the_fields_is_unsigned() -> None:
    assert parse_signatures(Fields()) == ()


def test_a_signature_has_its_parameters() -> None:
    found = only(read('s=("@method" "x";key="a");created=1;expires=2;keyid="k";alg="a";nonce="n";tag="t"'))
    assert (found.label, found.created, found.expires, found.keyid) == ("s", 1, 2, "k")
    assert (found.alg, found.nonce, found.tag, found.value) == ("a", "n", "t", b"\0\0\0")
    assert [component.text for component in found.components] == ['"@method"', '"x";key="a"']
    assert found.covers("x")
    assert not found.covers("y")


def test_several_lines_are_one_field() -> None:
    lines = (("Signature-Input", "a=()"), ("Signature-Input", "b=()"), ("Signature", "b=::"), ("Signature", "a=::"))
    found = parse_signatures(Fields(lines))
    assert found is not None
    assert [signature.label for signature in found] == ["a", "b"]


@pytest.mark.parametrize(
    ("described", "value"),
    [
        ("s=()", ""),
        ("", "s=:AAAA:"),
        ("s=()", "t=:AAAA:"),
        ("s=(), s=()", "s=:AAAA:"),
        ("s=()", "s=:AAAA:, s=:AAAA:"),
        ("s=1", "s=:AAAA:"),
        ("s=(a)", "s=:AAAA:"),
        ('s=("UPPER")', "s=:AAAA:"),
        ('s=("")', "s=:AAAA:"),
        ('s=("@signature-params")', "s=:AAAA:"),
        ("s=();created=1.5", "s=:AAAA:"),
        ("s=();created=@1", "s=:AAAA:"),
        ("s=();created", "s=:AAAA:"),
        ("s=();keyid=k", "s=:AAAA:"),
        ("s=();tag=:AAAA:", "s=:AAAA:"),
        ("s=()", 's="text"'),
        ("s=()", "s=(:AAAA:)"),
        (f's=("{"a" * LONGEST_FIELD}")', "s=:AAAA:"),
        ("s=(" + " ".join(f'"a{n}"' for n in range(MOST_COMPONENTS + 1)) + ")", "s=:AAAA:"),
        (
            ", ".join(f"s{n}=()" for n in range(MOST_SIGNATURES + 1)),
            ", ".join(f"s{n}=::" for n in range(MOST_SIGNATURES + 1)),
        ),
    ],
)
def test_what_cannot_be_read_is_no_signature(described: str, value: str) -> None:
    assert read(described, value) is None


@pytest.mark.parametrize(
    ("agent", "covered", "url"),
    [
        ('a="https://x.example"', '"signature-agent";key="a"', "https://x.example"),
        ('a="https://x.example", b="https://y.example"', '"signature-agent";key="b"', "https://y.example"),
        ('a="https://x.example"', '"signature-agent"', "https://x.example"),
        ('a="https://x.example";type=directory', '"signature-agent";key="a"', "https://x.example"),
        ('"https://x.example"', '"signature-agent"', "https://x.example"),
        ('"https://x.example"', '"signature-agent";key="a"', None),
        ('a="https://x.example", b="https://y.example"', '"signature-agent"', None),
        ('a="https://x.example"', '"signature-agent";key="b"', None),
        ("x.example", '"signature-agent"', None),
        ("a=(1)", '"signature-agent"', None),
        ('"https://x.example', '"signature-agent"', None),
        ('"' + "x" * LONGEST_FIELD + '"', '"signature-agent"', None),
        ("", '"signature-agent"', None),
        ('a="https://x.example"', '"@authority"', ""),
    ],
)
def test_the_signer_is_whom_the_covered_member_names(agent: str, covered: str, url: str | None) -> None:
    fields = Fields((("Signature-Agent", agent),))
    assert parse_signature_agent(fields, only(read(f"s=({covered})"))) == url


_TEXT = st.binary(max_size=200).map(as_text)
_NEAR = st.lists(
    st.sampled_from(
        ["s=", "(", ")", '"@path"', '"x"', ";key=", '"a"', ";created=", "1", ":AAAA:", ", ", ";", "?1", " "]
    )
).map("".join)


@given(agent=_TEXT | _NEAR, described=_TEXT | _NEAR, value=_TEXT | _NEAR, target=_TEXT)
def test_nothing_that_is_sent_raises(agent: str, described: str, value: str, target: str) -> None:
    named = (("Signature-Agent", agent), ("Signature-Input", described), ("Signature", value), ("X", agent))
    request = make_request(f"https://a.example/{target}", headers=named)
    for signature in parse_signatures(request.fields) or ():
        request_base(signature, request)
        parse_signature_agent(request.fields, signature)


@given(described=_NEAR, covered=st.lists(st.sampled_from(["@path", "@query", "@method", "x"]), unique=True))
def test_a_base_has_a_line_for_each_component_and_one_for_the_parameters(described: str, covered: list[str]) -> None:
    inner = " ".join(f'"{name}"' for name in covered)
    request = make_request(
        "https://a.example/p?q", headers=(("X", described), ("Signature-Input", f"s=({inner})"), ("Signature", "s=::"))
    )
    base = request_base(only(parse_signatures(request.fields)), request)
    assert isinstance(base, str)
    assert len(base.split("\n")) == len(covered) + 1


def test_a_field_over_the_limit_costs_no_reading() -> None:
    def work(octets: int) -> int:
        return calls_of(lambda: read('s=("' + "a" * octets + '")'))

    assert work(LONGEST_FIELD * 64) == work(LONGEST_FIELD)


@pytest.mark.parametrize("piece", ['"a" ', "(", '"a";k="b" ', ";a", "\\", ", "])
def test_the_work_grows_in_step_with_the_field(piece: str) -> None:
    def work(octets: int) -> int:
        return calls_of(lambda: read("s=(" + piece * (octets // len(piece))))

    assert work(LONGEST_FIELD - 10) < 4.5 * work(LONGEST_FIELD // 4)
