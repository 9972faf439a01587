"""The values that compilers write down: closed, immutable, and with marks that no encoding changes."""

from __future__ import annotations

import dataclasses
import html
import json

import pytest

from optout.compilers.edge import NAME, NUMBER, OPERATOR, Onward, Step, Table


@pytest.mark.parametrize("mark", [NAME, OPERATOR, NUMBER])
def test_a_mark_is_the_same_in_json_and_in_a_page(mark: bytes) -> None:
    text = mark.decode()
    assert json.dumps(text) == f'"{text}"'
    assert html.escape(text) == text


def test_tables_cannot_be_changed() -> None:
    table = Table(steps=(Step(outcome=Onward.PASS),), otherwise=Onward.NEXT)
    with pytest.raises(dataclasses.FrozenInstanceError):
        table.otherwise = Onward.PASS  # type: ignore[misc]
