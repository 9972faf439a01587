"""Where a site's published documents come from, and what is known of them right now (design part 5.6).

The cache asks lazily, one task at a time for each authority, and nobody waits who need not: a source that fails, lies
or hangs leaves the last good copy in force, or "nothing known", which refuses nobody. Nothing is raised here, and
nothing logged, since an authority may be a stranger's word; `Document.why` and `PublishedCache.failures` tell.

License documents are only seen and told, and refuse nobody, so no request waits for them.

Over 400 lines: what a source may do wrong and what the cache bears are to be read side by side.
"""

from __future__ import annotations

import asyncio
import inspect
import random
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeVar, runtime_checkable

from optout.signals.declaration import (
    DOCUMENT_LIMIT,
    NOTHING_KNOWN,
    ROBOTS_NAME,
    ROBOTS_PATH,
    TDMREP_NAME,
    TDMREP_PATH,
    Document,
    DocumentState,
    Published,
    absent,
    license_name,
    license_path,
    parse_answer,
    parse_published,
    unknown,
)

if TYPE_CHECKING:
    from optout.adapters.fetcher import Fetcher, FetchResult

Documents = tuple[Document, Document]
"""A site's robots.txt and its tdmrep.json."""

Read = Callable[[str, str], bytes | Awaitable[bytes | None] | None]
"""`read(authority, path)`: a document's bytes, or None if the site has none. Plain or async."""

OnNew = Callable[[str, Document], None]
"""`on_new(authority, document)`: told of each version before it comes into force. Must return at once."""

_T = TypeVar("_T")


class DocumentSource(Protocol):
    """Where documents are read. May raise anything, or never answer: the cache bears both."""

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        ...


@runtime_checkable
class LicenseSource(Protocol):
    """A source that can also read the license documents (RSL) that a robots.txt names on its own site."""

    async def fetch_license(self, authority: str, path: str) -> Document:
        """The license document at `path` of the site as it is now."""
        ...


class OriginSource:
    """Documents as the configured upstream serves them; `scheme` is the one by which visitors reach the site."""

    def __init__(self, fetcher: Fetcher, upstream_base: str, *, scheme: str = "https") -> None:
        self._fetcher = fetcher
        self._upstream_base = upstream_base
        self._scheme = scheme

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        robots, tdmrep = await asyncio.gather(self._get(authority, ROBOTS_PATH), self._get(authority, TDMREP_PATH))
        return _from_answer(ROBOTS_NAME, robots), _from_answer(TDMREP_NAME, tdmrep)

    async def fetch_license(self, authority: str, path: str) -> Document:
        """The license document at `path` of the site as it is now."""
        return _from_answer(license_name(path), await self._get(authority, path))

    async def _get(self, authority: str, path: str) -> FetchResult:
        return await self._fetcher.get_document(self._upstream_base, authority, path, scheme=self._scheme)


def _from_answer(name: str, answer: FetchResult) -> Document:
    return unknown(name, answer.fault) if answer.fault else parse_answer(name, answer.status, answer.body)


class FileSource:
    """Documents that the operator keeps in files; an empty path says that the site has no such document."""

    def __init__(self, robots: str | Path = "", tdmrep: str | Path = "") -> None:
        self._paths = (str(robots), str(tdmrep))
        self._threads = Threads()

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        robots, tdmrep = self._paths
        return await self._threads.run(
            authority, lambda: (_from_file(ROBOTS_NAME, robots), _from_file(TDMREP_NAME, tdmrep))
        )


def _from_file(name: str, path: str) -> Document:
    if not path:
        return absent(name)
    if not Path(path).is_file():  # a missing file is a mistake, not "no rules"; opening a named pipe would hang
        return unknown(name, "there is no such file")
    try:
        with Path(path).open("rb") as file:
            return parse_answer(name, 200, file.read(DOCUMENT_LIMIT))
    except OSError as error:
        return unknown(name, f"the file cannot be read ({type(error).__name__})")


class CallableSource:
    """Documents from a function of the application's; a plain one runs in a thread, since it may block."""

    def __init__(self, read: Read) -> None:
        self._read = read
        self._threads = Threads()

    async def fetch(self, authority: str) -> Documents:
        """The site's documents as they are now."""
        call = partial(self._call, authority)
        called = call() if _is_async(self._read) else await self._threads.run(authority, call)
        robots, tdmrep = await asyncio.gather(*map(_settled, called))
        return _from_callable(ROBOTS_NAME, robots), _from_callable(TDMREP_NAME, tdmrep)

    def _call(self, authority: str) -> list[bytes | Awaitable[bytes | None] | None]:
        return [self._read(authority, path) for path in (ROBOTS_PATH, TDMREP_PATH)]


async def _settled(answer: bytes | Awaitable[bytes | None] | None) -> bytes | None:
    return await answer if inspect.isawaitable(answer) else answer


def _is_async(read: Read) -> bool:
    return inspect.iscoroutinefunction(read) or inspect.iscoroutinefunction(type(read).__call__)


def _from_callable(name: str, answer: object) -> Document:
    if answer is None:
        return absent(name)
    if not isinstance(answer, bytes):
        return unknown(name, "the function gave neither bytes nor None")
    return parse_answer(name, 200, answer[:DOCUMENT_LIMIT])


class Threads:
    """Blocking reads in daemon threads, one at a time for each key.

    A read that never returns costs one thread, is not asked again, and does not hold up the end of the process, as
    the loop's own executor would.
    """

    def __init__(self) -> None:
        self._busy: set[str] = set()

    async def run(self, key: str, work: Callable[[], _T]) -> _T:
        """What `work` returns or raises. TimeoutError while an earlier thread for `key` still works."""
        if key in self._busy:
            raise TimeoutError
        self._busy.add(key)
        done: Future[_T] = Future()
        done.set_running_or_notify_cancel()
        done.add_done_callback(lambda _: self._busy.discard(key))

        def read() -> None:
            """The thread's body."""
            try:
                done.set_result(work())
            except BaseException as error:
                # Raised again where it is awaited, a SystemExit would end the loop and a StopIteration hang it.
                is_plain = isinstance(error, Exception) and not isinstance(error, StopIteration)
                done.set_exception(error if is_plain else RuntimeError(type(error).__name__))

        threading.Thread(target=read, name="optout-documents", daemon=True).start()
        return await asyncio.wrap_future(done)


REFRESH = 60.0  # seconds between two looks at a site that answers: an owner who edits robots.txt waits for it
RETRY = 30.0  # seconds until a site that did not answer is asked again
LICENSES_AFTER = 3_600.0  # seconds between two looks at license documents: RSL has them hold for days
OLDEST = 86_400.0  # seconds: RFC 9309 section 2.4, no copy older than 24 hours where a newer can be had
FETCH_WITHIN = 15.0  # seconds; sources have shorter limits of their own
HOT_WITHIN = 0.5  # seconds that a request waits for the first answer about its site
MOST_AUTHORITIES = 10_000
MOST_OCTETS = 256 * 1024 * 1024  # of documents kept: under a policy for `*`, strangers choose the authorities
MOST_IN_FLIGHT = 64


@dataclass(slots=True)
class _Entry:
    """What is known of one authority. `due` is the time of the next look, `good_at` of the last that did not fail."""

    published: Published = NOTHING_KNOWN
    due: float = 0.0
    licenses_due: float = 0.0
    good_at: float = 0.0
    is_answered: bool = False


class PublishedCache:
    """What each site is known to publish, refreshed every `refresh` seconds, one in flight for each authority.

    Belongs to one event loop. `on_new` is told of each version, known or absent, that differs from the one before.
    """

    def __init__(
        self,
        source: DocumentSource,
        *,
        on_new: OnNew | None = None,
        refresh: float = REFRESH,
        most_authorities: int = MOST_AUTHORITIES,
        most_octets: int = MOST_OCTETS,
        fetch_within: float = FETCH_WITHIN,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.failures: Counter[str] = Counter()
        self._source = source
        self._on_new = on_new
        self._refresh_every = min(refresh, OLDEST)
        self._most_authorities = most_authorities
        self._most_octets = most_octets
        self._fetch_within = fetch_within
        self._clock = clock
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._at_licenses: dict[str, asyncio.Task[None]] = {}
        self._silent: set[str] = set()  # whose last look failed
        self._octets = 0
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, authority: str) -> Published:
        """What is known now. Does not wait; starts a look at the site if one is due."""
        entry = self._entries.get(authority)
        if entry is None:
            now = self._clock()
            entry = self._entries[authority] = _Entry(due=now, good_at=now)
            self._evict()
        else:
            self._entries.move_to_end(authority)
        if entry.due <= self._clock() and authority not in self._running:
            self._start(authority)
        return entry.published

    async def ask(self, authority: str, within: float = HOT_WITHIN) -> Published:
        """What is known now; of a site never asked, what its first answer says, if it comes in `within` seconds."""
        published = self.at_hand(authority)
        if published is not None:
            return published
        entry, task = self._entries[authority], self._running[authority]
        await asyncio.wait({task}, timeout=within)  # leaves the task running, whoever gives up
        return entry.published

    def at_hand(self, authority: str) -> Published | None:
        """What `ask` would answer without waiting; None where it would wait for a first answer."""
        published = self.get(authority)
        if authority not in self._running:
            return published
        entry = self._entries.get(authority)
        return published if entry is None or entry.is_answered else None

    def hasten(self, is_due: Callable[[str], bool]) -> None:
        """Have the next request look again at those sites, instead of waiting for the time of their next look."""
        now = self._clock()
        for authority, entry in self._entries.items():
            if is_due(authority):
                entry.due = now

    def peek(self, authority: str) -> tuple[Published, bool]:
        """What is known now, and whether `get` is due in the event loop. Starts nothing: for any thread."""
        entry = self._entries.get(authority)
        return (NOTHING_KNOWN, True) if entry is None else (entry.published, entry.due <= self._clock())

    def silent(self) -> dict[str, float | None]:
        """The sites whose last look failed: since how many seconds; None where a document was never known.

        For any thread. A site that nobody visits is not asked, and is not silent for that.
        """
        now, found = self._clock(), ((authority, self._entries.get(authority)) for authority in self._silent.copy())
        return {
            authority: now - entry.good_at if _is_known(entry.published) else None
            for authority, entry in found
            if entry is not None
        }

    async def close(self) -> None:
        """Ends every look that is under way; nothing new is started."""
        self._is_closed = True
        tasks = [*self._running.values(), *self._at_licenses.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _start(self, authority: str) -> None:
        # A flood of made-up authorities must not become a flood upon the origin: over the limit, nothing is asked.
        if self._is_closed or len(self._running) >= MOST_IN_FLIGHT:
            return
        task = asyncio.get_running_loop().create_task(self._look(authority), name="optout-documents")
        self._running[authority] = task
        task.add_done_callback(lambda _: self._running.pop(authority, None))

    async def _look(self, authority: str) -> None:
        entry = self._entries.get(authority)
        if entry is None:  # evicted before its turn
            return
        has_failed = True
        try:
            has_failed = await self._update(authority, entry)
        except Exception as error:  # our own fault; the last good copy stays, and the site is asked again
            self.failures[type(error).__name__] += 1
        entry.is_answered = True
        self._note(authority, entry, has_failed=has_failed)
        self._start_licenses(authority, entry)
        pause = min(RETRY, self._refresh_every) if has_failed else self._refresh_every
        # Thousands of sites that were first asked together must not be asked together for ever.
        entry.due = self._clock() + pause * random.uniform(0.9, 1.1)  # noqa: S311  no secret

    def _note(self, authority: str, entry: _Entry, *, has_failed: bool) -> None:
        if not has_failed:
            entry.good_at = self._clock()
            self._silent.discard(authority)
        elif self._entries.get(authority) is entry:  # else it was evicted meanwhile
            self._silent.add(authority)

    async def _update(self, authority: str, entry: _Entry) -> bool:
        """Asks once and takes what is new; whether a document could not be had."""
        found = await self._fetch(authority)
        before = (entry.published.robots_document, entry.published.tdmrep_document)
        after = (_newer(before[0], found[0]), _newer(before[1], found[1]))
        if after != before:
            self._tell(authority, zip(before, after, strict=True))
            # Half a megabyte of rules takes long enough to parse for a person to notice.
            published = await asyncio.to_thread(parse_published, *after, authority=authority)
            self._put(authority, entry, _with_licenses(published, entry.published))
            entry.licenses_due = 0.0
        return any(document.state is DocumentState.UNKNOWN for document in found)

    async def _fetch(self, authority: str) -> Documents:
        try:
            async with asyncio.timeout(self._fetch_within):
                return await self._source.fetch(authority)
        except Exception as error:  # a source may be the application's own code, which may raise anything
            kind = type(error).__name__
            self.failures[kind] += 1
            return unknown(ROBOTS_NAME, f"reading failed ({kind})"), unknown(TDMREP_NAME, f"reading failed ({kind})")

    def _start_licenses(self, authority: str, entry: _Entry) -> None:
        """Begins to ask for the license documents that are named, if it is time. No request waits for them."""
        is_due = bool(entry.published.licenses) and entry.licenses_due <= self._clock()
        if not is_due or self._is_closed or authority in self._at_licenses or len(self._at_licenses) >= MOST_IN_FLIGHT:
            return
        entry.licenses_due = self._clock() + LICENSES_AFTER
        task = asyncio.get_running_loop().create_task(self._look_at_licenses(authority, entry), name="optout-licenses")
        self._at_licenses[authority] = task
        task.add_done_callback(lambda _: self._at_licenses.pop(authority, None))

    async def _look_at_licenses(self, authority: str, entry: _Entry) -> None:
        if not isinstance(self._source, LicenseSource):
            return
        published, found = entry.published, []
        for url, old in published.licenses:
            try:
                async with asyncio.timeout(self._fetch_within):
                    new = await self._source.fetch_license(authority, license_path(old))
            except Exception as error:  # as with the other documents
                self.failures[type(error).__name__] += 1
                new = unknown(old.name, f"reading failed ({type(error).__name__})")
            found.append((url, new))
        if any(new.state is DocumentState.UNKNOWN for _, new in found):
            entry.licenses_due = self._clock() + RETRY
        if entry.published is published:  # else a newer robots.txt came, and names what is to be asked for
            before = published.licenses
            after = tuple((url, _newer(old, new)) for (_, old), (url, new) in zip(before, found, strict=True))
            self._tell(authority, ((old, new) for (_, old), (_, new) in zip(before, after, strict=True)))
            self._put(authority, entry, replace(published, licenses=after))

    def _tell(self, authority: str, changes: Iterable[tuple[Document, Document]]) -> None:
        for old, new in changes:
            if self._on_new is None or new == old or new.state is DocumentState.UNKNOWN:
                continue
            try:
                self._on_new(authority, new)
            except Exception as error:  # a snapshot that fails must not undo a declaration
                self.failures[f"on_new {type(error).__name__}"] += 1

    def _put(self, authority: str, entry: _Entry, published: Published) -> None:
        if self._entries.get(authority) is entry:  # else it was evicted meanwhile
            self._octets += _size(published) - _size(entry.published)
        entry.published = published
        self._evict()

    def _evict(self) -> None:
        while len(self._entries) > self._most_authorities or self._octets > self._most_octets:
            authority, oldest = self._entries.popitem(last=False)
            self._silent.discard(authority)
            self._octets -= _size(oldest.published)


def _newer(old: Document, new: Document) -> Document:
    """The last good copy: a look that learns nothing undoes nothing."""
    return old if new.state is DocumentState.UNKNOWN and old.state is not DocumentState.UNKNOWN else new


def _with_licenses(published: Published, before: Published) -> Published:
    """The license documents that are still named stay known."""
    held = dict(before.licenses)
    return replace(published, licenses=tuple((url, held.get(url, new)) for url, new in published.licenses))


def _is_known(published: Published) -> bool:
    return DocumentState.UNKNOWN not in (published.robots_document.state, published.tdmrep_document.state)


def _size(published: Published) -> int:
    documents = (published.robots_document, published.tdmrep_document, *(each for _, each in published.licenses))
    return sum(len(document.data) for document in documents)
