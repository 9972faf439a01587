"""What a site was seen to publish: told at every change and once a day, and never what nobody saw."""

from __future__ import annotations

import asyncio
from pathlib import Path

from optout.adapters.documents import CallableSource, Documents, PublishedCache
from optout.adapters.witness import SEEN, Witness
from optout.signals.declaration import Document, absent, known, unknown
from tests.evidence.setting import open_log, records

DAY_US = 86_400_000_000
ROBOTS = b"User-agent: GPTBot\nDisallow: /\n"


def _told(home: Path) -> list[tuple[object, ...]]:
    names = ("server.address", "declaration.name", "declaration.state", "declaration.again", "tenant")
    return [tuple(one.get(name) for name in names) for one in records(home, SEEN)]


async def test_it_tells_changes_and_once_a_day_that_nothing_changed(tmp_path: Path) -> None:
    site = {"robots": ROBOTS}
    source = CallableSource(lambda _, path: site["robots"] if path == "/robots.txt" else None)
    cache = PublishedCache(source)
    log = open_log(tmp_path / "evidence")
    witness = Witness()
    await cache.ask("a.example", within=10)
    witness.saw(log, "a.example", known("robots.txt", ROBOTS), "alice", 0)
    witness.saw(log, "a.example", absent("tdmrep.json"), "alice", 0)
    witness.saw(log, "a.example", unknown("tdmrep.json", "no answer"), "alice", 1)
    witness.again(log, cache, DAY_US - 1)
    witness.again(log, cache, DAY_US)
    witness.again(log, cache, DAY_US + 1)
    log.close()
    await cache.close()
    assert _told(tmp_path / "evidence") == [
        ("a.example", "robots.txt", "known", False, "alice"),
        ("a.example", "tdmrep.json", "absent", False, "alice"),
        ("a.example", "robots.txt", "known", True, "alice"),
        ("a.example", "tdmrep.json", "absent", True, "alice"),
    ]
    assert records(tmp_path / "evidence", SEEN)[0]["declaration.sha256"] == known("", ROBOTS).sha256


async def test_what_is_not_so_any_more_is_not_told_again(tmp_path: Path) -> None:
    cache = PublishedCache(CallableSource(lambda _authority, _path: None))
    log = open_log(tmp_path / "evidence")
    witness = Witness()
    await cache.ask("a.example", within=10)
    witness.saw(log, "a.example", known("robots.txt", ROBOTS), "alice", 0)
    witness.again(log, cache, DAY_US)
    log.close()
    await cache.close()
    assert len(_told(tmp_path / "evidence")) == 1


async def test_a_site_that_nobody_visited_is_asked_first(tmp_path: Path) -> None:
    cache = PublishedCache(CallableSource(lambda _, path: ROBOTS if path == "/robots.txt" else None))
    log = open_log(tmp_path / "evidence")
    witness = Witness()
    witness.saw(log, "a.example", known("robots.txt", ROBOTS), "alice", 0)
    witness.again(log, cache, DAY_US)
    assert (await cache.ask("a.example", within=10)).robots_document == known("robots.txt", ROBOTS)
    witness.again(log, cache, DAY_US + 1)
    log.close()
    await cache.close()
    assert [told[3] for told in _told(tmp_path / "evidence")] == [False, True]


class _Licensing:
    """A site whose robots.txt names a license document."""

    async def fetch(self, authority: str) -> Documents:
        return known("robots.txt", f"License: https://{authority}/l.xml".encode()), absent("tdmrep.json")

    async def fetch_license(self, authority: str, path: str) -> Document:
        return known(f"RSL {path}", b"<rsl/>")


async def test_a_license_document_is_told_and_told_again_like_the_others(tmp_path: Path) -> None:
    log = open_log(tmp_path / "evidence")
    witness = Witness()
    cache = PublishedCache(
        _Licensing(), on_new=lambda authority, document: witness.saw(log, authority, document, "alice", 0)
    )
    await cache.ask("a.example", within=10)
    while cache._at_licenses:
        await asyncio.wait(cache._at_licenses.values())
    witness.again(log, cache, DAY_US)
    log.close()
    await cache.close()
    assert [told[1:4] for told in _told(tmp_path / "evidence") if told[1] == "RSL /l.xml"] == [
        ("RSL /l.xml", "known", False),
        ("RSL /l.xml", "known", True),
    ]
