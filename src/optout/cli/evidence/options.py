"""What several commands of `optout evidence` take."""

from __future__ import annotations

import getpass
import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import click

from optout.errors import UsageError

DIRECTORY = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
BY = click.option("--by", default="", metavar="NAME", help="Who does it; the account and host if absent.")
SOFTWARE = f"optout {version('optout')}"
JSON = click.option("--json", "as_json", is_flag=True, help="Machine-readable output.")


def microseconds(text: str, option: str) -> int | None:
    """A time that was given on the command line, in µs since 1970 UTC; None for none. Raises UsageError."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option}: {text!r} is not a time", "write it as 2026-11-24 or 2026-11-24T10:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return round(moment.timestamp() * 1_000_000)


def actor(by: str) -> str:
    """Who does something, as it stands in the log."""
    return by or f"{getpass.getuser()} on {platform.node()}"
