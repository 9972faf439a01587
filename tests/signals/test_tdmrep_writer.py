"""What is written says the same as what was read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.signals.tdmrep import Reserved, TdmMatcher, parse_tdmrep
from optout.signals.tdmrep_writer import write_tdmrep

LOCATIONS = st.sampled_from(["/", "/a", "/%61", "/a*", "*.jpg$", "/ä", "/%%341", "/a$b", "/a/b", "x"])
RULES = st.fixed_dictionaries(
    {"location": LOCATIONS, "tdm-reservation": st.sampled_from([0, 1, "1", None, True])},
    optional={"tdm-policy": st.sampled_from(["https://a.example/p", "/p", 1])},
)
PATHS = ["/", "/a", "/a/b", "/x.jpg", "/%C3%A4", "/a$b", "/%41"]


def said(data: bytes) -> list[tuple[Reserved, str]]:
    matcher = TdmMatcher(parse_tdmrep(data))
    found = [matcher.match(path) for path in PATHS]
    return [
        (Reserved.UNSET, "")
        if rule is None
        else (rule.reserved, rule.policy if rule.reserved is Reserved.RESERVED else "")
        for rule in found
    ]


@given(st.lists(RULES, max_size=6))
def test_a_file_says_the_same_when_it_is_written_anew(rules: list[dict[str, object]]) -> None:
    data = json.dumps(rules).encode()
    once = write_tdmrep(parse_tdmrep(data))
    assert said(once) == said(data)
    assert write_tdmrep(parse_tdmrep(once)) == once


@given(st.binary(max_size=200))
def test_any_octets_can_be_written_anew(data: bytes) -> None:
    assert said(write_tdmrep(parse_tdmrep(data))) == said(data)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("", []),
        ('[{"location": "/%61", "tdm-reservation": 1}]', [{"location": "/a", "tdm-reservation": 1}]),
        ('[{"location": "/a", "tdm-reservation": "1"}]', []),
        (
            '[{"location": "/a"}, {"location": "/a", "tdm-reservation": 0}, {"location": "/", "tdm-reservation": 1}]',
            [{"location": "/a"}, {"location": "/", "tdm-reservation": 1}],
        ),
        (
            '[{"location": "/", "tdm-reservation": 0, "tdm-policy": "https://a.example/"}]',
            [{"location": "/", "tdm-reservation": 0}],
        ),
    ],
)
def test_the_canonical_form(text: str, written: list[dict[str, object]]) -> None:
    assert json.loads(write_tdmrep(parse_tdmrep(text.encode()))) == written
