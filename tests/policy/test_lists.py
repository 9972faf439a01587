"""policy.lists: one item or many, and nothing only where that is a choice."""

from __future__ import annotations

from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError

from optout.policy.lists import NoneOrMore, OneOrMore

MANY = TypeAdapter(Annotated[tuple[str, ...], OneOrMore()])
ANY = TypeAdapter(Annotated[tuple[str, ...], NoneOrMore()])


@pytest.mark.parametrize("form", [MANY, ANY])
def test_one_item_stands_for_a_list_of_one(form: TypeAdapter[tuple[str, ...]]) -> None:
    assert form.validate_python("a") == form.validate_python(["a"]) == ("a",)
    assert form.validate_python(["a", "b"]) == ("a", "b")


@pytest.mark.parametrize("written", [None, {"a": "b"}])
@pytest.mark.parametrize("form", [MANY, ANY])
def test_what_is_no_list_is_refused(form: TypeAdapter[tuple[str, ...]], written: object) -> None:
    with pytest.raises(ValidationError):
        form.validate_python(written)


def test_an_empty_list_is_refused_unless_it_is_a_choice() -> None:
    with pytest.raises(ValidationError, match="nothing is listed here"):
        MANY.validate_python([])
    assert ANY.validate_python([]) == ()


def test_an_editor_is_told_the_same() -> None:
    assert MANY.json_schema()["anyOf"][1]["minItems"] == 1
    assert "minItems" not in ANY.json_schema()["anyOf"][1]
