"""Fetch every list that the registry names, or take them from a bundle, and put the sound ones in place.

A list that does not come, cannot be read, holds what no list may hold, or has shrunk by more than half leaves the last
good one in use, which goes stale by its own date: from then on it proves nothing (crawlers.md part 4.1). Each list
stands for itself: what is wrong with one stops no other.
"""

from __future__ import annotations

import asyncio
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from optout.adapters.list_files import MOST_FILES, SNAPSHOT_LIMIT, read_lists, write_list
from optout.crawlers.address_book import load_address_book
from optout.crawlers.address_lists import LIST_LIMIT, AddressList, parse_address_list
from optout.crawlers.address_ranges import list_faults
from optout.crawlers.list_snapshot import ListSnapshot, load_snapshot, snapshot_name, take_snapshot
from optout.crawlers.registry import Registry
from optout.errors import RegistryError, UsageError

if TYPE_CHECKING:
    from optout.adapters.fetcher import Fetcher

LIST_WITHIN = 30.0  # seconds for one list, redirects included; nobody waits for it but the command
AT_ONCE = 6
_DAY_US = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Updated:
    """What became of one list. `snapshot` is the one in use now, None for none; `fault` says why it is not a new one.

    `may_be_told`: the owner can take the new list all the same, by naming one of `crawlers`.
    """

    url: str
    crawlers: tuple[str, ...]
    snapshot: ListSnapshot | None
    fault: str = ""
    may_be_told: bool = False


def published_lists(registry: Registry) -> Mapping[str, tuple[str, ...]]:
    """The address of every list that the registry names, and whose it is."""
    found: dict[str, tuple[str, ...]] = {}
    for crawler in registry.crawlers:
        for url in filter(None, (crawler.address_list, *crawler.also_listed)):
            found[url] = (*found.get(url, ()), crawler.name)
    return found


async def fetch_lists(
    fetcher: Fetcher,
    directory: Path,
    lists: Mapping[str, tuple[str, ...]],
    *,
    now_us: int,
    shrunk: frozenset[str] = frozenset(),
    within: float = LIST_WITHIN,
) -> tuple[Updated, ...]:
    """Fetch `lists` (URL to crawlers' names) into `directory`. `shrunk` are the URLs that may lose more than half."""
    shelf = _Shelf(directory, shrunk)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(url: str, crawlers: tuple[str, ...]) -> Updated:
        """One list."""
        async with turns:
            answer = await fetcher.get_list(url, LIST_LIMIT, within=within)
        if answer.fault:
            return shelf.keep(url, crawlers, answer.fault)
        found = await asyncio.to_thread(parse_address_list, answer.body)
        refused = shelf.refuse(url, crawlers, found)
        return refused or shelf.put(crawlers, take_snapshot(url, answer.body, found, now_us))

    return tuple(await asyncio.gather(*(one(url, crawlers) for url, crawlers in lists.items())))


def import_lists(
    bundle: Path,
    directory: Path,
    lists: Mapping[str, tuple[str, ...]],
    *,
    now_us: int,
    shrunk: frozenset[str] = frozenset(),
) -> tuple[Updated, ...]:
    """Take the snapshots of `bundle`, a directory like ours or a ZIP archive of one; raises UsageError for neither.

    A snapshot keeps the date on which it was fetched. One that is older than ours, comes from the future or is of a
    list that the registry does not name stays outside.
    """
    shelf, brought = _Shelf(directory, shrunk), dict(_brought(bundle))

    def one(url: str, crawlers: tuple[str, ...]) -> Updated:
        new = brought.get(url) or brought.get(snapshot_name(url)) or "not in the bundle"
        if isinstance(new, str):
            return shelf.keep(url, crawlers, new)
        if new.fetched_us > now_us + _DAY_US:
            return shelf.keep(url, crawlers, f"its date is in the future: {new.fetched}")
        old = shelf.known.get(url)
        if old is not None and new.fetched_us < old.fetched_us:
            return shelf.keep(url, crawlers, f"older than the list in use: {new.fetched}")
        return shelf.refuse(url, crawlers, AddressList(prefixes=new.prefixes)) or shelf.put(crawlers, new)

    return tuple(one(url, crawlers) for url, crawlers in lists.items())


class _Shelf:
    """The directory of lists, and those that were in it: a broken file is no list, and is written anew."""

    def __init__(self, directory: Path, shrunk: frozenset[str]) -> None:
        self._directory = directory
        self._shrunk = shrunk
        book, _ = load_address_book(read_lists(directory))
        self.known = {each.url: each for each in book.snapshots}

    def keep(self, url: str, crawlers: tuple[str, ...], fault: str, *, may_be_told: bool = False) -> Updated:
        """Leave in place what is there."""
        snapshot = self.known.get(url)
        return Updated(url=url, crawlers=crawlers, snapshot=snapshot, fault=fault, may_be_told=may_be_told)

    def refuse(self, url: str, crawlers: tuple[str, ...], found: AddressList) -> Updated | None:
        """Why the list must not be taken; None where it may."""
        old = self.known.get(url)
        for refused in list_faults(found, () if old is None or url in self._shrunk else old.prefixes):
            return self.keep(url, crawlers, refused.text, may_be_told=refused.may_be_told)
        return None

    def put(self, crawlers: tuple[str, ...], snapshot: ListSnapshot) -> Updated:
        """Put a list in place."""
        write_list(self._directory, snapshot)
        return Updated(url=snapshot.url, crawlers=crawlers, snapshot=snapshot)


def _brought(bundle: Path) -> Iterator[tuple[str, ListSnapshot | str]]:
    """Every snapshot by its URL; one that cannot be read by the name of its file, with what is wrong."""
    for name, data in _zipped(bundle) if bundle.is_file() else _lying(bundle):
        try:
            snapshot = load_snapshot(name, data)
        except RegistryError as fault:
            yield name.rpartition("/")[2], fault.what
        else:
            yield snapshot.url, snapshot


def _lying(bundle: Path) -> Iterable[tuple[str, bytes]]:
    files = read_lists(bundle)
    if not files:
        raise UsageError(f"{bundle} holds no address lists", "name a directory that `optout crawlers update` filled")
    return files.items()


def _zipped(bundle: Path) -> Iterator[tuple[str, bytes]]:
    """The members of a ZIP archive that are named like snapshots. Names are never used as paths (zip slip)."""
    try:
        with zipfile.ZipFile(bundle) as archive:
            names = [each for each in archive.infolist() if each.filename.endswith(".json")]
            for each in names[:MOST_FILES]:
                with archive.open(each) as file:
                    yield each.filename, file.read(SNAPSHOT_LIMIT)  # bounded: a bomb unpacks to no more (CWE-409)
    except (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as fault:
        raise UsageError(f"{bundle} is no readable ZIP archive", "zip the directory of lists again") from fault
