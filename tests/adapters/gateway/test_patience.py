"""How often the gateway looks at who waits."""

from __future__ import annotations

from optout.adapters.gateway.patience import Patience


def test_looks_are_frequent_enough_for_the_shortest_wait() -> None:
    assert Patience().look_every == Patience().idle_origin / 4
    assert Patience(for_body=0.2).look_every == 0.05
