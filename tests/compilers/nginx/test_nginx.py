"""The files of a compiled nginx: what they say of themselves, and that nothing an owner writes gets out of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from optout.compilers.nginx import FIELDS, HTTP, SERVER, compile_nginx
from optout.policy.model import Mode
from tests.doors.edge_doors import compiled
from tests.doors.nginx_doors import check, write
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)


def test_files_say_what_they_were_made_from_how_to_use_and_how_to_undo_them() -> None:
    for name, text in compile_nginx(EDGE, REGISTRY).files.items():
        for digest in (EDGE.policy.digest, EDGE.robots_sha256, EDGE.tdmrep_sha256, EDGE.registry_sha256):
            assert digest in text
        assert f"# {name}, made by `optout compile nginx` for site.example." in text
        assert "nginx -t && systemctl reload nginx" in text
        assert "Undo:" in text


def test_losses_stand_in_the_file_that_an_owner_includes() -> None:
    made = compile_nginx(EDGE, REGISTRY)
    assert all(f"#   {loss.code}: {loss.text}\n" in made.files[SERVER] for loss in made.losses)
    assert {loss.code for loss in made.losses} > {loss.code for loss in EDGE.losses}


def test_a_person_meets_one_if() -> None:
    made = compile_nginx(EDGE, REGISTRY)
    assert made.files[SERVER].count("\nif (") == 1


def test_what_declares_is_a_file_of_its_own_too() -> None:
    made = compile_nginx(EDGE, REGISTRY)
    lines = [line for line in made.files[FIELDS].splitlines() if not line.startswith("#") and line]
    assert lines
    assert all(line in made.files[SERVER] for line in lines)


def test_a_policy_that_observes_refuses_and_declares_nothing() -> None:
    edge, _ = compiled(DOCUMENT | {"policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)})
    assert edge.policy.mode is Mode.OBSERVE
    made = compile_nginx(edge, REGISTRY)
    assert FIELDS not in made.files
    assert "rewrite" not in made.files[SERVER]
    assert "access_log" in made.files[SERVER]


def test_the_log_is_where_it_was_asked_for() -> None:
    assert 'access_log "/x y/optout.log" ' in compile_nginx(EDGE, REGISTRY, log="/x y/optout.log").files[SERVER]


def loads(document: dict[str, str], place: Path) -> None:
    edge, registry = compiled(document)
    write(compile_nginx(edge, registry, log=str(place / "optout.log")).files, place)
    server = f"listen 127.0.0.1:1; include {place}/{SERVER}; location / {{ return 204; }}"
    code, words = check(place, f"include {place}/{HTTP}; server {{ {server} }}")
    assert code == 0, words


@pytest.mark.parametrize("document", [DOCUMENT, DOCUMENT | {"robots": "", "tdmrep": "[]"}])
def test_nginx_loads_it(document: dict[str, str], tmp_path: Path) -> None:
    loads(document, tmp_path)


MEANING_SOMETHING = ['"', "'", "\\", "$", "${x}", "$uri", ";", "}", "{", "#", "é", "<", "%", "*", "a"]
HOSTILE = st.lists(st.sampled_from(MEANING_SOMETHING), min_size=1, max_size=8).map("".join)
WITH_BLANKS = st.lists(st.sampled_from([*MEANING_SOMETHING, "\t", "\u2028"]), min_size=1, max_size=8).map("".join)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reason=HOSTILE, path=WITH_BLANKS, location=WITH_BLANKS)
def test_nothing_that_an_owner_or_a_document_writes_gets_out_of_its_place(
    tmp_path: Path, reason: str, path: str, location: str
) -> None:
    clause = {"id": "c", "action": "deny", "path": "/x$", "reason": reason, "purpose": "train"}
    policy = f"""
version: 1
mode: enforce
default: allow
on_error: allow
on_reservation: deny
contact: rights@site.example
terms: "https://site.example/$x"
sites: [site.example]
clauses: [{json.dumps(clause)}]
"""
    robots = f"User-agent: GPTBot\nDisallow: /{path}\nAllow: /{location}\nUser-agent: *\nDisallow: /{location}\n"
    tdmrep = json.dumps([{"location": f"/{location}", "tdm-reservation": 1, "tdm-policy": f"https://x.example/{path}"}])
    loads({"policy": policy, "robots": robots, "tdmrep": tdmrep}, tmp_path)
