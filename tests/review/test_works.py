"""A list of works out of any file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.review.works import COLUMNS, MOST_WORKS, Work, parse_works


def test_a_table_with_a_column_path() -> None:
    data = "\ufeffTitle,Path,Creator,ISBN,mandate from,other\nOne,/books/7/*,Ann,978,2026-01-01,x\n\nTwo,https://a.example/b?x=1,,,\n"
    works, faults = parse_works(data.encode())
    assert faults == ()
    assert works == (
        Work(path="/books/7/*", title="One", creator="Ann", isbn="978", mandate_from="2026-01-01"),
        Work(path="/b", title="Two"),
    )


def test_an_address_or_a_path_a_line() -> None:
    works, faults = parse_works(b"# mine\nhttps://a.example/art/1.jpg\n/art/2.jpg\nwhat\n")
    assert [work.path for work in works] == ["/art/1.jpg", "/art/2.jpg"]
    assert [(fault.line, fault.text[:7]) for fault in faults] == [(4, "neither")]


def test_a_line_without_a_path_is_told_with_its_number() -> None:
    works, faults = parse_works(b"path,title\n,One\n/a,Two\n")
    assert [work.title for work in works] == ["Two"]
    assert faults[0].line == 2


def test_more_works_than_a_page_can_bear_are_cut_and_told() -> None:
    works, faults = parse_works(b"path\n" + b"/a\n" * (MOST_WORKS + 5))
    assert len(works) == MOST_WORKS
    assert len(faults) == 1


@given(st.binary(max_size=400), st.sampled_from([b"", b"path,title\n", b'path,"\n']))
def test_nothing_raises(data: bytes, start: bytes) -> None:
    works, _ = parse_works(start + data)
    assert all(work.path.startswith("/") for work in works)


@pytest.mark.parametrize("unit", [b'"', b"a,", b"\n", b"/x\n", b'/a,"b""c"\n'])
def test_a_long_list_costs_in_step_with_its_length(unit: bytes) -> None:
    parse_works(b"path,title\n" + unit * (2_000_000 // len(unit)))


def test_the_columns_are_documented_ones() -> None:
    assert COLUMNS[0] == "path"
    assert {"isbn", "doi", "iswc", "isrc", "isni", "image_id", "mandate_to"} <= set(COLUMNS)
