"""Fetching lists from operators that fail, lie, shrink, flood or never answer; and taking them from a bundle."""

from __future__ import annotations

import asyncio
import gzip
import json
import zipfile
from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters.fetcher import USER_AGENT, Fetcher
from optout.adapters.list_files import read_lists, write_list
from optout.adapters.list_update import AT_ONCE, Updated, fetch_lists, import_lists, published_lists
from optout.crawlers.address_lists import LIST_LIMIT, AddressList
from optout.crawlers.list_snapshot import ListSnapshot, take_snapshot
from optout.crawlers.registry import bundled_registry
from optout.errors import UsageError
from tests.adapters.origin import Asked, Origin, answer, never
from tests.crawlers.book import DAY_US, NOW_US, URL, snapshot

SOUND = json.dumps({"creationTime": "now", "prefixes": [{"ipv4Prefix": "192.31.196.0/24"}]}).encode()
NAMES = ("ExBot", "ExBot-Search")


@pytest.fixture
async def operator() -> AsyncIterator[Origin]:
    async with Origin() as server:
        yield server


async def update(
    operator: Origin, directory: Path, path: str = "/exbot.json", *, shrunk: bool = False, within: float = 5
) -> Updated:
    url = operator.base + path
    accepted = frozenset({url}) if shrunk else frozenset[str]()
    async with Fetcher() as fetcher:
        (found,) = await fetch_lists(fetcher, directory, {url: NAMES}, now_us=NOW_US, shrunk=accepted, within=within)
    return found


def known(url: str, count: int = 1, age_days: float = 2) -> ListSnapshot:
    networks = tuple(ip_network((0x0B000000 + 2 * place, 32)) for place in range(count))
    return take_snapshot(url, b"before", AddressList(prefixes=networks), NOW_US - round(age_days * DAY_US))


async def test_a_sound_list_is_taken(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(SOUND)
    found = await update(operator, tmp_path)
    assert (found.fault, found.crawlers) == ("", NAMES)
    assert found.snapshot is not None
    assert [str(each) for each in found.snapshot.prefixes] == ["192.31.196.0/24"]
    assert list(read_lists(tmp_path).values()) == [found.snapshot.document]
    assert operator.asked[0].fields["user-agent"] == USER_AGENT  # some answer 403 to whoever has no name


async def test_a_compressed_list_is_taken(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(gzip.compress(SOUND), content_encoding="gzip")
    assert (await update(operator, tmp_path)).fault == ""


async def _slowly(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)


LONE = answer(SOUND).replace(b"content-length", b"x-length")
BAD = {
    "html": (answer(b"<html><body>Please sign in</body></html>", content_type="text/html"), "an HTML page without"),
    "html in place of json": (answer(b"<!doctype html>" + SOUND), "an HTML page without"),
    "500": (answer(SOUND, "500 Internal Server Error"), "the server answered 500"),
    "403": (answer(b"", "403 Forbidden"), "the server answered 403"),
    "404": (answer(b"", "404 Not Found"), "the server answered 404"),
    "206": (answer(SOUND, "206 Partial Content"), "the server answered 206"),
    "truncated": (answer(SOUND)[:-20], "no usable answer (ClientPayloadError)"),
    "truncated without a length": (LONE[:-20], "it begins like JSON and is none, or is cut short"),
    "empty": (answer(b""), "it lists no network"),
    "no networks": (answer(b'{"prefixes": []}'), "it lists no network"),
    "giant": (answer(b"[" + b" " * LIST_LIMIT + b"]"), f"more than {LIST_LIMIT} octets"),
    "bomb": (answer(gzip.compress(b" " * 50 * LIST_LIMIT), content_encoding="gzip"), f"more than {LIST_LIMIT} octets"),
    "everybody": (answer(b'["192.31.196.0/24", "0.0.0.0/0"]'), "0.0.0.0/0 is wider"),
    "test net": (answer(b'["203.0.113.0/24"]'), "203.0.113.0/24 is private or reserved"),
    "one bad entry": (answer(b'["192.31.196.0/24", "000/0"]'), "no network: '000/0'"),
    "not http": (b"220 smtp.example ESMTP\r\n", "no usable answer"),
    "hung up": (b"", "no usable answer"),
    "redirect to another host": (
        answer(b"", "302 Found", location="http://127.0.0.2/exbot.json"),
        "a redirect to another host",
    ),
    "redirect to a file": (answer(b"", "302 Found", location="file:///etc/passwd"), "a redirect to another host"),
    "redirect to itself": (answer(b"", "302 Found", location="/exbot.json"), "more than 5 redirects"),
    "silent": (never, "no whole answer within 0.3 s"),
    "slow": (_slowly, "no whole answer within 0.3 s"),
}


@pytest.mark.parametrize("name", BAD)
async def test_what_is_not_sound_leaves_the_last_good_list(name: str, operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"], expected = BAD[name]
    before = known(operator.base + "/exbot.json")
    write_list(tmp_path, before)
    found = await update(operator, tmp_path, within=0.3 if name in ("silent", "slow") else 5)
    assert expected in found.fault
    assert not found.may_be_told
    assert found.snapshot is not None
    assert found.snapshot.sha256 == before.sha256
    assert list(read_lists(tmp_path).values()) == [before.document]


async def test_without_a_list_before_there_is_none(operator: Origin, tmp_path: Path) -> None:
    found = await update(operator, tmp_path)
    assert (found.fault, found.snapshot, read_lists(tmp_path)) == ("the server answered 404", None, {})


async def test_a_redirect_on_the_host_is_followed(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(b"", "301 Moved Permanently", location="/new/list.json")
    operator.pages["/new/list.json"] = answer(SOUND)
    found = await update(operator, tmp_path)
    assert found.fault == ""
    assert found.snapshot is not None
    assert found.snapshot.url.endswith("/exbot.json")  # it is the registry's list, wherever it lies


async def test_a_shrunken_list_waits_for_the_owners_word(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(SOUND)
    before = known(operator.base + "/exbot.json", 3)
    write_list(tmp_path, before)
    found = await update(operator, tmp_path)
    assert (found.fault, found.may_be_told) == ("1 networks are less than half of the 3 of the list before", True)
    assert list(read_lists(tmp_path).values()) == [before.document]
    assert (await update(operator, tmp_path, shrunk=True)).fault == ""
    assert list(read_lists(tmp_path).values()) != [before.document]


async def test_the_owners_word_does_not_take_what_no_list_may_hold(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(b'["10.0.0.0/8"]')
    write_list(tmp_path, known(operator.base + "/exbot.json", 3))
    assert "wider" in (await update(operator, tmp_path, shrunk=True)).fault


async def test_a_list_goes_only_over_tls() -> None:
    async with Fetcher() as fetcher:
        for url in (
            "http://bots.example/x.json",
            "ftp://bots.example/x",
            "file:///etc/passwd",
            "",
            "https://",
            "//[",
            "x",
        ):
            assert (await fetcher.get_list(url, 10, within=1)).fault == "no https address"


async def test_one_list_stops_no_other_and_few_are_asked_at_once(operator: Origin, tmp_path: Path) -> None:
    asking, most = 0, 0

    async def counted(_asked: Asked, writer: asyncio.StreamWriter) -> None:
        nonlocal asking, most
        asking += 1
        most = max(most, asking)
        await asyncio.sleep(0.02)
        asking -= 1
        writer.write(answer(SOUND))

    lists = {f"{operator.base}/{place}.json": (f"Bot{place}",) for place in range(3 * AT_ONCE)}
    for place in range(3 * AT_ONCE):
        operator.pages[f"/{place}.json"] = counted if place % 3 else answer(b"<html>")
    async with Fetcher() as fetcher:
        found = await fetch_lists(fetcher, tmp_path, lists, now_us=NOW_US)
    assert [bool(each.fault) for each in found] == [place % 3 == 0 for place in range(3 * AT_ONCE)]
    assert len(read_lists(tmp_path)) == 2 * AT_ONCE
    assert most <= AT_ONCE


async def test_a_broken_file_of_ours_is_written_anew(operator: Origin, tmp_path: Path) -> None:
    operator.pages["/exbot.json"] = answer(SOUND)
    assert (await update(operator, tmp_path)).fault == ""
    (broken,) = tmp_path.iterdir()
    broken.write_bytes(b"torn")
    assert (await update(operator, tmp_path)).fault == ""
    assert broken.read_bytes() != b"torn"


def test_every_list_of_the_registry_is_asked_once() -> None:
    lists = published_lists(bundled_registry())
    assert all(url.startswith("https://") for url in lists)
    assert set(lists["https://claude.com/crawling/bots.json"]) == {"ClaudeBot", "Claude-User", "Claude-SearchBot"}


@pytest.fixture(params=["directory", "zip", "zip with a folder"])
def pack(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    def packed(*snapshots: ListSnapshot) -> Path:
        for each in snapshots:
            write_list(tmp_path / "from", each)
        if request.param == "directory":
            return tmp_path / "from"
        with zipfile.ZipFile(tmp_path / "lists.zip", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in read_lists(tmp_path / "from").items():
                archive.writestr(name if request.param == "zip" else f"../address-lists/{name}", data)
        return tmp_path / "lists.zip"

    return packed


def take(bundle: Path, directory: Path, *, shrunk: frozenset[str] = frozenset()) -> Updated:
    (found,) = import_lists(bundle, directory, {URL: NAMES}, now_us=NOW_US, shrunk=shrunk)
    return found


def test_a_bundle_is_taken_with_its_own_date(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    brought = snapshot(age_days=3)
    found = take(pack(brought, snapshot("https://unnamed.example/x.json")), tmp_path / "lists")
    assert (found.fault, found.snapshot and found.snapshot.fetched_us) == ("", brought.fetched_us)
    assert read_lists(tmp_path / "lists") == {"bots-example-exbot.json": brought.document}


@pytest.mark.parametrize(
    ("age_days", "ours_days", "expected"),
    [(3, 2, "older than the list in use"), (-2, 2, "its date is in the future"), (1, 2, ""), (2, 2, "")],
)
def test_only_a_newer_list_is_taken(pack, tmp_path: Path, age_days: float, ours_days: float, expected: str) -> None:  # type: ignore[no-untyped-def]
    write_list(tmp_path / "lists", snapshot(age_days=ours_days))
    found = take(pack(snapshot(age_days=age_days)), tmp_path / "lists")
    assert found.fault.startswith(expected)
    assert bool(found.fault) == bool(expected)


def test_a_shrunken_bundle_waits_for_the_owners_word(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    write_list(tmp_path / "lists", known(URL, 5))
    bundle = pack(snapshot())
    assert take(bundle, tmp_path / "lists").may_be_told
    assert take(bundle, tmp_path / "lists", shrunk=frozenset({URL})).fault == ""


def test_a_bundle_without_the_list(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    found = take(pack(snapshot("https://unnamed.example/x.json")), tmp_path / "lists")
    assert (found.fault, found.snapshot) == ("not in the bundle", None)


def test_a_broken_file_in_a_bundle_is_told(pack, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "from").mkdir()
    (tmp_path / "from" / "bots-example-exbot.json").write_bytes(b'{"url": 1}')
    assert "no snapshot of an address list" in take(pack(), tmp_path / "lists").fault


@pytest.mark.parametrize("data", [b"", b"PK", b"x" * 1000])
def test_what_is_no_bundle_is_one_error(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_bytes(data)
    with pytest.raises(UsageError, match="no readable ZIP"):
        take(tmp_path / "bundle", tmp_path / "lists")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="holds no address lists"):
        take(tmp_path / "empty", tmp_path / "lists")


def test_a_damaged_archive_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bots-example-exbot.json", snapshot().document)
        archive.writestr("z.json", b"x" * 100)
    path.write_bytes(path.read_bytes().replace(b"x" * 100, b"y" * 100))
    with pytest.raises(UsageError, match="no readable ZIP"):
        take(path, tmp_path / "lists")
    assert read_lists(tmp_path / "lists") == {}


def test_a_bomb_in_a_bundle_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "lists.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bots-example-exbot.json", b" " * 100_000_000)
    assert "no snapshot" in take(path, tmp_path / "lists").fault
