"""The compiled registry is what the files say, and comes with the package."""

from __future__ import annotations

import hashlib
import runpy
from importlib.resources import files
from pathlib import Path

import pytest

from optout.crawlers import compile as compiler
from optout.crawlers.registry import COMPILED, bundled_registry


def bundled() -> bytes:
    return (files("optout.crawlers") / "data" / COMPILED).read_bytes()


def test_the_compiled_document_is_current() -> None:
    assert bundled() == compiler.compiled(), "run `python -m optout.crawlers.compile`"


def test_its_digest_names_the_registry() -> None:
    assert bundled_registry().sha256 == hashlib.sha256(bundled()).hexdigest()


def test_there_is_a_file_per_operator() -> None:
    operators = {each.operator.partition(" (")[0] for each in bundled_registry().crawlers}
    assert {"openai.yaml", "anthropic.yaml", "google.yaml", "scrapy-users.yaml"} < set(compiler.data_files())
    assert len(compiler.data_files()) <= len(operators)


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_the_build_step_writes_the_document(monkeypatch: pytest.MonkeyPatch) -> None:
    written: dict[str, bytes] = {}
    monkeypatch.setattr(Path, "write_bytes", lambda path, data: written.update({path.name: data}))
    runpy.run_module("optout.crawlers.compile", run_name="__main__")
    assert written == {COMPILED: bundled()}
