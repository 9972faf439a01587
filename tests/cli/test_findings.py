"""Findings as a shell or a workflow gets them: `optout robots lint`; `tdm lint` shares all of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from optout.cli.main import main

BAD = b"User-agent: GPTBot, CCBot\nDisallow: /caf\xc3\xa9\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "robots.txt"
    path.write_bytes(BAD)
    return path


def _run(*words: str | Path, data: bytes = b"") -> Result:
    return CliRunner().invoke(main, ["robots", "lint", *map(str, words)], input=data)


def test_findings_name_file_line_code_and_why(file: Path) -> None:
    done = _run(file)
    assert done.exit_code == 1
    assert f"{file}:1: error RT110" in done.output
    assert "RT113" in done.output
    assert "[--fix]" in done.output


def test_nothing_and_notes_alone_are_a_success(file: Path) -> None:
    file.write_bytes(b"User-agent: *\nDisallow: /a\n")
    assert (_run(file).exit_code, _run(file).output) == (0, "nothing found\n")
    file.write_bytes(b"User-agent: *\nDisallow: /a%2Fb\n")
    assert _run(file).exit_code == 0


def test_json_has_the_public_fields(file: Path) -> None:
    told = json.loads(_run(file, "--json").output)
    assert set(told[0]) == {"file", "code", "severity", "line", "column", "title", "text", "fixable"}
    assert json.loads(_run(file, "--format", "json").output) == told


def test_github_gets_its_annotations(file: Path) -> None:
    lines = _run(file, "--format", "github").output.splitlines()
    assert any(line.startswith(f"::error file={file},line=1,title=RT110::") for line in lines)
    assert any(line.startswith("::notice ") for line in lines)


def test_fix_mends_the_file_and_tells_what_is_left(file: Path) -> None:
    done = _run(file, "--fix")
    assert file.read_bytes() == BAD.replace(b"\xc3\xa9", b"%C3%A9")
    assert "RT110" in done.output
    assert "RT113" not in done.output


def test_fix_of_standard_input_goes_to_standard_output() -> None:
    done = _run("-", "--fix", data=BAD)
    assert done.stdout_bytes == BAD.replace(b"\xc3\xa9", b"%C3%A9")
    assert "RT110" in done.stderr


def test_nothing_of_a_stranger_s_reaches_the_terminal_as_it_is(file: Path) -> None:
    file.write_bytes(b"User-agent: \x1b[31m,\xe2\x80\xae\nDisallow: /\x07\n")
    output = _run(file).output
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "\x07" not in output


def test_several_files_are_told_apart(file: Path, tmp_path: Path) -> None:
    sound = tmp_path / "sound.txt"
    sound.write_text("User-agent: *\nDisallow: /a\n")
    told = json.loads(_run(sound, file, "--json").output)
    assert {finding["file"] for finding in told} == {str(file)}
    assert _run(sound, sound).exit_code == 0


def test_the_hooks_for_pre_commit_call_commands_that_there_are() -> None:
    hooks = yaml.safe_load((Path(__file__).parents[2] / ".pre-commit-hooks.yaml").read_text())
    assert [hook["entry"] for hook in hooks] == ["optout robots lint", "optout tdm lint"]
    for hook in hooks:
        _, group, name = hook["entry"].split()
        assert CliRunner().invoke(main, [group, name, "--help"]).exit_code == 0
    assert re.search(hooks[0]["files"], "public/robots.txt")
    assert not re.search(hooks[0]["files"], "docs/norobots.txt.md")
    assert re.search(hooks[1]["files"], "static/.well-known/tdmrep.json")
