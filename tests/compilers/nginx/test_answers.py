"""Answers are locations that nobody reaches by name, with whole bodies."""

from __future__ import annotations

import re

from optout.compilers.nginx.answers import PLACE, answer_maps, answering, locations
from optout.compilers.nginx.replies import FEW, replies
from optout.compilers.nginx.text import LONGEST
from optout.compilers.plan import plan
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

MANY = "User-agent: *\n" + "".join(f"Disallow: /p{at}/\n" for at in range(FEW + 1))
EDGE, REGISTRY = compiled(DOCUMENT | {"robots": MANY})
MADE = plan(EDGE, REGISTRY)
REPLIES, _ = replies(MADE)
MAPS = "".join(answer_maps(MADE, REPLIES, "oo"))
LOCATIONS = "".join(
    locations(
        MADE,
        REPLIES,
        "oo",
        reserved=('add_header tdm-reservation "1" always;',),
        settings={reply.name: (f"set $oo_x {reply.name};",) for reply in REPLIES},
    )
)
PLACES = dict(re.findall(rf"location = {PLACE}/oo/(\w+) {{\n(.*?)\n}}\n", LOCATIONS, re.DOTALL))


def test_each_reply_has_two_locations_that_are_internal() -> None:
    assert list(PLACES) == [f"{reply.name}{end}" for reply in REPLIES for end in ("", "page")]
    assert all("internal;" in place for place in PLACES.values())
    for reply in REPLIES:
        for end in ("", "page"):
            assert "access_log" not in PLACES[reply.name + end]  # the site's own logs are for refusals, too
            assert f'return {reply.status} "' in PLACES[reply.name + end]
            assert f"set $oo_x {reply.name};" in PLACES[reply.name + end]


def test_each_location_has_the_type_of_its_body() -> None:
    for name, place in PLACES.items():
        kind = "text/html; charset=utf-8" if name.endswith("page") else "application/problem+json"
        assert f'add_header Content-Type "{kind}" always;' in place


def test_every_field_of_an_answer_is_sent_with_any_status() -> None:
    assert all(line.endswith("always;") for line in re.findall(r"add_header .*", LOCATIONS))
    assert LOCATIONS.count("Cache-Control") == LOCATIONS.count("add_header tdm-reservation") == 2 * len(REPLIES)


def test_a_body_says_what_the_reply_does() -> None:
    for reply in REPLIES:
        (written,) = re.findall(r'return \d+ "((?:[^"\\]|\\.)*)";', PLACES[f"{reply.name}page"], re.DOTALL)
        fixed = re.split(r"\$\{oo_[a-z_]+\}", re.sub(r"\\(.)", r"\1", written))
        assert len(fixed) > 1
        assert all(piece in reply.page.replace("$", "&#36;") for piece in fixed)
        assert fixed[0].startswith("<!DOCTYPE html>")
        assert fixed[-1].endswith("</html>\n")


def test_a_long_body_is_whole_in_parts_that_nginx_can_read() -> None:
    long = '"' * 300
    edge, registry = compiled(DOCUMENT | {"policy": DOCUMENT["policy"].replace("Not for training.", f"'{long}'")})
    made = plan(edge, registry)
    found, _ = replies(made)
    text = "".join(answer_maps(made, found, "oo"))
    reply = next(reply for reply in found if reply.clause == "studio")
    parts = re.findall(rf'map "" \$oo_html_{reply.name}_\d+ {{\n    default "((?:[^"\\]|\\.)*)"', text, re.DOTALL)
    assert len(parts) > 1
    assert "&quot;" * 300 in "".join(parts)
    assert all(len(part) <= LONGEST for part in re.findall(r'"(?:[^"\\]|\\.)*"', text, re.DOTALL))


def test_without_words_of_rules_a_table_names_the_reply_itself() -> None:
    edge, registry = compiled(DOCUMENT)
    found, _ = replies(plan(edge, registry))
    assert answering(found, "oo") == "$oo_said"
    assert answering(REPLIES, "oo") == "$oo_answer"


def test_purpose_and_standing_are_those_of_the_crawlers_class() -> None:
    assert re.search(r'map "\$oo_crawler" \$oo_purpose {\n.*?"train";', MAPS, re.DOTALL)
    assert re.search(r'map "\$oo_crawler" \$oo_standing {\n.*?"unverified";', MAPS, re.DOTALL)
