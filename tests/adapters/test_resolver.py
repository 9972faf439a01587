"""The answers to judgement's questions: boxed in time, cached by digest, missing where there is none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import pytest

from optout.adapters.documents import Documents, PublishedCache
from optout.adapters.fetcher import Fetcher
from optout.adapters.resolver import MOST_GRANTS, MOST_IN_FLIGHT, REFUSED_FOR, VALID_FOR, Resolver
from optout.licensing.token import Grant, GrantState
from optout.lookups import Introspection, PublishedDocuments, SignatureCheck
from optout.signals.declaration import ROBOTS_NAME, TDMREP_NAME, DocumentState, Published, absent, known
from optout.signatures.verification import Checked, Verdict
from tests.adapters.origin import Asked, Origin, answer, never

TOKEN = "secret-token-abc"
SITE = PublishedDocuments(authority="site.example")


class Source:
    """A site with a robots.txt; or one that never answers."""

    def __init__(self, *, answers: bool = True) -> None:
        self._answers = answers

    async def fetch(self, authority: str) -> Documents:
        if not self._answers:
            await asyncio.Event().wait()
        return known(ROBOTS_NAME, authority.encode()), absent(TDMREP_NAME)


class LicenseServer:
    """A fetcher that answers as told, after `gate` opens, and counts."""

    def __init__(self, said: dict[str, object] | Exception | None) -> None:
        self.said = said
        self.asked: list[tuple[str, str, str]] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def introspect(self, server: str, token: str, resource: str) -> dict[str, object] | None:
        self.asked.append((server, token, resource))
        await self.gate.wait()
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


class Clock:
    """Seconds that pass only when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


VALID: dict[str, object] = {"active": True, "permitted": True, "license": "lic-7"}


def question(token: str = TOKEN, resource: str = "https://site.example/a") -> Introspection:
    return Introspection(server="https://license.example", token=token, resource=resource)


def resolver(server: LicenseServer | None, clock: Clock | None = None, **options: float) -> Resolver:
    return Resolver(PublishedCache(Source()), server, clock=clock or Clock(), **options)  # type: ignore[arg-type]


async def test_published_documents_are_answered() -> None:
    answers = await resolver(None).resolve([SITE])
    found = answers[SITE]
    assert isinstance(found, Published)
    assert found.robots_document.data == b"site.example"


async def test_a_site_that_never_answers_is_unknown_in_time() -> None:
    cache = PublishedCache(Source(answers=False))
    answers = await Resolver(cache, documents_within=0.01).resolve([SITE])
    found = answers[SITE]
    assert isinstance(found, Published)
    assert found.robots_document.state is DocumentState.UNKNOWN
    await cache.close()


async def test_no_question_has_no_answer() -> None:
    assert await resolver(None).resolve([]) == {}


async def test_all_questions_are_asked_at_once() -> None:
    server = LicenseServer(VALID)
    answers = await resolver(server).resolve([SITE, question()])
    assert isinstance(answers[SITE], Published)
    assert answers[question()] == Grant(state=GrantState.VALID, license_id="lic-7")


@pytest.mark.parametrize("said", [None, RuntimeError("broken"), TimeoutError()])
async def test_a_license_server_without_an_answer_is_a_missing_answer(said: Exception | None) -> None:
    answers = await resolver(LicenseServer(said)).resolve([SITE, question()])
    assert list(answers) == [SITE]


async def test_without_a_fetcher_no_license_server_is_asked() -> None:
    assert await resolver(None).resolve([question()]) == {}


async def test_a_license_server_that_never_answers_is_left_in_time_and_not_asked_again_meanwhile() -> None:
    server = LicenseServer(VALID)
    server.gate.clear()
    asked = resolver(server, introspection_within=0.01)
    for _ in range(3):
        assert await asked.resolve([question()]) == {}
    assert len(server.asked) == 1
    server.gate.set()
    await asyncio.wait(asked._running.values())
    assert question() in await asked.resolve([question()])
    assert len(server.asked) == 1


async def test_the_same_question_at_the_same_time_is_asked_once() -> None:
    server = LicenseServer(VALID)
    asked = resolver(server)
    answers = await asyncio.gather(*(asked.resolve([question()]) for _ in range(50)))
    assert len(server.asked) == 1
    assert all(found[question()] == answers[0][question()] for found in answers)


async def test_a_valid_token_counts_for_a_minute_and_no_longer() -> None:
    server, clock = LicenseServer(VALID), Clock()
    asked = resolver(server, clock)
    await asked.resolve([question()])
    clock.now += VALID_FOR - 1
    await asked.resolve([question()])
    assert len(server.asked) == 1
    clock.now += 1
    server.said = {"active": False}
    found = (await asked.resolve([question()]))[question()]
    assert isinstance(found, Grant)
    assert found.state is GrantState.INVALID


@pytest.mark.parametrize("said", [{"active": False}, {"active": True, "permitted": False}, {}, None])
async def test_a_refusal_counts_for_a_few_seconds_only(said: dict[str, object] | None) -> None:
    server, clock = LicenseServer(said), Clock()
    asked = resolver(server, clock)
    for _ in range(10):
        await asked.resolve([question()])
    assert len(server.asked) == 1
    clock.now += REFUSED_FOR
    server.said = VALID
    found = (await asked.resolve([question()]))[question()]
    assert isinstance(found, Grant)
    assert found.state is GrantState.VALID


@pytest.mark.parametrize(
    "other",
    [
        question(token="other"),
        question(resource="https://site.example/b"),
        Introspection(server="https://other.example", token=TOKEN, resource="https://site.example/a"),
    ],
    ids=["token", "resource", "server"],
)
async def test_a_grant_is_for_one_token_one_resource_one_server(other: Introspection) -> None:
    server = LicenseServer(VALID)
    asked = resolver(server)
    await asked.resolve([question()])
    await asked.resolve([other])
    assert len(server.asked) == 2


async def test_made_up_tokens_are_bounded_in_number() -> None:
    asked = resolver(LicenseServer({"active": False}))
    for number in range(MOST_GRANTS + 10):
        await asked.resolve([question(token=str(number))])
    assert len(asked._grants) == MOST_GRANTS


async def test_a_flood_of_tokens_is_no_flood_upon_the_license_server() -> None:
    server = LicenseServer(VALID)
    server.gate.clear()
    asked = resolver(server, introspection_within=0.01)
    flood = (asked.resolve([question(token=str(number))]) for number in range(MOST_IN_FLIGHT + 20))
    assert await asyncio.gather(*flood) == [{}] * (MOST_IN_FLIGHT + 20)
    assert len(server.asked) == MOST_IN_FLIGHT
    await asked.close()
    assert asked._running == {}


async def test_tokens_are_kept_as_digests_only() -> None:
    asked = resolver(LicenseServer(VALID))
    await asked.resolve([question()])
    assert TOKEN not in repr(vars(asked))
    assert all(TOKEN.encode() not in key for key in asked._grants)
    assert TOKEN not in repr(question())
    assert resolver(None)._digest(question()) != asked._digest(question())  # keyed: no table of digests helps


class TestOverTheWire:
    @pytest.fixture
    async def server(self) -> AsyncIterator[Origin]:
        async with Origin() as origin:
            yield origin

    async def grant(self, server: Origin, within: float = 10) -> Grant | None:
        async with Fetcher() as fetcher:
            asked = Resolver(PublishedCache(Source()), fetcher, introspection_within=within)
            lookup = Introspection(server=server.base, token=TOKEN, resource="https://site.example/a")
            found = (await asked.resolve([lookup])).get(lookup)
            await asked.close()
        assert found is None or isinstance(found, Grant)
        return found

    async def test_a_license_server_s_word_becomes_a_grant(self, server: Origin) -> None:
        server.pages["/introspect"] = answer(json.dumps(VALID).encode())
        assert await self.grant(server) == Grant(state=GrantState.VALID, license_id="lic-7")

    @pytest.mark.parametrize("page", [answer(status="500 Broken"), answer(b"<html>"), b"", never])
    async def test_a_license_server_that_fails_is_a_missing_answer(self, server: Origin, page: bytes) -> None:
        server.pages["/introspect"] = page
        assert await self.grant(server, within=0.1) is None

    async def test_a_redirect_does_not_carry_the_token_elsewhere(self, server: Origin) -> None:
        async with Origin() as thief:

            async def redirect(_asked: Asked, writer: asyncio.StreamWriter) -> None:
                writer.write(answer(status="307 Temporary", location=f"{thief.base}/introspect"))

            server.pages["/introspect"] = redirect
            assert await self.grant(server) is None
            assert thief.asked == []


class Keys:
    """Key directories that say of every signature what they are told to."""

    def __init__(self, said: Checked | None) -> None:
        self.said = said

    async def check(self, _question: SignatureCheck) -> Checked | None:
        return self.said


SIGNED = SignatureCheck(host="keys.example", keyid="k", base="b", value=b"", nonce="", expires_s=2, at_s=1)


@pytest.mark.parametrize("said", [Checked(verdict=Verdict.VERIFIED), None])
async def test_a_signature_is_answered_beside_the_documents_or_missing(said: Checked | None) -> None:
    asking = Resolver(PublishedCache(Source()), keys=Keys(said))  # type: ignore[arg-type]
    answers = await asking.resolve([SITE, SIGNED])
    assert answers.get(SIGNED) is said
    assert isinstance(answers[SITE], Published)


async def test_without_key_directories_no_signature_is_answered() -> None:
    assert SIGNED not in await resolver(None).resolve([SIGNED])
