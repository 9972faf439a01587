"""HAProxy's files hold an edge in lines that nothing gets out of, and HAProxy itself takes them.

What they do in a running HAProxy is in tests/doors/test_compiled_edges.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from optout.compilers.haproxy import SNIPPET, compile_haproxy
from tests.compilers.hostile import PATHS, PRINTABLE, REGISTRY, accepted, edge_of
from tests.compilers.test_tables import EDGE

FRONTEND = """
defaults
  mode http
  timeout client 5s
  timeout server 5s
  timeout connect 5s
frontend web
  bind {place}/web.sock
  log 127.0.0.1:514 len 65535 local0
{rules}
"""


def check(files: Mapping[str, str], place: Path) -> None:
    for name, text in files.items():
        (place / name).write_text(text)
    (place / "haproxy.cfg").write_text(FRONTEND.format(place=place, rules=files[SNIPPET]))
    accepted("haproxy", "-c", "-f", str(place / "haproxy.cfg"))


def test_haproxy_takes_the_files(tmp_path: Path) -> None:
    check(compile_haproxy(EDGE, REGISTRY, place=str(tmp_path)).files, tmp_path)


@settings(max_examples=12, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=6), mining=PATHS)
def test_haproxy_takes_what_anybody_wrote(reason: str, paths: list[str], mining: str) -> None:
    with TemporaryDirectory() as directory:
        files = compile_haproxy(edge_of(reason, paths, mining), REGISTRY, place=directory).files
        check(files, Path(directory))


@settings(max_examples=30, deadline=None)
@given(reason=PRINTABLE, paths=st.lists(PATHS, max_size=6))
def test_each_line_of_a_map_is_one_expression_and_one_value(reason: str, paths: list[str]) -> None:
    files = compile_haproxy(edge_of(reason, paths), REGISTRY).files
    for name, text in files.items():
        if name.startswith("table-"):
            for line in text.replace("# none\n", "").splitlines():
                _, value = line.split(" ")
                assert re.fullmatch("[0-9]+[|](?:a[0-9]+|pass|left|next)", value)
    answers = [line.split(" ", 1)[1].split("|") for line in files["answers.map"].splitlines()]
    assert {len(fields) for fields in answers} == {9}
    assert len(files["answers.map"].splitlines()) == len(files["said.map"].splitlines()) - 1


def test_what_is_pasted_does_not_grow_with_the_rules() -> None:
    few, many = (
        compile_haproxy(edge_of("no", [f"/{number}/" for number in range(count)]), REGISTRY).files
        for count in (10, 200)
    )
    assert few[SNIPPET].partition("optout: begin")[2].replace("x", "") != ""
    lines = [len(files[SNIPPET].splitlines()) for files in (few, many)]
    assert lines[0] == lines[1]


def test_an_edge_that_observes_answers_nothing() -> None:
    made = compile_haproxy(replace(EDGE, enforced=False), REGISTRY)
    assert "http-request return" not in made.files[SNIPPET]
    assert not [name for name in made.files if name.endswith((".json", ".html"))]


def test_no_body_holds_a_format_that_it_was_not_given() -> None:
    files = compile_haproxy(edge_of("100% %[src] %%", ["/%[env(HOME)]"]), REGISTRY).files
    for name, text in files.items():
        if name.endswith((".json", ".html")):
            assert "%[src" not in text.replace("%%[src", "")
            assert set(re.findall(r"(?<!%)%\[([a-z]+)", text)) <= {"var"}
