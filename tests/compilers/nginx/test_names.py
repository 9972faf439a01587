"""The maps of names lead from what a visitor sends to one crawler, the most restricted of those named."""

from __future__ import annotations

import re
from dataclasses import replace

from optout.compilers.nginx.names import literal, names, told_name, told_names
from optout.compilers.nginx.text import LONGEST
from optout.compilers.plan import plan
from optout.compilers.templates import Form
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

EDGE, REGISTRY = compiled(DOCUMENT)
MADE = plan(EDGE, REGISTRY)
MAPS = "\n".join((*names(MADE, "oo"), *told_names(MADE, "oo")))


def test_each_crawler_of_the_edge_has_a_name_and_an_operator() -> None:
    for at, known in enumerate(MADE.crawlers):
        for text in (known.crawler.name, known.crawler.operator):
            assert re.search(rf'"[a-z]{at}" "{re.escape(text)}";', MAPS)


def test_where_all_bodies_spell_names_alike_there_is_one_map_of_them() -> None:
    assert told_name(MADE, "oo", "name", Form.JSON) == told_name(MADE, "oo", "name", Form.HTML) == "oo_crawler_name"
    known = MADE.crawlers[0]
    renamed = replace(known, crawler=replace(known.crawler, name="Tom & 'Co'"))
    other = replace(MADE, crawlers=(renamed, *MADE.crawlers[1:]))
    assert told_name(other, "oo", "name", Form.JSON) == "oo_name_json"
    text = "".join(told_names(other, "oo"))
    assert '"Tom &amp; &#x27;Co&#x27;";' in text
    assert text.count("Tom & 'Co'") == 2


def test_every_spelling_is_found_by_its_hash_or_by_an_expression() -> None:
    for _, name in MADE.names:
        if name.isascii() and len(name) <= 40:
            assert f'"{name}" "' in MAPS, name


def test_no_line_is_longer_than_nginx_reads() -> None:
    assert all(len(line) < LONGEST + 60 for line in MAPS.splitlines())


def test_no_name_of_a_group_is_longer_than_pcre_takes() -> None:
    assert all(len(name) <= 32 for name in re.findall(r"\(\?<([a-z_0-9]+)>", MAPS))


def test_a_dollar_sign_is_a_variable_that_stands_for_it() -> None:
    assert literal("a$b", "oo") == "a${oo_dollar}b"
