"""One log and one bundle for all tests of bundles."""

from __future__ import annotations

import pytest

from optout.evidence.directory import Layout
from tests.evidence.bundle.cases import make_bundle, make_log


@pytest.fixture(scope="session")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """A log of two tenants."""
    return make_log(tmp_path_factory.mktemp("bundle") / "evidence")


@pytest.fixture(scope="session")
def bundle(layout: Layout, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A bundle of one of them."""
    return make_bundle(layout, tmp_path_factory.mktemp("out") / "case.evidence.zip")


@pytest.fixture(scope="session")
def vkey(layout: Layout) -> str:
    """The log's key."""
    return layout.vkey.read_text().strip()
