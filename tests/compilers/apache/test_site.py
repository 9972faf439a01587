"""What stands behind the rules: a log of crawlers, refusals that touch nobody else, and fields."""

from __future__ import annotations

from dataclasses import replace

from optout.compilers.access_log import MEMBERS
from optout.compilers.apache.site import declaring, site_lines
from optout.compilers.plan import plan
from tests.compilers.hostile import REGISTRY
from tests.compilers.test_tables import EDGE

LINES = [line.strip() for line in site_lines(plan(EDGE, REGISTRY), log="/var/log/x")]


def test_the_log_has_every_member_and_is_of_crawlers_alone() -> None:
    (form,) = [line for line in LINES if line.startswith("LogFormat")]
    assert all(f'\\"{name}\\":' in form for name in MEMBERS)
    assert 'CustomLog "/var/log/x" optout env=OPTOUT_LOGGED' in LINES


def test_every_refusal_stands_inside_the_one_condition() -> None:
    start, end = LINES.index("<If \"-n reqenv('OPTOUT_ANSWER')\">"), len(LINES) - LINES[::-1].index("</If>")
    outside = [line for at, line in enumerate(LINES) if not start < at < end]
    assert not [line for line in outside if line.startswith(("ErrorDocument", "Redirect"))]


def test_the_owner_s_own_status_keeps_its_own_fields() -> None:
    fields = [line for line in LINES if line.startswith("Header always set Content-Type")]
    assert fields
    assert all("REQUEST_STATUS" in line for line in fields)


def test_an_edge_that_observes_declares_and_refuses_nothing() -> None:
    observed = replace(EDGE, enforced=False)
    lines = list(site_lines(plan(observed, REGISTRY), log="/x"))
    assert not [line for line in lines if "ErrorDocument" in line]
    assert all("OPTOUT_ANSWER" not in line for line in declaring(observed))
