"""adapters.policy_files: files, directories, ready stances."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from optout.adapters import policy_files
from optout.adapters.policy_files import load_policy_set, read_policy_files, ready_stances
from optout.crawlers.registry import bundled_registry
from optout.errors import PolicyError, UsageError
from optout.policy.model import Action, PolicySet
from optout.policy.yaml_positions import MAX_BYTES

REGISTRY = bundled_registry()


def _text(site: str, default: str = "deny") -> str:
    return f"version: 1\nmode: enforce\nsites: {site}\ndefault: {default}\non_error: allow\n"


def _default(policies: PolicySet, site: str) -> Action | None:
    found = policies.find(site)
    return found.default if found is not None else None


def test_a_file_is_read_under_its_name_alone(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text("a: b")
    assert read_policy_files(tmp_path / "site.yaml") == {"site.yaml": b"a: b"}


def test_a_directory_is_read_without_what_is_no_policy(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", ".hidden.yaml", "README.md", "c.yaml~"):
        (tmp_path / name).write_text(name)
    (tmp_path / "cases.yaml").mkdir()
    assert read_policy_files(tmp_path) == {"a.yml": b"a.yml", "b.yaml": b"b.yaml"}


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "a.yaml").write_text("a")
    assert list(read_policy_files(tmp_path)) == ["a.yaml"]


@pytest.mark.parametrize("name", ["observe", "no-training", "search-only", "license-required"])
def test_a_ready_stance_is_read_by_its_name(name: str) -> None:
    files = read_policy_files(name)
    assert list(files) == [f"{name}.yaml"]
    assert load_policy_set(name, REGISTRY)[1] == ()


def test_the_ready_stances_are_four() -> None:
    assert ready_stances() == ("license-required", "no-training", "observe", "search-only")


def test_a_file_of_that_name_comes_before_a_ready_stance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "observe").write_text("mine")
    monkeypatch.chdir(tmp_path)
    assert read_policy_files("observe") == {"observe": b"mine"}


@pytest.mark.parametrize("name", ["nothing", "../policies/observe", "Observe", "README", "observe.yaml", ""])
def test_what_is_not_there_is_named_with_the_stances(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    with pytest.raises(UsageError) as caught:
        read_policy_files(name)
    assert "no policy" in caught.value.what


def test_an_empty_directory_is_no_policy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="holds no policy"):
        read_policy_files(tmp_path)


def test_of_a_huge_file_no_more_is_read_than_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"#" * (MAX_BYTES + 1000))
    assert len(read_policy_files(tmp_path / "a.yaml")["a.yaml"]) == MAX_BYTES + 1


def _unreadable(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As root, who runs containers, permissions stop nothing."""
    real = policy_files.read_policy

    def read(place: str) -> bytes:
        if Path(place).name == name:
            raise PermissionError(13, "Permission denied")
        return real(place)

    monkeypatch.setattr(policy_files, "read_policy", read)


def test_a_file_that_cannot_be_read_is_a_fault_of_a_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example"))
    _unreadable(monkeypatch, "a.yaml")
    with pytest.raises(UsageError, match="Permission denied"):
        read_policy_files(tmp_path)
    with pytest.raises(PolicyError) as caught:
        load_policy_set(tmp_path / "a.yaml", REGISTRY)
    assert "Permission denied" in str(caught.value.problems[0])


def test_strict_makes_a_problem_of_one_file_fatal(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(_text("a.example", "block"))
    (tmp_path / "b.yaml").write_text(_text("b.example"))
    policies, problems = load_policy_set(tmp_path, REGISTRY)
    assert len(problems) == 1
    assert _default(policies, "b.example") is Action.DENY
    with pytest.raises(PolicyError):
        load_policy_set(tmp_path, REGISTRY, strict=True)
