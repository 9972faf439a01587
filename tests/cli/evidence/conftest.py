"""One log for all tests of `optout evidence`, a copy for each."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.evidence.setting import HOSTILE
from tests.evidence.setting import SOON_S, crawl, fill, open_log


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("cli") / "evidence"
    fill(home, 4)
    log = open_log(home)
    log.append(crawl(50, **{"url.path": "/x" + HOSTILE, "server.address": "example.org"})).result(SOON_S)
    log.close()
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Path:
    shutil.copytree(template, tmp_path / "evidence")
    return tmp_path / "evidence"
