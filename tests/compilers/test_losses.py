"""A compiled policy says what it cannot do, and nothing that it can."""

from __future__ import annotations

from optout.compilers.edge import Edge
from optout.compilers.tables import compile_edge
from optout.crawlers.registry import bundled_registry
from optout.policy.loader import load_policy
from tests.judge import SITE, publishes

PLAIN = "version: 1\nmode: enforce\ndefault: allow\non_error: allow\n"
ALWAYS = ["live-declarations", "evidence-afterwards", "off-switch", "identity"]


def edge(more: str = "", robots: str | None = None, tdmrep: str | None = None) -> Edge:
    registry = bundled_registry()
    policy = load_policy((PLAIN + more).encode(), "policy.yaml", registry)
    return compile_edge(policy, registry, publishes(robots, tdmrep), authority=SITE)


def codes(found: Edge) -> list[str]:
    return [loss.code for loss in found.losses]


def test_a_policy_that_refuses_nobody_loses_only_what_every_one_does() -> None:
    assert codes(edge()) == ALWAYS


def test_what_refuses_can_be_ambiguous() -> None:
    assert codes(edge(robots="User-agent: GPTBot\nDisallow: /\n")) == [*ALWAYS, "ambiguous-targets", "several-crawlers"]


def test_each_thing_that_a_policy_asks_for_and_no_table_holds_is_named() -> None:
    clauses = (
        "license_server: https://license.example/\nlicense: /license.xml\ncontact: a@site.example\nclauses:\n"
        "  - {action: allow, purpose: train, standing: verified}\n"
        "  - {action: deny, purpose: train, mode: observe}\n"
        "  - {action: require-license, purpose: train}\n"
    )
    found = codes(edge(clauses, tdmrep='[{"location": "/", "tdm-reservation": 1}]'))
    assert {"standing", "observed-clauses", "licenses", "tdm-policy-member"} <= set(found)


def test_preferences_for_uses_that_should_refuse_are_a_loss() -> None:
    robots = "User-agent: *\nContent-Usage: train-ai=n\nAllow: /\n"
    assert "usage-preferences" in codes(edge("on_reservation: deny\n", robots=robots))
    assert codes(edge(robots=robots)) == ALWAYS
    assert codes(edge("on_reservation: deny\n", robots="User-agent: *\nAllow: /\n")) == ALWAYS


def test_a_rate_is_a_loss_and_changes_nothing_else() -> None:
    clauses = "clauses:\n  - {id: closed, path: /x, action: deny}\n"
    rate = "  - {action: throttle, rate: 1/hour}\n"
    plain, slowed = edge(clauses), edge(clauses.replace("clauses:\n", f"clauses:\n{rate}"))
    assert [each for each in codes(slowed) if each not in codes(plain)] == ["rates"]
    told = [[table.otherwise for table in each.tables] for found in (plain, slowed) for each in found.classes]
    assert told[0] == told[len(plain.classes)]
    assert len(plain.classes) == len(slowed.classes)


def test_every_loss_says_what_to_do() -> None:
    assert all(loss.text and loss.remedy for loss in edge(robots="User-agent: *\nDisallow: /\n").losses)
