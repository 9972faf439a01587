"""What each visitor would get, by the engine itself and what the log has last seen published."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.engine import Engine
from optout.policy.loader import load_policy, policy_set
from optout.review.pages.policy import policy
from optout.review.reader import Reader
from tests.evidence.setting import SOON_S, open_log
from tests.judge import bundled_registry
from tests.review.setting import ROBOTS, SHA256, TIME_US, log_of_visits

POLICY = """version: 1
sites: [a.example]
mode: enforce
default: allow
on_error: allow
clauses:
  - {id: no-dogs, action: deny, crawler: CCBot}
"""


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    home = log_of_visits(tmp_path / "evidence")
    log = open_log(home)
    seen = {
        "type": "declaration.seen",
        "time_us": TIME_US,
        "server.address": "a.example",
        "declaration.name": "robots.txt",
        "declaration.sha256": SHA256,
    }
    log.append(seen).result(SOON_S)
    log.close()
    (home / "snapshots" / SHA256).write_bytes(ROBOTS)  # a log that is opened drops what no record of it names
    return Reader(home)


def _engine() -> Engine:
    registry = bundled_registry()
    return Engine(policy_set([load_policy(POLICY.encode(), "policy.yaml", registry)]), registry)


def test_each_visitor_gets_what_the_engine_says_with_the_line(reader: Reader) -> None:
    told = policy(reader, _engine(), bundled_registry(), "https://a.example/art/1.jpg", "")
    rows = {row["visitor"]: row for row in told["rows"]}
    assert rows["GPTBot"]["answer"] == "deny (403)"
    assert rows["GPTBot"]["place"] == "robots.txt:2"
    assert rows["CCBot"]["place"] == "policy.yaml:7"
    assert rows["ClaudeBot"]["answer"] == "allow (200)"
    assert rows["Googlebot"]["answer"] == "passes"
    assert rows["a person's browser"]["answer"] == "passes"
    assert told["declared"][0]["sha256"] == SHA256


@pytest.mark.parametrize("url", ["no address", "javascript:alert(1)", "https://", "//x", "https://a b/"])
def test_what_is_no_address_is_said_so(reader: Reader, url: str) -> None:
    told = policy(reader, _engine(), bundled_registry(), url, "")
    assert told["fault"]
    assert told["rows"] == []


def test_without_a_policy_the_page_says_what_to_give(reader: Reader) -> None:
    told = policy(reader, None, bundled_registry(), "", "")
    assert not told["has_policy"]
    assert told["sites"] == ["a.example"]


def test_a_tenant_sees_his_own_sites_and_policies_alone(reader: Reader) -> None:
    told = policy(reader, _engine(), bundled_registry(), "https://a.example/", "nobody")
    assert told["sites"] == []
    assert told["policies"] == []
    assert told["rows"] == []
    assert told["fault"] == "that is no site of yours"
    assert policy(reader, _engine(), bundled_registry(), "", "alice")["sites"] == ["a.example"]
    assert policy(reader, _engine(), bundled_registry(), "https://a.example/", "default")["rows"]
