"""Link fields and elements as servers write them, and what they may try."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.messages import Fields
from optout.robots.matcher import RobotsMatcher
from optout.robots.parser import parse_robots
from optout.signals.html_head import parse_head
from optout.signals.rsl_discovery import (
    MOST_NAMED,
    Named,
    is_rsl,
    licenses_of_fields,
    licenses_of_head,
    licenses_of_robots,
)
from tests.calls import calls_of

URL = "https://site.example/l.xml"
TYPE = "application/rsl+xml"


def of_fields(*values: str) -> Named:
    return licenses_of_fields(Fields(tuple(("link", value) for value in values)))


@pytest.mark.parametrize(
    "value",
    [
        f' , <{URL}> ; REL = "License" ; TYPE="Application/RSL+XML; charset=utf-8",',
        f'<{URL}>;title="a, <b>; rel=x \\" ";rel=license;type="{TYPE}"',
        f"<{URL}>;rel=license;rel=next;type={TYPE}",
        f"nonsense, <{URL}>;rel=license;type={TYPE}",
        f"<{URL}>;;rel=license;type={TYPE}",
        f"<{URL}>;crossorigin;rel=license;type={TYPE}",
    ],
)
def test_every_way_of_writing_a_link_is_read(value: str) -> None:
    assert of_fields(value).urls == (URL,)


@pytest.mark.parametrize(
    "value", ["", "<", "<>", f"<{URL}", f"{URL}; rel=license; type={TYPE}", f"<{URL}> rel=license type={TYPE}"]
)
def test_what_is_no_link_names_nothing(value: str) -> None:
    assert of_fields(value).urls == ()


def test_each_document_is_named_once_and_in_order() -> None:
    link = f"<{URL}>; rel=license; type={TYPE}"
    assert of_fields(link, f"{link}, {link.replace('l.xml', 'm.xml')}").urls == (URL, URL.replace("l.xml", "m.xml"))


def test_the_number_of_documents_is_limited() -> None:
    text = "".join(f"License: {URL}?{number}\n" for number in range(100))
    assert len(licenses_of_robots(parse_robots(text.encode()), None).urls) == MOST_NAMED


def test_what_does_not_name_a_document_is_reported() -> None:
    assert [fault.code for fault in of_fields(f"</l.xml>;rel=license;type={TYPE}").faults] == ["relative-url"]
    assert [fault.code for fault in of_fields(f"<{URL}>;rel=license").faults] == ["no-type"]
    assert of_fields("<https://creativecommons.org/licenses/by/4.0/>;rel=license").faults == ()


def test_faults_of_a_page_have_lines() -> None:
    page = f'<head>\n<link rel=license type="{TYPE}" href="/l.xml">\n<link rel="license next" href="{URL}">'
    named = licenses_of_head(parse_head(page.encode()))
    assert [(fault.line, fault.code) for fault in named.faults] == [(2, "relative-url"), (3, "no-type")]


def test_without_a_crawler_every_record_of_robots_txt_counts() -> None:
    robots = parse_robots(f"License: {URL}\nUser-agent: A\nLicense: {URL}?a\nAllow: /\n".encode())
    assert licenses_of_robots(robots, None).urls == (URL, f"{URL}?a")


def test_a_crawler_that_no_group_binds_hears_the_records_for_all() -> None:
    robots = parse_robots(f"License: {URL}\nUser-agent: A\nLicense: {URL}?a\nAllow: /\n".encode())
    assert licenses_of_robots(robots, RobotsMatcher(robots).match(("B",), "/")).urls == (URL,)


def test_the_media_type_is_compared_without_case_and_parameters() -> None:
    assert is_rsl(" Application/RSL+xml ;charset=utf-8")
    assert not is_rsl("application/rsl+xmlx")


@pytest.mark.parametrize("part", ["<a>;", ",", '<a>;b="', "<a", ';b="\\",', "<a>;a=b,", "\\", '";"='])
def test_work_grows_no_faster_than_the_field(part: str) -> None:
    small, large = part * 200, part * 800
    assert calls_of(lambda: of_fields(large)) <= 4.5 * calls_of(lambda: of_fields(small)) + 100


_PIECES = st.lists(st.sampled_from(["<", ">", ";", ",", "=", '"', "\\", " ", "rel", "license", TYPE, URL]), max_size=30)


@given(st.text(max_size=60) | _PIECES.map("".join), st.binary(max_size=80))
def test_nothing_raises(value: str, data: bytes) -> None:
    robots = parse_robots(b"License: " + data)
    for named in (of_fields(value), licenses_of_robots(robots, None), licenses_of_head(parse_head(data))):
        for fault in named.faults:
            assert fault.text.isascii()
            assert fault.text.isprintable()
