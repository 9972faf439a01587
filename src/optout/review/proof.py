"""How far a record is proved, checked anew each time that it is shown; what cannot be checked is not claimed."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.anchors import FILES, check_anchor, list_anchors, own_roots
from optout.evidence.checkpoint import Checkpoint, VerifierKey
from optout.evidence.directory import Layout
from optout.evidence.proofs import prove
from optout.evidence.segments import Entry
from optout.evidence.signing import load_verifier_key
from optout.evidence.timestamp import Token

_MOST_TRIED = 4  # anchors; one may be damaged, and each costs some milliseconds


class Level(IntEnum):
    """What holds for a record, each with what is below it but the first."""

    UNSOUND = 0
    """Its bytes, or the log's hashes, do not lead to what the key signed."""
    WRITTEN = 1
    """No checkpoint covers it yet."""
    SIGNED = 2
    """It is in the tree that the log's key signed."""
    TIMED = 3
    """It is in a tree whose checkpoint an authority that the owner named has timestamped."""


def level_of(log: Path, entry: Entry) -> Level:
    """The level of a record of `log`. Reads some tiles and at most a few anchors; never raises."""
    layout = Layout(log)
    try:
        key = load_verifier_key(layout.vkey)
        if prove(layout, entry.record, entry.leaf_index, key, is_quick=True) is None:
            return Level.WRITTEN
    except (OSError, EvidenceError):
        return Level.UNSOUND
    try:
        return Level.TIMED if _is_timed(layout, entry, key) else Level.SIGNED
    except (OSError, EvidenceError):
        return Level.SIGNED


def _is_timed(layout: Layout, entry: Entry, key: VerifierKey) -> bool:
    roots = own_roots(layout)
    later = [anchor for anchor in list_anchors(layout) if anchor.size > entry.leaf_index] if roots else []
    for anchor in later[:_MOST_TRIED]:
        checked = check_anchor(anchor, key, roots)
        if isinstance(checked.token, Token) and isinstance(checked.checkpoint, Checkpoint):
            note = anchor.path / FILES[0]
            return prove(layout, entry.record, entry.leaf_index, key, note=note, is_quick=True) is not None
    return False
