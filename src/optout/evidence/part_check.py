"""Whether private parts are those that their records committed to, as far as there are keys to read them with."""

from __future__ import annotations

from optout.evidence.keys import KeyStore, MonthKeys, TenantMonth
from optout.evidence.private import NO_KEY, is_erased, key_id, open_sealed, where_sealed
from optout.evidence.schema import parse_record
from optout.evidence.segments import Entry

COMMITTED = b'"private.commit":'
"""What stands in every record that has a private part, or had one."""


class PartCheck:
    """Checks one record after the other. `read` parts fit; `unread` ones were erased, or their keys are not here."""

    def __init__(self, keys: KeyStore) -> None:
        self.read = self.unread = 0
        self._keys = keys
        self._months: dict[TenantMonth, tuple[MonthKeys | None, frozenset[str]]] = {}

    def fault(self, entry: Entry) -> str:
        """What is wrong with a record's private part; "" if nothing is, or nothing can be told. Raises OSError."""
        if not entry.private and COMMITTED not in entry.record:
            return ""
        fields = parse_record(entry.record) or {}
        record_id, commit, key = (str(fields.get(name, "")) for name in ("id", "private.commit", "private.key"))
        if not commit:
            return "it has a private part and says nothing of one"
        where = where_sealed(fields)
        if where not in self._months:
            self._months[where] = self._keys.find(where.tenant, where.month), self._keys.erased(where)
        month, erased = self._months[where]
        if month is None or key != key_id(month) or key == NO_KEY or record_id in erased or is_erased(entry.private):
            self.unread += 1
            return ""
        opened = open_sealed(entry.private, record_id, month)
        if opened is None or opened.commit != commit:
            return "its private part is damaged or another's"
        self.read += 1
        return ""
