"""Every front is one that decides by itself, has Optout inside, or is nothing at all."""

from __future__ import annotations

from optout.adapters.init.answers import COMPILED, EMBEDDED, ROUTED, Front


def test_every_front_is_of_one_kind() -> None:
    assert set(Front) - ROUTED - COMPILED - EMBEDDED == {Front.NOTHING}
    assert len(ROUTED) + len(COMPILED) + len(EMBEDDED) + 1 == len(Front)
