"""`optout policy diff`: two policies, every known crawler, and the answers that differ."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main

HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"
STRICT = HEAD + "clauses:\n  - {id: no-training, action: deny, purpose: train, path: /gallery/}\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "old.yaml").write_text(HEAD)
    (tmp_path / "new.yaml").write_text(STRICT)
    (tmp_path / "urls").write_text("/gallery/1\n/gallery/2\n/about\n")
    return tmp_path


def _run(place: Path, *words: str | Path) -> Result:
    return CliRunner().invoke(
        main, ["policy", "diff", str(place / "old.yaml"), str(place / "new.yaml"), *map(str, words)]
    )


def test_who_is_told_something_else_is_named_once_for_all_pages(place: Path) -> None:
    done = _run(place, "--urls", place / "urls")
    assert done.exit_code == 1
    assert "GPTBot (OpenAI, train): allow (200) -> deny (403)" in done.output
    assert "2 pages, as https://site.example/gallery/1" in done.output
    assert "Googlebot" not in done.output
    assert "person" not in done.output


def test_for_a_program(place: Path) -> None:
    told = json.loads(_run(place, "--urls", place / "urls", "--json").output)
    assert told["asked"] == 3
    change = next(each for each in told["changes"] if each["visitor"].startswith("GPTBot"))
    assert set(change) == {"visitor", "before", "after", "why", "example", "pages"}
    assert change["pages"] == 2


def test_a_policy_against_itself_changes_nothing(place: Path) -> None:
    (place / "new.yaml").write_text(HEAD)
    assert (_run(place).exit_code, _run(place).output) == (0, "nothing changes\n")


def test_ready_stances_have_names_and_what_the_site_publishes_counts(place: Path) -> None:
    (place / "robots.txt").write_text("User-agent: CCBot\nDisallow: /\n")
    done = CliRunner().invoke(
        main,
        ["policy", "diff", "no-training", "license-required", "--robots", str(place / "robots.txt"), "--json"],
    )
    assert done.exit_code == 1
    assert json.loads(done.output)["changes"]


def test_only_observed_is_a_change_of_its_own(place: Path) -> None:
    (place / "old.yaml").write_text(STRICT.replace("enforce", "observe"))
    assert "only observed -> deny (403)" in _run(place, "--urls", place / "urls").output


def test_too_many_pages_are_refused(place: Path) -> None:
    (place / "urls").write_text("/a\n" * 2_001)
    assert _run(place, "--urls", place / "urls").exit_code != 0
