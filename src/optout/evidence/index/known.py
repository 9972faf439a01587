"""What stands in the tables already: the numbers of texts, and the requests that outcomes and retractions speak of.

The last ones are in memory, too; how many is limited, so that a large log takes no more of it than a small one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import apsw

from optout.evidence.directory import Layout
from optout.evidence.frames import Framed
from optout.evidence.index.facts import REQUEST, Facts, id_key, parse_facts
from optout.evidence.index.tables import DAY_US, FACETS, ask
from optout.evidence.packed import open_segment
from optout.evidence.segments import read_record, segment_name

MOST = 65_536  # ids, profiles and paths in memory
_PROFILE = ", ".join(FACETS)
_MARKS = ", ".join("?" * len(FACETS))

Request = tuple[int, int, int]
"""The leaf of a request, its day and its profile."""


class Known:
    """What one index holds, for whoever fills it; its methods raise apsw.Error, and OSError where the log is read."""

    def __init__(self, connection: apsw.Connection, layout: Layout) -> None:
        self._connection, self._layout = connection, layout
        self._profiles: dict[tuple[str, ...], int] = {}
        self._paths: dict[str, int] = {}
        self._requests: dict[str, Request] = {}

    def forget(self) -> None:
        """Hold nothing in memory: another process has filled, or what was written is rolled back."""
        for held in (self._profiles, self._paths, self._requests):
            held.clear()

    def trim(self) -> None:
        """Forget requests that are in the tables; between two batches, because those of a batch are not yet."""
        if len(self._requests) > MOST:
            self._requests.clear()

    def profile(self, facts: Facts) -> int:
        """The number of a profile, a new one if need be."""
        key = facts.profile
        found = self._profiles.get(key)
        if found is None:
            columns = f"INSERT OR IGNORE INTO profiles ({_PROFILE}) VALUES ({_MARKS})"
            self._connection.execute(columns, key)
            found = self._connection.execute(f"SELECT id FROM profiles WHERE ({_PROFILE}) = ({_MARKS})", key).get
            _remember(self._profiles, key, found)
        return found

    def path(self, path: str) -> int:
        """The number of a path, a new one if need be."""
        found = self._paths.get(path)
        if found is None:
            self._connection.execute("INSERT OR IGNORE INTO paths (path) VALUES (?)", (path,))
            found = self._connection.execute("SELECT id FROM paths WHERE path = ?", (path,)).get
            _remember(self._paths, path, found)
        return found

    def remember(self, record_id: str, request: Request) -> None:
        """That this request is the newest of its id."""
        self._requests[record_id] = request

    def request(self, record_id: str) -> Request | None:
        """Leaf, day and profile of the newest request of this id that stands in the tables or was remembered."""
        known = self._requests.get(record_id)
        return known if known is not None else next(self.requests(record_id), None)

    def requests(self, record_id: str) -> Iterator[Request]:
        """Leaf, day and profile of each request of this id in the tables, the newest first."""
        wanted = (id_key(record_id), REQUEST)
        rows = ask(
            self._connection,
            "SELECT leaf, time_us, profile FROM records JOIN profiles ON profiles.id = profile"
            " WHERE id_key = ? AND type = ? ORDER BY leaf DESC",
            wanted,
        )
        for leaf, time_us, profile in list(rows):
            facts = self._facts(leaf)
            if facts is not None and facts.id == record_id:
                yield leaf, time_us // DAY_US, profile

    def _facts(self, leaf: int) -> Facts | None:
        record = fetch(self._connection, self._layout, leaf)
        return parse_facts(record) if isinstance(record, bytes) else None

    def retractions(self) -> frozenset[str]:
        """The ids of the requests that were taken back."""
        return frozenset(record_id for (record_id,) in ask(self._connection, "SELECT id FROM retractions"))


_Known = TypeVar("_Known")


def _remember(known: dict[_Known, int], key: _Known, number: int) -> None:
    if len(known) >= MOST:
        known.clear()
    known[key] = number


def fetch(connection: apsw.Connection, layout: Layout, leaf: int) -> object:
    """The bytes of one record that the index has; a `Damage` or None where they are not there any more."""
    offset = connection.execute("SELECT offset FROM records WHERE leaf = ?", (leaf,)).get
    first = connection.execute("SELECT max(first) FROM segments WHERE first <= ?", (leaf,)).get
    if offset is None or first is None:
        return None
    with open_segment(layout.segments / segment_name(first)) as file:
        framed = read_record(file, offset)
    return framed.record if isinstance(framed, Framed) else framed
