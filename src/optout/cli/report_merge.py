"""`optout report --merge`: bundles of many sites, each verified before anything of it is counted."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import SOFTWARE
from optout.errors import EvidenceError

if TYPE_CHECKING:
    from optout.report.language import Say
    from optout.report.operators import Bundle
    from optout.report.sheet import Sheet


def merged(paths: tuple[Path, ...], keys: tuple[str, ...], made_by: str, say: Say, lang: str) -> tuple[Sheet, bool]:
    """The report, and whether every bundle is sound as far as could be told."""
    from optout.evidence.clock import SystemClock
    from optout.report.operators import sheet

    bundles = tuple(_checked(path, keys, place, len(paths)) for place, path in enumerate(paths, 1))
    made = sheet(bundles, made_us=SystemClock().now_us(), made_by=made_by, software=SOFTWARE, say=say, language=lang)
    return made, all(bundle.is_counted for bundle in bundles)


def _checked(path: Path, keys: tuple[str, ...], place: int, of: int) -> Bundle:
    from optout.evidence.bundle.verify import read_archive, read_records, verify
    from optout.report.operators import Bundle

    if sys.stderr.isatty():
        click.echo(f"checking bundle {place} of {of}", err=True)
    try:
        data = path.read_bytes()
    except OSError as fault:
        raise EvidenceError(f"cannot read {path}: {fault.strerror}", "give bundles that exist") from fault
    said = verify(data)
    own = str(said.get("vkey", ""))
    if own in keys:
        said = verify(data, own)
    is_sound = said["verdict"] != "not sound"
    records = read_records(read_archive(data)) if is_sound else []
    return Bundle(
        name=path.name,
        sha256=hashlib.sha256(data).hexdigest(),
        verdict=str(said["verdict"]),
        why=str(said["why"]) if said["verdict"] != "could not tell" else "its key was not given from elsewhere",
        vkey=own,
        checkpoint=str(said.get("checkpoint", "")),
        records=tuple((index, fields) for index, fields, _ in records),
    )
