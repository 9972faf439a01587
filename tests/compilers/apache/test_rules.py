"""Rules of mod_rewrite: counted right, and quoted as mod_rewrite reads quotes."""

from __future__ import annotations

import html
import json
import re

from hypothesis import given

from optout.compilers.apache.rules import Rule, block, expression, literal, variable
from optout.compilers.templates import Form
from tests.compilers.hostile import PRINTABLE


def test_a_rule_sets_variables_and_passes_over_others() -> None:
    rule = Rule(conditions=("%{X} =1",), sets=(("A", "b"), ("C", "")), over=3)
    assert list(rule.lines()) == ["RewriteCond %{X} =1", 'RewriteRule ^ - "[E=OPTOUT_A:b,E=OPTOUT_C:,S=3]"']
    assert list(Rule().lines()) == ["RewriteRule ^ -"]


def test_a_block_is_passed_over_whole() -> None:
    first, *rest = block(Rule(conditions=("a",)), [Rule(), Rule()])
    assert first.over == len(rest) == 2
    assert block(Rule(), []) == []


@given(PRINTABLE)
def test_an_expression_means_the_same_without_a_quote_or_a_backslash_at_its_end(text: str) -> None:
    found = expression(f"^{re.escape(text)}")
    assert re.search(found, text)
    assert '"' not in found
    assert not found.endswith("\\")


@given(PRINTABLE)
def test_a_variable_says_the_same_and_ends_no_flag(text: str) -> None:
    in_json = variable(text, Form.JSON)
    assert json.loads(f'"{in_json.replace(chr(92) * 2, chr(92))}"') == text
    in_page = variable(text, Form.HTML)
    assert html.unescape(in_page) == text
    assert not set(',]["%$') & set(in_json + in_page)


@given(PRINTABLE)
def test_a_literal_ends_where_it_should(text: str) -> None:
    assert re.fullmatch(r'(?:[^"\\]|\\.)*', literal(text))
