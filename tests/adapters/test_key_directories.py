"""Key directories that behave, and twelve that do not; over TLS on loopback."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import pytest
from aiohttp.abc import ResolveResult

from optout.adapters.fetcher import Fetcher, Visited
from optout.adapters.key_directories import KEPT_AT_LEAST, KEPT_AT_MOST, KEPT_FOR, OLDEST, RETRY, KeyDirectories
from optout.adapters.public_addresses import PublicAddresses
from optout.lookups import SignatureCheck
from optout.messages import Fields
from optout.signatures.binding import Binding
from optout.signatures.directory import LONGEST_DIRECTORY, MEDIA_TYPE, WELL_KNOWN, parse_directory
from optout.signatures.verification import Checked, Verdict, present
from optout.testing import make_request
from tests.adapters.origin import Asked, Origin, answer, never
from tests.certificates import make_pair
from tests.signatures.signer import HOST, NOW, Signer, directory, unpadded
from tests.signatures.test_binding import BODY as BOUND
from tests.signatures.test_binding import answer as bound

SIGNER = Signer()
NO_FIELDS = Fields()
URL = "https://site.example/page"


def question(nonce: str = "n1", *, keyid: str | None = None, host: str = HOST, at: int = NOW) -> SignatureCheck:
    found = present(make_request(URL, headers=SIGNER.headers(URL, nonce=nonce, keyid=keyid)), {HOST})
    assert found.signature is not None
    return SignatureCheck(
        host=host,
        keyid=found.signature.keyid,
        base=found.base,
        value=found.signature.value,
        nonce=found.signature.nonce,
        expires_s=found.signature.expires or 0,
        at_s=at,
    )


def page(body: bytes, media_type: str = MEDIA_TYPE, **more: str) -> bytes:
    return answer(body, content_type=media_type, **more)


class Places(PublicAddresses):
    """Names lead where the test says; `allowed` are the addresses that count as public."""

    def __init__(self, port: int, looks: list[str], allowed: str = "127.0.0.") -> None:
        super().__init__(self._next, is_allowed=lambda address: address.startswith(allowed))
        self.port = port
        self.looks = looks
        self.looked: list[str] = []

    def _next(self, host: str, _port: int) -> list[str]:
        self.looked.append(host)
        return [self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]]

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # type: ignore[override]
        assert port == 443
        return [{**found, "port": self.port} for found in await super().resolve(host, port)]


class Tls(NamedTuple):
    """A server's side and a client's side that trusts it."""

    server: ssl.SSLContext
    client: ssl.SSLContext


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    cert, key = make_pair(tmp_path_factory.mktemp("tls"), HOST)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(cert, key)
    return Tls(server, ssl.create_default_context(cafile=str(cert)))


@pytest.fixture
async def origin(tls: Tls) -> AsyncIterator[Origin]:
    async with Origin(tls=tls.server) as server:
        yield server


async def ask(origin: Origin, tls: Tls, *questions: SignatureCheck, looks: list[str] | None = None) -> list[str]:
    """The verdicts on questions that are asked one after the other, of a fetcher that gives up after half a second."""
    places = Places(origin.port, looks or ["127.0.0.1"])
    async with Fetcher(tls=tls.client, resolver=places, document_within=0.5) as fetcher:
        keys = KeyDirectories(fetcher, {HOST}, within=5.0)
        found = [await keys.check(each) for each in questions]
        await keys.close()
    return ["none" if each is None else each.verdict.value for each in found]


async def test_a_signature_is_verified_with_the_keys_of_its_host(origin: Origin, tls: Tls) -> None:
    origin.pages[WELL_KNOWN] = page(directory(SIGNER.jwk))
    assert await ask(origin, tls, question("a"), question("b"), question("b")) == ["verified", "verified", "replayed"]
    assert len(origin.asked) == 1
    fields = origin.asked[0].fields
    assert (fields["host"], fields["accept"]) == (HOST, MEDIA_TYPE)
    assert "cookie" not in fields


async def _drip(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _flood(_asked: Asked, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
    while True:
        writer.write(b" " * 65_536)
        await writer.drain()


RSA = {"kty": "RSA", "n": unpadded(b"\xc5" * 256), "e": "AQAB"}
RSA_ID = parse_directory(directory(RSA)).keys[0].thumbprint
THOUSAND = directory(SIGNER.jwk, *({} for _ in range(999)))
OTHER = Signer(2)

Page = bytes | Callable[[Asked, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Way:
    """One way to misbehave, and what a signature is then worth."""

    page: Page
    verdict: str = "none"
    keyid: str | None = None
    looks: list[str] = field(default_factory=lambda: ["127.0.0.1"])


WAYS = {
    "slow": Way(_drip),
    "never answers": Way(never),
    "huge": Way(_flood),
    "sends on to another host": Way(answer(status="302 Found", location=f"https://other.example{WELL_KNOWN}")),
    "sends on to 127.0.0.1": Way(answer(status="307 Temporary Redirect", location=f"https://127.0.0.1{WELL_KNOWN}")),
    "wrong type": Way(page(directory(SIGNER.jwk), "text/html")),
    "no JSON": Way(page(b'{"keys": [')),
    "a thousand keys": Way(page(THOUSAND)),
    "an RSA key": Way(page(directory(RSA)), "unsupported-algorithm", RSA_ID),
    "expired keys": Way(page(directory({**SIGNER.jwk, "exp": NOW - 1})), "key-not-valid"),
    "a kid that lies": Way(page(directory({**OTHER.jwk, "kid": SIGNER.keyid})), "unknown-key"),
    "leads inside when it is connected to": Way(page(directory(SIGNER.jwk)), looks=["10.0.0.1", "127.0.0.1"]),
}


@pytest.mark.parametrize("name", WAYS)
async def test_a_directory_that_misbehaves_verifies_nobody(name: str, origin: Origin, tls: Tls) -> None:
    way = WAYS[name]
    origin.pages[WELL_KNOWN] = way.page
    origin.pages["/"] = page(directory(SIGNER.jwk))
    assert await ask(origin, tls, question(keyid=way.keyid), looks=way.looks) == [way.verdict]
    assert set(origin.paths) <= {WELL_KNOWN}
    assert len(origin.asked) <= 1


async def test_a_connection_goes_to_the_address_that_was_checked(tls: Tls) -> None:
    """DNS rebinding: the name leads to 127.0.0.2 when it is checked, and to 127.0.0.1 whenever it is asked again."""
    async with Origin(tls=tls.server, address="127.0.0.2") as honest, Origin(tls=tls.server) as inside:
        honest.pages[WELL_KNOWN] = page(directory(SIGNER.jwk))
        places = Places(honest.port, ["127.0.0.2", "127.0.0.1"], allowed="127.0.0.2")
        inside.pages[WELL_KNOWN] = page(directory(SIGNER.jwk))
        async with Fetcher(tls=tls.client, resolver=places) as fetcher:
            keys = KeyDirectories(fetcher, {HOST})
            found = await keys.check(question())
            assert found is not None
            assert found.verdict is Verdict.VERIFIED
            assert len(places.looked) == 1
            again = await fetcher.visit(f"https://{HOST}{WELL_KNOWN}", {})  # the name now leads inside
            assert again.fault
        assert (len(honest.asked), len(inside.asked)) == (1, 0)


async def test_who_has_no_certificate_for_the_name_is_not_believed(origin: Origin) -> None:
    origin.pages[WELL_KNOWN] = page(directory(SIGNER.jwk))
    stranger = Tls(origin._tls, ssl.create_default_context())  # type: ignore[arg-type]
    assert await ask(origin, stranger, question()) == ["none"]
    assert origin.asked == []


async def test_a_directory_of_exactly_the_limit_is_read_and_one_octet_more_is_not(origin: Origin, tls: Tls) -> None:
    body = directory(SIGNER.jwk)
    origin.pages[WELL_KNOWN] = page(body + b" " * (LONGEST_DIRECTORY - len(body)))
    assert await ask(origin, tls, question()) == ["verified"]
    origin.pages[WELL_KNOWN] = page(body + b" " * (LONGEST_DIRECTORY + 1 - len(body)))
    assert await ask(origin, tls, question()) == ["none"]


class Double:
    """A visitor without a network: answers as told, waits while `gate` is closed, counts."""

    def __init__(self, *bodies: bytes | None, cache: str = "", fields: Fields = NO_FIELDS) -> None:
        self.bodies = list(bodies)
        self.fields = fields.items
        self.cache = cache
        self.asked: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def visit(self, url: str, _fields: dict[str, str], *, limit: int) -> Visited:
        self.asked.append(url)
        await self.gate.wait()
        body = self.bodies.pop(0) if len(self.bodies) > 1 else self.bodies[0]
        if body is None:
            return Visited(fault="no answer")
        fields = (("Content-Type", f"{MEDIA_TYPE}; charset=utf-8"), ("Cache-Control", self.cache))
        return Visited(status=200, fields=Fields((*fields, *self.fields)), body=body[:limit])


class Clock:
    """Seconds that pass only when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def told(found: Checked | None) -> str:
    return "none" if found is None else found.verdict.value


GOOD, BOTH, NEW = directory(SIGNER.jwk), directory(SIGNER.jwk, OTHER.jwk), directory(OTHER.jwk)


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost", "169.254.169.254", "", f"{HOST}.evil.example"]
)
async def test_a_host_that_the_registry_does_not_name_is_never_asked(host: str) -> None:
    double = Double(GOOD)
    keys = KeyDirectories(double, {HOST})
    assert await keys.check(question(host=host)) is None
    assert double.asked == []


@pytest.mark.parametrize(
    ("cache", "kept"),
    [
        ("", KEPT_FOR),
        ("max-age=1200", 1200),
        ("public, Max-Age=1200, must-revalidate", 1200),
        ('max-age="1200"', 1200),
        ("max-age=1", KEPT_AT_LEAST),
        ("max-age=999999999", KEPT_AT_MOST),
        ("max-age=99999999999999999999", KEPT_AT_MOST),
        ("s-maxage=1200", KEPT_FOR),
        ("no-store, max-age=1200", KEPT_AT_LEAST),
        ("no-cache", KEPT_AT_LEAST),
        ("max-age=-5", KEPT_FOR),
    ],
)
async def test_keys_are_kept_for_as_long_as_the_directory_says_within_limits(cache: str, kept: float) -> None:
    double, clock = Double(GOOD, cache=cache), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock)
    await keys.check(question())
    clock.now += kept - 1
    await keys.check(question())
    assert len(double.asked) == 1
    clock.now += 1
    await keys.check(question())
    await asyncio.sleep(0)
    assert len(double.asked) == 2


async def test_a_failure_is_remembered_for_a_minute() -> None:
    double, clock = Double(None), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock)
    for _ in range(3):
        assert await keys.check(question()) is None
    assert len(double.asked) == 1
    assert keys.faults() == {HOST: "no answer"}
    clock.now += RETRY
    await keys.check(question())
    assert len(double.asked) == 2


async def test_a_refresh_that_fails_takes_no_key_away_for_a_day() -> None:
    double, clock = Double(GOOD, None), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock)
    assert told(await keys.check(question("a"))) == "verified"
    clock.now += OLDEST - 1
    assert told(await keys.check(question("b"))) == "verified"
    clock.now += 1
    assert told(await keys.check(question("c"))) == "none"


async def test_a_refresh_that_succeeds_takes_away_what_is_no_longer_listed() -> None:
    double, clock = Double(GOOD, NEW), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock)
    assert told(await keys.check(question("a"))) == "verified"
    clock.now += KEPT_FOR
    await keys.check(question("b"))  # sets off the refresh, and does not wait for it
    await asyncio.sleep(0)
    assert told(await keys.check(question("c"))) == "unknown-key"


async def test_a_key_that_is_not_listed_is_looked_for_once_a_minute() -> None:
    double, clock = Double(NEW, NEW, BOTH), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock)
    for _ in range(50):  # made-up names of keys must not become a flood upon the operator
        assert told(await keys.check(question())) == "unknown-key"
    assert len(double.asked) == 1
    clock.now += RETRY
    assert told(await keys.check(question())) == "unknown-key"
    clock.now += RETRY
    assert told(await keys.check(question())) == "verified"
    assert len(double.asked) == 3


async def test_one_request_is_under_way_for_a_host_and_all_get_its_answer() -> None:
    double = Double(GOOD)
    double.gate.clear()
    keys = KeyDirectories(double, {HOST})
    asking = [asyncio.ensure_future(keys.check(question(str(n)))) for n in range(20)]
    await asyncio.sleep(0)
    double.gate.set()
    assert [told(found) for found in await asyncio.gather(*asking)] == ["verified"] * 20
    assert len(double.asked) == 1


async def test_few_requests_are_under_way_at_once() -> None:
    double = Double(GOOD)
    double.gate.clear()
    hosts = [f"h{n}.example" for n in range(40)]
    keys = KeyDirectories(double, hosts, within=0)
    assert await asyncio.gather(*(keys.check(question(host=host)) for host in hosts)) == [None] * 40
    assert len(double.asked) == 8
    await keys.close()


async def test_a_directory_that_never_answers_costs_its_time_box_and_no_more() -> None:
    double = Double(GOOD)
    double.gate.clear()
    keys = KeyDirectories(double, {HOST}, within=0.01)
    assert await keys.check(question()) is None
    double.gate.set()  # it answers after all: the next question finds the keys
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert told(await keys.check(question())) == "verified"
    await keys.close()


async def test_the_same_nonce_twice_at_once_counts_once() -> None:
    double = Double(GOOD)
    double.gate.clear()
    keys = KeyDirectories(double, {HOST})
    asking = [asyncio.ensure_future(keys.check(question("same"))) for _ in range(10)]
    await asyncio.sleep(0)
    double.gate.set()
    found = sorted(told(each) for each in await asyncio.gather(*asking))
    assert found == ["replayed"] * 9 + ["verified"]


async def test_without_a_nonce_a_signature_may_come_again() -> None:
    keys = KeyDirectories(Double(GOOD), {HOST})
    assert [told(await keys.check(question(""))) for _ in range(2)] == ["verified", "verified"]


async def test_a_signature_that_is_wrong_uses_up_no_nonce() -> None:
    keys = KeyDirectories(Double(GOOD), {HOST})
    right = question("n")
    wrong = SignatureCheck(**{name: getattr(right, name) for name in right.__struct_fields__} | {"value": bytes(64)})
    assert told(await keys.check(wrong)) == "bad-signature"
    assert told(await keys.check(right)) == "verified"


async def test_every_new_directory_is_told_before_it_is_used() -> None:
    seen: list[tuple[str, bytes]] = []
    double, clock = Double(GOOD, GOOD, BOTH), Clock()
    keys = KeyDirectories(double, {HOST}, clock=clock, on_keys=lambda host, body: seen.append((host, body)))
    for _ in range(3):
        await keys.check(question())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        clock.now += KEPT_FOR
    assert seen == [(HOST, GOOD), (HOST, BOTH)]


async def test_a_directory_says_of_itself_whether_its_keys_are_its_own() -> None:
    for fields, found in ((bound(), Binding.GOOD), (bound(host="other.example"), Binding.BAD)):
        keys = KeyDirectories(Double(BOUND, fields=fields), {HOST})
        assert keys.binding(HOST) is Binding.NONE
        assert told(await keys.check(question())) == "verified"  # TLS says whose it is, whatever it says itself
        assert keys.binding(HOST) is found


async def test_what_is_published_for_anybody_to_sign_with_verifies_nobody() -> None:
    published = {"kty": "OKP", "crv": "Ed25519", "x": "JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs"}
    keys = KeyDirectories(Double(json.dumps({"keys": [published, SIGNER.jwk]}).encode()), {HOST})
    assert told(await keys.check(question(keyid="poqkLGiymh_W0uP6PZFw-dvez3QJT5SolqXBCW38r0U"))) == "unknown-key"
    assert told(await keys.check(question())) == "verified"
