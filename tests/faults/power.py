"""A power cut by the system calls of a run: what a disk may hold at any moment, if it keeps only what it promised.

strace tells each call with which a program changed its files, and the octets. A disk keeps what fdatasync or fsync of
the file has returned for. Of what was written since, it may keep any part, in sectors of 512 octets; a name is kept
once its directory was synced, and of later changes of names any beginning, in their order, as a journal keeps them.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

KINDS = (
    *("openat", "write", "pwrite64", "ftruncate", "fallocate", "lseek", "close", "fdatasync", "fsync"),
    *(
        "rename",
        "renameat",
        "renameat2",
        "link",
        "linkat",
        "symlink",
        "symlinkat",
        "unlink",
        "unlinkat",
        "mkdir",
        "mkdirat",
        "rmdir",
    ),
)
SECTOR = 512
_LINE = re.compile(r"^(\d+) +(?:<\.\.\. )?(\w+)(?:\(| resumed>)(.*)$", re.DOTALL)
_STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_RESULT = re.compile(r"= (-?\d+|\?)[^=]*$")


class Call(NamedTuple):
    """The begin or the end of one call: its arguments as strace writes them, its strings, and what it returned."""

    kind: str
    begins: bool
    ends: bool
    thread: str
    arguments: str
    strings: tuple[bytes, ...]
    result: int | None


def parse_trace(text: str) -> Iterator[Call]:
    """The calls of `strace -f -xx -s BIG`, in the order in which they were seen."""
    waiting: dict[str, Call] = {}
    for line in text.splitlines():
        found = _LINE.match(line)
        if found is None or found[2] not in KINDS:
            continue
        thread, kind, rest = found[1], found[2], found[3]
        if rest.endswith("<unfinished ...>"):
            call = Call(kind, True, False, thread, rest, _strings(rest), None)
            waiting[thread] = call
            yield call
            continue
        result = _RESULT.search(rest)
        number = int(result[1]) if result is not None and result[1] != "?" else None
        if " resumed>" in line:
            begun = waiting.pop(thread)
            yield begun._replace(begins=False, ends=True, result=number)
        else:
            yield Call(kind, True, True, thread, rest, _strings(rest), number)


def _strings(text: str) -> tuple[bytes, ...]:
    found = []
    for match in _STRING.finditer(text):
        assert not match[2], "strace has cut a text"
        found.append(bytes.fromhex(match[1].replace("\\x", "")))
    return tuple(found)


@dataclass(eq=False)
class _File:
    """What is on the disk for certain, and the changes since: (offset, octets), or (size, None) for a cut."""

    data: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)
    size: int = 0


@dataclass
class _Open:
    file: _File | None
    path: str
    at: int = 0
    appends: bool = False


@dataclass(frozen=True, eq=False)
class _Link:
    """A symbolic link."""

    target: str


_Node = _File | _Link | None  # None is a directory


class Disk:
    """The files below `home`, as calls change them."""

    def __init__(self, home: str) -> None:
        self._home = home
        self._names: dict[str, _Node] = {}  # what programs see
        self._kept: list[
            tuple[str, str, _File | None, bool]
        ] = []  # changes of names in their order: (what, path, file)
        self._open: dict[int, _Open] = {}
        self._moved: dict[str, str] = {}  # directories by their names before
        self._syncing: dict[str, tuple[_File | None, str, int, int]] = {}
        self.printed = b""

    def take(self, call: Call) -> None:
        """Let one call happen."""
        if call.kind in ("fdatasync", "fsync"):
            self._sync(call)
        elif call.begins and call.kind in ("write", "pwrite64", "ftruncate"):
            self._change(call)
        elif call.ends and call.result is not None and call.result >= 0:
            self._name(call)

    def _sync(self, call: Call) -> None:
        opened = self._open.get(_descriptor(call))
        if opened is None:
            return
        if call.begins:
            changes = len(opened.file.pending) if opened.file is not None else 0
            self._syncing[call.thread] = opened.file, opened.path, changes, len(self._kept)
        if call.ends and call.result == 0:
            file, path, changes, names = self._syncing.pop(call.thread)
            if file is not None:
                file.data = _applied(file.data, file.pending[:changes])
                del file.pending[:changes]
            for place, (what, name, target, _) in enumerate(self._kept[:names]):
                if file is None and self._parent(name) == path:
                    self._kept[place] = what, name, target, True

    def _change(self, call: Call) -> None:
        number = _descriptor(call)
        if number == 1 and call.kind == "write":
            self.printed += call.strings[0]
        opened = self._open.get(number)
        if opened is None or opened.file is None:
            return
        file, numbers = opened.file, _numbers(call)
        if call.kind == "ftruncate":
            file.pending.append((numbers[-1], None))
            file.size = numbers[-1]
            return
        data = call.strings[0] if call.strings else b""
        at = numbers[-1] if call.kind == "pwrite64" else file.size if opened.appends else opened.at
        file.pending.append((at, data))
        file.size = max(file.size, at + len(data))
        if call.kind == "write":
            opened.at = at + len(data)

    def _name(self, call: Call) -> None:
        paths = [os.fsdecode(each) for each in call.strings]
        ours = [each for each in paths if each.startswith(self._home)]
        if call.kind == "openat" and ours and call.result is not None:
            self._opened(call, ours[0], call.result)
        elif call.kind == "close":
            self._open.pop(_descriptor(call), None)
        elif call.kind == "lseek" and _descriptor(call) in self._open and call.result is not None:
            self._open[_descriptor(call)].at = call.result
        elif call.kind == "fallocate" and (opened := self._open.get(_descriptor(call))) is not None:
            if opened.file is not None:
                end = sum(_numbers(call)[-2:])
                opened.file.pending.append((opened.file.size, b"\0" * max(0, end - opened.file.size)))
                opened.file.size = max(opened.file.size, end)
        elif not ours:
            return
        elif call.kind.startswith("mkdir"):
            self._put(ours[0], None)
        elif call.kind.startswith("rename"):
            old, new = ours
            file = self._names[old]
            if file is None:
                self._moved[old] = new
            self._names = _renamed(self._names, old, new)
            self._kept.append((f"move {old}", new, file, False))
        elif call.kind.startswith("symlink"):
            self._put(paths[1], _Link(paths[0]))
        elif call.kind.startswith("link"):
            self._put(ours[1], self._names[ours[0]])
        elif call.kind.startswith(("unlink", "rmdir")):
            self._kept.append(("take", ours[0], self._names.pop(ours[0], None), False))

    def _opened(self, call: Call, path: str, number: int) -> None:
        flags = call.arguments
        if "O_CREAT" in flags and path not in self._names:
            self._put(path, _File())
        found = self._names.get(path)
        file = found if isinstance(found, _File) else None
        if file is not None and "O_TRUNC" in flags:
            file.pending.append((0, None))
            file.size = 0
        self._open[number] = _Open(file, path, appends="O_APPEND" in flags)

    def _parent(self, path: str) -> str:
        """The directory in which a name stands, by what that is called now."""
        found = str(Path(path).parent)
        while found in self._moved:
            found = self._moved[found]
        return found

    def _put(self, path: str, file: _Node) -> None:
        self._names[path] = file
        self._kept.append(("put", path, file, False))

    def after_a_cut(self, target: Path, chance: random.Random) -> None:
        """Write into `target` what the disk may hold if the power goes now."""
        how = chance.choice(("nothing", "all", "some"))
        loose = [place for place, (*_, is_kept) in enumerate(self._kept) if not is_kept]
        lasting = {"nothing": 0, "all": len(loose), "some": chance.randint(0, len(loose))}[how]
        gone = set(loose[lasting:])
        names: dict[str, _Node] = {}
        for place, (what, path, file, _) in enumerate(self._kept):
            if place in gone:
                continue
            if what == "put":
                names[path] = file
            elif what != "take":
                names = _renamed(names, what.removeprefix("move "), path)
            elif names.get(path) is file:
                names.pop(path, None)
        for path, file in sorted(names.items()):
            place = target / os.path.relpath(path, self._home)
            if not place.parent.is_dir():
                continue  # what stood below a name that is gone
            if file is None:
                place.mkdir(exist_ok=True)
            elif isinstance(file, _Link):
                place.symlink_to(file.target)
            else:
                place.write_bytes(_torn(file, how, chance))


def _renamed(names: dict[str, _Node], old: str, new: str) -> dict[str, _Node]:
    """The names after one is changed, with all that stands below it."""
    found = {path: file for path, file in names.items() if path != new or old not in names}
    for path in [path for path in found if path == old or path.startswith(f"{old}/")]:
        found[new + path.removeprefix(old)] = found.pop(path)
    return found


def _descriptor(call: Call) -> int:
    found = re.match(r"(\d+)", call.arguments)
    return int(found[1]) if found is not None else -1


def _numbers(call: Call) -> list[int]:
    """The plain numbers among the arguments."""
    inside = call.arguments.rpartition(") =")[0] or call.arguments
    return [int(each) for each in re.findall(r"(?<![\w\"\\])(\d+)(?![\w\"])", _STRING.sub('""', inside))]


def _applied(data: bytes, changes: list[tuple[int, bytes | None]]) -> bytes:
    held = bytearray(data)
    for at, octets in changes:
        if octets is None:
            held = held[:at].ljust(at, b"\0")
            continue
        if len(held) < at:
            held.extend(b"\0" * (at - len(held)))
        held[at : at + len(octets)] = octets
    return bytes(held)


def _torn(file: _File, how: str, chance: random.Random) -> bytes:
    """A file after a cut: none, all or some of its later changes, and of each some sectors."""
    if how == "nothing":
        return file.data
    if how == "all":
        return _applied(file.data, file.pending)
    chosen: list[tuple[int, bytes | None]] = []
    for at, octets in file.pending:
        if octets is None:
            if chance.random() < 0.5:
                chosen.append((at, None))
            continue
        first = at
        while first < at + len(octets):
            end = min((first // SECTOR + 1) * SECTOR, at + len(octets))
            if chance.random() < 0.5:
                chosen.append((first, octets[first - at : end - at]))
            first = end
    return _applied(file.data, chosen)
