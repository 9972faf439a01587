"""Each front end names what it cannot do, with a remedy, under a code of its own."""

from __future__ import annotations

import pytest

from optout.compilers.apache import compile_apache
from optout.compilers.caddy import compile_caddy
from optout.compilers.edge import Loss
from optout.compilers.front_losses import APACHE, CADDY, HAPROXY, MANY_RULES, one_by_one
from optout.compilers.plan import Plan, plan
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT


@pytest.mark.parametrize("losses", [APACHE, CADDY, HAPROXY], ids=["apache", "caddy", "haproxy"])
def test_codes_differ_and_each_has_words_and_a_remedy(losses: tuple[Loss, ...]) -> None:
    assert len({loss.code for loss in losses}) == len(losses)
    assert all(loss.text and loss.remedy for loss in losses)
    assert all("$" not in loss.text and "{" not in loss.text for loss in losses)  # they stand in the files, too


def planned(rules: int) -> Plan:
    robots = "User-agent: CCBot\n" + "".join(f"Disallow: /p{at}/\n" for at in range(rules))
    return plan(*compiled(DOCUMENT | {"robots": robots}))


def test_very_many_rules_are_told_with_their_number_where_they_are_tried_one_by_one() -> None:
    made = planned(MANY_RULES)
    (loss,) = one_by_one(made, front="caddy")
    most = max(sum(map(len, made.tables(group))) for group in made.edge.classes)
    assert f"up to {most} rules" in loss.text
    assert most > MANY_RULES
    assert loss.remedy.endswith("optout compile caddy --route")


def test_some_rules_are_not() -> None:
    assert one_by_one(planned(100), front="apache") == ()


def test_caddy_and_apache_name_that_loss() -> None:
    robots = "User-agent: CCBot\n" + "".join(f"Disallow: /p{at}/\n" for at in range(MANY_RULES))
    edge, registry = compiled(DOCUMENT | {"robots": robots})
    for made in (compile_caddy(edge, registry), compile_apache(edge, registry, place="/x")):
        assert "rules-one-by-one" in {loss.code for loss in made.losses}
