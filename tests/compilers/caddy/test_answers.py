"""What Caddy's edge says: refusals in two forms, and fields for whoever may have them."""

from __future__ import annotations

from dataclasses import replace

from optout.compilers.access_log.forms import CADDY_MEMBERS
from optout.compilers.caddy.answers import answering, declaring, logging, said
from optout.compilers.plan import plan
from tests.compilers.hostile import REGISTRY
from tests.compilers.test_tables import EDGE

MADE = plan(EDGE, REGISTRY)


def test_each_template_answers_as_a_page_and_as_problem_details() -> None:
    lines = [line.strip() for line in answering(MADE)]
    assert len([line for line in lines if line.startswith("respond")]) == 2 * len(MADE.templates)
    assert len([line for line in lines if line == "header +Cache-Control `no-store`"]) == len(MADE.templates)


def test_fields_are_for_reading_and_for_refusals_of_what_is_reserved() -> None:
    text = "\n".join(declaring(EDGE))
    assert "method GET HEAD" in text
    assert "@optout_refuses_d1" in text
    assert "@optout_refuses_d0" not in text  # nothing is reserved there
    assert "refuses" not in "\n".join(declaring(replace(EDGE, enforced=False)))


def test_the_line_has_every_member_in_order() -> None:
    text = "\n".join(line.strip() for line in said(MADE))
    told = text.partition("default `optout 1\n")[2].partition("`")[0].split("\n")
    assert len(told) == len(CADDY_MEMBERS)
    assert told[CADDY_MEMBERS.index("policy")] == EDGE.policy.digest


def test_the_log_takes_no_address_and_nobody_by_default() -> None:
    lines = [line.strip() for line in logging("/var/log/x")]
    assert "request delete" in lines
    assert "resp_headers delete" in lines
    assert lines[-1] == "skip_log"
