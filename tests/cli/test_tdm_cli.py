"""`optout tdm explain` and `optout tdm lint`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main

FILE = """[
  {"location": "/press/*", "tdm-reservation": 0},
  {"location": "/*", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}
]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "tdmrep.json"
    path.write_text(FILE)
    return path


def _run(*words: str | Path, data: str = "") -> Result:
    return CliRunner().invoke(main, ["tdm", *map(str, words)], input=data)


def test_the_rule_that_counts_is_named_and_those_that_do_not(file: Path) -> None:
    done = _run("explain", file, "https://site.example/press/1")
    assert done.exit_code == 0
    assert "/press/1 is not reserved" in done.output
    assert f"counts   {file}:2  /press/*" in done.output
    assert f"not      {file}:3  /*" in done.output


def test_a_reservation_is_exit_code_1_and_has_its_terms(file: Path) -> None:
    done = _run("explain", file, "/gallery/1")
    assert done.exit_code == 1
    assert "terms    https://site.example/tdm.json" in done.output


def test_unset_is_said_to_be_no_permission() -> None:
    done = _run("explain", "-", "/x", data='[{"location": "/a", "tdm-reservation": 0}]')
    assert done.exit_code == 0
    assert "unset is never permission" in done.output


def test_explain_for_a_program(file: Path) -> None:
    told = json.loads(_run("explain", file, "/x", "--json").output)
    assert (told["reserved"], told["rule"]["line"], told["policy"]) == ("reserved", 3, "https://site.example/tdm.json")


def test_lint_finds_and_mends(file: Path) -> None:
    assert _run("lint", file).output == "nothing found\n"
    file.write_text("\ufeff" + FILE.replace("1,", '"1",'), encoding="utf-8")
    done = _run("lint", file, "--fix")
    assert done.exit_code == 1
    assert f"{file}:3: error TD105" in done.output
    assert "TD103" not in done.output
    assert not file.read_bytes().startswith(b"\xef\xbb\xbf")


def test_render_writes_the_same_in_one_form(file: Path) -> None:
    file.write_text('[{"location": "/%61", "tdm-reservation": 1}, {"location": "/b", "tdm-reservation": "1"}]')
    done = _run("render", file)
    assert json.loads(done.stdout) == [{"location": "/a", "tdm-reservation": 1}]
    assert "1 faults in what was read" in done.stderr
    told = json.loads(_run("render", "-", "--json", data="[]").output)
    assert told == {"text": "[]\n", "faults": []}
