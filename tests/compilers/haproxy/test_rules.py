"""The lines to paste: quoted, few, and asking one host alone."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.compilers.haproxy.rules import rules, word
from optout.compilers.plan import plan
from tests.compilers.hostile import REGISTRY
from tests.compilers.test_tables import EDGE

LINES = rules(plan(EDGE, REGISTRY), place="/etc/haproxy/optout", tables=())


@given(st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=("Cs",))))
def test_a_word_is_one_word_in_which_nothing_is_replaced(text: str) -> None:
    assert shlex.split(word(text)) == [text]


def test_nothing_of_a_request_names_a_file() -> None:
    assert all("%[" not in line.partition("lf-file ")[2].split(" ")[0] for line in LINES.splitlines())
    assert "map_reg(%[" not in LINES


def test_the_log_never_holds_what_the_whole_head_was_put_into() -> None:
    (line,) = [line for line in LINES.splitlines() if "set-var-fmt(txn.optout_line)" in line]
    assert "optout_ua" not in line
    assert "optout_signer" not in line


@pytest.mark.parametrize(
    ("authority", "expression"),
    [("site.example", r"'^site\.example\.?(:[0-9]*)?$'"), ("site.example:8080", r"'^site\.example\.?:8080$'")],
)
def test_the_rules_are_for_one_host(authority: str, expression: str) -> None:
    text = rules(plan(replace(EDGE, authority=authority), REGISTRY), place="/x", tables=())
    assert f"acl optout_site req.hdr(host) -m reg -i {expression}\n" in text


def test_a_person_meets_few_rules() -> None:
    asked = [line for line in LINES.splitlines() if line.strip().startswith("http-request")]
    answers = [line for line in asked if "return" in line]
    assert len(asked) - len(answers) < 30
