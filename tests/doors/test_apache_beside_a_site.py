"""A compiled Apache beside what a site has of its own: error pages, passwords, redirects, a front controller."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from optout.compilers.access_log import Line, parse_line
from optout.compilers.access_log.forms import in_common_form
from optout.compilers.apache import compile_apache
from tests.doors.edge_doors import APACHE_MODULES, MODULES, compiled, running, served_as, write
from tests.doors.forward_auth_doors import free_port
from tests.doors.table import DOCUMENT
from tests.judge import user_agent
from tests.served import CHROME, ask

GPTBOT = user_agent("GPTBot")
CONFIGURATION = """
ServerRoot {place}
ServerName localhost
PidFile {place}/apache.pid
DefaultRuntimeDir {place}
ErrorLog {place}/apache-error.log
{user}
{modules}
Listen 127.0.0.1:{port}
<VirtualHost 127.0.0.1:{port}>
  Include {place}/optout.conf
  DocumentRoot {place}/www
  LogFormat "%m %U %>s" own
  CustomLog {place}/own.log own
  ErrorDocument 403 "the site's own 403"
  ErrorDocument 404 /missing.html
  Redirect 301 /old /new
  Header always set X-Own yes
  <Directory {place}/www>
    AllowOverride All
  </Directory>
  <Location /secret>
    Require all denied
  </Location>
</VirtualHost>
"""
HTACCESS = """
RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteCond %{REQUEST_URI} ^/(studio|post|drafts)/
RewriteRule . /front.html [L]
"""


@asynccontextmanager
async def site() -> AsyncIterator[tuple[int, Path]]:
    """The port of such a site, and where its files are."""
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        www = place / "www"
        www.mkdir()
        for name in ("front", "missing", "index"):
            (www / f"{name}.html").write_text(f"the site's {name} page")
        (www / ".htaccess").write_text(HTACCESS)
        write(compile_apache(*compiled(DOCUMENT), place=directory, log=f"{directory}/optout.log").files, place)
        port = free_port()
        modules = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in APACHE_MODULES)
        text = CONFIGURATION.format(place=place, port=port, modules=modules, user=served_as())
        (place / "apache.conf").write_text(text)
        command = ["/usr/sbin/apache2", "-DFOREGROUND", "-f", str(place / "apache.conf")]
        async with running(command, port, place / "apache.txt"):
            yield port, place


async def test_people_meet_the_site_s_own_pages() -> None:
    async with site() as (port, _):
        answers = {target: await ask(port, target) for target in ("/post/1", "/nothing", "/secret", "/old", "/")}
    assert {target: answer.status for target, answer in answers.items()} == {
        "/post/1": 200,
        "/nothing": 404,
        "/secret": 403,
        "/old": 301,
        "/": 200,
    }
    assert answers["/post/1"].body == b"the site's front page"
    assert answers["/nothing"].body == b"the site's missing page"
    assert answers["/secret"].body == b"the site's own 403"
    assert all(answer.first("x-own") == "yes" for answer in answers.values())


async def test_a_refusal_comes_before_a_front_controller_and_leaves_other_answers_alone() -> None:
    async with site() as (port, place):
        refused = await ask(port, "/studio/1", GPTBOT)
        passed = await ask(port, "/post/1", GPTBOT)
        missing = await ask(port, "/nothing", GPTBOT)
        secret = await ask(port, "/secret", GPTBOT)
        logs = (place / "optout.log", place / "own.log")
        async with asyncio.timeout(20):  # a line is written when its connection has ended
            while any(log.read_bytes().count(b"\n") < 4 for log in logs):
                await asyncio.sleep(0.02)
        lines = [parse_line(in_common_form(line)) for line in (place / "optout.log").read_bytes().splitlines()]
        own = (place / "own.log").read_text().splitlines()
    assert (refused.status, refused.first("content-type")) == (403, "application/problem+json")
    assert (passed.status, passed.body) == (200, b"the site's front page")
    assert (missing.status, missing.body) == (404, b"the site's missing page")
    assert (secret.status, secret.body) == (403, b"the site's own 403")
    told = [(line.path, line.action.value, line.status) for line in lines if isinstance(line, Line)]
    assert sorted(told) == [
        ("/nothing", "allow", 404),
        ("/post/1", "allow", 200),
        ("/secret", "allow", 403),
        ("/studio/1", "deny", 403),
    ]
    assert len(own) == 4


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "DELETE", "PROPFIND"])
async def test_no_method_gets_around_it(method: str) -> None:
    async with site() as (port, _):
        answer = await ask(port, "/studio/1", GPTBOT, method=method, more="Content-Length: 0\r\n")
        person = await ask(port, "/post/1", CHROME)
    assert answer.status == 403
    assert person.status == 200


def test_apache_is_installed() -> None:
    assert os.access("/usr/sbin/apache2", os.X_OK)
