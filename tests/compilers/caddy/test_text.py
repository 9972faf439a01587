"""Words and expressions of a Caddyfile mean what they meant before Caddy read them."""

from __future__ import annotations

import re

from hypothesis import given

from optout.compilers.caddy.text import expression, field, kept, mapped, route, word
from tests.compilers.hostile import PRINTABLE


@given(PRINTABLE)
def test_an_expression_means_the_same_without_what_caddy_would_read(text: str) -> None:
    found = expression(f"^{re.escape(text)}$")
    assert re.search(found, text)
    assert "`" not in found
    assert "\\{" not in found
    assert "\\}" not in found


def test_a_class_with_braces_stays_a_class() -> None:
    found = expression(r"[^\s\[\]{}|\\]+")
    assert re.search(f"^{found}$", "abc")
    assert not re.search(f"^{found}$", "a\\c")


def test_of_two_lines_that_are_alike_the_first_stays() -> None:
    assert list(mapped("{x}", ["y"], [("a", "1"), ("b", "2"), ("a", "3")], "")) == [
        "map `{x}` {optout_y} {",
        "\t`a` `1`",
        "\t`b` `2`",
        "\tdefault ``",
        "}",
    ]


def test_a_route_holds_its_conditions_and_what_is_inside() -> None:
    found = list(route("x", ["method GET"], iter([kept("a", "b")])))
    assert found == ["@optout_x {", "\tmethod GET", "}", "route @optout_x {", "\tvars optout_a {optout_b}", "}"]


def test_a_field_holds_no_placeholder() -> None:
    assert field("https://site.example/{env.HOME}`") == "https://site.example/%7Benv.HOME%7D%60"
    assert word("a b") == "`a b`"
