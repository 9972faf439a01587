"""Each front end that can be compiled for has its line, and options that mean something to it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optout.cli.compile import compile_policy
from optout.cli.compile_fronts import FRONTS, compile_for
from optout.errors import UsageError
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)


@pytest.mark.parametrize("front", sorted(FRONTS))
def test_every_front_end_gets_files_and_hears_of_losses(front: str) -> None:
    made = compile_for(front, EDGE, REGISTRY, log="", place="")
    assert made.files
    assert all(made.files.values())
    assert {loss.code for loss in EDGE.losses} <= {loss.code for loss in made.losses}


def test_the_command_offers_exactly_these() -> None:
    front = next(option for option in compile_policy.params if option.name == "front")
    assert set(front.type.choices) == {*FRONTS, "documents"}  # type: ignore[attr-defined]


def test_an_option_that_means_nothing_to_a_front_end_is_refused() -> None:
    with pytest.raises(UsageError, match="--place means nothing to nginx"):
        compile_for("nginx", EDGE, REGISTRY, log="", place="/x")


def test_an_option_reaches_the_compiler() -> None:
    assert any(
        '"/x.log"' in text for text in compile_for("nginx", EDGE, REGISTRY, log="/x.log", place="").files.values()
    )


def test_every_loss_stands_in_the_tables_of_the_docs() -> None:
    root = Path(__file__).parent.parent.parent
    sources = "".join(path.read_text() for path in (root / "src" / "optout" / "compilers").rglob("*.py"))
    pages = [(root / "docs" / "doors" / name).read_text() for name in ("edges.md", "routed.md")]
    listed = set(re.findall(r"^\| `([a-z-]+)` \|", "".join(pages), re.MULTILINE))
    assert set(re.findall(r'code="([a-z-]+)"', sources)) == listed
