"""A compiled Caddy beside what a site has of its own: its log, and its directives in their usual order."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from optout.compilers.access_log import Line, parse_line
from optout.compilers.access_log.forms import in_common_form
from optout.compilers.caddy import compile_caddy
from tests.doors.edge_doors import compiled, running, write
from tests.doors.forward_auth_doors import free_port
from tests.doors.table import DOCUMENT
from tests.judge import user_agent
from tests.served import CHROME, ask

GPTBOT = user_agent("GPTBot")
CADDYFILE = """
{{
  admin off
  auto_https off
  storage file_system {place}/caddy
}}
import {place}/optout.caddy
http://:{port} {{
  bind 127.0.0.1
  log {{
    output file {place}/own.log
  }}
  route {{
    import optout
    handle {{
      respond /about "about" 200
      redir /old /new 301
      header X-Own yes
      handle /post/* {{
        respond "post"
      }}
      respond "the site's own 404" 404
    }}
  }}
  handle_errors {{
    respond "the site's own error"
  }}
}}
"""


@asynccontextmanager
async def site(place: Path) -> AsyncIterator[int]:
    write(compile_caddy(*compiled(DOCUMENT), log=str(place / "optout.log")).files, place)
    port = free_port()
    (place / "Caddyfile").write_text(CADDYFILE.format(place=place, port=port))
    command = ["caddy", "run", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile"]
    async with running(command, port, place / "caddy.txt"):
        yield port


async def test_a_site_s_own_log_stays_whole_and_says_of_crawlers_what_the_evidence_needs(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        await ask(port, "/about", CHROME)
        await ask(port, "/studio/1", GPTBOT)
        await ask(port, "/post/1", GPTBOT)
    lines = (tmp_path / "own.log").read_bytes().splitlines()
    assert [json.loads(line)["request"]["uri"] for line in lines] == ["/about", "/studio/1", "/post/1"]
    assert json.loads(lines[0])["user_id"] == ""
    found = [parse_line(in_common_form(line)) for line in lines]
    read = [(line.path, line.action.value, line.status) for line in found if isinstance(line, Line)]
    assert read == [("/studio/1", "deny", 403), ("/post/1", "allow", 200)]
    assert not (tmp_path / "optout.log").exists()


async def test_the_site_s_directives_keep_their_order_and_its_answers_their_fields(tmp_path: Path) -> None:
    async with site(tmp_path) as port:
        answers = [
            await ask(port, target, agent)
            for agent in (CHROME, GPTBOT)
            for target in ("/about", "/old", "/post/1", "/x")
        ]
        refused = await ask(port, "/studio/1", GPTBOT)
    assert [answer.status for answer in answers] == [200, 301, 200, 404] * 2
    assert [answer.body for answer in answers[2:4]] == [b"post", b"the site's own 404"]
    assert all(answer.first("x-own") == "yes" for answer in answers if answer.status != 301)
    assert (refused.status, refused.first("x-own")) == (403, None)
