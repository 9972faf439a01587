"""The doctor before real doors and a real nginx, sound ones and ones with each of the mistakes that owners make."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from optout.adapters.client_address import NO_PROXIES, TrustedProxies, load_trusted_proxies
from optout.adapters.doctor import Complaint, Diagnosis, diagnose
from optout.adapters.doctor.findings import Finding, Level
from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.adapters.switch import Off, write_switch
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.errors import UsageError
from tests.certificates import make_pair
from tests.evidence.setting import records
from tests.fronts import nginx
from tests.gateways import gateway
from tests.served import served
from tests.serving import serving

SITE = "site.example"
POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
terms: /terms
sites: [site.example]
clauses:
  - id: no-training
    action: deny
    purpose: [train]
"""
ROBOTS = "User-agent: *\nDisallow: /\n\nUser-agent: Googlebot\nAllow: /\n"
PASS_ON = "proxy_pass http://127.0.0.1:{door}; proxy_set_header Host $http_host; {more}"
FORWARD = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;"
TRUST = load_trusted_proxies(["127.0.0.1"])


def _site(robots: str | None = ROBOTS, *, search_sees: str = "a page") -> web.Application:
    async def page(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(status=404) if robots is None else web.Response(text=robots)
        if request.path == "/.well-known/tdmrep.json" or "doctor" in request.path:
            return web.Response(status=404, text="not found")
        fields = {"Cache-Control": "max-age=60"}
        is_search = "Googlebot" in request.headers.get("User-Agent", "")
        return web.Response(text=search_sees if is_search else "a page", content_type="text/html", headers=fields)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    return app


@asynccontextmanager
async def _door(
    place: Path, *, policy: str = POLICY, app: web.Application | None = None, trusted: TrustedProxies = NO_PROXIES
) -> AsyncIterator[int]:
    """The port of a gateway before the site."""
    evidence = place / "state" / "evidence"
    async with served(app or _site()) as origin:
        upstream = f"http://127.0.0.1:{origin}"
        async with gateway(place, upstream, policy, evidence=evidence, trusted=trusted) as port:
            yield port


async def _diagnose(place: Path, port: int, *, url: str = f"http://{SITE}/", **more: Any) -> Diagnosis:
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))  # as `optout crawlers update` leaves one
    write_list(list_directory(place / "state"), take_snapshot("https://openai.com/gptbot.json", b"", found, now_us()))
    complaint = {"state": place / "state", "connect": f"127.0.0.1:{port}", **more}
    return await diagnose(Complaint(url=url, **complaint))


def _of(diagnosis: Diagnosis, code: str) -> Finding:
    (found,) = (finding for finding in diagnosis.findings if finding.code == code)
    return found


def _troubles(diagnosis: Diagnosis) -> set[str]:
    """What is wrong, without what this machine may lack."""
    mine = {"clock", "log-disk", "certificate"}
    return {finding.code for finding in diagnosis.findings if finding.level is not Level.OK} - mine


async def test_a_sound_door_behind_a_sound_nginx_has_no_findings(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        inside = f"location / {{ {PASS_ON.format(door=door, more=FORWARD)} }}"
        pair = make_pair(tmp_path, SITE)
        port = await stack.enter_async_context(nginx(tmp_path, inside, pair=pair))
        found = await _diagnose(tmp_path, port, url=f"https://{SITE}/")
    assert found.was_asked
    assert _troubles(found) == set()
    assert _of(found, "host").what == "the Host that arrives is site.example"
    assert _of(found, "scheme").what == "the scheme that arrives is https"
    assert "proxies are listed" in _of(found, "address").what
    assert _of(found, "refusal").what == "GPTBot is answered 403"
    assert "self-signed certificate" in _of(found, "certificate").what


async def test_optout_serve_with_workers_answers_the_doctor(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    async with served(_site()) as origin:
        words = ("--upstream", f"http://127.0.0.1:{origin}", "--policy", str(file), "--workers", "2")
        with serving(tmp_path, *words) as door:
            found = await _diagnose(tmp_path, door.port)
    assert _troubles(found) == set()
    assert _of(found, "door").what.count("process") >= 1


async def test_the_doctor_is_not_on_record_as_a_crawler_and_the_log_says_so(tmp_path: Path) -> None:
    async with _door(tmp_path) as door:
        await _diagnose(tmp_path, door)
    assert records(tmp_path / "state" / "evidence", "crawl.request") == []
    (gap,) = (gap for gap in records(tmp_path / "state" / "evidence", "log.gap") if gap["reason"] == "doctor")
    assert int(str(gap["count"])) >= 4
    assert sorted(path.name for path in (tmp_path / "state").iterdir()) == ["address-lists", "evidence"]


async def test_a_wrong_host_is_a_fault_with_the_line_to_paste(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(
            _door(tmp_path, trusted=TRUST, policy=POLICY.replace("[site.example]", '["*"]'))
        )
        inside = f"location / {{ proxy_pass http://127.0.0.1:{door}; {FORWARD} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside))
        found = await _diagnose(tmp_path, port)
    assert _of(found, "host").what == f"the Host that arrives is 127.0.0.1:{door}, and not site.example"
    assert any("proxy_set_header Host" in line for line in _of(found, "host").lines)


async def test_a_scheme_that_does_not_arrive_is_a_fault(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path))
        inside = f"location / {{ {PASS_ON.format(door=door, more='')} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside, pair=make_pair(tmp_path, SITE)))
        found = await _diagnose(tmp_path, port, url=f"https://{SITE}/")
    assert _troubles(found) == {"scheme", "address"} or _troubles(found) == {"scheme"}
    assert _of(found, "scheme").level is Level.FAULT


async def test_a_proxy_that_is_not_listed_is_a_warning_with_the_lines_to_paste(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path))
        inside = f"location / {{ {PASS_ON.format(door=door, more=FORWARD)} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside))
        found = await _diagnose(tmp_path, port)
    assert _troubles(found) == {"address"}
    assert any("--trusted-proxy" in line for line in _of(found, "address").lines)


async def test_a_listed_proxy_that_says_nothing_is_a_fault(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        inside = f"location / {{ {PASS_ON.format(door=door, more='')} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside))
        found = await _diagnose(tmp_path, port)
    assert (_of(found, "address").level, _troubles(found)) == (Level.FAULT, {"address"})


async def test_a_cache_that_answers_crawlers_is_a_fault(tmp_path: Path) -> None:
    cache = "proxy_cache pages; proxy_cache_valid 200 1m; proxy_ignore_headers Vary;"
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        more = f"{FORWARD} {cache} add_header X-Cache-Status $upstream_cache_status always;"
        port = await stack.enter_async_context(
            nginx(tmp_path, f"location / {{ {PASS_ON.format(door=door, more=more)} }}")
        )
        found = await _diagnose(tmp_path, port)
    assert _of(found, "cache").level is Level.FAULT
    assert "x-cache-status: HIT" in _of(found, "cache").what


async def test_a_cache_that_hands_refusals_to_people_is_a_fault(tmp_path: Path) -> None:
    cache = "proxy_cache pages; proxy_cache_valid any 1m; proxy_ignore_headers Cache-Control Vary;"
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        port = await stack.enter_async_context(
            nginx(tmp_path, f"location / {{ {PASS_ON.format(door=door, more=FORWARD + cache)} }}")
        )
        found = await _diagnose(tmp_path, port)
    assert _of(found, "cache").what == "a cache hands a crawler's refusal to people"


async def test_a_refusal_that_the_front_end_replaces_is_a_fault(tmp_path: Path) -> None:
    swallow = "proxy_intercept_errors on; error_page 403 /own.html;"
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        inside = f"location / {{ {PASS_ON.format(door=door, more=FORWARD + swallow)} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside))
        found = await _diagnose(tmp_path, port)
    assert _of(found, "refusal").level is Level.FAULT


async def test_a_refusal_that_has_lost_its_fields_is_a_fault(tmp_path: Path) -> None:
    hide = "proxy_hide_header Cache-Control; proxy_hide_header Vary;"
    async with AsyncExitStack() as stack:
        door = await stack.enter_async_context(_door(tmp_path, trusted=TRUST))
        inside = f"location / {{ {PASS_ON.format(door=door, more=FORWARD + hide)} }}"
        port = await stack.enter_async_context(nginx(tmp_path, inside))
        found = await _diagnose(tmp_path, port)
    assert _of(found, "refusal-fields").level is Level.FAULT


async def test_a_front_end_that_passes_crawlers_by_is_a_fault(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(_site()))
        await stack.enter_async_context(_door(tmp_path))
        found = await _diagnose(tmp_path, origin)
    assert _of(found, "arrival").level is Level.FAULT
    assert _of(found, "refusal").level is Level.WARNING


async def test_a_search_engine_that_is_refused_is_a_fault(tmp_path: Path) -> None:
    policy = POLICY.replace("purpose: [train]", "purpose: [train, search]\n    including_search: true")
    async with _door(tmp_path, policy=policy) as door:
        found = await _diagnose(tmp_path, door)
    assert _of(found, "search").level is Level.FAULT


async def test_a_search_engine_that_sees_another_page_is_a_warning(tmp_path: Path) -> None:
    async with _door(tmp_path, app=_site(search_sees="keywords")) as door:
        found = await _diagnose(tmp_path, door)
    assert _troubles(found) == {"search"}


async def test_what_is_refused_and_not_declared_is_a_warning_with_the_lines_to_publish(tmp_path: Path) -> None:
    async with _door(tmp_path, app=_site("User-agent: *\nAllow: /\n")) as door:
        found = await _diagnose(tmp_path, door)
    assert _troubles(found) == {"declared"}
    assert "User-agent: GPTBot" in _of(found, "declared").lines
    assert _of(found, "declared").lines[-1] == "Disallow: /"


async def test_a_site_without_robots_txt_is_told(tmp_path: Path) -> None:
    async with _door(tmp_path, app=_site(None)) as door:
        found = await _diagnose(tmp_path, door)
    assert {"robots", "declared"} == _troubles(found)


async def test_a_site_that_no_policy_names_is_told(tmp_path: Path) -> None:
    async with _door(tmp_path, policy=POLICY.replace("[site.example]", "[other.example]")) as door:
        found = await _diagnose(tmp_path, door)
    assert "no policy names site.example" in _of(found, "refusal").what


async def test_a_site_that_is_turned_off_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    write_switch(tmp_path / "state", (Off(site="*", since_us=1),))
    async with _door(tmp_path) as door:
        found = await _diagnose(tmp_path, door)
    assert _of(found, "off").level is Level.WARNING
    assert _of(found, "arrival").level is Level.FAULT


async def test_what_only_observes_is_no_finding(tmp_path: Path) -> None:
    async with _door(tmp_path, policy=POLICY.replace("enforce", "observe")) as door:
        found = await _diagnose(tmp_path, door)
    assert _troubles(found) == set()
    assert "enforced it would be: deny" in _of(found, "refusal").what


async def test_a_door_with_another_state_directory_is_a_warning(tmp_path: Path) -> None:
    async with _door(tmp_path) as door:
        found = await _diagnose(tmp_path, door, state=tmp_path / "elsewhere")
    assert _of(found, "door").level is Level.OK  # the refusal shows that somebody answers
    assert not (tmp_path / "elsewhere").exists()


async def test_a_site_that_does_not_answer_was_not_asked(tmp_path: Path) -> None:
    found = await _diagnose(tmp_path, 1)
    assert not found.was_asked
    assert _of(found, "reach").level is Level.FAULT


async def test_a_site_that_redirects_is_followed_to_its_page(tmp_path: Path) -> None:
    async def answer(request: web.Request) -> web.Response:
        if request.path == "/":
            return web.Response(status=302, headers={"Location": "/welcome"})
        return web.Response(status=200 if request.path == "/welcome" else 404, text="welcome")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with served(app) as origin:
        found = await _diagnose(tmp_path, origin)
    assert _of(found, "people").what == "a browser is answered 200"


async def test_a_site_that_sends_everybody_to_https_has_its_certificate_looked_at(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        secure = await stack.enter_async_context(
            nginx(tmp_path, "location / { return 200 page; }", pair=make_pair(tmp_path, SITE))
        )

        async def onward(_request: web.Request) -> web.Response:
            return web.Response(status=301, headers={"Location": f"https://127.0.0.1:{secure}/"})

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", onward)
        plain = await stack.enter_async_context(served(app))
        found = await _diagnose(tmp_path, 0, url=f"http://127.0.0.1:{plain}/", connect="")
    assert _of(found, "certificate").level is Level.FAULT
    assert _of(found, "people").what == "a browser is answered 200"


@pytest.mark.parametrize("url", ["site.example", "ftp://site.example/", "http://", "http://[::1", "http://a b/"])
async def test_what_is_no_url_of_a_site_is_an_error_in_words(tmp_path: Path, url: str) -> None:
    with pytest.raises(UsageError, match="no URL"):
        await diagnose(Complaint(url=url, state=tmp_path))


@pytest.mark.parametrize(("name", "match"), [("GTPBot", "no crawler"), ("Googlebot", "no AI crawler")])
async def test_a_crawler_that_cannot_be_played_is_an_error_in_words(tmp_path: Path, name: str, match: str) -> None:
    with pytest.raises(UsageError, match=match):
        await diagnose(Complaint(url="http://site.example/", state=tmp_path, crawler=name))


async def test_without_a_url_this_machine_alone_is_looked_at(tmp_path: Path) -> None:
    broken = tmp_path / "policy.yaml"
    broken.write_text("version: 1\nmode: enforced\n")
    found = await diagnose(Complaint(url=None, state=tmp_path, policy=str(broken)))
    assert _of(found, "policy").level is Level.FAULT
    assert {finding.code for finding in found.findings} == {"policy", "off", "lists", "registry", "clock"}
