"""How one log ends and the next begins: one log a node and quarter, and a new one when the key is changed.

    next/              the log to come, complete with key, state and first record
    turning            "out <label>" or "in": the moves that are under way, so that a crash in between is finished
    past/<label>/      a log that has ended, in the form of every log; `keys` and `snapshots` there are links to ours

The last record of a log is `log.end` and names the next key; the first of the next is `log.start` and holds the last
checkpoint of the one before, which both keys have signed (evidence.md parts 5.6 and 5.8). Whoever trusts one of
the keys can so follow the chain in both directions.

Rule 1: nothing is moved before the old log is signed over its `log.end` and the new one is durable with its start.
Rule 2: from the marker on there is no way back; whoever opens the directory next finishes the moves.
Rule 3: whoever writes a spool notices nothing: the new log's start says at which of his numbers it goes on.
"""

from __future__ import annotations

import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Signer
from optout.evidence.directory import INDEX, TURNING, Layout, fill_directory
from optout.evidence.files import make_directory, replace_file, sync_directory
from optout.evidence.quarters import label_of, next_name
from optout.evidence.signing import load_signer

PAST, WISH = "past", "rotate"
CARRIED = ".carried"
_NEXT = "next"
_OUT = ("key", "state", "segments", "tile", "anchors", "checkpoint", "vkey")  # vkey last: what has one is a log
_IN = ("key", "state", "segments", "checkpoint", "vkey")
_OF_THE_INDEX = ("", "-wal", "-shm")  # SQLite's companions of a file


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """A log that is to end: why (`quarter` or `rotation`), and who signs the next one."""

    reason: str
    successor: Signer

    def last_words(self) -> dict[str, str]:
        """The fields of `log.end`."""
        return {
            "reason": self.reason,
            "log.next.origin": self.successor.name,
            "log.next.vkey": str(self.successor.verifier),
        }


def logs_of(root: Path) -> tuple[Path, ...]:
    """The directories of a log and of those before it, the oldest first; raises OSError."""
    past = root / PAST
    older = sorted(path for path in past.iterdir() if Layout(path).vkey.is_file()) if past.is_dir() else []
    return (*older, root)


def living(directory: Path) -> Path:
    """The directory in which a log goes on: itself, or, for one that has ended, that of its successors."""
    place = directory.resolve()
    root = place.parent.parent
    return root if place.parent.name == PAST and Layout(root).vkey.is_file() else directory


def has_wish(layout: Layout) -> bool:
    """Whether the owner wants a new key; whoever holds the log sees it within a second."""
    return (layout.root / WISH).exists()


def begin(layout: Layout, name: str, reason: str, now_us: int) -> Ending:
    """Make what the next log needs, beside the one called `name`, which goes on; raises OSError and EvidenceError."""
    if (layout.root / PAST / label_of(name)).exists():
        raise EvidenceError(f"{PAST}/{label_of(name)} is there already", "move it to another place")
    made = Layout(layout.root / _NEXT)
    shutil.rmtree(made.root, ignore_errors=True)  # of an attempt that came to nothing
    made.root.mkdir(mode=0o700)
    origin = next_name(name, now_us)
    if (layout.root / "state").is_symlink():
        link_state(made, Path(os.path.realpath(layout.state)).parent, origin)
    fill_directory(made, origin, now_us=now_us)
    return Ending(reason=reason, successor=load_signer(made.key, made.vkey))


def link_state(layout: Layout, directory: Path, name: str) -> None:
    """Let a log keep its state in another directory, best on another volume; raises OSError."""
    readable = re.sub(r"[^A-Za-z0-9.-]", "_", name)
    make_directory(directory)
    (layout.root / "state").symlink_to(directory.resolve() / f"{readable}.state")


def next_segments(layout: Layout) -> Path:
    """Where the records of the next log go before it is moved in."""
    return Layout(layout.root / _NEXT).segments


def turn(layout: Layout, name: str, recorded: set[str]) -> None:
    """Move the log called `name` out and the next one in; `recorded` are the documents that stay. Raises OSError."""
    replace_file(layout.snapshots / CARRIED, "".join(f"{digest}\n" for digest in sorted(recorded)).encode())
    sync_directory(layout.root / _NEXT)
    replace_file(layout.root / TURNING, f"out {label_of(name)}".encode())
    finish(layout)


def finish(layout: Layout) -> None:
    """Finish moves that a crash broke off; nothing where there are none. The caller has locked the directory."""
    root = layout.root
    try:
        step, _, label = (root / TURNING).read_text("ascii").partition(" ")
    except FileNotFoundError:
        return
    if step == "out":
        _move_out(layout, root / PAST / label)
        replace_file(root / TURNING, b"in")
    for item in _IN:
        if os.path.lexists(root / _NEXT / item):
            (root / _NEXT / item).rename(root / item)
    sync_directory(root)
    shutil.rmtree(root / _NEXT, ignore_errors=True)
    (root / WISH).unlink(missing_ok=True)
    (root / TURNING).unlink()
    sync_directory(root)


def _move_out(layout: Layout, past: Path) -> None:
    make_directory(past)
    for name in ("keys", "snapshots"):
        if not os.path.lexists(past / name):
            (past / name).symlink_to(Path("..") / ".." / name)
    for item in _OUT:
        if os.path.lexists(layout.root / item):
            (layout.root / item).rename(past / item)
    for suffix in _OF_THE_INDEX:
        (layout.root / f"{INDEX}{suffix}").unlink(missing_ok=True)
    sync_directory(past)
    sync_directory(past.parent)
    sync_directory(layout.root)


def carried(layout: Layout) -> set[str]:
    """The documents that earlier logs recorded; raises OSError."""
    try:
        return set((layout.snapshots / CARRIED).read_text("ascii").split())
    except FileNotFoundError:
        return set()
