"""`optout rsl explain` and `optout rsl lint`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main

FILE = """<rsl xmlns="https://rslstandard.org/rsl">
  <content url="/">
    <license>
      <permits type="usage">search ai-index</permits>
      <prohibits type="usage">ai-train</prohibits>
    </license>
    <license>
      <permits type="usage">ai-input</permits>
      <payment type="crawl"><custom>https://site.example/buy</custom><amount currency="EUR">0.01</amount></payment>
    </license>
    <copyright type="person">Studio</copyright>
    <terms>https://site.example/terms</terms>
  </content>
  <content url="/press/"><license><permits type="usage">all</permits></license></content>
</rsl>
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "license.xml"
    path.write_text(FILE)
    return path


def _run(*words: str | Path, data: str = "") -> Result:
    return CliRunner().invoke(main, ["rsl", *map(str, words)], input=data)


def test_the_content_that_counts_is_named_and_what_it_says_of_each_use(file: Path) -> None:
    done = _run("explain", file, "https://site.example/gallery/1")
    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.output.splitlines()]
    assert lines == [
        "/gallery/1",
        f"train disallowed {file}:5 prohibits ai-train",
        f"input disallowed {file}:8 permits ai-input on conditions (payment: crawl)",
        f"index allowed {file}:4 permits search ai-index",
        f"search allowed {file}:4 permits search ai-index",
        "mine unknown nothing is said",
        f"counts {file}:2 / (the most specific)",
        f"license {file}:3 free, without conditions",
        f"license {file}:7 payment: crawl; 0.01 EUR",
        "at https://site.example/buy",
        "terms https://site.example/terms",
        "rights Studio",
    ]


def test_the_most_specific_content_counts_and_the_other_is_told(file: Path) -> None:
    done = _run("explain", file, "/press/1")
    assert done.exit_code == 0
    assert f"counts   {file}:14  /press/" in done.output
    assert f"not      {file}:2  /" in done.output


@pytest.mark.parametrize(("usage", "code"), [("train", 1), ("search", 0), ("mine", 0)])
def test_one_use_alone_decides_the_exit_code(file: Path, usage: str, code: int) -> None:
    done = _run("explain", file, "/a", "--usage", usage, "--json")
    assert done.exit_code == code
    assert list(json.loads(done.output)["uses"]) == [usage]


def test_silence_is_said_to_be_neither() -> None:
    done = _run("explain", "-", "/a", data="<html/>")
    assert done.exit_code == 0
    assert "silence is neither permission nor prohibition" in done.output
    assert "so nothing that it permits counts" in done.output


def test_explain_for_a_program(file: Path) -> None:
    told = json.loads(_run("explain", file, "/x", "--json").output)
    assert told["uses"]["input"] == {
        "preference": "disallowed",
        "line": 8,
        "text": "permits ai-input on conditions (payment: crawl)",
    }
    assert told["contents"][0]["licenses"][1]["price"] == "0.01 EUR"
    assert (told["sound"], told["faults"], told["max_age"]) == (True, [], 30)


def test_what_a_stranger_wrote_is_printed_safely() -> None:
    evil = "\u202e\u0085x"
    data = FILE.replace("Studio", evil).replace('url="/"', f'url="/*{evil}"').replace("0.01", evil)
    for words in (("explain", "-", f"/{evil}"), ("lint", "-")):
        output = _run(*words, data=data).output
        assert "\u202e" not in output
        assert "\u0085" not in output


def test_lint_finds(file: Path) -> None:
    assert _run("lint", file).output == "nothing found\n"
    file.write_text(FILE.replace("ai-input<", "ai-use<"))
    done = _run("lint", file)
    assert done.exit_code == 1
    assert f"{file}:8: error RL110" in done.output
    assert "was ai-input meant?" in done.output
    assert _run("lint", file, "--format", "github").output.startswith("::error file=")
    assert _run("lint", file, "--fix").exit_code == 2
