"""Bundles of many sites: only what is proved is counted, once, and standings stay apart."""

from __future__ import annotations

from optout.report.operators import Bundle, sheet
from optout.report.sheet import Grid, Heading, NewPage, Sheet


def _visit(name: str, site: str, **more: object) -> dict[str, object]:
    return {
        "type": "crawl.request",
        "id": name,
        "time_us": 1_795_000_000_000_000,
        "server.address": site,
        "crawl.product": "GPTBot",
        "crawl.operator": "OpenAI",
        "crawl.purpose": "train",
        "identity.standing": "unverified",
        "decision.action": "deny",
        **more,
    }


def _bundle(name: str, records: list[dict[str, object]], verdict: str = "sound", vkey: str = "k1") -> Bundle:
    return Bundle(name=name, sha256="ab", verdict=verdict, why="", vkey=vkey, records=tuple(enumerate(records)))


def _made(*bundles: Bundle) -> Sheet:
    return sheet(bundles, made_us=0, made_by="clerk", software="optout 1")


def _rows(made: Sheet) -> list[tuple[str, ...]]:
    return [row for grid in made.blocks if isinstance(grid, Grid) for row in grid.rows][1:]


def test_each_operator_has_a_sheet_of_its_own_with_every_site() -> None:
    one = _bundle("a.zip", [_visit("1", "a.example"), _visit("2", "a.example", **{"crawl.operator": "Meta"})])
    other = _bundle("b.zip", [_visit("1", "b.example")], vkey="k2")
    made = _made(one, other)
    assert [block.text for block in made.blocks if isinstance(block, Heading)] == ["OpenAI", "Meta"]
    assert sum(isinstance(block, NewPage) for block in made.blocks) == 2
    sites = [row[0] for grid in made.blocks if isinstance(grid, Grid) for row in grid.rows]
    assert sites == ["a.zip", "b.zip", "a.example", "b.example", "a.example"]


def test_a_record_in_two_bundles_of_one_log_is_counted_once() -> None:
    records = [_visit("1", "a.example"), _visit("2", "a.example")]
    ((_, _, _, _, attempts, *_),) = _rows(_made(_bundle("a.zip", records), _bundle("b.zip", records)))[1:]
    assert attempts == "2"


def test_the_same_id_in_two_logs_is_two_visits() -> None:
    first, second = (
        _bundle("a.zip", [_visit("1", "a.example")]),
        _bundle("b.zip", [_visit("1", "a.example")], vkey="k2"),
    )
    assert _rows(_made(first, second))[-1][4] == "2"


def test_standings_are_never_added_together() -> None:
    verified = _visit("2", "a.example", **{"identity.standing": "verified"})
    rows = _rows(_made(_bundle("a.zip", [_visit("1", "a.example"), verified])))
    assert sorted(row[3:5] for row in rows) == [("unverified", "1"), ("verified", "1")]


def test_what_is_not_sound_is_named_and_not_counted() -> None:
    made = _made(_bundle("bad.zip", [_visit("1", "a.example")], verdict="not sound"))
    grids = [block for block in made.blocks if isinstance(block, Grid)]
    assert len(grids) == 1
    assert grids[0].rows[0][0] == "bad.zip"


def test_what_was_retracted_is_not_counted_and_bytes_are_those_of_outcomes() -> None:
    records = [
        _visit("1", "a.example"),
        _visit("2", "a.example", **{"decision.action": "allow"}),
        {"type": "crawl.retract", "crawl.request.id": "1"},
        {"type": "crawl.outcome", "crawl.request.id": "2", "http.response.body.size": 1204},
    ]
    (row,) = _rows(_made(_bundle("a.zip", records)))
    assert row[4:7] == ("1", "1 allow", "1204")
