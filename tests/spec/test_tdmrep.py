"""TDM Reservation Protocol, Community Group Final Report of 2024-05-10, section by section (by their headings)."""

from __future__ import annotations

import json

import pytest

from optout.messages import Fields
from optout.signals.tdmrep import (
    NOTHING_SAID,
    Reserved,
    TdmMatcher,
    TdmRep,
    TdmRule,
    TdmStatement,
    parse_tdm_fields,
    parse_tdmrep,
    resolve,
)

RESERVED, NOT_RESERVED, UNSET = Reserved.RESERVED, Reserved.NOT_RESERVED, Reserved.UNSET


def read(*rules: dict[str, object]) -> TdmRep:
    return parse_tdmrep(json.dumps(rules).encode())


def match(target: str, *rules: dict[str, object]) -> TdmRule | None:
    return TdmMatcher(read(*rules)).match(target)


def reserved(target: str, *rules: dict[str, object]) -> Reserved | None:
    found = match(target, *rules)
    return found.reserved if found else None


def field(*values: str) -> TdmStatement:
    return parse_tdm_fields(Fields(tuple(("tdm-reservation", value) for value in values)))[0]


class TestDeclaringTheReservation:
    """Sections "tdm-reservation" and "tdm-policy"."""

    @pytest.mark.parametrize(("value", "meaning"), [("1", RESERVED), ("0", NOT_RESERVED)])
    def test_one_is_reserved_and_zero_is_not(self, value: str, meaning: Reserved) -> None:
        assert read({"location": "/", "tdm-reservation": int(value)}).rules[0].reserved is meaning
        assert field(value).reserved is meaning

    @pytest.mark.parametrize("value", ["1", "0", True, False, None, 2, -1, 0.5, 10**400, [1], {"a": 1}, ""])
    def test_any_other_value_in_the_file_is_unset_and_reported(self, value: object) -> None:
        rep = read({"location": "/", "tdm-reservation": value})
        assert rep.rules[0].reserved is UNSET
        assert [fault.code for fault in rep.faults] == ["bad-reservation"]

    @pytest.mark.parametrize("value", ["2", "", "true", "01", "1.0", "1, 0", "1;a", '"1"', "yes", "１"])
    def test_any_other_text_in_the_field_is_unset_and_reported(self, value: str) -> None:
        statement, faults = parse_tdm_fields(Fields((("tdm-reservation", value),)))
        assert statement == NOTHING_SAID
        assert [fault.code for fault in faults] == ["bad-reservation"]

    def test_a_policy_beside_zero_is_no_error_and_is_not_followed(self) -> None:
        rep = read({"location": "/", "tdm-reservation": 0, "tdm-policy": "https://site.example/p.json"})
        statement = resolve(rep.rules[0], NOTHING_SAID)
        assert rep.faults == ()
        assert statement.policy == "https://site.example/p.json"
        assert statement.terms == ""

    def test_a_policy_beside_one_is_followed(self) -> None:
        rep = read({"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/p.json"})
        assert resolve(rep.rules[0], NOTHING_SAID).terms == "https://site.example/p.json"


class TestFileOnTheOriginServer:
    """Section "TDM File on the Origin Server"."""

    def test_the_example_of_three_groups_of_files(self) -> None:
        rules: tuple[dict[str, object], ...] = (
            {"location": "/directory-a/", "tdm-reservation": 1},
            {
                "location": "/directory-b/html/",
                "tdm-reservation": 1,
                "tdm-policy": "https://provider.example/policies/policy.json",
            },
            {"location": "/directory-b/images/*.jpg", "tdm-reservation": 0},
        )
        found = match("/directory-b/html/page", *rules)
        assert found is not None
        assert found.policy == "https://provider.example/policies/policy.json"
        assert reserved("/directory-a/paper.pdf", *rules) is RESERVED
        assert reserved("/directory-b/images/cat.jpg", *rules) is NOT_RESERVED
        assert reserved("/directory-b/images/cat.png", *rules) is None

    def test_the_brackets_are_mandatory_even_around_one_rule(self) -> None:
        rep = parse_tdmrep(b'{"location": "/", "tdm-reservation": 1}')
        assert rep.rules == ()
        assert [fault.code for fault in rep.faults] == ["not-an-array"]

    def test_location_is_mandatory(self) -> None:
        rep = read({"tdm-reservation": 1})
        assert rep.rules == ()
        assert [fault.code for fault in rep.faults] == ["no-location"]

    def test_a_rule_without_its_mandatory_reservation_is_unset(self) -> None:
        rep = read({"location": "/"})
        assert rep.rules[0].reserved is UNSET
        assert [fault.code for fault in rep.faults] == ["no-reservation"]

    def test_the_most_specific_match_is_the_first_in_sequence(self) -> None:
        broad, narrow = {"location": "/", "tdm-reservation": 1}, {"location": "/open/", "tdm-reservation": 0}
        assert reserved("/open/a", broad, narrow) is RESERVED
        assert reserved("/open/a", narrow, broad) is NOT_RESERVED

    def test_of_one_location_named_twice_the_first_decides(self) -> None:
        rules = ({"location": "/~a", "tdm-reservation": 0}, {"location": "/%7Ea", "tdm-reservation": 1})
        assert reserved("/~a/x", *rules) is NOT_RESERVED

    def test_a_rule_with_a_protocol_error_still_is_the_first_match(self) -> None:
        rules = ({"location": "/a", "tdm-reservation": "1"}, {"location": "/", "tdm-reservation": 0})
        assert reserved("/a/x", *rules) is UNSET

    def test_no_match_is_unset(self) -> None:
        assert match("/b", {"location": "/a", "tdm-reservation": 1}) is None

    def test_paths_compare_with_case(self) -> None:
        assert match("/A/x", {"location": "/a/", "tdm-reservation": 1}) is None

    @pytest.mark.parametrize(
        ("location", "target", "matches"),
        [
            ("/this/path/exactly$", "/this/path/exactly", True),
            ("/this/path/exactly$", "/this/path/exactly/not", False),
            ("/this/*/then", "/this/and/then", True),
            ("/this/*/then", "/this/then", False),
            ("/path/foo-%24", "/path/foo-$", True),
            ("/path/foo-%2A", "/path/foo-*", True),
            ("/path/foo-%2A", "/path/foo-bar", False),
            ("/%7Eann/", "/~ann/", True),
            ("/~ann/", "/%7Eann/", True),
            ("/a%2Fb", "/a/b", False),
            ("/été/", "/%C3%A9t%C3%A9/", True),
            ("/*.pdf$", "/x.pdf?y", False),
            ("/?q=", "/?q=1", True),
        ],
    )
    def test_patterns_are_those_of_robots_txt(self, location: str, target: str, matches: bool) -> None:
        assert (match(target, {"location": location, "tdm-reservation": 1}) is not None) is matches

    def test_the_sample_without_a_comma_is_read_up_to_there(self) -> None:
        rep = parse_tdmrep(b'[\n{"location": "/a", "tdm-reservation": 1}\n{"location": "/", "tdm-reservation": 0}\n]')
        assert [rule.location.written for rule in rep.rules] == ["/a"]
        assert [(fault.line, fault.code) for fault in rep.faults] == [(3, "not-json")]


class TestHeaderField:
    """Section "TDM Header Field in HTTP Responses"."""

    def test_the_two_examples(self) -> None:
        assert field("1") == TdmStatement(reserved=RESERVED, source="header")
        fields = Fields((("TDM-Reservation", "1"), ("TDM-Policy", "https://provider.example/policy.json")))
        statement, faults = parse_tdm_fields(fields)
        assert statement.terms == "https://provider.example/policy.json"
        assert faults == ()

    def test_white_space_around_a_value_is_none_of_it(self) -> None:
        assert field(" \t1 ").reserved is RESERVED

    def test_no_field_says_nothing(self) -> None:
        assert parse_tdm_fields(Fields()) == (NOTHING_SAID, ())


class TestProcessingPriority:
    """Section "Processing priority"."""

    RULE = read({"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/file"}).rules[0]

    def test_a_field_replaces_the_file_even_zero_over_one(self) -> None:
        assert resolve(self.RULE, field("0")).reserved is NOT_RESERVED

    def test_an_absent_field_does_not_reset_the_file(self) -> None:
        statement = resolve(self.RULE, NOTHING_SAID)
        assert (statement.reserved, statement.source, statement.line) == (RESERVED, "file", 1)

    def test_a_protocol_error_in_the_field_does_not_reset_the_file(self) -> None:
        assert resolve(self.RULE, field("maybe")).reserved is RESERVED

    def test_each_property_is_replaced_for_itself(self) -> None:
        policy, _ = parse_tdm_fields(Fields((("tdm-policy", "https://site.example/field"),)))
        assert resolve(self.RULE, policy).terms == "https://site.example/field"
        assert resolve(self.RULE, field("1")).terms == "https://site.example/file"

    def test_a_field_speaks_where_no_rule_matches(self) -> None:
        assert resolve(None, field("1")).reserved is RESERVED
        assert resolve(None, NOTHING_SAID) == NOTHING_SAID

    def test_an_unset_rule_and_no_field_stay_unset(self) -> None:
        unset = read({"location": "/", "tdm-reservation": "1"}).rules[0]
        statement = resolve(unset, NOTHING_SAID)
        assert (statement.reserved, statement.source) == (UNSET, "")
