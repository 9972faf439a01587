"""A bundle: what a lawyer, a licensing desk or a court gets of a log (evidence.md part 5.8).

    selection    which records go in, and which documents; nobody else's
    multiproof   one proof for all of them
    bag          the archive: a BagIt bag in a zip, its manifests signed by the log's key
    verify.py    the verifier that goes in: one file, Python's standard library, no network
    verify.html  the same for a browser: one file, no network (`page` completes it)
    pages/       the texts that go in

`plan_bundle` chooses; whoever calls it makes the pages that people read, and `write_bundle` takes them as bytes.
Nothing secret is ever in a bundle: no key but the public one, no private part that was not asked for by its record.
"""

from __future__ import annotations

import base64
import csv
import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.resources import files as resources
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.anchors import FILES as ANCHOR_FILES
from optout.evidence.anchors import ROOTS, Anchor, list_anchors
from optout.evidence.bundle.bag import Content, write_bag
from optout.evidence.bundle.multiproof import root_with, sibling_hashes
from optout.evidence.bundle.page import verifier_page
from optout.evidence.bundle.selection import Chosen, Scope, choose, entries_below
from optout.evidence.checkpoint import Checkpoint, NoteFault, Signer, VerifierKey, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.proofs import Hashes, LogProof
from optout.evidence.schema import parse_envelope, parse_record
from optout.evidence.segments import Entry
from optout.evidence.signing import load_verifier_key
from optout.evidence.tree import leaf_hash, verify_consistency, verify_inclusion

__all__ = ["Plan", "Scope", "plan_bundle", "write_bundle"]

_MOST_PROOF_FILES = 30  # evidence.md 3.5: above that one common proof is far smaller, and it is always there
_PAGES = ("statement.md", "certification-FRE-902-13-14.md", "certification-EU.md")


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a bundle will hold: the records `chosen` of a log, as its signed `checkpoint` (the `note`) covers them."""

    layout: Layout
    scope: Scope
    key: VerifierKey
    note: bytes
    checkpoint: Checkpoint
    chosen: Chosen

    def entries(self) -> Iterator[Entry]:
        """The chosen records, in the order of the log."""
        wanted = iter(self.chosen.indexes)
        due = next(wanted, None)
        for entry in entries_below(self.layout, self.checkpoint.size):
            if entry.leaf_index == due:
                yield entry
                due = next(wanted, None)
            if due is None:
                return

    def fields(self) -> Iterator[tuple[int, Mapping[str, object]]]:
        """The same, parsed."""
        for entry in self.entries():
            yield entry.leaf_index, parse_record(entry.record) or {}


def plan_bundle(layout: Layout, scope: Scope) -> Plan:
    """What a bundle of this scope will hold. Raises EvidenceError if the log is damaged or has nothing in scope."""
    key = load_verifier_key(layout.vkey)
    try:
        note = layout.checkpoint.read_bytes()
        checkpoint = open_checkpoint(note, key)
        if isinstance(checkpoint, NoteFault):
            raise EvidenceError(f"{layout.checkpoint}: {checkpoint.text}", "restore it from its backup")
        chosen = choose(layout, checkpoint.size, scope)
    except OSError as fault:
        raise EvidenceError(f"cannot read {layout.root}: {fault}") from fault
    if not chosen.indexes:
        raise EvidenceError(
            "no signed record is in this scope", "widen it, or wait ten seconds for the next checkpoint"
        )
    return Plan(layout=layout, scope=scope, key=key, note=note, checkpoint=checkpoint, chosen=chosen)


def write_bundle(
    plan: Plan,
    out: Path,
    *,
    signer: Signer,
    pages: Mapping[str, bytes],
    custody: Sequence[Mapping[str, object]],
    bag_info: Mapping[str, str],
    disclosed: Mapping[str, bytes] = {},
    seen: Sequence[int] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> str:
    """Write a bundle and return its SHA-256 (hex).

    `pages` are files for people, by name (`data/report.html`); `custody` tells who exported what and when;
    `disclosed` are private parts (`private.py`) by record id; for each size of `seen` the proof goes in that the
    log has only grown since. Raises EvidenceError if the records are not those that were signed, or if nothing can
    be written.
    """
    if out.exists():
        raise EvidenceError(f"{out} exists", "name a new file: a bundle is never written over")
    with tempfile.TemporaryDirectory(prefix=".bundle-", dir=out.parent) as scratch:
        try:
            files = _files(plan, Path(scratch), seen)
            files.update({f"data/private/{name}.json": data for name, data in disclosed.items()})
            files.update(pages)
            files["data/custody.ndjson"] = _lines(custody)
            info = "".join(f"{name}: {_one_line(text)}\n" for name, text in bag_info.items()).encode()
            made = Path(scratch) / "bundle"
            digest = write_bag(made, files, info, signer, progress)
            made.replace(out)
        except OSError as fault:
            raise EvidenceError(f"cannot write the bundle {out}: {fault}") from fault
    return digest


def _files(plan: Plan, scratch: Path, seen: Sequence[int]) -> dict[str, Content]:
    leaves, index = _write_records(plan, scratch / "records")
    files: dict[str, Content] = {
        "data/records.ndjson": scratch / "records",
        "data/index.csv": index,
        "data/checkpoint": plan.note,
        "data/trust/log.vkey": f"{plan.key}\n".encode(),
        **_proofs(plan, leaves, (*seen, *(one.size for one in _anchors(plan)))),
    }
    files.update(_timestamps(plan))
    for digest in sorted(plan.chosen.documents):
        document = plan.layout.snapshots / digest
        if document.exists():
            files[f"data/documents/{digest}"] = document
    files["verify.py"], files["verify.html"] = _resource("verify.py"), verifier_page()
    for name in _PAGES:
        files[f"data/{name}"] = _resource(f"pages/{name}")
    files["README.txt"] = _resource("pages/README.txt")
    return files


def _anchors(plan: Plan) -> tuple[Anchor, ...]:
    """The timestamps over this history as far as the bundle's checkpoint goes."""
    return tuple(one for one in list_anchors(plan.layout) if one.size <= plan.checkpoint.size)


def _timestamps(plan: Plan) -> dict[str, Content]:
    files: dict[str, Content] = {}
    for anchor in _anchors(plan):
        for name in ANCHOR_FILES:
            files[f"data/timestamps/{anchor.size}-{anchor.authority}/{name}"] = anchor.path / name
    roots = plan.layout.anchors / ROOTS
    if files and roots.exists():
        files["data/trust/tsa-roots.pem"] = roots
    return files


def _proofs(plan: Plan, leaves: Mapping[int, bytes], seen: Sequence[int]) -> dict[str, Content]:
    """What proves the records: by the tiles, and by all records where a tile should be wrong."""
    for trusting in (True, False):
        files = _proved(plan, leaves, seen, Hashes(plan.layout, trusting=trusting))
        if files is not None:
            return files
    raise EvidenceError(
        f"{plan.layout.root}: the records are not those that were signed", "run `optout evidence verify`"
    )


def _proved(plan: Plan, leaves: Mapping[int, bytes], seen: Sequence[int], hashes: Hashes) -> dict[str, Content] | None:
    size, root = plan.checkpoint.size, plan.checkpoint.root
    tree = list(sibling_hashes(plan.chosen.indexes, size, hashes.range))
    if root_with(leaves, size, iter(tree)) != root:
        return None
    files: dict[str, Content] = {"data/tree.txt": "".join(f"{_b64(each)}\n" for each in tree).encode()}
    if len(leaves) <= _MOST_PROOF_FILES:
        for place, leaf in leaves.items():
            path = hashes.inclusion(place, size)
            if not verify_inclusion(leaf=leaf, index=place, size=size, proof=path, root=root):
                return None
            files[f"data/proofs/{place}.tlog-proof"] = LogProof(index=place, hashes=path, note=plan.note).encode()
    lines = []
    for old in sorted({one for one in seen if 0 < one < size}):
        path = hashes.consistency(old, size)
        if not verify_consistency(old_size=old, old_root=hashes.range(0, old), size=size, root=root, proof=path):
            return None
        lines.append(" ".join([str(old), *map(_b64, path)]) + "\n")
    if lines:
        files["data/consistency.txt"] = "".join(lines).encode()
    return files


def _write_records(plan: Plan, file: Path) -> tuple[dict[int, bytes], bytes]:
    """Write the chosen records a line each; their leaf hashes, and the index of them."""
    leaves: dict[int, bytes] = {}
    rows = io.StringIO(newline="")
    table = csv.writer(rows, lineterminator="\r\n")
    table.writerow(("index", "id", "type", "time", "leaf_sha256"))
    with file.open("wb") as target:
        for entry in plan.entries():
            index, record = entry.leaf_index, entry.record
            envelope = parse_envelope(record)
            if envelope is None:
                raise EvidenceError(f"record {index} is not a record of this log", "run `optout evidence verify`")
            leaves[index] = leaf_hash(record)
            target.write(record + b"\n")
            moment = _moment(envelope.time_us)
            table.writerow((index, _cell(envelope.id), _cell(envelope.type), moment, leaves[index].hex()))
    return leaves, rows.getvalue().encode()


def _cell(text: str) -> str:
    """An id or a type; both are ours, and if one is not, no spreadsheet takes it for a formula."""
    return f"'{text}" if text[:1] in "=+-@\t\r" and text else text


def _moment(time_us: int) -> str:
    try:
        return datetime.fromtimestamp(time_us / 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    except (ValueError, OverflowError, OSError):
        return str(time_us)


def _lines(entries: Sequence[Mapping[str, object]]) -> bytes:
    return "".join(f"{json.dumps(entry, sort_keys=True)}\n" for entry in entries).encode()


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _resource(name: str) -> bytes:
    return (resources("optout.evidence.bundle") / name).read_bytes()


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
