"""Caddy's file holds an edge in words that nothing gets out of, and Caddy itself takes it.

What it does in a running Caddy is in tests/doors/test_compiled_edges.py.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.caddy import FILE, compile_caddy
from optout.compilers.plan import Written
from tests.compilers.hostile import PATHS, PRINTABLE, REGISTRY, accepted, edge_of
from tests.compilers.test_tables import EDGE

CADDYFILE = """{{
  admin off
  auto_https off
}}
import {place}/optout.caddy
http:// {{
  bind unix/{place}/web.sock
  import optout_log
  route {{
    import optout
    respond "the site"
  }}
}}
"""
OURS = {"http", "optout_"}


def check(made: Written, place: Path) -> None:
    (place / FILE).write_text(made.files[FILE])
    (place / "Caddyfile").write_text(CADDYFILE.format(place=place))
    accepted("caddy", "validate", "--config", str(place / "Caddyfile"), "--adapter", "caddyfile")


def test_caddy_takes_the_file(tmp_path: Path) -> None:
    check(compile_caddy(EDGE, REGISTRY, log=str(tmp_path / "log")), tmp_path)


@settings(max_examples=8, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=6), mining=PATHS)
def test_caddy_takes_what_anybody_wrote(reason: str, paths: list[str], mining: str) -> None:
    with TemporaryDirectory() as directory:
        made = compile_caddy(edge_of(reason, paths, mining), REGISTRY, log=f"{directory}/log")
        check(made, Path(directory))


@settings(max_examples=30, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=4))
def test_no_placeholder_but_the_edge_s_own_is_in_the_file(reason: str, paths: list[str]) -> None:
    text = compile_caddy(edge_of(f"{reason}{{env.HOME}}{{$HOME}}", [*paths, "/{env.HOME}"]), REGISTRY).files[FILE]
    assert "{$" not in text
    placeholders = re.findall(r"\{([A-Za-z_][A-Za-z0-9_.-]*)\}", text)
    assert placeholders
    assert all(name.startswith(("http.", "optout_")) for name in placeholders)


def test_backticks_come_in_pairs() -> None:
    text = compile_caddy(edge_of("`a`b`", ["/`", "/a`b"]), REGISTRY).files[FILE]
    body = text.partition("(optout)")[2]
    assert body.count("`") % 2 == 0


def test_an_edge_that_observes_answers_nothing() -> None:
    assert "respond" not in compile_caddy(replace(EDGE, enforced=False), REGISTRY).files[FILE].partition("(optout)")[2]
