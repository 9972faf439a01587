"""`optout off`, `on` and `status`: take Optout out of the way of every door on this machine, at once."""

from __future__ import annotations

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from optout.errors import UsageError

if TYPE_CHECKING:
    from optout.adapters.switch import Off

_STATE = click.option(
    "--state", type=click.Path(file_okay=False, path_type=Path), help="The directory that the door was given."
)
_SITE = click.option("--site", default="*", metavar="HOST", help="Only this site, as visitors name it.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")

_DURATION = re.compile(r"([0-9]{1,6})(s|m|h|d)\Z", re.ASCII)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command()
@click.option("--for", "duration", metavar="TIME", help="On again by itself after TIME: 90s, 15m, 1h, 2d.")
@_SITE
@_STATE
@_JSON
def off(duration: str | None, site: str, state: Path | None, as_json: bool) -> None:
    """Turn enforcement and recording off: within a second every request passes untouched.

    The interval itself goes into the evidence log.
    """
    from optout.adapters.switch import Off, read_switch, write_switch

    place, now = _place(state), time.time_ns() // 1000
    until = now + _seconds(duration) * 1_000_000 if duration else 0
    entry = Off(site=_authority(site), since_us=now, until_us=until)
    kept = tuple(each for each in read_switch(place) if each.site != entry.site and not _is_over(each, now))
    write_switch(place, (*kept, entry))
    _tell(place, as_json=as_json)


@click.command()
@_SITE
@_STATE
@_JSON
def on(site: str, state: Path | None, as_json: bool) -> None:
    """Turn enforcement and recording on again, for every site or for one that was turned off."""
    from optout.adapters.switch import read_switch, write_switch

    place, wanted, now = _place(state), _authority(site), time.time_ns() // 1000
    entries = tuple(each for each in read_switch(place) if not _is_over(each, now))
    if wanted != "*" and any(each.site == "*" for each in entries):
        raise UsageError(f"every site is off, not {wanted} alone", "turn all on: optout on")
    write_switch(place, tuple(each for each in entries if wanted not in ("*", each.site)))
    _tell(place, as_json=as_json)


@click.command()
@_STATE
@_JSON
def status(state: Path | None, as_json: bool) -> None:
    """Tell whether Optout is on. Exit code: 0 on, 1 something is off, 2 fault."""
    sys.exit(_tell(_place(state), as_json=as_json))


def _tell(place: Path, *, as_json: bool) -> int:
    """Print what is off; 1 if anything is."""
    from optout.adapters.switch import read_switch

    entries = [each for each in read_switch(place) if not _is_over(each, time.time_ns() // 1000)]
    if as_json:
        found = [{"site": each.site, "since_us": each.since_us, "until_us": each.until_us or None} for each in entries]
        click.echo(json.dumps({"on": not entries, "off": found, "state": str(place)}))
    else:
        click.echo("\n".join(_described(each) for each in entries) or "on")
        click.echo(f"  as doors with the state directory {place} see it")
    return int(bool(entries))


def _described(entry: Off) -> str:
    what = "every site" if entry.site == "*" else entry.site
    until = f"until {_clock(entry.until_us)}" if entry.until_us else "until it is turned on"
    since = f", since {_clock(entry.since_us)}" if entry.since_us else ", because the switch cannot be read"
    return f"off: {what}, {until}{since}"


def _clock(time_us: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(time_us // 1_000_000))


def _is_over(entry: Off, now_us: int) -> bool:
    return 0 < entry.until_us <= now_us


def _place(state: Path | None) -> Path:
    from optout.adapters.switch import default_state_directory

    return state or default_state_directory()


def _authority(site: str) -> str:
    from optout.messages import parse_authority

    if site == "*":
        return site
    found = parse_authority(site, "https")
    if found is None:
        raise UsageError(f"{site!r} is no site", "write its name as visitors do, such as www.example.org")
    return found


def _seconds(duration: str) -> int:
    found = _DURATION.match(duration)
    if found is None or not int(found.group(1)):
        raise UsageError(f"{duration!r} is no time", "write a number and a unit: 90s, 15m, 1h, 2d")
    return int(found.group(1)) * _SECONDS[found.group(2)]
