"""Whatever text is written becomes one parameter of nginx, and a real nginx reads it back as it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.compilers.nginx.text import LONGEST, LONGEST_KEY, block, fits, named, quoted, searched
from tests.doors.nginx_doors import check

# What a configuration file may hold: all but NUL, at which nginx's own messages end, and lone surrogates.
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=30)


def test_backslash_and_quote_are_all_that_is_escaped() -> None:
    assert quoted(r'a"b\c{;}') == r'"a\"b\\c{;}"'


def test_what_is_longer_than_nginx_reads_does_not_fit() -> None:
    assert fits("x" * (LONGEST - 2))
    assert not fits("x" * (LONGEST - 1))
    assert not fits("\\" * (LONGEST // 2))


def test_the_first_of_equal_keys_stands() -> None:
    assert named("$a", "$b", [("X", "1"), ("x", "2")]) == 'map "$a" $b {\n    default "";\n    "x" "1";\n}\n'


@pytest.mark.parametrize("key", ["default", "include", "hostnames", "volatile", "~x", "\\x", "*.x", ".x"])
def test_a_word_of_a_map_s_own_is_a_key_like_any_other(key: str, tmp_path: Path) -> None:
    code, words = check(tmp_path, named("$host", "$b", [(key, "1")], default="2"))
    assert code == 0, words


def test_a_long_key_is_an_expression() -> None:
    key = "a." * LONGEST_KEY
    written = r"a\\." * LONGEST_KEY
    assert f'"~*^{written}$" "1";' in named("$a", "$b", [(key, "1")])


def test_expressions_come_behind_exact_keys() -> None:
    assert searched("$a", "$b", [("^x", "1")], exact=[("", "2")]) == block(
        'map "$a" $b', ['default "";', '"" "2";', '"~^x" "1";']
    )


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=TEXTS, value=TEXTS)
def test_no_text_ends_its_parameter(tmp_path: Path, key: str, value: str) -> None:
    text = named("$host", "$b", [(key, value.replace("$", ""))])
    code, words = check(tmp_path, text)
    assert code == 0, words
