"""`optout review`: what it asks for when it is not told enough."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from optout.cli.main import main
from optout.errors import UsageError


@pytest.mark.parametrize("words", [[], ["one", "two"], ["--import"]])
def test_without_import_or_files_it_says_what_to_write(words: list[str]) -> None:
    done = CliRunner().invoke(main, ["review", *words])
    assert isinstance(done.exception, UsageError)
    assert "--import" in done.exception.diagnostics()
