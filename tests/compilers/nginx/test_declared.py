"""What a site says of mining is a field on what people read, and none where the policy observes."""

from __future__ import annotations

from optout.compilers.nginx.declared import declaring_lines, declaring_maps, dollar, reserving_lines, tag_of
from tests.doors.edge_doors import compiled
from tests.doors.table import DOCUMENT

EDGE, _ = compiled(DOCUMENT)
TAG = tag_of(EDGE)


def test_each_field_has_a_line_and_a_map() -> None:
    maps = "".join(declaring_maps(EDGE, TAG))
    for line in (*declaring_lines(EDGE, TAG), *reserving_lines(EDGE, TAG)):
        variable = line.split()[2]
        assert f" {variable} {{" in maps


def test_only_reads_declare() -> None:
    maps = "".join(declaring_maps(EDGE, TAG))
    assert '"get" "$' in maps
    assert '"head" "$' in maps
    assert "post" not in maps


def test_a_policy_that_observes_declares_nothing() -> None:
    edge, _ = compiled(DOCUMENT | {"policy": DOCUMENT["policy"].replace("mode: enforce", "mode: observe", 1)})
    assert declaring_lines(edge, TAG) == ()
    assert list(declaring_maps(edge, TAG)) == []


def test_a_site_has_a_short_tag_of_its_own() -> None:
    other, _ = compiled(DOCUMENT, authority="photos.example")
    assert tag_of(other) != TAG
    assert len(TAG) < 8


def test_a_dollar_sign_is_defined_where_one_is_used() -> None:
    assert dollar("${oo_dollar}", "oo").startswith("geo $oo_dollar {")
    assert dollar("x", "oo") == ""
