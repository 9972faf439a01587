"""What stands on top of a compiled file is remarks, each in a line of its own."""

from __future__ import annotations

from dataclasses import replace

from optout.compilers.front_losses import HAPROXY
from optout.compilers.heads import edge_head, route_head
from tests.compilers.hostile import edge_of

EDGE = edge_of("no", ["/a"])


def test_a_head_names_what_the_file_was_made_from_and_what_is_lost() -> None:
    text = edge_head(EDGE, HAPROXY, front="haproxy", uses=("Use: it.",))
    assert all(line.startswith("# ") for line in text.splitlines() if line)
    assert EDGE.policy.digest in text
    assert EDGE.robots_sha256 in text
    assert "site.example" in text
    assert all(loss.code in text for loss in HAPROXY)
    assert "observes" not in text


def test_a_policy_that_observes_says_so_on_top() -> None:
    assert "observes" in edge_head(replace(EDGE, enforced=False), (), front="caddy", uses=())


def test_a_routed_form_names_its_policy() -> None:
    text = route_head(EDGE.policy, (), front="caddy", uses=("Use: it.",))
    assert "--route" in text
    assert EDGE.policy.digest in text
