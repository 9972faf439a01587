"""A signed request through every door that runs in a process of our own: what was signed arrives as it was signed.

And a key directory that never answers: people are served meanwhile, and claimants within their time box.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from optout.adapters import driver
from optout.adapters.forward_auth.check import Dialect
from optout.adapters.key_directories import KeyDirectories
from tests.adapters.forward_auth.test_forward_auth import ask as weigh
from tests.adapters.forward_auth.test_forward_auth import door
from tests.adapters.test_key_directories import Double
from tests.doors.all_doors import _middleware
from tests.doors.asgi_doors import asgi_door
from tests.doors.forward_auth_doors import site
from tests.doors.wsgi_doors import wsgi_door
from tests.gateways import gateway
from tests.judge import leaves
from tests.served import CHROME, Answer, ask, served
from tests.signatures.signer import Signer, directory

SIGNER = Signer()
AGENT = 'sig1="https://chatgpt.com"'
TARGET = "/a/b%20c?q=%41&r="
EVERYTHING = (
    '"@method" "@authority" "@scheme" "@target-uri" "@request-target" "@path" "@query" "@query-param";name="q"'
    ' "accept" "signature-agent";key="sig1"'
)
POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
contact: rights@site.example
clauses:
  - {id: proven, action: deny, standing: verified, crawler: ChatGPT agent}
  - {id: unproven, action: require-license, crawler: ChatGPT agent}
"""
Door = Callable[[Path], AbstractAsyncContextManager[int]]


@asynccontextmanager
async def _gateway(place: Path) -> AsyncIterator[int]:
    async with served(site({})) as origin, gateway(place, f"http://127.0.0.1:{origin}", POLICY) as port:
        yield port


DOORS: dict[str, Door] = {
    "gateway": _gateway,
    "aiohttp": lambda place: _middleware({"policy": POLICY}, place),
    "asgi": lambda place: asgi_door({"policy": POLICY}, place),
    "wsgi": lambda place: wsgi_door({"policy": POLICY}, place),
}


@pytest.fixture
def double(monkeypatch: pytest.MonkeyPatch) -> Double:
    """The key directory of chatgpt.com, for every driver that is made; its real one is not asked."""
    found = Double(directory(SIGNER.jwk))

    def keys(_visitor: object, hosts: Any, **options: Any) -> KeyDirectories:
        return KeyDirectories(found, hosts, within=0.05, **options)

    monkeypatch.setattr(driver, "KeyDirectories", keys)
    return found


async def sign_and_ask(port: int, *, nonce: str, target: str = TARGET, signed: str = TARGET) -> Answer:
    now = int(time.time())
    headers = SIGNER.headers(
        f"http://site.example{signed}",
        agent=AGENT,
        covered=EVERYTHING,
        created=now,
        expires=now + 60,
        nonce=nonce,
        more=(("Accept", "application/json"),),
    )
    more = "".join(f"{name}: {value}\r\n" for name, value in headers)
    return await ask(port, target, more=more)


def clause(answer: Answer) -> object:
    return json.loads(answer.body)["clause"]


@pytest.mark.parametrize("name", DOORS)
async def test_what_was_signed_arrives_as_it_was_signed(name: str, double: Double, tmp_path: Path) -> None:
    async with DOORS[name](tmp_path) as port:
        first = await sign_and_ask(port, nonce="a")
        again = await sign_and_ask(port, nonce="a")
        other = await sign_and_ask(port, nonce="b", target="/a/b%20c?q=%42&r=")
    assert [(answer.status, clause(answer)) for answer in (first, again, other)] == [
        (403, "proven"),
        (402, "unproven"),
        (402, "unproven"),
    ]
    assert not first.all("accept-signature")
    assert other.first("accept-signature")
    found = [leaf["signature.verdict"] for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert found == ["verified", "replayed", "doubted"]  # the client's address is loopback: unknown
    assert double.asked == ["https://chatgpt.com/.well-known/http-message-signatures-directory"]


@pytest.mark.parametrize("name", DOORS)
async def test_a_directory_that_never_answers_holds_up_nobody(name: str, double: Double, tmp_path: Path) -> None:
    double.gate.clear()
    async with DOORS[name](tmp_path) as port:
        claimants = [asyncio.ensure_future(sign_and_ask(port, nonce=str(n))) for n in range(5)]
        person = await ask(port, "/a", CHROME)
        answers = await asyncio.gather(*claimants)
    assert person.status == 200
    assert {(answer.status, clause(answer)) for answer in answers} == {(402, "unproven")}
    assert len(double.asked) == 1


@pytest.mark.parametrize("dialect", [Dialect.NGINX, Dialect.CADDY, Dialect.ENVOY])
@pytest.mark.usefixtures("double")
async def test_a_front_end_that_asks_passes_on_what_was_signed(dialect: Dialect, tmp_path: Path) -> None:
    now = int(time.time())
    signed = SIGNER.headers(
        f"https://site.example{TARGET}",
        agent=AGENT,
        covered=EVERYTHING.replace(' "accept"', ""),
        created=now,
        expires=now + 60,
    )
    async with door(tmp_path, dialect, POLICY) as found:
        for target in (TARGET, "/a/b%20c?q=%42&r="):
            await weigh(found, CHROME, target, *signed, dialect=dialect)
    kept = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert [leaf["signature.verdict"] for leaf in kept] == ["verified", "bad-signature"]
    assert [leaf["identity.standing"] for leaf in kept] == ["verified", "contradicted"]
