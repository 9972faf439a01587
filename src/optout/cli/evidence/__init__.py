"""`optout evidence`: a group whose commands stand in rooms of their own."""

from __future__ import annotations

import click

from optout.cli.evidence.anchor import anchor, anchors, checkpoint
from optout.cli.evidence.bundle import bundle
from optout.cli.evidence.export import export
from optout.cli.evidence.figures import figures
from optout.cli.evidence.index import index
from optout.cli.evidence.keys import init, key
from optout.cli.evidence.listing import list_records, show
from optout.cli.evidence.offboard import offboard
from optout.cli.evidence.policy_at import policy_at
from optout.cli.evidence.privacy import erase, hold, retention, retract
from optout.cli.evidence.verdict import verify
from optout.cli.ingest import ingest

__all__ = ["evidence"]


@click.group()
def evidence() -> None:
    """The evidence log: init, key, list, show, figures, index, verify, export, bundle,
    erase, hold, retention, retract, offboard, checkpoint, anchor, anchors,
    policy-at, ingest.
    """


_COMMANDS = (
    *(init, key, list_records, show, figures, index, verify, export, bundle),
    *(erase, hold, retention, retract, offboard, checkpoint, anchor, anchors, policy_at, ingest),
)
for _command in _COMMANDS:
    evidence.add_command(_command)
