"""Switch, policy, registry, clock and the log's disk, as they are on this machine."""

from __future__ import annotations

import os
from ipaddress import ip_network
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from optout.adapters.doctor import local as doctor_local
from optout.adapters.doctor.findings import Level
from optout.adapters.doctor.local import (
    look_at_clock,
    look_at_lists,
    look_at_log,
    look_at_policy,
    look_at_registry,
    look_at_switch,
)
from optout.adapters.doctor.watch import Door
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.adapters.switch import Off, write_switch
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.crawlers.registry import bundled_registry
from tests.evidence.setting import fill

REGISTRY = bundled_registry()
DOOR = Door(
    software="optout test",
    pid=1,
    policy="",
    trusted=[],
    forwarded_field="x-forwarded-for",
    observe_only=False,
    log_writable=True,
    log_max=1000,
)


def _levels(findings: Any) -> dict[str, Level]:
    return {finding.code: finding.level for finding in findings}


def test_a_switch_that_is_off_is_told_until_its_time_is_over(tmp_path: Path) -> None:
    assert _levels(look_at_switch(tmp_path, 10)) == {"off": Level.OK}
    write_switch(tmp_path, (Off(site="site.example", since_us=1, until_us=20),))
    assert _levels(look_at_switch(tmp_path, 10)) == {"off": Level.WARNING}
    assert _levels(look_at_switch(tmp_path, 20)) == {"off": Level.OK}


def test_a_policy_that_does_not_load_is_told_with_each_problem(tmp_path: Path) -> None:
    (tmp_path / "broken.yaml").write_text("version: 1\nmode: enforced\n")
    policies, (found,) = look_at_policy(str(tmp_path / "broken.yaml"), REGISTRY)
    assert policies is None
    assert found.level is Level.FAULT
    assert found.lines[0].startswith("optout policy check")
    assert any("mode" in line for line in found.lines)


def test_a_directory_with_one_broken_policy_keeps_the_others(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\nmode: enforced\nsites: [a.example]\n")
    sound = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\nsites: [b.example]\n"
    (tmp_path / "b.yaml").write_text(sound)
    policies, (found,) = look_at_policy(str(tmp_path), REGISTRY)
    assert policies is not None
    assert policies.find("b.example") is not None
    assert found.level is Level.FAULT


@pytest.mark.parametrize("name", ["no-training", "observe"])
def test_a_ready_stance_loads(name: str) -> None:
    policies, (found,) = look_at_policy(name, REGISTRY)
    assert policies is not None
    assert found.level is Level.OK


def test_a_policy_that_is_not_there_is_told() -> None:
    _, (found,) = look_at_policy("/nowhere/policy.yaml", REGISTRY)
    assert found.level is Level.FAULT


def test_a_list_of_crawlers_grows_old() -> None:
    assert _levels(look_at_registry(REGISTRY, now_us())) == {"registry": Level.OK}
    in_a_year = now_us() + 365 * 86_400 * 1_000_000
    assert _levels(look_at_registry(REGISTRY, in_a_year)) == {"registry": Level.WARNING}


@pytest.mark.parametrize(
    ("fields", "level"),
    [
        ({"clock.sync": False}, Level.WARNING),
        ({"clock.sync": True, "clock.err_us": 1500}, Level.OK),
        ({"clock.src": "system"}, Level.OK),
    ],
)
def test_a_clock_that_nobody_keeps_is_told(
    fields: dict[str, object], level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor_local, "clock_fields", lambda: fields)
    assert _levels(look_at_clock()) == {"clock": level}


def test_this_machine_s_clock_can_be_asked() -> None:
    assert list(_levels(look_at_clock())) == ["clock"]


@pytest.mark.parametrize(
    ("other", "level"),
    [
        ({}, Level.OK),
        ({"log_writable": False}, Level.FAULT),
        ({"log_trouble": "the log cannot be written: No space left on device"}, Level.FAULT),
        ({"log_used": 950}, Level.WARNING),
    ],
)
def test_a_log_is_as_its_door_says(tmp_path: Path, other: dict[str, Any], level: Level) -> None:
    fill(tmp_path / "evidence", 1)
    door = msgspec.structs.replace(DOOR, evidence=str(tmp_path / "evidence"), **other)
    assert _levels(look_at_log((door,), None))["log"] is level


def test_a_door_without_evidence_is_told() -> None:
    assert _levels(look_at_log((DOOR,), None)) == {"log": Level.WARNING}


def test_the_disk_of_the_log_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "evidence", 1)
    for free, level in ((500_000_000, Level.OK), (1_000, Level.WARNING)):
        status = SimpleNamespace(f_bavail=free, f_frsize=4096, f_blocks=600_000_000)
        monkeypatch.setattr(os, "statvfs", lambda _path, status=status: status)
        assert _levels(look_at_log((), tmp_path / "evidence")) == {"log-disk": level}


def test_a_directory_without_a_log_is_told(tmp_path: Path) -> None:
    assert _levels(look_at_log((), tmp_path / "nothing")) == {"log-disk": Level.WARNING}


def test_missing_lists_and_old_ones_are_told_with_the_command(tmp_path: Path) -> None:
    (missing,) = look_at_lists(tmp_path, now_us())
    assert missing.level is Level.WARNING
    assert "optout crawlers update" in str(missing)
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    write_list(list_directory(tmp_path), take_snapshot("https://openai.com/gptbot.json", b"", found, now_us()))
    assert _levels(look_at_lists(tmp_path, now_us())) == {"lists": Level.OK}
    in_a_year = now_us() + 365 * 86_400 * 1_000_000
    assert _levels(look_at_lists(tmp_path, in_a_year)) == {"lists": Level.WARNING}
