"""What `optout serve` says at its start: mode, policies, evidence, and how to turn it off."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.adapters.serve_options import ServeOptions
from optout.cli.announcement import announcement, log_to_stderr
from optout.errors import PolicyError

SOUND = "version: 1\nmode: enforce\ndefault: deny\non_error: refuse\nsites: [{site}]\n"


def _options(place: Path, **options: object) -> ServeOptions:
    settings = {"upstream": "http://127.0.0.1:8000", "state": place / "my state", "evidence": place / "log", **options}
    return ServeOptions(**settings)  # type: ignore[arg-type]


def test_a_person_reads_what_it_does_and_how_to_stop_it(tmp_path: Path) -> None:
    text = announcement(_options(tmp_path, policy="no-training"), "aiohttp").text("http://127.0.0.1:8080")
    assert text.splitlines() == [
        "optout serves http://127.0.0.1:8080 in front of http://127.0.0.1:8000",
        "  mode      enforce",
        "  policy    no-training.yaml: enforce for every site",
        f"  evidence  {tmp_path}/log",
        f"  turn off  optout off --state '{tmp_path}/my state'",
        f"  turn on   optout on --state '{tmp_path}/my state'",
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "no --policy was given"),
        ({"policy": "observe"}, "the policy says so"),
        ({"policy": "no-training", "observe_only": True}, "OPTOUT_MODE overrides"),
    ],
)
def test_it_says_when_nobody_is_refused_and_why(tmp_path: Path, options: dict[str, object], words: str) -> None:
    found = announcement(_options(tmp_path, **options), "aiohttp")
    assert words in found.text("x")
    assert "nobody is refused" in found.text("x")


def test_it_says_when_no_evidence_is_kept(tmp_path: Path) -> None:
    found = announcement(_options(tmp_path, evidence=None), "aiohttp")
    assert "none is kept" in found.text("x")
    assert found.facts["evidence"] is None


def test_a_broken_file_in_a_directory_is_named_and_the_others_stand(tmp_path: Path) -> None:
    directory = tmp_path / "policies"
    directory.mkdir()
    (directory / "a.yaml").write_text(SOUND.format(site="a.example"))
    (directory / "b.yaml").write_text("sites: [b.example]\nversion: 1\nmoed: enforce\n")
    found = announcement(_options(tmp_path, policy=directory), "aiohttp")
    assert "a.yaml: enforce for a.example" in found.text("x")
    assert "b.yaml:3" in found.text("x")
    assert any("moed" in str(problem) for problem in found.facts["problems"])  # type: ignore[attr-defined]


def test_a_broken_policy_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("version: 2\n")
    with pytest.raises(PolicyError):
        announcement(_options(tmp_path, policy=tmp_path / "policy.yaml"), "aiohttp")


def test_several_workers_are_said(tmp_path: Path) -> None:
    found = announcement(_options(tmp_path, policy="no-training"), "aiohttp", 4)
    assert "4 processes share the port" in found.text("http://127.0.0.1:8080")
    assert found.facts["workers"] == 4


def test_a_program_reads_the_same(tmp_path: Path) -> None:
    facts = announcement(_options(tmp_path, policy="no-training"), "mitmproxy").facts
    assert facts == {
        "upstream": "http://127.0.0.1:8000",
        "engine": "mitmproxy",
        "workers": 1,
        "mode": "enforce",
        "policies": [{"file": "no-training.yaml", "mode": "enforce", "sites": ["*"]}],
        "problems": [],
        "evidence": str(tmp_path / "log"),
        "state": str(tmp_path / "my state"),
    }


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """The project's logger as it was, afterwards."""
    found = logging.getLogger("optout")
    before = list(found.handlers), found.level, found.propagate
    yield found
    found.handlers[:], found.level, found.propagate = before


def test_what_the_door_has_to_tell_goes_to_stderr(log: logging.Logger, capsys: pytest.CaptureFixture[str]) -> None:
    log_to_stderr()
    log.warning("the disk is full")
    assert capsys.readouterr().err == "optout: the disk is full\n"
