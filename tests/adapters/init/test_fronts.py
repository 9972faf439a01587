"""For each front: three steps, a way back, and no word of a path that a shell would take apart."""

from __future__ import annotations

import ast
import shlex
from pathlib import Path

import click
import pytest

from optout.adapters.init.answers import COMPILED, EMBEDDED, ROUTED, Front
from optout.adapters.init.fronts import Plan, plan_front
from optout.adapters.init.policy import load_written, policy_text
from optout.cli.compile import compile_policy
from optout.compilers.tables import compile_edge
from optout.crawlers.registry import bundled_registry
from optout.signals.declaration import NOTHING_KNOWN
from tests.owners import answers

REGISTRY = bundled_registry()


def _plan(place: Path, front: Front, **other: object) -> Plan:
    said = answers(place, front=front, **other)
    edge = compile_edge(load_written(policy_text(said), REGISTRY), REGISTRY, NOTHING_KNOWN, authority=said.sites[0])
    return plan_front(said, edge, REGISTRY)


@pytest.mark.parametrize("front", Front)
def test_every_front_has_files_three_steps_and_a_way_back(tmp_path: Path, front: Front) -> None:
    plan = _plan(tmp_path, front)
    assert plan.files
    assert len(plan.steps) == 3
    assert plan.undo


@pytest.mark.parametrize("front", sorted(COMPILED))
def test_what_decides_by_itself_brings_its_log_into_the_evidence_and_names_its_losses(
    tmp_path: Path, front: Front
) -> None:
    plan = _plan(tmp_path, front)
    assert "evidence ingest" in plan.files[plan.unit]
    assert "live-declarations" in {loss.code for loss in plan.losses}


@pytest.mark.parametrize("front", sorted(EMBEDDED))
def test_what_goes_into_an_application_is_python_that_names_the_owner_s_paths(tmp_path: Path, front: Front) -> None:
    (text,) = _plan(tmp_path / "Anna's \\n", front).files.values()
    tree = ast.parse(text)
    words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert str(tmp_path / "Anna's \\n" / "optout" / "policy.yaml") in words


def test_a_path_with_blanks_is_one_word_of_a_line_to_type(tmp_path: Path) -> None:
    plan = _plan(tmp_path / "two words", Front.NGINX)
    assert f"'{tmp_path}/two words/optout/route-http.conf'" in plan.steps[0]
    assert f"'{tmp_path}/two words/optout/policy.yaml'" in plan.again


@pytest.mark.parametrize("front", sorted(ROUTED - {Front.APACHE}))
def test_what_asks_optout_is_answered_at_the_same_socket_in_its_own_way(tmp_path: Path, front: Front) -> None:
    plan = _plan(tmp_path, front)
    dialect = "caddy" if front is Front.CADDY else "nginx-route"
    assert f"forward-auth --dialect {dialect} --listen unix:/run/optout/route.sock" in plan.files[plan.unit]
    asks = "".join(text for name, text in plan.files.items() if name != plan.unit)
    assert "/run/optout/route.sock" in asks


def test_apache_sends_crawlers_through_a_socket_to_the_site_once_more(tmp_path: Path) -> None:
    plan = _plan(tmp_path, Front.APACHE)
    unit, again = plan.files[plan.unit], plan.files["optout-again.conf"]
    assert "serve --listen unix:/run/optout/serve.sock --upstream http://127.0.0.1:8481" in unit
    assert "unix:/run/optout/serve.sock|" in plan.files["route-server.conf"]
    assert "<VirtualHost 127.0.0.1:8481>\n    ServerName photos.example\n    ServerAlias www.photos.example\n" in again
    assert f'Include "{tmp_path}/optout/route-server.conf"' in again
    assert "a2ensite optout-again " in plan.steps[0]
    assert "a2dissite optout-again && sudo rm /etc/apache2/sites-available/optout-again.conf" in plan.undo[1]


@pytest.mark.parametrize("front", sorted(COMPILED | ROUTED))
def test_the_line_for_a_changed_policy_is_a_command_that_exists(tmp_path: Path, front: Front) -> None:
    words = shlex.split(_plan(tmp_path, front).again.partition(" && ")[0])
    known = {flag for option in compile_policy.params if isinstance(option, click.Option) for flag in option.opts}
    assert words[:3] == ["sudo", "optout", "compile"]
    assert {word for word in words if word.startswith("--")} <= known
