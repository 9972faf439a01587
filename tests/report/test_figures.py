"""Counts: none is rounded, retracted visits are in none, and each row names its first and its last record."""

from __future__ import annotations

from optout.report.figures import action, figures, moment, number


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
