"""Real front ends that ask the forward-auth door: nginx and Caddy. Traefik and Envoy are tried by what they send."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import yaml

from tests.doors.forward_auth_doors import SHIPPED, forward_auth, front_end, site
from tests.doors.raw_origin import RawOrigin
from tests.judge import leaves, user_agent
from tests.served import CHROME, Answer, ask, connected, served

KINDS = ("nginx", "caddy")
POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
terms: /terms
sites: [site.example]
clauses:
  - id: paid
    action: require-license
    purpose: [train]
    reason: Ask us for a license.
    path: ["/paid/"]
  - id: no
    action: deny
    purpose: [train]
    reason: Not for training.
    path: ["/no/"]
"""
TDMREP = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "https://site.example/tdm.json"}]'
GPTBOT = user_agent("GPTBot")


@asynccontextmanager
async def asked(kind: str, place: Path, origin: int) -> AsyncIterator[int]:
    policy = place / "policy.yaml"
    policy.write_text(POLICY)
    upstream = ("--upstream", f"http://127.0.0.1:{origin}")
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(forward_auth(place, policy, "--dialect", kind, *upstream))
        yield await stack.enter_async_context(front_end(kind, place, optout=address, origin=origin))


def requests(place: Path) -> list[dict[str, object]]:
    return [leaf for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith("crawl.")]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_refusal_reaches_the_client_whole_and_is_recorded_once(kind: str, tmp_path: Path) -> None:
    async with served(site({"tdmrep": TDMREP})) as origin, asked(kind, tmp_path, origin) as port:
        await ask(port, "/", GPTBOT)  # until its first answer the site is not known to declare anything
        answer = await ask(port, "/paid/a?b=c", GPTBOT)
        head = await ask(port, "/paid/a?b=c", GPTBOT, method="HEAD")
        page = await ask(port, "/no/", GPTBOT, more="Accept: text/html\r\n")
        posted = await ask(port, "/no/", GPTBOT, method="POST", more="Content-Length: 0\r\n")
    assert answer.status == 402
    problem = json.loads(answer.body)
    assert problem["clause"] == "paid"
    assert answer.first("content-type") == "application/problem+json"
    assert answer.all("cache-control") == ["no-store"]
    assert answer.first("vary") == "User-Agent, Signature-Agent"
    assert answer.first("link") == '<https://site.example/terms>; rel="terms-of-service"; type="text/html"'
    assert answer.first("optout-ticket") is None
    assert (head.status, head.body) == (402, b"")
    assert page.status == 403
    assert page.first("content-type") == "text/html; charset=utf-8"
    assert b"Not for training." in page.body
    assert posted.status == 403
    found = requests(tmp_path)
    assert [leaf["type"] for leaf in found] == ["crawl.request"] * 5
    assert [leaf["http.request.method"] for leaf in found] == ["GET", "GET", "HEAD", "GET", "POST"]
    assert problem["instance"] == f"urn:uuid:{found[1]['id']}"


@pytest.mark.parametrize("kind", KINDS)
async def test_people_and_passed_crawlers_get_the_site_with_their_bodies(kind: str, tmp_path: Path) -> None:
    with RawOrigin() as origin:
        async with asked(kind, tmp_path, origin.port) as port:
            for agent in (CHROME, GPTBOT):
                async with connected(port) as raw:
                    head = f"POST /form HTTP/1.1\r\nHost: site.example\r\nUser-Agent: {agent}\r\n"
                    await raw.send(f"{head}Content-Length: 6\r\nConnection: close\r\n\r\nsecret".encode())
                    assert (await raw.answer()).body == b"content of /form\n"
        posts = [seen for seen in origin.heads if seen.line.startswith(b"POST")]
        assert [seen.body for seen in posts] == [b"secret", b"secret"]
    assert [leaf["decision.action"] for leaf in requests(tmp_path)] == ["allow"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "forged",
    [
        "X-Original-URI: /robots.txt\r\nX-Original-Method: GET\r\n",
        "X-Forwarded-Uri: /robots.txt\r\nX-Forwarded-Method: OPTIONS\r\n",
        "X-Original-URI: /no/a\r\nX-Original-URI: /robots.txt\r\n",
        "Optout-Ticket: 01a20c34-56ce-71fd-b0e2-70289452840a\r\n",
        "X-Forwarded-Host: other.example\r\nX-Original-Host: other.example\r\n",
        "X-Forwarded-Proto: gopher\r\n",
    ],
)
async def test_what_a_visitor_says_of_itself_lets_nobody_pass(kind: str, forged: str, tmp_path: Path) -> None:
    async with served(site({})) as origin, asked(kind, tmp_path, origin) as port:
        answer = await ask(port, "/no/a", GPTBOT, more=forged)
    assert answer.status in (400, 403, 500)
    assert b"a page" not in answer.body


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_s_own_forwarded_for_is_not_believed(kind: str, tmp_path: Path) -> None:
    async with served(site({})) as origin, asked(kind, tmp_path, origin) as port:
        await ask(port, "/no/a", GPTBOT, more="X-Forwarded-For: 20.15.240.64\r\n")
    (leaf,) = requests(tmp_path)
    assert leaf["identity.standing"] == "unverified"


async def test_nginx_fetches_a_refusal_where_it_was_judged_if_two_are_asked(tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    places = [tmp_path / name for name in ("one", "two")]
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site({})))
        asked_at = []
        for place in places:
            place.mkdir()
            asked_at.append(await stack.enter_async_context(forward_auth(place, policy)))
        both = f"{asked_at[0]}; server {asked_at[1]}; hash $request_id consistent"
        port = await stack.enter_async_context(front_end("nginx", tmp_path, optout=both, origin=origin))
        answers = [await ask(port, "/paid/a", GPTBOT) for _ in range(20)]
    told = {json.loads(answer.body)["instance"] for answer in answers if answer.status == 402}
    counts = [len(requests(place)) for place in places]
    assert len(told) == 20
    assert sum(counts) == 20
    assert all(counts)


async def test_nginx_keeps_its_own_403(tmp_path: Path) -> None:
    async with served(site({})) as origin, asked("nginx", tmp_path, origin) as port:
        answer = await ask(port, "/static-403", CHROME)
    assert answer.status == 403
    assert b"nginx" in answer.body


async def test_nginx_copies_what_the_site_is_to_declare(tmp_path: Path) -> None:
    async with served(site({"tdmrep": TDMREP})) as origin, asked("nginx", tmp_path, origin) as port:
        await ask(port, "/", GPTBOT)  # until its first answer the site is not known to declare anything
        answer = await ask(port, "/", CHROME)
    assert (answer.all("tdm-reservation"), answer.all("tdm-policy")) == (["1"], ["https://site.example/tdm.json"])


@pytest.mark.parametrize(("kind", "status"), [("nginx", 500), ("caddy", 502)])
@pytest.mark.parametrize("agent", [CHROME, GPTBOT])
async def test_without_an_answer_nobody_passes_or_everybody_as_the_owner_chose(
    kind: str, status: int, agent: str, tmp_path: Path
) -> None:
    async with served(site({})) as origin:
        for serves_without in (False, True):
            nobody = f"unix:{tmp_path}/nobody.sock"
            async with front_end(kind, tmp_path, optout=nobody, origin=origin, serves_without=serves_without) as port:
                answer = await ask(port, "/no/a", agent)
            assert answer.status == (200 if serves_without else status)
            assert (answer.body == b"a page") is serves_without


@pytest.mark.parametrize("kind", KINDS)
async def test_serving_without_an_answer_swallows_no_refusal(kind: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(site({})))
        address = await stack.enter_async_context(forward_auth(tmp_path, policy, "--dialect", kind))
        front = front_end(kind, tmp_path, optout=address, origin=origin, serves_without=True)
        port = await stack.enter_async_context(front)
        refused, paid = await ask(port, "/no/a", GPTBOT), await ask(port, "/paid/a", GPTBOT)
        malformed = await ask(port, "/no/a", GPTBOT, more="X-Forwarded-Uri: /robots.txt\r\nX-Original-URI: /x\r\n")
        page = await ask(port, "/no/a", CHROME)
    assert (refused.status, paid.status, page.status) == (403, 402, 200)
    assert json.loads(refused.body)["clause"] == "no"
    assert malformed.body != b"a page"


@pytest.mark.parametrize(
    ("dialect", "method", "target", "more"),
    [
        (
            "traefik",
            "GET",
            "/",
            "X-Forwarded-Method: HEAD\r\nX-Forwarded-Uri: /paid/a\r\nX-Forwarded-Host: site.example\r\n"
            "X-Forwarded-Proto: wss\r\nX-Forwarded-For: 20.15.240.64\r\nX-Forwarded-Server: traefik\r\n",
        ),
        ("envoy", "GET", "/paid/a", "X-Forwarded-Proto: https\r\nX-Envoy-Internal: true\r\n"),
    ],
)
async def test_traefik_and_envoy_are_answered_with_the_refusal_itself(
    dialect: str, method: str, target: str, more: str, tmp_path: Path
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY)
    async with forward_auth(tmp_path, policy, "--dialect", dialect, listen="127.0.0.1:0") as address:
        port = int(address.rpartition(":")[2])
        refused: Answer = await ask(port, target, GPTBOT, method=method, more=more)
        passed: Answer = await ask(port, target, CHROME, method=method, more=more)
    assert (refused.status, json.loads(refused.body)["clause"]) == (402, "paid")
    assert (passed.status, passed.body) == (200, b"")
    (leaf,) = requests(tmp_path)
    assert (leaf["url.path"], leaf["url.scheme"], leaf["server.address"]) == ("/paid/a", "https", "site.example")


def test_the_front_ends_that_are_tried_are_installed() -> None:
    caddy = subprocess.run(["caddy", "version"], capture_output=True, check=True)
    assert caddy.stdout
    assert shutil.which("nginx") or Path("/usr/sbin/nginx").exists()


def test_the_shipped_traefik_file_asks_the_door_and_believes_no_visitor() -> None:
    http = yaml.safe_load((SHIPPED / "traefik.yml").read_text())["http"]
    (middleware,) = http["middlewares"].values()
    assert middleware["forwardAuth"] == {"address": "http://127.0.0.1:9180/", "trustForwardHeader": False}
    (router,) = http["routers"].values()
    assert set(router["middlewares"]) <= set(http["middlewares"])
    assert router["service"] in http["services"]


def test_the_shipped_envoy_file_sends_what_is_judged_by_and_copies_what_is_declared() -> None:
    resources = yaml.safe_load((SHIPPED / "envoy.yaml").read_text())["static_resources"]
    manager = resources["listeners"][0]["filter_chains"][0]["filters"][0]["typed_config"]
    authorization, router = manager["http_filters"]
    assert router["name"] == "envoy.filters.http.router"
    settings = authorization["typed_config"]
    assert settings["failure_mode_allow"] is False
    service = settings["http_service"]
    clusters = {cluster["name"] for cluster in resources["clusters"]}
    assert service["server_uri"]["cluster"] in clusters
    sent = {each["exact"] for each in service["authorization_request"]["allowed_headers"]["patterns"]}
    assert sent >= {"user-agent", "signature-agent", "x-forwarded-for", "x-forwarded-proto", "accept"}
    assert not any(name.startswith(("x-original", "x-forwarded-uri", "x-forwarded-method")) for name in sent)
    copied = service["authorization_response"]["allowed_client_headers_on_success"]["patterns"]
    assert [each["exact"] for each in copied] == ["link", "tdm-policy", "tdm-reservation"]
