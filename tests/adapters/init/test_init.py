"""From answers to files in one directory: sound, over nothing, and taken into use by a real front end as they are."""

from __future__ import annotations

import asyncio
import json
import shlex
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from aiohttp import web
from click.testing import CliRunner

from optout.adapters.doctor import Complaint, diagnose
from optout.adapters.doctor.findings import Level
from optout.adapters.init import set_up
from optout.adapters.init.answers import Front
from optout.adapters.init.files import undo
from optout.adapters.policy_files import load_policy_set
from optout.cli.policy import policy
from optout.crawlers.registry import bundled_registry
from optout.errors import UsageError
from tests.doors.edge_doors import APACHE_MODULES, MODULES, running, served_as
from tests.doors.forward_auth_doors import free_port
from tests.evidence.setting import records
from tests.fronts import caddy, nginx
from tests.owners import answers
from tests.served import CHROME, ask, served

GPTBOT = "Mozilla/5.0 (compatible; GPTBot/1.2)"


def _site() -> web.Application:
    async def page(request: web.Request) -> web.Response:
        if request.path == "/robots.txt":
            return web.Response(text="User-agent: *\nDisallow: /private/\n")
        return web.Response(status=404 if ".well-known" in request.path else 200, text="a page")

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", page)
    return app


@pytest.mark.parametrize("front", Front)
async def test_the_written_policy_is_sound_and_everything_can_be_taken_away_again(tmp_path: Path, front: Front) -> None:
    said = answers(tmp_path, front=front)
    made = await set_up(said)
    assert {"policy.yaml", "UNDO.md"} < set(made.files)
    checked = CliRunner().invoke(policy, ["check", str(said.directory / "policy.yaml")])
    assert checked.exit_code == 0, checked.output
    assert load_policy_set(said.directory / "policy.yaml", bundled_registry())[1] == ()
    assert {path.name for path in tmp_path.iterdir()} == {"optout"}
    undo(said.directory)
    assert list(tmp_path.iterdir()) == []


async def test_the_page_of_going_back_has_every_line(tmp_path: Path) -> None:
    said = answers(tmp_path, front=Front.NGINX)
    made = await set_up(said)
    page = (said.directory / "UNDO.md").read_text()
    assert made.undo[-1] == f"sudo optout init --undo {said.directory}"
    assert all(f"    {line}\n" in page for line in made.undo)


async def test_directories_that_systemd_does_not_make_are_made_first(tmp_path: Path) -> None:
    made = await set_up(answers(tmp_path, front=Front.HAPROXY))
    assert f"sudo install -d -o optout -g optout -m 700 {tmp_path}/evidence" in made.first
    usual = Path("/var/lib/optout")
    said = answers(tmp_path / "usual", front=Front.HAPROXY, state=usual, evidence=usual / "evidence")
    assert not any("install" in line for line in (await set_up(said)).first)


async def test_nothing_is_written_twice(tmp_path: Path) -> None:
    said = answers(tmp_path)
    await set_up(said)
    with pytest.raises(UsageError, match="there already"):
        await set_up(said)


async def test_a_site_that_does_not_answer_is_told_and_holds_nothing_up(tmp_path: Path) -> None:
    made = await set_up(answers(tmp_path, front=Front.CADDY))
    assert any("robots.txt of photos.example could not be read" in remark for remark in made.remarks)


async def test_other_sites_are_told_to_need_files_of_their_own(tmp_path: Path) -> None:
    made = await set_up(answers(tmp_path, front=Front.HAPROXY, sites=("a.example", "www.a.example", "b.example")))
    assert any("for b.example make others" in remark for remark in made.remarks)


async def test_nginx_routes_every_site_of_the_policy_and_declares_for_the_first(tmp_path: Path) -> None:
    made = await set_up(answers(tmp_path, front=Front.NGINX, sites=("a.example", "b.example")))
    assert any("fields that declare are those of a.example" in remark for remark in made.remarks)


@asynccontextmanager
async def _before(front: Front, place: Path, files: Path, socket: Path, origin: int) -> AsyncIterator[int]:
    """The port of a real front end with the files as they were written, but for the socket's place."""
    for file in files.iterdir():
        text = file.read_text().replace("/run/optout/route.sock", str(socket))
        (place / f"used-{file.name}").write_text(text)
    if front is Front.CADDY:
        inside = f"route {{\nimport optout_route\nhandle {{\nreverse_proxy 127.0.0.1:{origin}\n}}\n}}"
        async with caddy(place, inside, before=f"import {place}/used-route.caddy") as port:
            yield port
        return
    inside = f"""
    include {place}/used-route-server.conf;
    location / {{ proxy_pass http://127.0.0.1:{origin}; proxy_set_header Host $http_host; }}"""
    async with nginx(place, inside, http=f"include {place}/used-route-http.conf;") as port:
        yield port


@pytest.mark.parametrize("front", [Front.NGINX, Front.CADDY])
async def test_a_real_front_end_takes_the_files_and_what_the_unit_starts_answers_it(
    tmp_path: Path, front: Front
) -> None:
    async with AsyncExitStack() as stack:
        origin = await stack.enter_async_context(served(_site()))
        upstream = f"http://127.0.0.1:{origin}"
        said = answers(tmp_path, front=front, sites=("site.example",), origin=upstream, observe=False)
        made = await set_up(said)
        assert made.remarks == ()
        words = shlex.split(_line(said.directory / "optout-route.service", "ExecStart="))[1:]
        socket = tmp_path / "route.sock"
        words[words.index("--listen") + 1] = f"unix:{socket}"
        await stack.enter_async_context(_started(*words))
        port = await stack.enter_async_context(_before(front, tmp_path, said.directory, socket, origin))
        person, crawler = await ask(port, "/", CHROME), await ask(port, "/", GPTBOT)
        complaint = Complaint(url="http://site.example/", state=said.state, connect=f"127.0.0.1:{port}")
        found = await diagnose(complaint)
    assert {each.code for each in found.findings if each.level is Level.FAULT} == set()
    assert {"arrival", "host", "scheme", "address", "cache", "people", "search"} <= {
        each.code for each in found.findings if each.level is Level.OK
    }
    assert (person.status, crawler.status) == (200, 403)
    assert json.loads(crawler.body)["clause"] == "no-training"
    (record,) = records(said.evidence, "crawl.request")
    assert record["crawl.product"] == "GPTBot"


async def test_a_real_apache_takes_the_files_and_sends_crawlers_through_what_the_unit_starts() -> None:
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(TemporaryDirectory()))  # Apache serves as somebody else
        place.chmod(0o755)
        origin = await stack.enter_async_context(served(_site()))
        upstream = f"http://127.0.0.1:{origin}"
        said = answers(place, front=Front.APACHE, sites=("site.example",), origin=upstream, observe=False)
        assert (await set_up(said)).remarks == ()
        port, again, socket = free_port(), free_port(), place / "serve.sock"
        passed = f"ProxyPreserveHost On\nProxyPass / {upstream}/ nocanon"
        for file in ("route-server.conf", "route-site.conf", "optout-again.conf"):
            text = (said.directory / file).read_text().replace("127.0.0.1:8481", f"127.0.0.1:{again}")
            text = text.replace("/run/optout/serve.sock", str(socket))
            (said.directory / file).write_text(text.replace("</VirtualHost>", f"{passed}\n</VirtualHost>"))
        words = shlex.split(_line(said.directory / "optout-route.service", "ExecStart="))[1:]
        words[words.index("--listen") + 1] = f"unix:{socket}"
        words[words.index("--upstream") + 1] = f"http://127.0.0.1:{again}"
        await stack.enter_async_context(_started(*words))
        await stack.enter_async_context(_apache(place, said.directory, port, passed))
        person, crawler = await ask(port, "/", CHROME), await ask(port, "/", GPTBOT)
        (record,) = records(said.evidence, "crawl.request")
    assert (person.status, crawler.status) == (200, 403)
    assert json.loads(crawler.body)["clause"] == "no-training"
    assert record["crawl.product"] == "GPTBot"


@asynccontextmanager
async def _apache(place: Path, files: Path, port: int, inside: str) -> AsyncIterator[None]:
    """Apache with a site as an owner has it after the printed steps."""
    modules = (*APACHE_MODULES, "remoteip", "proxy_balancer", "lbmethod_byrequests", "slotmem_shm")
    loaded = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules)
    (place / "apache.conf").write_text(f"""
ServerRoot {place}
ServerName localhost
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/apache-error.log
{served_as()}
{loaded}
Include "{files}/optout-again.conf"
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
Include "{files}/route-site.conf"
{inside}
</VirtualHost>
""")
    program = shutil.which("apache2") or "/usr/sbin/apache2"
    command = [program, "-DFOREGROUND", "-f", str(place / "apache.conf")]
    async with running(command, port, place / "apache.txt"):
        yield


def _line(file: Path, begin: str) -> str:
    (line,) = (each for each in file.read_text().splitlines() if each.startswith(begin))
    return line.removeprefix(begin)


@asynccontextmanager
async def _started(*words: str) -> AsyncIterator[None]:
    """`optout` with these words, until it says that it listens and to the end of the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "optout", *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            assert await process.stdout.readline()
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
