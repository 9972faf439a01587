"""Where documents are read, and the cache that never waits, never gives up a good copy, and never raises."""

from __future__ import annotations

import asyncio
import functools
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from optout.adapters.documents import (
    LICENSES_AFTER,
    MOST_IN_FLIGHT,
    OLDEST,
    REFRESH,
    RETRY,
    CallableSource,
    Documents,
    FileSource,
    OriginSource,
    PublishedCache,
)
from optout.adapters.fetcher import Fetcher
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
    known,
    unknown,
)
from tests.adapters.origin import Origin, answer, never

SITE = "site.example"
ROBOTS = b"User-agent: *\nDisallow: /private/\n"
TDMREP = b'[{"location": "/", "tdm-reservation": 1}]'
LICENSE = b'<rsl xmlns="https://rslstandard.org/rsl"/>'
KNOWN, ABSENT, UNKNOWN = DocumentState.KNOWN, DocumentState.ABSENT, DocumentState.UNKNOWN


def states(found: Documents | Published) -> tuple[DocumentState, DocumentState]:
    if isinstance(found, Published):
        return found.robots_document.state, found.tdmrep_document.state
    return found[0].state, found[1].state


class TestOriginSource:
    @pytest.fixture
    async def origin(self) -> AsyncIterator[Origin]:
        async with Origin() as server:
            yield server

    @staticmethod
    async def fetch(origin: Origin, scheme: str = "https") -> Documents:
        async with Fetcher(document_within=0.2) as fetcher:
            return await OriginSource(fetcher, origin.base, scheme=scheme).fetch(SITE)

    async def test_both_documents_are_asked_of_the_upstream_as_the_site(self, origin: Origin) -> None:
        origin.pages = {ROBOTS_PATH: answer(ROBOTS), TDMREP_PATH: answer(TDMREP)}
        assert await self.fetch(origin, "http") == (known(ROBOTS_NAME, ROBOTS), known(TDMREP_NAME, TDMREP))
        assert sorted(origin.paths) == [TDMREP_PATH, ROBOTS_PATH]
        assert {(asked.fields["host"], asked.fields["x-forwarded-proto"]) for asked in origin.asked} == {(SITE, "http")}

    async def test_not_found_is_absent(self, origin: Origin) -> None:
        assert states(await self.fetch(origin)) == (ABSENT, ABSENT)

    @pytest.mark.parametrize(
        "page",
        [
            answer(b"<!doctype html><title>Log in</title>", content_type="text/html"),
            answer(ROBOTS, status="401 Unauthorized"),
            answer(ROBOTS, status="403 Forbidden"),
            answer(ROBOTS, status="429 Too Many"),
            answer(status="500 Broken"),
            answer(status="503 Busy"),
            answer(status="302 Found", location="https://other.example/robots.txt"),
            answer(status="302 Found", location=ROBOTS_PATH),
            b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nUser-agent: *\n",
            never,
        ],
        ids=["html", "401", "403", "429", "500", "503", "off origin", "loop", "truncated", "never"],
    )
    async def test_what_is_not_the_owner_speaking_is_unknown_and_says_why(self, origin: Origin, page: bytes) -> None:
        origin.pages = {ROBOTS_PATH: page, TDMREP_PATH: answer(TDMREP)}
        robots, tdmrep = await self.fetch(origin)
        assert (robots.state, tdmrep.state) == (UNKNOWN, KNOWN)
        assert robots.why

    async def test_plain_rules_served_as_html_are_rules(self, origin: Origin) -> None:
        origin.pages = {ROBOTS_PATH: answer(ROBOTS, content_type="text/html")}
        assert (await self.fetch(origin))[0].data == ROBOTS

    async def test_a_license_document_is_asked_of_the_upstream_as_the_site(self, origin: Origin) -> None:
        origin.pages = {"/license.xml": answer(LICENSE)}
        async with Fetcher(document_within=0.2) as fetcher:
            source = OriginSource(fetcher, origin.base)
            assert await source.fetch_license(SITE, "/license.xml") == known("RSL /license.xml", LICENSE)
            assert await source.fetch_license(SITE, "/other.xml") == absent("RSL /other.xml")
        assert {asked.fields["host"] for asked in origin.asked} == {SITE}


class TestFileSource:
    async def test_files_are_read(self, tmp_path: Path) -> None:
        (tmp_path / "r").write_bytes(ROBOTS)
        (tmp_path / "t").write_bytes(TDMREP)
        found = await FileSource(tmp_path / "r", str(tmp_path / "t")).fetch(SITE)
        assert found == (known(ROBOTS_NAME, ROBOTS), known(TDMREP_NAME, TDMREP))

    async def test_a_path_that_is_not_set_means_that_there_is_none(self) -> None:
        assert states(await FileSource().fetch(SITE)) == (ABSENT, ABSENT)

    async def test_a_file_that_is_missing_is_a_mistake_and_says_nothing(self, tmp_path: Path) -> None:
        assert states(await FileSource(tmp_path / "r", tmp_path).fetch(SITE)) == (UNKNOWN, UNKNOWN)

    async def test_a_named_pipe_does_not_hang_the_reader(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        assert states(await FileSource(tmp_path / "pipe").fetch(SITE)) == (UNKNOWN, ABSENT)

    async def test_a_file_that_cannot_be_opened_says_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(*_: object) -> None:
            raise PermissionError

        (tmp_path / "r").write_bytes(ROBOTS)
        monkeypatch.setattr(Path, "open", refuse)
        robots, _ = await FileSource(tmp_path / "r").fetch(SITE)
        assert (robots.state, robots.why) == (UNKNOWN, "the file cannot be read (PermissionError)")

    async def test_a_large_file_is_cut(self, tmp_path: Path) -> None:
        (tmp_path / "r").write_bytes(b"#" * (DOCUMENT_LIMIT + 1))
        assert len((await FileSource(tmp_path / "r").fetch(SITE))[0].data) == DOCUMENT_LIMIT


def plain(authority: str, path: str) -> bytes | None:
    return authority.encode() if path == ROBOTS_PATH else None


async def slow(authority: str, path: str) -> bytes | None:
    await asyncio.sleep(0)
    return plain(authority, path)


def deferred(authority: str, path: str) -> Awaitable[bytes | None]:
    return slow(authority, path)


class AsyncCallable:
    async def __call__(self, authority: str, path: str) -> bytes | None:
        return await slow(authority, path)


class TestCallableSource:
    @pytest.mark.parametrize(
        "read",
        [plain, slow, AsyncCallable(), functools.partial(slow), deferred],
        ids=["plain", "async", "object", "partial", "deferred"],
    )
    async def test_a_function_of_any_kind_is_asked(self, read: Callable[[str, str], bytes | None]) -> None:
        assert await CallableSource(read).fetch(SITE) == (known(ROBOTS_NAME, SITE.encode()), absent(TDMREP_NAME))

    async def test_an_answer_that_is_neither_bytes_nor_none_says_nothing(self) -> None:
        found = await CallableSource(lambda _a, _p: "text").fetch(SITE)  # type: ignore[arg-type, return-value]
        assert states(found) == (UNKNOWN, UNKNOWN)

    async def test_a_page_of_html_says_nothing(self) -> None:
        assert states(await CallableSource(lambda _a, _p: b"<html>").fetch(SITE)) == (UNKNOWN, UNKNOWN)

    @pytest.mark.parametrize("error", [ValueError, OSError, StopIteration, SystemExit, KeyboardInterrupt])
    async def test_a_function_that_raises_anything_is_a_failure_and_no_more(self, error: type[BaseException]) -> None:
        def fail(_authority: str, _path: str) -> bytes | None:
            raise error

        cache = PublishedCache(CallableSource(fail))
        assert states(await cache.ask(SITE, within=10)) == (UNKNOWN, UNKNOWN)
        assert sum(cache.failures.values()) == 1

    async def test_a_function_that_blocks_stops_nobody_and_is_not_called_twice_at_once(self) -> None:
        release, calls = threading.Event(), []

        def block(authority: str, path: str) -> bytes | None:
            calls.append(path)
            release.wait(10)
            return None

        source = CallableSource(block)
        first = asyncio.create_task(source.fetch(SITE))
        while not calls:
            await asyncio.sleep(0)  # the loop runs on
        with pytest.raises(TimeoutError):
            await source.fetch(SITE)
        assert len(calls) == 1
        release.set()
        assert states(await first) == (ABSENT, ABSENT)
        assert states(await source.fetch(SITE)) == (ABSENT, ABSENT)


class Scripted:
    """A source that answers as told, after `gate` opens, and counts how often and for whom it was asked."""

    def __init__(self, *answers: Documents | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.cancelled = 0

    async def fetch(self, authority: str) -> Documents:
        self.asked.append(authority)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        said = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


class Clock:
    """Seconds that pass only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


GOOD: Documents = (known(ROBOTS_NAME, ROBOTS), known(TDMREP_NAME, TDMREP))
NONE: Documents = (absent(ROBOTS_NAME), absent(TDMREP_NAME))
BAD: Documents = (unknown(ROBOTS_NAME, "HTML"), unknown(TDMREP_NAME, "HTML"))


class Bench:
    """A cache over a scripted source, a clock, and what `on_new` was told."""

    def __init__(self, *answers: Documents | Exception, **options: object) -> None:
        self.source = Scripted(*answers)
        self.clock = Clock()
        self.told: list[tuple[str, str, DocumentState]] = []
        self.cache = PublishedCache(self.source, on_new=self.tell, clock=self.clock, **options)  # type: ignore[arg-type]

    def tell(self, authority: str, document: Document) -> None:
        self.told.append((authority, document.name, document.state))

    async def settle(self) -> None:
        """Lets every look that is under way come to its end."""
        while self.cache._running:
            await asyncio.wait(self.cache._running.values())
            await asyncio.sleep(0)

    async def look_again(self, after: float = REFRESH * 1.1) -> Published:
        self.clock.now += after
        self.cache.get(SITE)
        await self.settle()
        return self.cache.get(SITE)


async def test_the_first_to_ask_waits_for_the_first_answer() -> None:
    bench = Bench(GOOD)
    assert states(await bench.cache.ask(SITE, within=10)) == (KNOWN, KNOWN)


async def test_get_never_waits_and_starts_a_look() -> None:
    bench = Bench(GOOD)
    assert bench.cache.get(SITE) is NOTHING_KNOWN
    await bench.settle()
    assert states(bench.cache.get(SITE)) == (KNOWN, KNOWN)
    assert bench.source.asked == [SITE]


async def test_a_source_that_never_answers_holds_nobody_up_and_is_asked_once() -> None:
    bench = Bench(GOOD)
    bench.source.gate.clear()
    found = await asyncio.gather(*(bench.cache.ask(SITE, within=0.01) for _ in range(200)))
    assert set(map(id, found)) == {id(NOTHING_KNOWN)}
    assert bench.source.asked == [SITE]
    await bench.cache.close()


async def test_a_look_goes_on_when_whoever_asked_hangs_up() -> None:
    bench = Bench(GOOD)
    bench.source.gate.clear()
    asking = asyncio.create_task(bench.cache.ask(SITE, within=10))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    bench.source.gate.set()
    await bench.settle()
    assert states(bench.cache.get(SITE)) == (KNOWN, KNOWN)


async def test_a_source_that_hangs_is_given_up_and_asked_again_later() -> None:
    bench = Bench(GOOD, fetch_within=0.01)
    bench.source.gate.clear()
    bench.cache.get(SITE)
    await bench.settle()
    found = bench.cache.get(SITE)
    assert states(found) == (UNKNOWN, UNKNOWN)
    assert found.robots_document.why == "reading failed (TimeoutError)"
    assert bench.source.cancelled == 1
    bench.source.gate.set()
    assert states(await bench.look_again(RETRY * 1.1)) == (KNOWN, KNOWN)


@pytest.mark.parametrize("failure", [BAD, RuntimeError("broken"), TimeoutError(), ValueError("\ud800")])
async def test_a_failure_leaves_the_last_good_copy(failure: Documents | Exception) -> None:
    bench = Bench(GOOD, failure)
    good = await bench.cache.ask(SITE, within=10)
    assert await bench.look_again() is good
    assert len(bench.source.asked) == 2


async def test_that_there_is_none_is_a_good_copy_too() -> None:
    bench = Bench(NONE, BAD)
    await bench.cache.ask(SITE, within=10)
    assert states(await bench.look_again()) == (ABSENT, ABSENT)


async def test_without_a_good_copy_nothing_is_known_and_nobody_waits_again() -> None:
    bench = Bench(BAD, GOOD)
    assert states(await bench.cache.ask(SITE, within=10)) == (UNKNOWN, UNKNOWN)
    assert bench.told == []
    bench.source.gate.clear()
    bench.clock.now += RETRY * 1.1
    again = bench.cache.ask(SITE, within=1e9)  # would hang for ever if it waited for the retry
    assert states(await again) == (UNKNOWN, UNKNOWN)
    bench.source.gate.set()
    await bench.settle()
    assert states(bench.cache.get(SITE)) == (KNOWN, KNOWN)


async def test_each_document_keeps_its_own_last_good_copy() -> None:
    newer = known(ROBOTS_NAME, b"User-agent: *\nAllow: /\n")
    bench = Bench(GOOD, (newer, BAD[1]))
    await bench.cache.ask(SITE, within=10)
    found = await bench.look_again()
    assert found.robots_document == newer
    assert found.tdmrep_document == GOOD[1]


async def test_a_document_that_is_taken_away_is_gone() -> None:
    bench = Bench(GOOD, NONE)
    await bench.cache.ask(SITE, within=10)
    found = await bench.look_again()
    assert (found.robots, found.tdm) == (None, None)


async def test_a_site_is_looked_at_once_in_a_refresh() -> None:
    bench = Bench(GOOD)
    await bench.cache.ask(SITE, within=10)
    await bench.look_again(REFRESH * 0.89)
    assert len(bench.source.asked) == 1
    await bench.look_again(REFRESH * 0.22)
    assert len(bench.source.asked) == 2


async def test_sites_first_asked_together_are_not_asked_together_for_ever() -> None:
    bench = Bench(GOOD)
    for number in range(50):
        bench.cache.get(f"{number}.example")
    await bench.settle()
    dues = {entry.due for entry in bench.cache._entries.values()}
    assert len(dues) > 40
    assert all(REFRESH * 0.9 <= due - bench.clock.now <= REFRESH * 1.1 for due in dues)


async def test_no_copy_is_kept_longer_than_a_day_unasked() -> None:
    bench = Bench(GOOD, refresh=10 * OLDEST)
    await bench.cache.ask(SITE, within=10)
    await bench.look_again(OLDEST * 1.1)
    assert len(bench.source.asked) == 2


async def test_an_unchanged_document_is_neither_parsed_nor_told_again() -> None:
    bench = Bench(GOOD, (known(ROBOTS_NAME, bytes(ROBOTS)), known(TDMREP_NAME, bytes(TDMREP))))
    first = await bench.cache.ask(SITE, within=10)
    assert await bench.look_again() is first
    assert len(bench.told) == 2


async def test_each_new_version_is_told_and_that_one_is_gone() -> None:
    newer = known(ROBOTS_NAME, b"")
    bench = Bench(GOOD, BAD, (newer, absent(TDMREP_NAME)))
    await bench.cache.ask(SITE, within=10)
    await bench.look_again()
    await bench.look_again()
    assert bench.told == [
        (SITE, ROBOTS_NAME, KNOWN),
        (SITE, TDMREP_NAME, KNOWN),
        (SITE, ROBOTS_NAME, KNOWN),
        (SITE, TDMREP_NAME, ABSENT),
    ]


async def test_a_version_is_told_before_it_is_in_force() -> None:
    seen: list[Published] = []
    cache: PublishedCache = PublishedCache(
        Scripted(GOOD), on_new=lambda authority, _: seen.append(cache.get(authority))
    )
    await cache.ask(SITE, within=10)
    assert seen == [NOTHING_KNOWN, NOTHING_KNOWN]


async def test_a_snapshot_that_fails_undoes_no_declaration() -> None:
    def fail(_authority: str, _document: Document) -> None:
        raise OSError

    cache = PublishedCache(Scripted(GOOD), on_new=fail)
    assert states(await cache.ask(SITE, within=10)) == (KNOWN, KNOWN)
    assert cache.failures == {"on_new OSError": 2}


async def test_a_fault_of_ours_leaves_the_last_good_copy_and_is_not_met_at_every_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError

    bench = Bench(GOOD, (known(ROBOTS_NAME, b""), absent(TDMREP_NAME)))
    good = await bench.cache.ask(SITE, within=10)
    monkeypatch.setattr("optout.adapters.documents.parse_published", broken)
    assert await bench.look_again() is good
    assert await bench.look_again(1) is good
    assert len(bench.source.asked) == 2
    assert bench.cache.failures == {"KeyError": 1}


async def test_made_up_authorities_are_bounded_in_number_and_the_used_ones_stay() -> None:
    bench = Bench(GOOD, most_authorities=10)
    await bench.cache.ask(SITE, within=10)
    for number in range(100):
        bench.cache.get(f"{number}.example")
        bench.cache.get(SITE)
        await bench.settle()
    assert len(bench.cache) == 10
    assert states(bench.cache.get(SITE)) == (KNOWN, KNOWN)
    assert bench.source.asked.count(SITE) == 1


async def test_documents_kept_are_bounded_in_octets() -> None:
    size = len(ROBOTS) + len(TDMREP)
    bench = Bench(GOOD, most_octets=3 * size)
    for number in range(20):
        bench.cache.get(f"{number}.example")
        await bench.settle()
    assert len(bench.cache) == 3
    assert bench.cache._octets == 3 * size


async def test_octets_are_counted_once_for_each_version_in_force() -> None:
    bench = Bench(GOOD, NONE, GOOD)
    for expected in (len(ROBOTS) + len(TDMREP), 0, len(ROBOTS) + len(TDMREP)):
        await bench.look_again()
        assert bench.cache._octets == expected


async def test_a_site_evicted_while_it_is_looked_at_leaves_the_count_right() -> None:
    bench = Bench(GOOD, most_authorities=1)
    bench.source.gate.clear()
    bench.cache.get(SITE)
    await asyncio.sleep(0)
    bench.cache.get("other.example")
    bench.source.gate.set()
    await bench.settle()
    assert len(bench.cache) == 1
    assert bench.cache._octets == len(ROBOTS) + len(TDMREP)


async def test_a_flood_of_authorities_is_no_flood_upon_the_origin() -> None:
    bench = Bench(GOOD)
    bench.source.gate.clear()
    for number in range(MOST_IN_FLIGHT + 50):
        assert await bench.cache.ask(f"{number}.example", within=0) is NOTHING_KNOWN
    assert len(bench.source.asked) == MOST_IN_FLIGHT
    bench.source.gate.set()
    await bench.settle()
    last = f"{MOST_IN_FLIGHT + 49}.example"
    assert states(await bench.cache.ask(last, within=10)) == (KNOWN, KNOWN)


async def test_closing_ends_what_is_under_way_and_starts_nothing_new() -> None:
    bench = Bench(GOOD)
    bench.source.gate.clear()
    bench.cache.get(SITE)
    await asyncio.sleep(0)
    await bench.cache.close()
    assert bench.source.cancelled == 1
    assert bench.cache.get("other.example") is NOTHING_KNOWN
    assert await bench.cache.ask("other.example", within=1e9) is NOTHING_KNOWN
    assert bench.source.asked == [SITE]


async def test_nothing_is_logged_about_authorities(caplog: pytest.LogCaptureFixture) -> None:
    bench = Bench(RuntimeError("secret.example"))
    await bench.cache.ask("secret.example", within=10)
    assert caplog.text == ""
    assert bench.cache.failures == {"RuntimeError": 1}


NAMING: Documents = (known(ROBOTS_NAME, b"License: https://site.example/l.xml\n"), absent(TDMREP_NAME))
L_XML = "RSL /l.xml"


class WithLicenses(Scripted):
    """A scripted source that also answers for license documents, after a gate of its own."""

    def __init__(self, *answers: Documents | Exception) -> None:
        super().__init__(*answers)
        self.licenses: list[Document | Exception] = [known(L_XML, LICENSE)]
        self.paths: list[str] = []
        self.opened = asyncio.Event()
        self.opened.set()

    async def fetch_license(self, authority: str, path: str) -> Document:
        self.paths.append(path)
        await self.opened.wait()
        said = self.licenses[0] if len(self.licenses) == 1 else self.licenses.pop(0)
        if isinstance(said, Exception):
            raise said
        return said


class LicenseBench(Bench):
    """A bench whose source has license documents."""

    def __init__(self, *answers: Documents | Exception) -> None:
        super().__init__(*answers)
        self.licensed = WithLicenses(*answers)
        self.cache = PublishedCache(self.licensed, on_new=self.tell, clock=self.clock)

    async def settle(self) -> None:
        await super().settle()
        while self.cache._at_licenses:
            await asyncio.wait(self.cache._at_licenses.values())
            await asyncio.sleep(0)

    def states(self) -> list[DocumentState]:
        return [document.state for _, document in self.cache.get(SITE).licenses]


class TestLicenses:
    """License documents that robots.txt names on the site itself: seen, told, and waited for by nobody."""

    async def test_they_are_asked_for_after_the_others_and_told(self) -> None:
        bench = LicenseBench(NAMING)
        await bench.cache.ask(SITE, within=10)
        await bench.settle()
        assert bench.licensed.paths == ["/l.xml"]
        assert bench.cache.get(SITE).licenses == (("https://site.example/l.xml", known(L_XML, LICENSE)),)
        assert bench.told[-1] == (SITE, L_XML, KNOWN)

    async def test_no_request_waits_for_them(self) -> None:
        bench = LicenseBench(NAMING)
        bench.licensed.opened.clear()
        assert states(await bench.cache.ask(SITE, within=1e9)) == (KNOWN, ABSENT)
        assert bench.states() == [UNKNOWN]
        bench.licensed.opened.set()
        await bench.settle()
        assert bench.states() == [KNOWN]

    async def test_they_are_looked_at_again_after_an_hour_and_an_unchanged_one_is_not_told_again(self) -> None:
        bench = LicenseBench(NAMING)
        await bench.cache.ask(SITE, within=10)
        await bench.settle()
        await bench.look_again()
        assert len(bench.licensed.paths) == 1
        told = len(bench.told)
        await bench.look_again(LICENSES_AFTER)
        assert (len(bench.licensed.paths), len(bench.told)) == (2, told)

    @pytest.mark.parametrize("failure", [unknown(L_XML, "HTML"), RuntimeError(), TimeoutError()])
    async def test_a_failure_leaves_the_last_good_copy_and_is_asked_again_soon(
        self, failure: Document | Exception
    ) -> None:
        bench = LicenseBench(NAMING)
        bench.licensed.licenses = [known(L_XML, LICENSE), failure, absent(L_XML)]
        await bench.cache.ask(SITE, within=10)
        await bench.settle()
        await bench.look_again(LICENSES_AFTER)
        assert bench.states() == [KNOWN]
        await bench.look_again()
        assert bench.states() == [ABSENT]
        assert bench.told[-1] == (SITE, L_XML, ABSENT)

    async def test_a_newer_robots_txt_keeps_those_that_it_still_names(self) -> None:
        text = b"License: https://site.example/l.xml\nLicense: https://site.example/m.xml\n"
        bench = LicenseBench(NAMING, (known(ROBOTS_NAME, text), absent(TDMREP_NAME)), GOOD)
        await bench.cache.ask(SITE, within=10)
        await bench.settle()
        bench.licensed.opened.clear()
        bench.clock.now += REFRESH * 1.1
        bench.cache.get(SITE)
        await Bench.settle(bench)
        assert bench.states() == [KNOWN, UNKNOWN]
        bench.licensed.opened.set()
        await bench.settle()
        await bench.look_again()
        assert bench.states() == []
        assert bench.cache._octets == len(ROBOTS) + len(TDMREP)

    async def test_closing_ends_a_look_at_them(self) -> None:
        bench = LicenseBench(NAMING)
        bench.licensed.opened.clear()
        await bench.cache.ask(SITE, within=10)
        await asyncio.sleep(0)
        assert bench.licensed.paths
        await bench.cache.close()
        assert not bench.cache._at_licenses

    async def test_a_source_that_cannot_read_them_is_not_asked(self) -> None:
        bench = Bench(NAMING)
        await bench.cache.ask(SITE, within=10)
        await bench.settle()
        assert [document.state for _, document in bench.cache.get(SITE).licenses] == [UNKNOWN]


class TestSilence:
    """Which sites do not answer, for the operator's numbers."""

    async def test_a_site_that_was_never_known_is_silent_without_a_time(self) -> None:
        cache = PublishedCache(_Changing([unknown(ROBOTS_NAME, "")]))
        assert cache.silent() == {}
        await cache.ask(SITE, within=5)
        assert cache.silent() == {SITE: None}
        await cache.close()

    async def test_a_site_that_answered_once_is_silent_since_then_until_it_answers_again(self) -> None:
        now = [1000.0]
        good = known(ROBOTS_NAME, ROBOTS)
        cache = PublishedCache(_Changing([good, unknown(ROBOTS_NAME, ""), good]), clock=lambda: now[0])
        await cache.ask(SITE, within=5)
        now[0] += 5000
        assert cache.silent() == {}  # nobody came, so nobody asked
        await _looked(cache)
        assert cache.silent() == {SITE: 5000}
        now[0] += RETRY * 2
        await _looked(cache)
        assert cache.silent() == {}
        await cache.close()

    async def test_a_site_that_is_forgotten_is_not_silent(self) -> None:
        cache = PublishedCache(_Changing([unknown(ROBOTS_NAME, "")]), most_authorities=1)
        await cache.ask(SITE, within=5)
        await cache.ask("other.example", within=5)
        assert cache.silent() == {"other.example": None}
        await cache.close()

    async def test_a_site_that_is_forgotten_while_it_is_asked_is_not_silent(self) -> None:
        cache = PublishedCache(_Changing([unknown(ROBOTS_NAME, "")]), most_authorities=1)
        cache.get(SITE)
        cache.get("other.example")
        await _looked(cache, "other.example")
        assert cache.silent() == {"other.example": None}
        await cache.close()


class _Changing:
    """A source whose robots.txt is one after the other, and then remains."""

    def __init__(self, found: list[Document]) -> None:
        self._found = found

    async def fetch(self, _authority: str) -> Documents:
        robots = self._found.pop(0) if len(self._found) > 1 else self._found[0]
        return robots, absent(TDMREP_NAME)


async def _looked(cache: PublishedCache, authority: str = SITE) -> None:
    """One more look at a site has ended."""
    cache.get(authority)
    while any(task.get_name() == "optout-documents" for task in asyncio.all_tasks()):
        await asyncio.sleep(0)
    await asyncio.sleep(0)  # and its end is known to the cache


async def test_a_site_can_be_looked_at_before_its_time() -> None:
    bench = Bench(GOOD, NONE)
    await bench.cache.ask(SITE, within=10)
    bench.cache.hasten(lambda authority: authority != SITE)
    bench.cache.get(SITE)
    await bench.settle()
    assert len(bench.source.asked) == 1
    bench.cache.hasten(lambda authority: authority == SITE)
    bench.cache.get(SITE)
    await bench.settle()
    assert states(bench.cache.get(SITE)) == (ABSENT, ABSENT)
