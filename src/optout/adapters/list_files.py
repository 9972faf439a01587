"""Operators' address lists on disk: one directory in the state directory, which `optout crawlers update` fills.

Every door looks there by itself, so that a list is used within a second of its arrival and no door has a setting for
it. Nothing is awaited by a request: the upkeep looks, in a thread.
"""

from __future__ import annotations

from pathlib import Path

from optout.crawlers.address_book import NO_LISTS, AddressBook, load_address_book
from optout.crawlers.list_snapshot import ListSnapshot, snapshot_name
from optout.errors import RegistryError, UsageError
from optout.evidence.files import replace_file

SNAPSHOT_LIMIT = 8 * 1024 * 1024  # octets: 100,000 networks of IPv6, written out
MOST_FILES = 200  # the registry names some thirty lists
_NAME = "address-lists"


def list_directory(state: Path) -> Path:
    """Where the lists lie for doors with this state directory."""
    return state / _NAME


def read_lists(directory: Path) -> dict[str, bytes]:
    """The snapshots in a directory, by name; none if there is no such directory. Too long ones are cut, so broken."""
    found: dict[str, bytes] = {}
    try:
        paths = sorted(directory.glob("*.json"))[:MOST_FILES]
    except OSError:
        return found
    for path in paths:
        try:
            with path.open("rb") as file:
                found[path.name] = file.read(SNAPSHOT_LIMIT)
        except OSError as fault:
            found[path.name] = f"unreadable: {fault.strerror}".encode()
    return found


def write_list(directory: Path, snapshot: ListSnapshot) -> None:
    """Put a snapshot in the place of the one before, at once; raises UsageError where that is refused."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        replace_file(directory / snapshot_name(snapshot.url), snapshot.document, mode=0o644)  # it is public
    except OSError as fault:
        raise UsageError(
            f"cannot write into {directory}: {fault.strerror}",
            "run it as the user that Optout runs as, or name another --directory",
        ) from fault


class ListWatch:
    """The lists as a door sees them: `poll` reads what changed, `book` is what is in use."""

    __slots__ = ("_directory", "_problems", "_stamp", "book")

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._stamp: tuple[tuple[str, int, int], ...] = ()
        self._problems: tuple[RegistryError, ...] = ()
        self.book: AddressBook = NO_LISTS
        self.poll()

    def poll(self) -> AddressBook | None:
        """The new book where a file has changed; None where all is as before. Waits for the disk."""
        stamp = _stamp(self._directory)
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        book, self._problems = load_address_book(read_lists(self._directory))
        self.book = book.after(self.book)
        return self.book

    def take_problems(self) -> tuple[RegistryError, ...]:
        """What is wrong with files as they were last read; each time is told once."""
        problems, self._problems = self._problems, ()
        return problems


def _stamp(directory: Path) -> tuple[tuple[str, int, int], ...]:
    found: list[tuple[str, int, int]] = []
    try:
        for path in directory.glob("*.json"):
            status = path.stat()
            found.append((path.name, status.st_mtime_ns, status.st_ino))
    except OSError:
        return (("unreadable", 0, 0),)
    return tuple(sorted(found))
