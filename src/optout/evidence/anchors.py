"""Timestamps beside a log: where they lie, and what the log's time rests on.

    anchors/<tree size>-<authority>/    one token
        checkpoint                      the signed note that it is over
        request.tsq, response.tsr       what was asked and answered, as `openssl ts` reads them
    anchors/roots.pem                   the authorities' certificates, as the owner named them

They are derived from nothing and replace nothing: a log without them is as sound, only younger.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import Certificate

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Checkpoint, NoteFault, VerifierKey, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.files import make_directory, replace_file, sync_directory
from optout.evidence.seen import Seen, seen_of
from optout.evidence.timestamp import Token, TokenFault, check_token, load_roots

_NAME = re.compile(r"([0-9]{1,18})-([A-Za-z0-9.-]{1,80})\Z")
FILES = ("checkpoint", "request.tsq", "response.tsr")
ROOTS = "roots.pem"
OWN_CLOCK = "The times rest on the clock of the machine that kept the log alone; no outside party has confirmed them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchor:
    """One token's directory: over how many records, and by which authority."""

    path: Path
    size: int
    authority: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """An anchor and what became of its check: the checkpoint and the token, or why one of them does not hold."""

    anchor: Anchor
    checkpoint: Checkpoint | NoteFault
    token: Token | TokenFault | None


def list_anchors(layout: Layout) -> tuple[Anchor, ...]:
    """The anchors of a log by size, then authority; raises OSError."""
    found = []
    if layout.anchors.is_dir():
        for path in layout.anchors.iterdir():
            name = _NAME.match(path.name)
            if name is not None:
                found.append(Anchor(path=path, size=int(name.group(1)), authority=name.group(2)))
    return tuple(sorted(found, key=lambda one: (one.size, one.authority)))


def keep_anchor(
    layout: Layout, checkpoint: Checkpoint, authority: str, *, note: bytes, request: bytes, response: bytes
) -> Anchor:
    """Keep a token: all of it is there, or nothing. Raises OSError."""
    path = layout.anchors / f"{checkpoint.size}-{authority}"
    made = layout.anchors / f".{path.name}.{secrets.token_hex(4)}"
    make_directory(made)
    for name, data in zip(FILES, (note, request, response), strict=True):
        replace_file(made / name, data)
    os.rename(made, path)  # noqa: PTH104  a directory over nothing
    sync_directory(layout.anchors)
    return Anchor(path=path, size=checkpoint.size, authority=authority)


def check_anchors(layout: Layout, key: VerifierKey, roots: tuple[Certificate, ...] = ()) -> tuple[Checked, ...]:
    """Check every anchor: its checkpoint by the log's key, its token by `roots`, or, without any, not at all.

    Raises OSError, and EvidenceError where there are roots and the library is not installed.
    """
    return tuple(check_anchor(anchor, key, roots) for anchor in list_anchors(layout))


def check_anchor(anchor: Anchor, key: VerifierKey, roots: tuple[Certificate, ...] = ()) -> Checked:
    """Check one as `check_anchors` does."""
    note, request, response = ((anchor.path / name).read_bytes() for name in FILES)
    checkpoint = open_checkpoint(note, key)
    if isinstance(checkpoint, Checkpoint) and checkpoint.size != anchor.size:
        checkpoint = NoteFault(text=f"it is over {checkpoint.size} records")
    token = check_token(response, request, note, roots) if roots else None
    return Checked(anchor=anchor, checkpoint=checkpoint, token=token)


def seen_by_authorities(checked: Sequence[Checked]) -> tuple[Seen, ...]:
    """What the authorities saw of the log, for `SeenCheck`."""
    return tuple(
        seen_of(one.checkpoint, one.anchor.authority) for one in checked if isinstance(one.checkpoint, Checkpoint)
    )


def own_roots(layout: Layout) -> tuple[Certificate, ...]:
    """The roots that the owner named when he anchored; none if he never did. Raises OSError and EvidenceError."""
    file = layout.anchors / ROOTS
    return load_roots(file.read_bytes()) if file.exists() else ()


def rests_on(checked: Sequence[Checked], size: int) -> str:
    """In one sentence, what the time of a log's first `size` records rests on."""
    holding = [one for one in checked if isinstance(one.token, Token) and one.anchor.size <= size]
    if not holding:
        return OWN_CLOCK
    last = max(holding, key=lambda one: one.anchor.size)
    same = sorted({one.anchor.authority for one in holding if one.anchor.size == last.anchor.size})
    assert isinstance(last.token, Token)  # noqa: S101  `holding` looked
    rest = size - last.anchor.size
    tail = f"; those of the {rest} records after them on the machine's own clock" if rest else ""
    return (
        f"That the first {last.anchor.size} records existed by {last.token.moment} is confirmed by a timestamp of "
        f"{' and '.join(same)}; their own times rest on the machine's clock{tail}."
    )


def read_own(layout: Layout, key: VerifierKey) -> tuple[Checked, ...]:
    """Every anchor, checked by the owner's own roots. Raises EvidenceError if they cannot be read."""
    try:
        return check_anchors(layout, key, own_roots(layout))
    except OSError as fault:
        raise EvidenceError(f"cannot read the timestamps in {layout.anchors}: {fault}") from fault
