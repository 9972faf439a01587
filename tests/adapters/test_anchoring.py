"""Asking authorities (T22): a real one's token is kept and told; whatever else one does changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import web

from optout.adapters.anchoring import Asked, anchor
from optout.errors import EvidenceError
from optout.evidence.anchors import check_anchors, list_anchors, own_roots, rests_on
from optout.evidence.audit import Verdict, audit
from optout.evidence.directory import Layout
from optout.evidence.signing import load_verifier_key
from optout.evidence.timestamp import MAX_TOKEN, Token
from tests.authority import Authority, serving
from tests.evidence.setting import SOON_S, crawl, fill, open_log, records


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that behaves."""
    return Authority(tmp_path_factory.mktemp("tsa") / "good")


async def _asked(home: Path, authority: Authority, *urls: str, within: float = 10.0) -> tuple[Asked, ...]:
    return await anchor(home, urls, authority.roots, software="test", within=within)


async def test_a_token_is_kept_checked_and_told(tmp_path: Path, authority: Authority) -> None:
    home = tmp_path / "evidence"
    fill(home, 5)
    layout = Layout(home)
    size = len(list((home / "segments").iterdir())) and 7
    async with serving(authority.answer) as url:
        (asked,) = await _asked(home, authority, url)
        assert asked.is_new
        (again,) = await _asked(home, authority, url)  # the record of the token made the log grow: a new checkpoint
    assert again.size > asked.size == size
    found = check_anchors(layout, load_verifier_key(layout.vkey), own_roots(layout))
    assert [isinstance(one.token, Token) for one in found] == [True, True]
    assert "is confirmed by a timestamp of 127.0.0.1" in rests_on(found, size)
    told = records(home, "log.anchor")
    assert [one["anchor.size"] for one in told] == [asked.size, again.size]
    assert audit(home).verdict is Verdict.SOUND


async def test_a_checkpoint_that_was_stamped_is_not_stamped_again(tmp_path: Path, authority: Authority) -> None:
    home = tmp_path / "evidence"
    log = open_log(home)
    log.append(crawl(1)).result(SOON_S)
    log.sign().result(SOON_S)
    count = 0

    async def counting(request: bytes) -> web.Response:
        nonlocal count
        count += 1
        return await authority.answer(request)

    async with serving(counting) as url:
        first = await _asked(home, authority, url)
        second = await _asked(home, authority, url)
    log.close()
    assert count == 1
    assert [one.is_new for one in (*first, *second)] == [True, False]
    assert second[0].fault == ""


async def _misbehave(kind: str, authority: Authority, other: Authority, request: bytes) -> web.Response:
    good = authority.reply(request)
    match kind:
        case "error":
            return web.Response(status=500, body=good)
        case "redirect":
            return web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"})
        case "hang":
            await asyncio.sleep(60)
        case "huge":
            return web.Response(body=good + bytes(10 << 20))
        case "empty":
            return web.Response(body=b"")
        case "cut":
            return web.Response(body=good[:-20])
        case "other key":
            return web.Response(body=other.reply(request))
        case "past":
            return web.Response(body=authority.reply(request, faketime="-2 hours"))
        case "future":
            return web.Response(body=authority.reply(request, faketime="+2 hours"))
        case "refused":
            return web.Response(body=bytes.fromhex("30053003020102"))
    return web.Response(body=b"<html>no</html>")


@pytest.mark.parametrize(
    "kind",
    ["error", "redirect", "hang", "huge", "empty", "cut", "other key", "past", "future", "refused", "html"],
)
async def test_one_that_misbehaves_is_named_and_changes_nothing(
    tmp_path: Path, authority: Authority, kind: str
) -> None:
    home = tmp_path / "evidence"
    fill(home, 3)
    before = len(records(home))
    other = Authority(tmp_path / "other")

    async def answer(request: bytes) -> web.Response:
        return await _misbehave(kind, authority, other, request)

    async with serving(answer) as url:
        (asked,) = await _asked(home, authority, url, within=0.5 if kind == "hang" else 10.0)
    assert not asked.is_new
    assert asked.fault
    assert list_anchors(Layout(home)) == ()
    assert len(records(home)) == before


async def test_one_that_is_not_there_keeps_nobody_from_the_others(tmp_path: Path, authority: Authority) -> None:
    home = tmp_path / "evidence"
    fill(home, 3)
    async with serving(authority.answer) as url:
        asked = await _asked(home, authority, "http://127.0.0.1:9/tsa", url, "no url")
    assert [one.is_new for one in asked] == [False, True, False]


async def test_a_replayed_token_of_an_earlier_request_is_refused(tmp_path: Path, authority: Authority) -> None:
    home = tmp_path / "evidence"
    fill(home, 3)
    first: list[bytes] = []

    async def replay(request: bytes) -> web.Response:
        first.append(authority.reply(request))
        return web.Response(body=first[0])

    async with serving(replay) as url:
        await _asked(home, authority, url)
        (asked,) = await _asked(home, authority, url)
    assert not asked.is_new
    assert MAX_TOKEN


async def test_a_log_or_roots_that_cannot_be_read_are_the_owners_to_mend(tmp_path: Path, authority: Authority) -> None:
    with pytest.raises(EvidenceError, match="no evidence log here"):
        await _asked(tmp_path / "none", authority, "http://127.0.0.1:9/")
    fill(tmp_path / "evidence", 1)
    with pytest.raises(EvidenceError, match="no certificates"):
        await anchor(tmp_path / "evidence", (), b"", software="test")
