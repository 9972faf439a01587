"""The rules for Prometheus and the guide's table name metrics that a door really tells."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from optout.adapters.stats.metrics import exposition
from tests.adapters.stats_values import full

ROOT = Path(__file__).parent.parent
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
TOLD = exposition(full(), is_ready=True).decode()
METRICS = set(re.findall(r"^# TYPE (\w+) ", TOLD, re.MULTILINE))
SAMPLES = set(re.findall(r"^(\w+)[{ ]", TOLD, re.MULTILINE))
SEVERITIES = {"critical", "warning", "info"}


def _name(rule: dict[str, Any]) -> str:
    return str(rule["alert"])


def test_each_alert_has_a_name_of_its_own() -> None:
    names = [_name(rule) for rule in RULES]
    assert len(names) == len(set(names)) > 10
    assert all(re.fullmatch(r"Optout[A-Z][A-Za-z]+", name) for name in names)


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_an_alert_looks_at_what_a_door_tells(rule: dict[str, Any]) -> None:
    names = set(re.findall(r"\boptout_\w+", rule["expr"]))
    assert names
    assert names <= SAMPLES


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_an_alert_compares_labels_that_the_metric_has(rule: dict[str, Any]) -> None:
    for name, selector in re.findall(r"\b(optout_\w+)\{([^}]*)\}", rule["expr"]):
        for label, value in re.findall(r'(\w+)="([^"]*)"', selector):
            assert re.search(rf'^{name}\{{[^}}]*\b{label}="{value}"', TOLD, re.MULTILINE)


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_an_alert_says_how_bad_it_is_and_what_to_do(rule: dict[str, Any]) -> None:
    assert rule.keys() <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in SEVERITIES
    assert re.fullmatch(r"[1-9]\d*[smhd]", rule.get("for", "1m"))
    summary, description = rule["annotations"]["summary"], rule["annotations"]["description"]
    assert len(summary) <= 100
    assert description.endswith(".")
    assert len(description) > len(summary)


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_the_parentheses_of_an_expression_match(rule: dict[str, Any]) -> None:
    depth = 0
    for character in rule["expr"]:
        depth += {"(": 1, ")": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0


@pytest.mark.parametrize("rule", RULES, ids=_name)
def test_every_file_and_command_that_an_alert_names_exists(rule: dict[str, Any]) -> None:
    text = rule["annotations"]["description"]
    assert all((ROOT / name).exists() for name in re.findall(r"\bdeploy/[\w./-]*\w", text))
    from optout.cli.main import COMMANDS

    assert set(re.findall(r"`(?:sudo )?optout ([a-z-]+)", text)) <= COMMANDS.keys()


def test_every_metric_has_its_row_in_the_guide() -> None:
    guide = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    section = guide.partition("## Watch it")[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith("| `optout_")]
    assert {name for row in rows for name in re.findall(r"`(optout_\w+)`", row)} == METRICS


def test_the_guide_names_each_label() -> None:
    guide = (ROOT / "deploy" / "README.md").read_text(encoding="utf-8")
    labels = set(re.findall(r'[{,](\w+)="', TOLD))
    assert {label for label in labels if f"`{label}`" not in guide} == set()
