"""The tables of the index.

What repeats is stored once: the eight texts that say who and what (`profiles`), and paths. A row of `records` is then
a handful of small integers, some sixty bytes with its share of the indexes. A text that is not there is "".

`blocks` holds the earliest and latest time of each `BLOCK` records: the order of a log is not the order of time, but
it nearly is, so a question about a week reads that week's blocks. `days` holds the sums of a UTC day and a profile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apsw

VERSION = 1
"""Changes with anything here or in `facts` and `filling`; an index of another version is made anew."""

BLOCK = 4096
DAY_US = 86_400_000_000
DAY = f"((time_us - (time_us % {DAY_US} + {DAY_US}) % {DAY_US}) / {DAY_US})"
"""The UTC day of a record in SQL, days since 1970; before that, too, where SQLite's division rounds up."""

FACETS = {
    "type": "type",
    "tenant": "tenant",
    "host": "server.address",
    "product": "crawl.product",
    "operator": "crawl.operator",
    "purpose": "crawl.purpose",
    "action": "decision.action",
    "standing": "identity.standing",
}
"""The columns of `profiles`, each with the field of a record that it holds."""

PLACES = {name: place for place, name in enumerate(FACETS)}
"""Where each stands among the texts of a profile."""

_COLUMNS = ", ".join(f"{name} TEXT NOT NULL" for name in FACETS)

SCHEMA = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE segments (first INTEGER PRIMARY KEY, leaf_hash BLOB);
CREATE TABLE breaks (leaf INTEGER PRIMARY KEY, segment INTEGER NOT NULL, offset INTEGER NOT NULL, damage TEXT NOT NULL);
CREATE TABLE writers (boot TEXT PRIMARY KEY, next_seq INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE profiles (id INTEGER PRIMARY KEY, {_COLUMNS}, UNIQUE ({", ".join(FACETS)}));
CREATE TABLE paths (id INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE records (
  leaf INTEGER PRIMARY KEY, offset INTEGER NOT NULL, time_us INTEGER NOT NULL, id_key INTEGER NOT NULL,
  profile INTEGER NOT NULL, path INTEGER, status INTEGER, bytes INTEGER, outcome INTEGER, retracted INTEGER NOT NULL
);
CREATE INDEX by_id ON records (id_key);
CREATE TABLE blocks (block INTEGER PRIMARY KEY, first_us INTEGER NOT NULL, last_us INTEGER NOT NULL);
CREATE TABLE days (
  day INTEGER, profile INTEGER, count INTEGER NOT NULL, bytes INTEGER NOT NULL, first_us INTEGER, last_us INTEGER,
  PRIMARY KEY (profile, day)
) WITHOUT ROWID;
CREATE TABLE stale_days (day INTEGER, profile INTEGER, PRIMARY KEY (day, profile)) WITHOUT ROWID;
CREATE TABLE retractions (id TEXT PRIMARY KEY) WITHOUT ROWID;
"""

AFTER_FILLING = """
CREATE INDEX IF NOT EXISTS by_profile ON records (profile);
CREATE INDEX IF NOT EXISTS by_path ON records (path) WHERE path IS NOT NULL;
"""
"""Made once the first filling is done: sorting ten million rows is far quicker than inserting them in place."""


def ask(connection: apsw.Connection, statement: str, values: Sequence[object] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a question, as they are read; raises apsw.Error. What the columns hold is `SCHEMA`'s to say."""
    return connection.execute(statement, tuple(values))
