"""The owner's own crawlers: where they are looked for, and that a wrong file stops a program."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.crawler_files import SIZE_LIMIT, checked_registry, own_crawlers, registry_in_use
from optout.crawlers.registry import bundled_registry
from optout.errors import RegistryError
from tests.crawlers.test_check import OWN


def named(state: Path | None = None) -> str | None:
    claim = registry_in_use(state).recognize("OwnBot/1.0")
    return claim.crawler.name if claim else None


@pytest.fixture(autouse=True)
def unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of this machine."""
    monkeypatch.delenv("OPTOUT_CRAWLERS", raising=False)


def test_without_a_file_it_is_the_registry_of_the_release(tmp_path: Path) -> None:
    assert registry_in_use(tmp_path) is bundled_registry()
    assert registry_in_use(tmp_path / "nowhere") is bundled_registry()


def test_a_file_in_the_state_directory_adds_to_it_and_is_read_once(tmp_path: Path) -> None:
    own_crawlers(tmp_path).write_text(OWN)
    assert named(tmp_path) == "Own Bot"
    assert registry_in_use(tmp_path) is registry_in_use(tmp_path)


def test_another_state_directory_and_another_file_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own_crawlers(tmp_path).write_text(OWN)
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path))
    assert named() == "Own Bot"
    other = tmp_path / "other.yaml"
    monkeypatch.setenv("OPTOUT_CRAWLERS", str(other))
    with pytest.raises(RegistryError, match="there is no such file"):
        registry_in_use()
    other.write_text(OWN.replace("Own Bot", "Other Bot"))
    assert named() == "Other Bot"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (OWN.replace("[OwnBot]", "[OwnBot, Safari]"), "it takes examples of"),
        (OWN.replace("Own Bot", "GPTBot"), "is claimed by GPTBot"),
        ("operator: [", "not readable as YAML"),
        ("x" * (SIZE_LIMIT + 1), "longer than"),
    ],
)
def test_a_wrong_file_stops_a_program(tmp_path: Path, text: str, expected: str) -> None:
    own_crawlers(tmp_path).write_text(text)
    with pytest.raises(RegistryError, match=expected):
        registry_in_use(tmp_path)


def test_a_check_tells_all_that_is_wrong(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(OWN.replace("[OwnBot]", "[OwnBot, Safari]").replace(".crawl.own.example", ".co.uk"))
    registry, count, faults = checked_registry(file, is_named=True)
    assert (len(registry.crawlers) - len(bundled_registry().crawlers), count, len(faults)) == (1, 1, 3)
    assert checked_registry(tmp_path / "none.yaml", is_named=False) == (bundled_registry(), 0, ())
