"""The examples of the ASGI and WSGI pages, as they stand there, with the real frameworks on real servers.

Each runs in a process of its own, because frameworks keep settings in their modules.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse

from optout.adapters.asgi import OptoutMiddleware
from tests.doors.asgi_doors import asgi_served
from tests.doors.forward_auth_doors import free_port
from tests.judge import leaves, user_agent
from tests.served import CHROME, ask

ROOT = Path(__file__).parent.parent.parent
GPTBOT = user_agent("GPTBot")
EXAMPLES = [
    ("asgi", "FastAPI"),
    ("asgi", "Starlette"),
    ("asgi", "Django"),
    ("wsgi", "Flask"),
    ("wsgi", "Django"),
]
SERVERS = {
    "asgi": """
import sys
import uvicorn
from example import app
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning", access_log=False, proxy_headers=False)
""",
    "wsgi": """
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIServer, make_server
from example import app
class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
make_server("127.0.0.1", int(sys.argv[1]), app, Server).serve_forever()
""",
}
# What `django-admin startproject mysite` makes, as far as a page needs it.
DJANGO = {
    "mysite/__init__.py": "",
    "mysite/settings.py": 'SECRET_KEY = "x"\nALLOWED_HOSTS = ["site.example"]\nROOT_URLCONF = "mysite.urls"\n',
    "mysite/urls.py": (
        "from django.http import HttpResponse\nfrom django.urls import path\n"
        'urlpatterns = [path("", lambda request: HttpResponse("A page."))]\n'
    ),
}


def example(door: str, framework: str) -> str:
    """The first Python block below the heading of a framework."""
    page = (ROOT / "docs" / "doors" / f"{door}.md").read_text(encoding="utf-8")
    found = re.search(rf"^## {framework}$.*?^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found.group(1)


@asynccontextmanager
async def started(door: str, framework: str, place: Path) -> AsyncIterator[int]:
    """The port at which the example is served; its evidence is in `place` and not where the page puts it."""
    text = example(door, framework)
    assert "/var/lib/optout/evidence" in text
    files = {"example.py": text.replace("/var/lib/optout", str(place)), "serve.py": SERVERS[door], **DJANGO}
    for name, content in files.items():
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_text(content)
    port = free_port()
    with (place / "server.txt").open("wb") as log:
        server = await asyncio.create_subprocess_exec(
            *(sys.executable, "serve.py", str(port)),
            cwd=place,
            env={"OPTOUT_STATE": str(place / "state"), "PATH": "/usr/bin:/bin"},
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(60):
            while True:
                assert server.returncode is None, (place / "server.txt").read_text()
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except OSError:
                    await asyncio.sleep(0.02)
                else:
                    writer.close()
                    break
        yield port
    finally:
        if server.returncode is None:
            server.terminate()
        await server.wait()


def recorded(place: Path) -> list[dict[str, object]]:
    """The crawl records of the log in `place`."""
    return [leaf for leaf in leaves(place / "evidence") if str(leaf["type"]).startswith("crawl.")]


@pytest.mark.parametrize(("door", "framework"), EXAMPLES)
async def test_the_page_s_example_refuses_a_training_crawler_on_record_and_serves_a_person(
    door: str, framework: str, tmp_path: Path
) -> None:
    async with started(door, framework, tmp_path) as port:
        person = await ask(port, "/", CHROME)
        crawler = await ask(port, "/", GPTBOT)
        head = await ask(port, "/", GPTBOT, method="HEAD")
        robots = await ask(port, "/robots.txt", GPTBOT)
        missing = await ask(port, "/missing", CHROME)
        # wsgiref's server dies of SIGTERM at once, and an outcome is on record a moment after its response.
        async with asyncio.timeout(30):
            while len(recorded(tmp_path)) < 4:
                await asyncio.sleep(0.02)
    assert (person.status, crawler.status, head.status) == (200, 403, 403)
    assert b"A page." in person.body
    problem = json.loads(crawler.body)
    assert head.body == b""
    # Always open: the framework answers itself that there is none.
    assert (robots.status, missing.status) == (404, 404)
    assert b"instance" not in robots.body
    told = (tmp_path / "server.txt").read_text()
    assert "Traceback" not in told
    found = recorded(tmp_path)
    assert [leaf["type"] for leaf in found] == [*["crawl.request"] * 3, "crawl.outcome"]
    assert problem["instance"] == f"urn:uuid:{found[0]['id']}"
    assert found[3]["http.response.status_code"] == 404


async def test_a_framework_s_own_robots_txt_is_read_where_its_handler_asks_for_the_application(tmp_path: Path) -> None:
    app = FastAPI()
    app.state.rules = "User-agent: GPTBot\nDisallow: /drafts/\n"

    async def robots(request: Request) -> PlainTextResponse:
        return PlainTextResponse(request.app.state.rules)

    app.add_route("/robots.txt", robots)
    policy = tmp_path / "policy.yaml"
    policy.write_text("version: 1\nmode: enforce\ndefault: allow\non_error: allow\nsites: [site.example]\n")
    app.add_middleware(OptoutMiddleware, policy=policy, evidence=None, state=tmp_path)
    async with asgi_served(app) as port:
        assert (await ask(port, "/drafts/x", GPTBOT)).status == 403
        assert (await ask(port, "/drafts/x", CHROME)).status == 404
