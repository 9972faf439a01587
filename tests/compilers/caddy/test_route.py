"""The routed form for Caddy is wide enough for every known crawler, and Caddy takes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from optout.compilers.caddy.route import FILE, compile_caddy_route
from optout.policy.loader import load_policy
from tests.compilers.hostile import REGISTRY, accepted
from tests.compilers.test_tables import EDGE, POLICY

TEXT = compile_caddy_route(EDGE.policy, REGISTRY, edge=EDGE, socket="/run/x.sock").files[FILE]
POSSIBLE = re.compile(re.findall(r"not vars_regexp \S+ `([^`]+)`", TEXT)[0])


def test_no_example_of_the_registry_is_missed() -> None:
    for crawler in REGISTRY.crawlers:
        for example in crawler.examples:
            if REGISTRY.recognize(example) is not None:
                assert POSSIBLE.search(example), example
    assert POSSIBLE.search("Mozilla/5.0%20(compatible;%20GPTBot/1.0)")


def test_caddy_takes_the_file(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(TEXT)
    (tmp_path / "Caddyfile").write_text(
        f"{{\n admin off\n auto_https off\n}}\nimport {tmp_path}/{FILE}\n"
        f"http:// {{\n bind unix/{tmp_path}/web.sock\n route {{\n  import optout_route\n  respond x\n }}\n}}\n"
    )
    accepted("caddy", "validate", "--config", str(tmp_path / "Caddyfile"), "--adapter", "caddyfile")


@pytest.mark.parametrize(
    ("changes", "refuses"),
    [({}, False), ({"on_error: allow": "on_error: refuse"}, True)],
)
def test_what_happens_without_optout_is_the_policy_s_choice(changes: dict[str, str], refuses: bool) -> None:
    text = POLICY
    for old, new in changes.items():
        text = text.replace(old, new)
    policy = load_policy(text.encode(), "policy.yaml", REGISTRY)
    assert ("503" in compile_caddy_route(policy, REGISTRY).files[FILE]) is refuses


def test_without_a_site_the_loss_of_its_declarations_is_named() -> None:
    codes = [
        [loss.code for loss in compile_caddy_route(EDGE.policy, REGISTRY, edge=each).losses] for each in (None, EDGE)
    ]
    assert codes == [["routed-outcomes", "routed-declarations"], ["routed-outcomes"]]
