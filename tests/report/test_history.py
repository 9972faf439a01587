"""What a site published, from when to when: nothing is filled in."""

from __future__ import annotations

from optout.report.history import DAY_US, Version, history, sites_of


def seen(day: float, sha256: str = "aa", name: str = "robots.txt", site: str = "a.example") -> dict[str, object]:
    """A record that a document was seen; sha256 "" for one that is not there."""
    fields: dict[str, object] = {
        "type": "declaration.seen",
        "time_us": int(day * DAY_US),
        "server.address": site,
        "declaration.name": name,
    }
    return {**fields, "declaration.sha256": sha256} if sha256 else fields


def _spans(versions: tuple[Version, ...]) -> list[tuple[str, float, float, int]]:
    return [(each.sha256, each.first_us / DAY_US, each.last_us / DAY_US, len(each.holes)) for each in versions]


def test_versions_follow_each_other_and_holes_are_told() -> None:
    records = [seen(1), seen(2), seen(3), seen(5), seen(5.5, "bb"), seen(6, ""), seen(7, "bb")]
    found = history(enumerate(records), "a.example")
    assert _spans(found.versions["robots.txt"]) == [
        ("aa", 1, 5, 1),
        ("bb", 5.5, 5.5, 0),
        ("", 6, 6, 0),
        ("bb", 7, 7, 0),
    ]
    assert found.versions["robots.txt"][0].holes == [(3 * DAY_US, 5 * DAY_US)]
    at = found.at("robots.txt", int(5.9 * DAY_US))
    assert at is not None
    assert at.sha256 == "bb"
    assert found.at("robots.txt", 0) is None
    assert found.at("tdmrep.json", 9 * DAY_US) is None


def test_other_sites_and_other_gaps_are_not_in_it() -> None:
    records = [
        seen(1),
        seen(1, "cc", site="b.example"),
        {"type": "log.gap", "reason": "bypass", "site": "b.example"},
        {"type": "log.gap", "reason": "bypass", "site": "*"},
        {"type": "log.gap", "reason": "disk-full"},
    ]
    found = history(enumerate(records), "a.example")
    assert list(found.versions) == ["robots.txt"]
    assert len(found.versions["robots.txt"]) == 1
    assert len(found.gaps) == 2
    assert sites_of(enumerate(records)) == ("a.example", "b.example")


def test_fetches_name_the_version_that_was_in_force() -> None:
    fetch = {"type": "crawl.request", "server.address": "a.example", "time_us": 7, "robots.sha256": "aa"}
    records = [{**fetch, "url.path": "/robots.txt"}, {**fetch, "url.path": "/gallery/"}]
    found = history(enumerate(records), "a.example")
    assert [(each.name, each.sha256, each.index) for each in found.fetches] == [("robots.txt", "aa", 0)]


def test_a_fetch_tells_the_bytes_that_went_out() -> None:
    fetch = {"type": "crawl.request", "server.address": "a.example", "robots.sha256": "aa", "url.path": "/robots.txt"}
    outcome = {"type": "crawl.outcome", "crawl.request.id": "one", "served.sha256": "bb"}
    found = history(enumerate([{**fetch, "id": "one"}, outcome, {**fetch, "id": "two"}]), "a.example")
    assert [each.served for each in found.fetches] == ["bb", ""]
