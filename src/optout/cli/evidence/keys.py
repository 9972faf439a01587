"""`optout evidence init|key`: make a log, tell its key, change it."""

from __future__ import annotations

import json
import time
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.cli.evidence.options import DIRECTORY, JSON, SOFTWARE
from optout.cli.terminal import safe
from optout.errors import EvidenceError

if TYPE_CHECKING:
    from optout.evidence.checkpoint import VerifierKey
    from optout.evidence.directory import Layout

_TURNED_WITHIN_S = 20.0
_ASK_EVERY_S = 0.05


@click.command()
@DIRECTORY
@click.option(
    "--origin",
    default="",
    metavar="NAME",
    help="The node's name, as example.org/optout; random if absent. Each quarter's log adds its own, as /2026q4.",
)
@click.option(
    "--state-directory",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Keep the last signed state there, best on another volume; a log put back from a copy is then found out.",
)
@JSON
def init(directory: Path, origin: str, state_directory: Path | None, as_json: bool) -> None:
    """Make a log in a new or empty directory, with a key of its own."""
    from optout.evidence.clock import SystemClock
    from optout.evidence.directory import Layout, create_log
    from optout.evidence.quarters import quarterly
    from optout.evidence.succession import link_state

    now_us = SystemClock().now_us()
    name = quarterly(origin, now_us) if origin else ""
    if state_directory is not None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            link_state(Layout(directory), state_directory, name or directory.resolve().name)
        except OSError as fault:
            raise EvidenceError(f"cannot keep the state in {state_directory}: {fault.strerror}") from fault
    _print_key(create_log(directory, name, now_us=now_us), as_json)
    if not as_json:
        click.echo("Write the key down where nobody who can reach this directory can change it.")


class _KeyGroup(click.Group):
    """`key DIR` is `key show DIR`: what is asked for nine times of ten."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            return "show", self.commands["show"], args
        return super().resolve_command(ctx, args)


@click.group(cls=_KeyGroup)
def key() -> None:
    """The log's key: `show DIR` (or the directory alone) and `rotate DIR`."""


@key.command()
@DIRECTORY
@JSON
def show(directory: Path, as_json: bool) -> None:
    """Print the log's public key and its fingerprint."""
    from optout.evidence.directory import Layout
    from optout.evidence.signing import load_verifier_key

    _print_key(load_verifier_key(Layout(directory).vkey), as_json)


@key.command()
@DIRECTORY
@JSON
def rotate(directory: Path, as_json: bool) -> None:
    """Begin a log with a new key, behind the one in DIR, which moves to DIR/past.

    A service that holds the log does it within a second. The old key signs the new one, and the new key the
    last checkpoint of the old log; what was written stays as it is.
    """
    from optout.evidence.directory import HeldError, Layout
    from optout.evidence.log import EvidenceLog
    from optout.evidence.signing import load_verifier_key
    from optout.evidence.succession import WISH

    layout = Layout(directory)
    before = load_verifier_key(layout.vkey)
    wish = layout.root / WISH
    try:
        wish.touch(mode=0o600)
    except OSError as fault:
        raise EvidenceError(f"cannot change the key in {directory}: {fault.strerror}") from fault
    try:
        log = None
        with suppress(HeldError):
            log = EvidenceLog.open(directory, software=SOFTWARE)
        with log or nullcontext():
            after = _await_other(layout, before, wish)
    finally:
        wish.unlink(missing_ok=True)
    _print_key(after, as_json)
    if not as_json:
        click.echo(f"The log of {safe(before.name)} has ended and lies in {safe(str(directory / 'past'))}.")
        click.echo("Write the new key down beside the old one.")


def _await_other(layout: Layout, before: VerifierKey, wish: Path) -> VerifierKey:
    """The key of the log that came next."""
    from optout.evidence.signing import load_verifier_key

    until = time.monotonic() + _TURNED_WITHIN_S
    while time.monotonic() < until:
        with suppress(EvidenceError):  # while files are moved there is none
            after = load_verifier_key(layout.vkey)
            if after != before and not wish.exists():
                return after
        time.sleep(_ASK_EVERY_S)
    raise EvidenceError("the key was not changed", "see what `optout evidence list DIR --type log.fault` tells")


def _print_key(vkey: VerifierKey, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"origin": vkey.name, "vkey": str(vkey), "fingerprint": vkey.fingerprint}))
        return
    click.echo(f"key          {safe(str(vkey))}")
    click.echo(f"fingerprint  sha256:{vkey.fingerprint}")
