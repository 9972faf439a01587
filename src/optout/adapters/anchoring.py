"""Asks timestamp authorities for a token over a log's checkpoint; in a process of its own, never in a door's.

Rule: what an authority does or does not do changes nothing about the log. Each is asked once, in a time box, with an
answer of bounded length; what does not hold is named and thrown away, and the next run asks again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.x509 import Certificate

from optout.adapters.fetcher import Fetcher
from optout.adapters.intake import now_us
from optout.errors import EvidenceError
from optout.evidence.anchors import ROOTS, keep_anchor, list_anchors
from optout.evidence.checkpoint import Checkpoint, NoteFault, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.files import replace_file
from optout.evidence.opening import Opening, open_log
from optout.evidence.signing import load_verifier_key
from optout.evidence.timestamp import MAX_TOKEN, Token, authority_name, check_token, load_roots, request_token

_WITHIN_S = 20.0
_LOGGED_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What came of asking one authority: a token, "" or why there is none, and whether it had been asked before."""

    authority: str
    size: int
    token: Token | None = None
    fault: str = ""

    @property
    def is_new(self) -> bool:
        """Whether a token was added."""
        return self.token is not None


async def anchor(
    directory: Path, authorities: Sequence[str], roots: bytes, *, software: str, within: float = _WITHIN_S
) -> tuple[Asked, ...]:
    """Have a log's last checkpoint stamped by each authority (URLs), under the certificates `roots` (PEM).

    An authority that has stamped this checkpoint is not asked again. Raises EvidenceError if the log or the roots
    cannot be read, or nothing can be kept; never for what an authority does.
    """
    layout = Layout(directory)
    key, known = load_verifier_key(layout.vkey), load_roots(roots)
    try:
        note = layout.checkpoint.read_bytes()
        checkpoint = open_checkpoint(note, key)
        if isinstance(checkpoint, NoteFault):
            raise EvidenceError(f"{layout.checkpoint}: {checkpoint.text}", "restore it from its backup")
        layout.anchors.mkdir(mode=0o700, exist_ok=True)
        replace_file(layout.anchors / ROOTS, roots)
        done = {(one.size, one.authority) for one in list_anchors(layout)}
        wanted = [url for url in authorities if (checkpoint.size, authority_name(url)) not in done]
        async with Fetcher() as fetcher:
            one_log = _Log(layout=layout, note=note, checkpoint=checkpoint, roots=known)
            asked = await asyncio.gather(*(_ask(fetcher, url, one_log, within) for url in wanted))
    except OSError as fault:
        raise EvidenceError(f"cannot keep timestamps in {layout.anchors}: {fault}") from fault
    if any(one.is_new for one in asked):
        await asyncio.to_thread(_tell, directory, checkpoint, asked, software)
    names = {authority_name(url) for url in authorities} - {one.authority for one in asked}
    return (*asked, *(Asked(authority=name, size=checkpoint.size) for name in sorted(names)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Log:
    """What is stamped, and by whose certificates an answer is believed."""

    layout: Layout
    note: bytes
    checkpoint: Checkpoint
    roots: tuple[Certificate, ...]


async def _ask(fetcher: Fetcher, url: str, log: _Log, within: float) -> Asked:
    name, size = authority_name(url), log.checkpoint.size
    request, asked_us = request_token(log.note), now_us()
    response, fault = await fetcher.post(url, request, "application/timestamp-query", MAX_TOKEN + 1, within=within)
    if fault:
        return Asked(authority=name, size=size, fault=fault)
    token = check_token(response, request, log.note, log.roots, asked_us=asked_us, now_us=now_us())
    if not isinstance(token, Token):
        return Asked(authority=name, size=size, fault=token.text)
    keep_anchor(log.layout, log.checkpoint, name, note=log.note, request=request, response=response)
    return Asked(authority=name, size=size, token=token)


def _tell(directory: Path, checkpoint: Checkpoint, asked: Sequence[Asked], software: str) -> None:
    """Put the tokens on record: their place in the log is proof that what follows them is not earlier."""
    log = open_log(directory, Opening.JOIN, software=software)
    try:
        for one in asked:
            if one.token is not None:
                record: dict[str, str | int] = {
                    "type": "log.anchor",
                    "anchor.kind": "rfc3161",
                    "anchor.authority": one.authority,
                    "anchor.signer": one.token.signer,
                    "anchor.serial": str(one.token.serial),
                    "anchor.time_us": one.token.time_us,
                    "anchor.size": checkpoint.size,
                    "anchor.root": checkpoint.root.hex(),
                }
                log.append(record).result(_LOGGED_WITHIN_S)
    finally:
        log.close()
