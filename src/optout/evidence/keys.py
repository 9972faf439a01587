"""The keys of private parts: one pair for each tenant and calendar month, kept apart from what they open.

    keys/<tenant>/<YYYY-MM>          64 random bytes: the key that seals, the key that makes pseudonyms
    keys/<tenant>/<YYYY-MM>.erased   records of that month whose part was erased, an id a line
    keys/holds.json                  what may not be erased, and for which case (see `holds`)

Destroying a month's keys makes every private part of that month unreadable, in every backup of the log, too. This
rests on the keys not being in that backup: `keys` may be a link to another volume, and belongs into no copy of the log.

Rule 1: a key is made by whoever needs it first, and two processes that need it at once get the same.
Rule 2: nobody keeps a key in memory for longer than a second without looking whether it is still there.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

from optout.evidence.files import make_directory, replace_file, sync_directory, write_all

_KEY_BYTES = 32
_LOOK_US = 1_000_000
_MOST_HELD = 4096
MONTH = re.compile(r"[0-9]{4}-(?:0[1-9]|1[0-2])\Z")
_LONGEST_NAME = 200
_HASHED = re.compile(r"~[0-9a-f]{64}\Z")


@dataclass(frozen=True, slots=True)
class MonthKeys:
    """A tenant's keys of one month, 32 bytes each: `seal` for private parts, `name` for pseudonyms."""

    seal: bytes
    name: bytes


@dataclass(frozen=True, slots=True, order=True)
class TenantMonth:
    """A tenant and a month, as YYYY-MM."""

    tenant: str
    month: str


def month_of(time_us: int) -> str:
    """The month (UTC) of a time in µs since 1970; the last that there is for a time beyond it."""
    try:
        return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m")
    except (ValueError, OverflowError, OSError):
        return "9999-12"


class KeyStore:
    """The keys in a directory, made as they are needed. One thread uses it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._held: dict[tuple[str, str], tuple[MonthKeys, int]] = {}

    def get(self, tenant: str, month: str, mono_us: int) -> MonthKeys:
        """The keys of a tenant's month, new ones if there are none; `mono_us` is a steady clock. Raises OSError."""
        held = self._held.get((tenant, month))
        path = self._path(tenant, month)
        if held is not None and (mono_us - held[1] < _LOOK_US or path.exists()):
            if mono_us - held[1] >= _LOOK_US:
                self._held[tenant, month] = held[0], mono_us
            return held[0]
        keys = self.find(tenant, month) or self._make(path)
        if len(self._held) >= _MOST_HELD:
            self._held.clear()
        self._held[tenant, month] = keys, mono_us
        return keys

    def find(self, tenant: str, month: str) -> MonthKeys | None:
        """The keys of a tenant's month; None where they were destroyed or never made. Raises OSError."""
        try:
            data = self._path(tenant, month).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None
        whole = len(data) == 2 * _KEY_BYTES
        return MonthKeys(data[:_KEY_BYTES], data[_KEY_BYTES:]) if whole else None

    def _make(self, path: Path) -> MonthKeys:
        make_directory(path.parent)
        made = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            data = secrets.token_bytes(2 * _KEY_BYTES)
            write_all(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        try:
            with suppress(FileExistsError):
                os.link(made, path)  # never over another's (rule 1)
        finally:
            made.unlink()
        sync_directory(path.parent)
        data = path.read_bytes()
        return MonthKeys(data[:_KEY_BYTES], data[_KEY_BYTES:])

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else destroys keys meanwhile; raises OSError."""
        make_directory(self._directory)
        descriptor = os.open(self._directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def destroy(self, where: TenantMonth) -> bool:
        """Overwrite and remove a month's keys; False if there were none. Raises OSError."""
        path = self._path(where.tenant, where.month)
        self._held.pop((where.tenant, where.month), None)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            os.pwrite(descriptor, bytes(2 * _KEY_BYTES), 0)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        path.unlink()
        sync_directory(path.parent)
        return True

    def list(self) -> Iterator[TenantMonth]:
        """Every tenant's month that has keys; raises OSError."""
        if not self._directory.is_dir():
            return
        for tenant in sorted(self._directory.iterdir()):
            if tenant.is_dir():
                for path in sorted(tenant.iterdir()):
                    if MONTH.match(path.name):
                        yield TenantMonth(_name(tenant.name), path.name)

    def note_erased(self, where: TenantMonth, record_id: str) -> None:
        """Remember that a record's part was erased, so that a copy of the log does not bring it back."""
        path = self._erased(where)
        make_directory(path.parent)
        replace_file(path, "".join(f"{each}\n" for each in sorted({*self.erased(where), record_id})).encode())

    def erased(self, where: TenantMonth) -> frozenset[str]:
        """The ids of a month's records whose part was erased; raises OSError."""
        try:
            return frozenset(self._erased(where).read_text("utf-8", "replace").splitlines())
        except (FileNotFoundError, NotADirectoryError):
            return frozenset()

    def _erased(self, where: TenantMonth) -> Path:
        return self._path(where.tenant, f"{where.month}.erased")

    def _path(self, tenant: str, file: str) -> Path:
        return self._directory / _file_name(tenant) / file


def _file_name(tenant: str) -> str:
    """A directory's name for a tenant, whatever he is called: `_` for one without a name, a hash for a long one."""
    if _HASHED.match(tenant):
        return tenant
    raw = tenant.encode("utf-8", "surrogatepass")
    name = quote(raw, safe="").replace(".", "%2E").replace("_", "%5F") or "_"
    return name if len(name) <= _LONGEST_NAME else f"~{hashlib.sha256(raw).hexdigest()}"


def _name(file_name: str) -> str:
    return "" if file_name == "_" else unquote(file_name)
