"""What stands in the tables."""

from __future__ import annotations

import apsw
import pytest

from optout.evidence.index.tables import AFTER_FILLING, DAY, DAY_US, FACETS, SCHEMA, ask


@pytest.mark.parametrize("time_us", [0, 1, -1, DAY_US, DAY_US - 1, -DAY_US, -DAY_US - 1, 2**53 - 1, -(2**53 - 1)])
def test_a_day_is_in_sql_what_it_is_here(time_us: int) -> None:
    connection = apsw.Connection(":memory:")
    assert list(ask(connection, f"SELECT {DAY} FROM (SELECT ? AS time_us)", (time_us,))) == [(time_us // DAY_US,)]


def test_the_tables_can_be_made_and_the_late_indexes_twice() -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(SCHEMA)
    connection.execute(AFTER_FILLING)
    connection.execute(AFTER_FILLING)
    names = [name for _, name, *_ in ask(connection, "PRAGMA table_info(profiles)")]
    assert names == ["id", *FACETS]
