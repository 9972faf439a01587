"""Each front end names what it cannot do, with a remedy, under a code of its own."""

from __future__ import annotations

import pytest

from optout.compilers.edge import Loss
from optout.compilers.front_losses import APACHE, CADDY, HAPROXY


@pytest.mark.parametrize("losses", [APACHE, CADDY, HAPROXY], ids=["apache", "caddy", "haproxy"])
def test_codes_differ_and_each_has_words_and_a_remedy(losses: tuple[Loss, ...]) -> None:
    assert len({loss.code for loss in losses}) == len(losses)
    assert all(loss.text and loss.remedy for loss in losses)
    assert all("$" not in loss.text and "{" not in loss.text for loss in losses)  # they stand in the files, too
