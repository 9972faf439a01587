"""The routed include: who is asked about, how a request goes on, and what happens without Optout."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from optout.compilers.nginx.route import FIELDS, HTTP, SERVER, compile_route
from optout.policy.loader import load_policy
from optout.policy.rollout import Rollout
from tests.doors.edge_doors import compiled
from tests.doors.nginx_doors import check, write
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)
POLICY = EDGE.policy


def policy(*, mode: str = "enforce", on_error: str = "refuse"):  # type: ignore[no-untyped-def]
    text = f"version: 1\nmode: {mode}\ndefault: allow\non_error: {on_error}\nterms: /terms\nsites: ['*']\n"
    return load_policy(text.encode(), "policy.yaml", REGISTRY)


@pytest.mark.parametrize("edge", [None, EDGE])
@pytest.mark.parametrize("on_error", ["allow", "refuse"])
def test_nginx_loads_it_without_a_word(edge, on_error: str, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    made = compile_route(policy(on_error=on_error), REGISTRY, edge=edge)
    write(made.files, tmp_path)
    server = f"listen 127.0.0.1:1; include {tmp_path}/{SERVER}; location / {{ return 204; }}"
    code, words = check(tmp_path, f"include {tmp_path}/{HTTP}; server {{ {server} }}")
    assert code == 0, words
    assert "warn" not in words


def test_refusing_without_optout_concerns_ai_crawlers_and_leaves_open_what_is_always_open() -> None:
    files = compile_route(policy(), REGISTRY).files
    assert "return 503" in files[SERVER]
    assert "gptbot" in files[HTTP].partition("$optout_is_ai")[2].lower()
    assert "/terms" in files[HTTP].partition("$optout_unavailable")[2]


def test_serving_without_optout_needs_no_look() -> None:
    files = compile_route(policy(on_error="allow"), REGISTRY).files
    assert "return 503" not in files[SERVER]
    assert "optout_is_ai" not in files[HTTP]


def test_in_observe_mode_no_fault_of_ours_changes_a_status() -> None:
    assert "return 503" not in compile_route(policy(mode="observe"), REGISTRY).files[SERVER]


def test_what_an_edge_declares_is_declared() -> None:
    made = compile_route(POLICY, REGISTRY, edge=EDGE)
    assert "tdm-reservation" in made.files[FIELDS]
    assert "routed-declarations" not in {loss.code for loss in made.losses}
    bare = compile_route(POLICY, REGISTRY)
    assert FIELDS not in bare.files
    assert "routed-declarations" in {loss.code for loss in bare.losses}


def test_a_visitor_s_own_fields_do_not_get_through() -> None:
    text = compile_route(POLICY, REGISTRY).files[SERVER]
    for name in ("X-Original-Method", "X-Original-URI", "X-Original-Host", "X-Forwarded-Method", "X-Forwarded-Uri"):
        assert text.count(f"proxy_set_header {name} ") == 1


def test_the_socket_is_the_one_that_was_named() -> None:
    assert 'server "unix:/x/y.sock";' in compile_route(POLICY, REGISTRY, socket="/x/y.sock").files[HTTP]


def test_files_say_how_to_use_and_how_to_undo_them() -> None:
    for text in compile_route(POLICY, REGISTRY, edge=EDGE).files.values():
        assert POLICY.digest in text
        assert "Undo:" in text


def test_while_a_policy_is_rolled_out_nobody_is_refused_for_want_of_optout() -> None:
    some = replace(policy(), rollout=Rollout(share=500))
    assert "return 503" not in compile_route(some, REGISTRY).files[SERVER]
    assert "return 503" in compile_route(replace(some, rollout=Rollout(share=10_000)), REGISTRY).files[SERVER]
