"""`optout off`, `on`, `status`: what they write, what they print, and their exit codes."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.adapters.switch import Off, read_switch, write_switch
from optout.cli.main import main
from optout.errors import UsageError


def run(place: Path, *words: str) -> Result:
    """The result of a command on a state directory."""
    return CliRunner().invoke(main, [*words, "--state", str(place)])


def now_us() -> int:
    return time.time_ns() // 1000


def test_off_turns_everything_off_until_on(tmp_path: Path) -> None:
    before = now_us()
    assert run(tmp_path, "off").exit_code == 0
    (entry,) = read_switch(tmp_path)
    assert (entry.site, entry.until_us) == ("*", 0)
    assert before <= entry.since_us <= now_us()
    assert run(tmp_path, "status").exit_code == 1
    assert run(tmp_path, "on").exit_code == 0
    assert read_switch(tmp_path) == ()
    assert run(tmp_path, "status").exit_code == 0


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("15m", 900), ("1h", 3600), ("2d", 172800)])
def test_off_for_a_time_ends_by_itself(tmp_path: Path, text: str, seconds: int) -> None:
    assert run(tmp_path, "off", "--for", text).exit_code == 0
    (entry,) = read_switch(tmp_path)
    assert entry.until_us - entry.since_us == seconds * 1_000_000


def test_a_time_that_is_over_is_no_longer_off(tmp_path: Path) -> None:
    write_switch(tmp_path, (Off(site="*", since_us=1, until_us=2),))
    assert run(tmp_path, "status").exit_code == 0
    assert run(tmp_path, "off", "--site", "site.example").exit_code == 0
    assert [entry.site for entry in read_switch(tmp_path)] == ["site.example"]


def test_a_site_is_off_alone_and_named_as_visitors_do(tmp_path: Path) -> None:
    for name in ("Shop.Example.", "bücher.example:443", "site.example:8443", "shop.example"):
        assert run(tmp_path, "off", "--site", name).exit_code == 0
    sites = [entry.site for entry in read_switch(tmp_path)]
    assert sites == ["xn--bcher-kva.example", "site.example:8443", "shop.example"]
    assert run(tmp_path, "on", "--site", "SHOP.example").exit_code == 0
    assert [entry.site for entry in read_switch(tmp_path)] == sites[:2]
    assert run(tmp_path, "on").exit_code == 0
    assert read_switch(tmp_path) == ()


def test_a_site_cannot_be_on_while_everything_is_off(tmp_path: Path) -> None:
    run(tmp_path, "off")
    result = run(tmp_path, "on", "--site", "shop.example")
    assert isinstance(result.exception, UsageError)
    assert "optout on" in result.exception.remedy


@pytest.mark.parametrize(
    "words",
    [
        ("--for", "soon"),
        ("--for", "0h"),
        ("--for", "1.5h"),
        ("--for", "-1h"),
        ("--for", "99999999d"),
        ("--site", "a b"),
        ("--site", "http://x/"),
        ("--site", ""),
    ],
)
def test_words_that_make_no_sense_change_nothing(tmp_path: Path, words: tuple[str, ...]) -> None:
    result = run(tmp_path, "off", *words)
    assert isinstance(result.exception, UsageError)
    assert result.exception.remedy
    assert read_switch(tmp_path) == ()


def test_status_says_what_is_off_and_since_when(tmp_path: Path) -> None:
    assert "on" in run(tmp_path, "status").output
    write_switch(
        tmp_path,
        (
            Off(site="*", since_us=1_764_000_000_000_000, until_us=4_000_000_000_000_000),
            Off(site="shop.example", since_us=1_764_000_000_000_000),
        ),
    )
    output = run(tmp_path, "status").output
    assert "every site, until 2096-10-02 07:06:40Z, since 2025-11-24 16:00:00Z" in output
    assert "shop.example, until it is turned on" in output
    assert str(tmp_path) in output


def test_a_switch_that_cannot_be_read_is_told_apart(tmp_path: Path) -> None:
    (tmp_path / "off.json").write_text("garbage")
    result = run(tmp_path, "status")
    assert result.exit_code == 1
    assert "cannot be read" in result.output


@pytest.mark.parametrize(("command", "code"), [("off", 0), ("status", 1), ("on", 0)])
def test_json_says_the_same_to_a_program(tmp_path: Path, command: str, code: int) -> None:
    write_switch(tmp_path, (Off(site="*", since_us=5),) if command == "status" else ())
    result = run(tmp_path, command, "--json")
    assert result.exit_code == code
    told = json.loads(result.output)
    assert told["on"] is (command == "on")
    assert told["state"] == str(tmp_path)
    if command == "status":
        assert told["off"] == [{"site": "*", "since_us": 5, "until_us": None}]


def test_the_state_directory_is_the_usual_one_unless_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path / "usual"))
    assert CliRunner().invoke(main, ["off"]).exit_code == 0
    assert (tmp_path / "usual" / "off.json").exists()
