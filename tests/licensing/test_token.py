"""License tokens as crawlers send them, and the words of license servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.licensing.token import (
    LONGEST_TEXT,
    LONGEST_TOKEN,
    Grant,
    GrantState,
    parse_introspection,
    parse_license_authorization,
)
from optout.messages import Fields

JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln_-"


def token(*values: str) -> str | None:
    return parse_license_authorization(Fields(tuple(("Authorization", value) for value in values)))


@pytest.mark.parametrize("value", [f"License {JWT}", f"license {JWT}", f"LICENSE   {JWT}", f" License {JWT}\t"])
def test_a_token_is_read_from_the_license_scheme(value: str) -> None:
    assert token(value) == JWT


def test_the_same_field_twice_is_one_token() -> None:
    assert token("License abc", "License abc") == "abc"


@pytest.mark.parametrize(
    "value",
    [
        "",
        "License",
        "License ",
        f"Bearer {JWT}",
        f"License{JWT}",
        f"License\t{JWT}",
        "License a b",
        "License a,b",
        "License a\x00",
        "License a\nb",
        "License abc\n",
        'License token="abc"',
        "License é",
        "License =",
        "License a=b",
    ],
)
def test_what_is_no_token_is_none(value: str) -> None:
    assert token(value) is None


def test_padding_belongs_to_the_token() -> None:
    assert token("License YQ==") == "YQ=="


def test_differing_fields_are_none() -> None:
    assert token("License abc", "License abd") is None
    assert token("Basic abc", "License abc") is None


def test_a_token_has_a_longest_length() -> None:
    assert token("License " + "a" * LONGEST_TOKEN) == "a" * LONGEST_TOKEN
    assert token("License " + "a" * (LONGEST_TOKEN + 1)) is None


def test_no_field_is_no_token() -> None:
    assert parse_license_authorization(Fields()) is None


def state(**answer: object) -> GrantState:
    return parse_introspection(answer).state


def test_active_and_permitted_is_valid_and_names_the_license() -> None:
    answer = {
        "active": True,
        "permitted": True,
        "license": "lic-7",
        "resource": "https://a.example/",
        "token_type": "rsl",
    }
    assert parse_introspection(answer) == Grant(state=GrantState.VALID, license_id="lic-7")


@pytest.mark.parametrize("kind", ["License", "license", "rsl"])
def test_the_token_types_of_standard_and_draft_are_license_tokens(kind: str) -> None:
    assert state(active=True, permitted=True, token_type=kind) is GrantState.VALID


@pytest.mark.parametrize("kind", ["Bearer", "", 1, ["License"], False])
def test_a_token_of_another_type_is_invalid(kind: object) -> None:
    assert state(active=True, permitted=True, token_type=kind) is GrantState.INVALID


def test_an_inactive_token_is_invalid_whatever_else_is_said() -> None:
    assert state(active=False) is GrantState.INVALID
    assert state(active=False, permitted=True, license="lic-7") is GrantState.INVALID


@pytest.mark.parametrize(
    "reason", ["payment required", "payment_required", "Unpaid invoice", "not paid", "insufficient_funds", "pay first"]
)
def test_a_use_that_is_not_paid_for_is_unpaid(reason: str) -> None:
    assert parse_introspection({"active": True, "permitted": False, "reason": reason}).reason == reason
    assert state(active=True, permitted=False, reason=reason) is GrantState.UNPAID


@pytest.mark.parametrize("reason", ["", None, "usage not permitted", "geo", "payload", "insufficient_scope", 7])
def test_a_use_that_the_license_does_not_cover_is_wrong_use(reason: object) -> None:
    grant = parse_introspection({"active": True, "permitted": False, "reason": reason})
    assert grant.state is GrantState.WRONG_USE
    assert grant.reason


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        "active",
        1,
        {},
        {"active": "true", "permitted": True},
        {"active": 1, "permitted": 1},
        {"active": None},
        {"active": True},
        {"active": True, "permitted": "true"},
        {"active": True, "permitted": 1},
        {"permitted": True},
        {"error": "invalid_token"},
    ],
)
def test_an_unclear_answer_is_the_server_s_fault(answer: object) -> None:
    grant = parse_introspection(answer)
    assert grant.state is GrantState.UNAVAILABLE
    assert "unclear" in grant.reason


@pytest.mark.parametrize("text", ["<license>" + "x" * LONGEST_TEXT, "a\x1b[31m", "\ud800", "a\nb"])
def test_a_license_that_is_no_name_is_named_by_its_digest(text: str) -> None:
    license_id = parse_introspection({"active": True, "permitted": True, "license": text}).license_id
    assert license_id.startswith("sha256:")
    assert len(license_id) == len("sha256:") + 64


@pytest.mark.parametrize("text", ["", None, 7, {"id": 1}])
def test_a_license_that_is_no_text_has_no_name(text: object) -> None:
    assert parse_introspection({"active": True, "permitted": True, "license": text}).license_id == ""


def test_a_server_s_words_are_bounded_and_printable() -> None:
    reason = parse_introspection({"active": False, "reason": "\x1b[31m\u202e" + "x" * 10_000}).reason
    assert len(reason) <= LONGEST_TEXT
    assert reason.isprintable()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
answers = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("active", "permitted", "reason", "license", "token_type", "resource"), json_values)
)


@given(answers | json_values)
def test_only_plain_words_grant_anything(answer: object) -> None:
    grant = parse_introspection(answer)
    if grant.state is GrantState.VALID:
        assert isinstance(answer, dict)
        assert answer["active"] is True
        assert answer["permitted"] is True


@given(
    st.lists(
        st.tuples(st.sampled_from(["Authorization", "authorization"]), st.text() | st.just("License a")), max_size=3
    )
)
def test_any_fields_give_a_token_of_safe_characters_or_none(items: list[tuple[str, str]]) -> None:
    found = parse_license_authorization(Fields(tuple(items)))
    assert found is None or (found.isascii() and found.isprintable() and " " not in found)
