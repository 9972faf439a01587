"""Writing what `optout init` made, and taking it away again.

Rule 1: nothing is written outside the chosen directory, and nothing that is there is written over.
Rule 2: a list of what was written, each file with its SHA-256, stands in the directory. Undoing removes files that are
        still as they were written, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from optout.errors import UsageError

MANIFEST = ".optout-init.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What undoing did: files that are gone, files that are kept because they were changed since."""

    removed: tuple[str, ...]
    kept: tuple[str, ...]


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write new files into `directory`, which is made if need be; all of them or none. Raises UsageError."""
    is_new = not directory.exists()
    there = [name for name in (*files, MANIFEST) if (directory / name).exists()]
    if there:
        raise UsageError(
            f"{directory / there[0]} is there already, and nothing is written over",
            f"name a new directory, or take the old files away: optout init --undo {directory}",
        )
    entries = [{"path": name, "sha256": _sha256(text.encode())} for name, text in files.items()]
    manifest = json.dumps({"version": 1, "made_directory": is_new, "files": entries}, indent=1) + "\n"
    written: list[Path] = []
    try:
        for name, text in {**files, MANIFEST: manifest}.items():
            path = directory / name
            path.parent.mkdir(parents=True, exist_ok=True)
            _write_new(path, text.encode())
            written.append(path)
    except OSError as fault:
        for path in written:
            with suppress(OSError):
                path.unlink()
        _remove_empty(directory, files, is_new=is_new)
        raise UsageError(
            f"cannot write into {directory}: {fault.strerror}", "name another directory, or run it as root"
        ) from fault


def undo(directory: Path) -> Undone:
    """Remove what `write_files` wrote and nobody changed; raises UsageError where it wrote nothing."""
    entries, made_directory = _load(directory)
    removed, kept = [], []
    for name, sha256 in entries.items():
        path = directory / name
        try:
            if _sha256(path.read_bytes()) != sha256:
                kept.append(name)
                continue
            path.unlink()
            removed.append(name)
        except FileNotFoundError:
            continue
        except OSError as fault:
            raise UsageError(f"cannot remove {path}: {fault.strerror}", "run it as the user that wrote it") from fault
    (directory / MANIFEST).unlink()
    _remove_empty(directory, entries, is_new=made_directory)
    return Undone(removed=tuple(removed), kept=tuple(kept))


def _load(directory: Path) -> tuple[dict[str, str], bool]:
    try:
        manifest = json.loads((directory / MANIFEST).read_bytes())
        entries = {str(entry["path"]): str(entry["sha256"]) for entry in manifest["files"]}
        made = bool(manifest["made_directory"])
    except FileNotFoundError as fault:
        raise UsageError(
            f"optout init wrote nothing into {directory}", "name the directory that it was given"
        ) from fault
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise UsageError(
            f"{directory / MANIFEST} cannot be read", "remove the files by hand: UNDO.md names them"
        ) from fault
    for name in entries:  # the list is a file, and a file can be written by others
        parts = PurePosixPath(name)
        if parts.is_absolute() or ".." in parts.parts:
            raise UsageError(f"{directory / MANIFEST} names a file elsewhere", "remove the files by hand")
    return entries, made


def _write_new(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _remove_empty(directory: Path, names: Mapping[str, object], *, is_new: bool) -> None:
    folders = {(directory / name).parent for name in names} - {directory}
    for folder in (*sorted(folders, reverse=True), *((directory,) if is_new else ())):
        with suppress(OSError):
            folder.rmdir()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
