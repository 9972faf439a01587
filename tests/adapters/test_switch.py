"""The off switch: a file that any door sees, whoever wrote it, and that fails towards off."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.adapters.switch import Off, Switch, default_state_directory, read_switch, write_switch
from optout.errors import UsageError

NOW = 1_764_000_000_000_000


def test_nothing_is_off_where_nobody_wrote_a_file(tmp_path: Path) -> None:
    assert read_switch(tmp_path / "none") == ()
    switch = Switch(tmp_path / "none")
    switch.look()
    assert not switch.is_off("site.example", NOW)


@pytest.mark.parametrize(
    ("off", "authority", "now_us", "expected"),
    [
        (Off(site="*", since_us=NOW), "site.example", NOW, True),
        (Off(site="*", since_us=NOW), "", NOW, True),
        (Off(site="site.example", since_us=NOW), "site.example", NOW, True),
        (Off(site="site.example", since_us=NOW), "site.example:8443", NOW, True),
        (Off(site="site.example:8443", since_us=NOW), "site.example", NOW, False),
        (Off(site="site.example", since_us=NOW), "www.site.example", NOW, False),
        (Off(site="*", since_us=NOW, until_us=NOW + 5), "site.example", NOW + 4, True),
        (Off(site="*", since_us=NOW, until_us=NOW + 5), "site.example", NOW + 5, False),
    ],
)
def test_a_site_is_off_for_its_time(off: Off, authority: str, now_us: int, expected: bool) -> None:
    assert off.holds(authority, now_us) is expected


def test_a_door_sees_what_another_process_wrote(tmp_path: Path) -> None:
    switch, state = Switch(tmp_path / "state"), tmp_path / "state"
    seen = []
    for entries in ((Off(site="*", since_us=NOW),), (), (Off(site="site.example", since_us=NOW, until_us=NOW + 9),)):
        write_switch(state, entries)
        switch.look()
        seen.append((switch.entries, read_switch(state)))
        assert seen[-1] == (entries, entries)
    assert switch.is_off("site.example", NOW)


def test_a_door_reads_the_file_only_when_it_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_switch(tmp_path, (Off(site="*", since_us=NOW),))
    switch = Switch(tmp_path)
    switch.look()
    monkeypatch.setattr("optout.adapters.switch.read_switch", lambda _: pytest.fail("it was read again"))
    switch.look()
    assert switch.is_off("site.example", NOW)


def test_asking_a_door_touches_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    switch = Switch(tmp_path)
    monkeypatch.setattr(Path, "stat", lambda *_: pytest.fail("the disk was asked"))
    assert not switch.is_off("site.example", NOW)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"off",
        b"\xff\xfe",
        b"[]",
        b"{}",
        b'{"off": 1}',
        b'{"off": [{}]}',
        b'{"off": [1]}',
        b'{"off": [{"site": "*", "since_us": null}]}',
        b"[" * 100_000,
    ],
)
def test_a_file_that_cannot_be_understood_means_off(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "off.json").write_bytes(data)
    (entry,) = read_switch(tmp_path)
    assert entry.holds("site.example", NOW)


def test_a_file_that_cannot_be_read_means_off(tmp_path: Path) -> None:
    (tmp_path / "off.json").mkdir()
    switch = Switch(tmp_path)
    switch.look()
    assert switch.is_off("site.example", NOW)


def test_a_state_directory_that_cannot_be_written_is_the_operator_s_fault(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(UsageError) as refused:
        write_switch(tmp_path / "state", (Off(site="*", since_us=NOW),))
    assert "--state" in refused.value.remedy


def test_writing_replaces_the_file_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    write_switch(tmp_path, (Off(site="*", since_us=NOW),))
    write_switch(tmp_path, (Off(site="site.example", since_us=NOW),))
    assert [path.name for path in tmp_path.iterdir()] == ["off.json"]
    write_switch(tmp_path, ())
    assert list(tmp_path.iterdir()) == []


def test_the_state_directory_is_the_one_named_or_the_service_s_or_the_user_s(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPTOUT_STATE", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert default_state_directory() == Path("/var/lib/optout")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", "/home/owner")
    assert default_state_directory() == Path("/home/owner/.local/state/optout")
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert default_state_directory() == Path("/state/optout")
    monkeypatch.setenv("STATE_DIRECTORY", "/var/lib/service:/var/lib/other")
    assert default_state_directory() == Path("/var/lib/service")
    monkeypatch.setenv("OPTOUT_STATE", "/named")
    assert default_state_directory() == Path("/named")
