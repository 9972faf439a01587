"""Answers are locations that nobody reaches by name, with whole bodies."""

from __future__ import annotations

import re

from optout.compilers.nginx.answers import PLACE, answer_maps, locations
from optout.compilers.nginx.text import LONGEST
from optout.compilers.plan import plan
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)
MADE = plan(EDGE, REGISTRY)
MAPS = "".join(answer_maps(MADE, "oo"))
LOCATIONS = "".join(locations(MADE, "oo", ('add_header tdm-reservation "1" always;',)))


def test_each_template_has_a_location_that_is_internal() -> None:
    assert LOCATIONS.count(f"location = {PLACE}/oo/a") == len(MADE.templates)
    assert LOCATIONS.count("internal;") == len(MADE.templates)
    for number, template in enumerate(MADE.templates):
        assert f'return {template.status} "$oo_body_{number}";' in LOCATIONS


def test_every_field_of_an_answer_is_sent_with_any_status() -> None:
    assert all(line.endswith("always;") for line in re.findall(r"add_header .*", LOCATIONS))
    assert LOCATIONS.count("Cache-Control") == LOCATIONS.count("add_header tdm-reservation") == len(MADE.templates)


def test_a_body_is_whole_in_its_parts() -> None:
    for number, template in enumerate(MADE.templates):
        parts = re.findall(rf'map "" \$oo_html_{number}_\d+ {{\n    default "((?:[^"\\]|\\.)*)"', MAPS, re.DOTALL)
        written = "".join(re.sub(r"\\(.)", r"\1", part) for part in parts)
        fixed = re.split(r"\$\{oo_[a-z_]+\}", written)
        assert all(piece in template.page.replace("$", "&#36;") for piece in fixed)
        assert written.startswith("<!DOCTYPE html>")
        assert written.endswith("</html>\n")


def test_no_part_is_longer_than_nginx_reads() -> None:
    assert all(len(part) <= LONGEST for part in re.findall(r'"(?:[^"\\]|\\.)*"', MAPS, re.DOTALL))


def test_class_and_standing_are_those_of_the_class() -> None:
    assert re.search(r'map "\$oo_class" \$oo_purpose {\n.*?"train";', MAPS, re.DOTALL)
    assert re.search(r'map "\$oo_class" \$oo_standing {\n.*?"unverified";', MAPS, re.DOTALL)
