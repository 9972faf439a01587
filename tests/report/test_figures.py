"""Counts: none is rounded, retracted visits are in none, and each row names its first and its last record."""

from __future__ import annotations

import pytest

from optout.report import figures as room
from optout.report.figures import Rule, Visit, action, count, deciding, figures, moment, number


def _visit(name: str, product: str = "GPTBot", **more: object) -> dict[str, object]:
    return {
        "type": "crawl.request",
        "id": name,
        "time_us": 1_795_000_000_000_000,
        "crawl.product": product,
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "identity.standing": "unverified",
        "decision.action": "deny",
        **more,
    }


def _outcome(name: str, size: int) -> dict[str, object]:
    return {"type": "crawl.outcome", "crawl.request.id": name, "http.response.body.size": size}


RECORDS: list[dict[str, object]] = [
    {"type": "log.start"},
    _visit("a"),
    _visit("b", **{"decision.action": "allow", "notice.robots.id": "z"}),
    _outcome("b", 1204),
    _visit("c", **{"identity.standing": "contradicted", "decision.enforced": False}),
    _visit("d", "CCBot"),
    {"type": "crawl.retract", "crawl.request.id": "d"},
    {"type": "log.gap", "reason": "disk-full", "count": 7},
]


def test_rows_keep_claims_of_different_standing_apart() -> None:
    counted = figures(enumerate(RECORDS))
    assert (counted.attempts, counted.retracted, len(counted.gaps)) == (3, 1, 1)
    assert [(row.name, row.standing, row.attempts, dict(row.actions)) for row in counted.rows] == [
        ("GPTBot", "unverified", 2, {"deny": 1, "allow": 1}),
        ("GPTBot", "contradicted", 1, {"would deny": 1}),
    ]
    first = counted.rows[0]
    assert (first.content_bytes, first.read_robots) == (1204, 1)
    assert first.first is not None
    assert first.last is not None
    assert (first.first.index, first.last.index) == (1, 2)


def test_odd_fields_are_read_as_nothing() -> None:
    assert number({"n": True}, "n") == number({"n": "7"}, "n") == number({}, "n") == 0
    assert action({}) == ""
    assert action({"decision.action": "allow", "decision.enforced": False}) == "allow"
    assert moment(1_795_000_000_000_000) == "2026-11-18 11:06:40 UTC"
    assert moment(10**20) == "100000000000000000000 µs since 1970"


def test_a_long_stretch_is_counted_without_keeping_it() -> None:
    visits = (Visit(index=number, fields=_visit(str(number)), outcome={}) for number in range(1000))
    found = count(visits, keep=10)
    assert (found.attempts, len(found.visits), found.rows[0].attempts) == (1000, 10, 1000)
    assert found.days == ((("2026-11-18", "unverified"), {"deny": 1000}),)


def test_paths_that_strangers_invent_are_counted_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_MOST_PATHS", 3)
    paths = ["/a", "/b", "/c", "/d", "/a"]
    found = count(Visit(index=0, fields=_visit("1", **{"url.path": path}), outcome={}) for path in paths)
    assert found.paths[0] == (("/a", "unverified"), 2)
    assert len(found.paths) == 3
    assert not found.is_path_count_whole


def test_the_deciding_line_is_the_last_reason_with_the_hash_of_its_file() -> None:
    hashes = {"robots.sha256": "r", "tdm.sha256": "t", "policy.sha256": "p"}

    def of(*reasons: object) -> Rule | None:
        return deciding({**hashes, "decision.reasons": list(reasons)})

    assert of("several-crawlers", "robots-disallow robots.txt:12") == Rule("robots.txt", "r", 12, "robots-disallow")
    assert of("reservation-refused tdmrep.json:2") == Rule("tdmrep.json", "t", 2, "reservation-refused")
    assert of("clause my:policy.yaml:4") == Rule("my:policy.yaml", "p", 4, "clause")
    assert of("always-open") == Rule("", "", 0, "always-open")
    assert of("clause x:\u0664") == Rule("x", "p", 0, "clause")
    assert of() is None
    assert deciding({"decision.reasons": "x"}) is None
