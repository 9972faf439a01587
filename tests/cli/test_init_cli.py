"""`optout init` as an owner types it: questions, or options and --yes, and the way back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.adapters.init.answers import Front
from optout.cli import init as command
from optout.cli.init import init
from optout.errors import UsageError


def _run(*words: object, says: str = "") -> Result:
    return CliRunner().invoke(init, [str(word) for word in words], input=says)


def _silent(place: Path, *more: object) -> Result:
    kept = ("--evidence", place / "evidence", "--state", place / "state", "--origin", "http://127.0.0.1:1")
    return _run(place / "optout", "--yes", "--site", "photos.example", *kept, *more)


def test_the_fronts_and_stances_of_the_options_are_those_that_exist() -> None:
    assert list(command._FRONTS) == [front.value for front in Front]


def test_with_options_and_yes_nothing_is_asked(tmp_path: Path) -> None:
    done = _silent(tmp_path, "--front", "nginx")
    assert done.exit_code == 0, done.output
    assert "Next:" in done.output
    assert f"include {tmp_path}/optout/route-server.conf;" in done.output
    assert (tmp_path / "optout" / "policy.yaml").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"optout"}


def test_the_unit_starts_a_program_that_is_there(tmp_path: Path) -> None:
    _silent(tmp_path, "--front", "nothing")
    (line,) = (
        each for each in (tmp_path / "optout" / "optout.service").read_text().splitlines() if "ExecStart" in each
    )
    assert os.access(line.removeprefix("ExecStart=").split()[0], os.X_OK)


def test_as_json_it_names_files_lines_and_losses(tmp_path: Path) -> None:
    found = json.loads(_silent(tmp_path, "--front", "haproxy", "--json", "--enforce").output)
    assert found["front"] == "haproxy"
    assert len(found["next"]) == 3
    assert found["undo"][-1] == f"sudo optout init --undo {tmp_path}/optout"
    assert {"code", "text", "remedy"} == set(found["losses"][0])


def test_the_check_asks_with_the_scheme_that_the_site_answers(tmp_path: Path) -> None:
    assert "sudo optout doctor http://photos.example/ " in _silent(tmp_path, "--front", "nginx").output


def test_what_a_changed_policy_needs_depends_on_who_decides(tmp_path: Path) -> None:
    routed = _silent(tmp_path / "a", "--front", "nginx").output
    assert "A changed policy is in force within a second." in routed
    compiled = _silent(tmp_path / "b", "--front", "haproxy").output
    assert "After each change of the policy or of robots.txt:" in compiled


def test_going_back_names_the_user_of_the_services_where_there_is_one(tmp_path: Path) -> None:
    _silent(tmp_path / "a", "--front", "nginx")
    assert "sudo userdel optout" in (tmp_path / "a" / "optout" / "UNDO.md").read_text()
    _silent(tmp_path / "b", "--front", "wsgi")
    page = (tmp_path / "b" / "optout" / "UNDO.md").read_text()
    assert "userdel" not in page
    assert "    optout init --undo" in page


def test_the_questions_have_answers_that_were_found(tmp_path: Path) -> None:
    answers = ["nothing", "photos.example www.photos.example", "search-only", "http://127.0.0.1:3000", "n", "", "", ""]
    done = _run(tmp_path / "optout", "--state", tmp_path / "state", says="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "optout" / "policy.yaml").read_text()
    assert 'sites: ["photos.example", "www.photos.example"]' in text
    assert "id: search-only" in text
    assert "mode: enforce" in text
    assert str(tmp_path / "state" / "evidence") in (tmp_path / "optout" / "optout.service").read_text()


def test_who_ends_the_questions_early_has_nothing_written(tmp_path: Path) -> None:
    done = _run(tmp_path / "optout", says="nothing\n")
    assert done.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_undoing_tells_what_is_gone_and_what_stays(tmp_path: Path) -> None:
    _silent(tmp_path, "--front", "nothing")
    (tmp_path / "optout" / "policy.yaml").write_text("changed")
    done = _run(tmp_path / "optout", "--undo")
    assert "removed  optout.service" in done.output
    assert "kept     policy.yaml" in done.output
    assert json.loads(_run_again(tmp_path).output) == {
        "removed": ["policy.yaml", "optout.service", "UNDO.md"],
        "kept": [],
    }


def _run_again(tmp_path: Path) -> Result:
    (tmp_path / "optout" / "policy.yaml").unlink()
    _silent(tmp_path, "--front", "nothing")
    return _run(tmp_path / "optout", "--undo", "--json")


@pytest.mark.parametrize(
    "more",
    [
        ("--site", "two words"),
        ("--site", "photos.example:8443"),
        ("--origin", "ftp://127.0.0.1"),
        ("--origin", "http://127.0.0.1/path"),
        ("--contact", "two\nlines"),
    ],
)
def test_an_answer_that_cannot_be_used_is_an_error_in_words(tmp_path: Path, more: tuple[str, str]) -> None:
    done = _silent(tmp_path, "--front", "nothing", *more)
    assert isinstance(done.exception, UsageError), done.output
    assert list(tmp_path.iterdir()) == []


def test_a_site_without_a_name_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from optout.adapters.init import detect as init_detect

    monkeypatch.setattr(init_detect, "detect", lambda: init_detect.Detected(front=Front.NOTHING))
    done = _run(tmp_path / "optout", "--yes")
    assert isinstance(done.exception, UsageError)
