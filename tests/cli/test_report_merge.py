"""`optout report --merge`: real bundles of two sites, one of them spoiled."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import EvidenceError
from tests.cli.evidence.setting import run
from tests.cli.test_report_visits import log_of_visits


def _run(*words: object) -> Result:
    return CliRunner().invoke(main, ["report", "--merge", *map(str, words)])


@pytest.fixture
def bundles(tmp_path: Path) -> tuple[Path, Path]:
    made = []
    for name in ("a", "b"):
        home = log_of_visits(tmp_path / name)
        done = run("bundle", home, "-o", tmp_path / f"{name}.zip")
        assert done.exit_code == 0, done.output
        made.append(tmp_path / f"{name}.zip")
    return made[0], made[1]


def test_two_sound_bundles_make_one_sheet_per_operator(bundles: tuple[Path, Path], tmp_path: Path) -> None:
    keys = [word for name in ("a", "b") for word in ("--key", (tmp_path / name / "vkey").read_text().strip())]
    done = _run(*bundles, *keys)
    assert done.exit_code == 0, done.output
    page = done.stdout_bytes.decode()
    assert page.count("<td>sound</td>") == 2
    assert "<h2>OpenAI</h2>" in page
    assert '<td class="n">4</td>' in page  # two visits of GPTBot in each log
    assert "/secret" not in page


def test_without_its_key_a_bundle_is_counted_and_says_what_is_open(bundles: tuple[Path, Path]) -> None:
    done = _run(*bundles)
    assert done.exit_code == 0, done.output
    assert done.stdout_bytes.decode().count("its key was not given from elsewhere") == 2


def test_a_spoiled_bundle_is_named_and_nothing_of_it_is_counted(bundles: tuple[Path, Path]) -> None:
    data = bundles[1].read_bytes()
    bundles[1].write_bytes(data.replace(b"GPTBot/1.0", b"GPTBot/9.9"))
    done = _run(*bundles)
    assert done.exit_code == 1
    page = done.stdout_bytes.decode()
    assert '<td class="alarm">not sound</td>' in page
    assert '<td class="n">2</td>' in page
    assert '<td class="n">4</td>' not in page


def test_what_is_no_bundle_is_not_sound_and_what_is_not_there_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04 no bundle")
    assert _run(tmp_path / "x.zip").exit_code == 1
    assert isinstance(_run(tmp_path / "none.zip").exception, EvidenceError)
