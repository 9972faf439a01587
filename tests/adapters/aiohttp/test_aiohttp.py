"""`optout.adapters.aiohttp.setup`: what it puts where, what it refuses, and that applications do not meet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import web

from optout.adapters.aiohttp import setup
from optout.errors import EvidenceError, PolicyError, UsageError
from tests.evidence.setting import unusable
from tests.judge import leaves
from tests.served import ask, served


async def _page(_request: web.Request) -> web.Response:
    return web.Response(text="a page")


def _app() -> web.Application:
    app = web.Application()
    app.router.add_get("/{path:.*}", _page)
    return app


def _set_up(app: web.Application, place: Path, policy: str = "no-training") -> None:
    setup(app, policy=policy, evidence=place / "evidence", state=place / "state")


def test_importing_it_loads_aiohttp_and_none_of_the_heavy_libraries() -> None:
    code = "import sys, optout.adapters.aiohttp; print(*sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "aiohttp" in loaded
    heavy = {"click", "rich", "mitmproxy", "pydantic", "yaml", "cryptography", "protego", "ahocorasick"}
    assert loaded.isdisjoint(heavy)
    assert {name for name in loaded if name.startswith("optout.")} == {
        "optout.adapters",
        "optout.adapters.aiohttp",
        "optout.adapters.client_address",
        "optout.errors",
        "optout.messages",
    }


async def test_it_comes_before_middlewares_that_were_added_earlier_and_later(tmp_path: Path) -> None:
    seen: list[str] = []

    def noting(name: str) -> object:
        @web.middleware
        async def middleware(request: web.Request, handler: object) -> web.StreamResponse:
            seen.append(f"{name} {request.path}")
            return await handler(request)  # type: ignore[operator]

        return middleware

    app = _app()
    app.middlewares.append(noting("earlier"))  # type: ignore[arg-type]
    _set_up(app, tmp_path)
    app.middlewares.append(noting("later"))  # type: ignore[arg-type]
    async with served(app) as port:
        assert (await ask(port, "/refused", "GPTBot/1.4")).status == 403
        assert (await ask(port, "/let-in")).status == 200
    visitors = [line for line in seen if ".txt" not in line and ".json" not in line]
    assert visitors == ["earlier /let-in", "later /let-in"]


async def test_an_application_that_has_started_is_refused(tmp_path: Path) -> None:
    app = _app()
    async with served(app):
        with pytest.raises(UsageError, match="has started"):
            _set_up(app, tmp_path)


def test_an_application_that_is_part_of_another_is_refused(tmp_path: Path) -> None:
    part = _app()
    web.Application().add_subapp("/part", part)
    with pytest.raises(UsageError, match="part of another"):
        _set_up(part, tmp_path)


def test_setting_up_twice_is_refused(tmp_path: Path) -> None:
    app = _app()
    _set_up(app, tmp_path)
    with pytest.raises(UsageError, match="twice"):
        _set_up(app, tmp_path)


def test_settings_that_make_no_sense_are_refused_before_anything_starts(tmp_path: Path) -> None:
    broken = tmp_path / "policy.yaml"
    broken.write_text("version: 1\nmoed: enforce\n")
    with pytest.raises(PolicyError):
        _set_up(_app(), tmp_path, str(broken))
    with pytest.raises(UsageError, match="there is no policy"):
        _set_up(_app(), tmp_path, "no-such-stance")
    with pytest.raises(UsageError, match="neither an address nor a network"):
        setup(_app(), policy=None, evidence=None, state=tmp_path, trusted_proxies=["proxy.example"])
    with pytest.raises(UsageError, match="no field that proxies write"):
        setup(_app(), policy=None, evidence=None, state=tmp_path, forwarded_field="x-client")


async def test_several_applications_in_a_process_have_logs_and_policies_of_their_own(tmp_path: Path) -> None:
    first, second = _app(), _app()
    _set_up(first, tmp_path / "first", "no-training")
    _set_up(second, tmp_path / "second", "observe")
    async with served(first) as one, served(second) as two:
        assert (await ask(one, "/in-first", "GPTBot/1.4")).status == 403
        assert (await ask(two, "/in-second", "GPTBot/1.4")).status == 200
    for place, path in (("first", "/in-first"), ("second", "/in-second")):
        records = [leaf for leaf in leaves(tmp_path / place / "evidence") if leaf["type"] == "crawl.request"]
        assert [leaf["url.path"] for leaf in records] == [path]


async def test_a_second_application_on_one_evidence_directory_records_beside_the_first(tmp_path: Path) -> None:
    first, second = _app(), _app()
    _set_up(first, tmp_path)
    _set_up(second, tmp_path)
    async with served(first) as port:
        async with served(second) as other:
            assert (await ask(other, "/other", "GPTBot/1.4")).status == 403
        assert (await ask(port, "/", "GPTBot/1.4")).status == 403
    assert sorted(str(leaf["url.path"]) for leaf in leaves(tmp_path / "evidence") if "url.path" in leaf) == [
        "/",
        "/other",
    ]


async def test_a_log_that_cannot_be_opened_keeps_the_application_from_starting(tmp_path: Path) -> None:
    app = _app()
    _set_up(app, tmp_path)
    with unusable(tmp_path / "evidence"), pytest.raises(EvidenceError):
        async with served(app):
            pytest.fail("it started")


async def test_without_evidence_nothing_is_written(tmp_path: Path) -> None:
    app = _app()
    setup(app, policy="no-training", evidence=None, state=tmp_path / "state")
    async with served(app) as port:
        assert (await ask(port, "/", "GPTBot/1.4")).status == 403
    assert list(tmp_path.iterdir()) == []


async def test_observe_only_overrides_an_enforcing_policy(tmp_path: Path) -> None:
    app = _app()
    setup(app, policy="no-training", evidence=tmp_path / "evidence", state=tmp_path / "state", observe_only=True)
    async with served(app) as port:
        assert (await ask(port, "/", "GPTBot/1.4")).status == 200
    (record,) = [leaf for leaf in leaves(tmp_path / "evidence") if leaf["type"] == "crawl.request"]
    assert (record["decision.action"], record["decision.enforced"]) == ("deny", False)


async def test_a_part_of_an_application_is_behind_its_door(tmp_path: Path) -> None:
    app, part = web.Application(), _app()
    _set_up(app, tmp_path)
    app.add_subapp("/part", part)
    async with served(app) as port:
        assert (await ask(port, "/part/x", "GPTBot/1.4")).status == 403
        assert (await ask(port, "/part/x")).status == 200
