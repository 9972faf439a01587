"""The off switch: a file in the state directory that every door honors within a second (design part 5.14).

The file is JSON, `{"off": [{"site": "*", "since_us": …, "until_us": …}]}`. While a site is off, its requests pass
untouched and unrecorded; the interval itself goes into the log as `log.gap reason=bypass`. A file that cannot be
read means off: whoever wrote it wanted Optout out of the way, and passing harms nobody's visit.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

from optout.errors import UsageError

_FILE = "off.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Off:
    """One site (or `*`, all) that is off since and until a time in microseconds since 1970 UTC; 0 is for ever."""

    site: str
    since_us: int
    until_us: int = 0

    def holds(self, authority: str, now_us: int) -> bool:
        """Whether `authority` is off at `now_us`."""
        if self.until_us and now_us >= self.until_us:
            return False
        return self.site in ("*", authority, authority.partition(":")[0])


def default_state_directory() -> Path:
    """Where the switch and a generated CA live: `$OPTOUT_STATE`, systemd's state directory, or the XDG one."""
    named = os.environ.get("OPTOUT_STATE") or os.environ.get("STATE_DIRECTORY", "").partition(":")[0]
    if named:
        return Path(named)
    if os.geteuid() == 0:
        return Path("/var/lib/optout")
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "optout"


def is_observe_only() -> bool:
    """Whether `OPTOUT_MODE=observe` overrides every policy of this process; raises UsageError for another value."""
    mode = os.environ.get("OPTOUT_MODE", "")
    if mode not in ("", "observe"):
        raise UsageError(f"OPTOUT_MODE is {mode!r}", "the only value is `observe`; unset it to follow the policy")
    return mode == "observe"


def read_switch(state: Path) -> tuple[Off, ...]:
    """What is off. A damaged file means everything is."""
    try:
        data = (state / _FILE).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError:
        return (_EVERYTHING,)
    try:
        entries = json.loads(data)["off"]
        return tuple(
            Off(
                site=str(entry["site"]),
                since_us=int(entry["since_us"]),
                until_us=int(entry.get("until_us", 0)),
            )
            for entry in entries
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return (_EVERYTHING,)


_EVERYTHING = Off(site="*", since_us=0)


def write_switch(state: Path, entries: tuple[Off, ...]) -> None:
    """Replace the switch file at once, or remove it when nothing is off; raises UsageError if that is refused."""
    path = state / _FILE
    document = {
        "off": [{"site": entry.site, "since_us": entry.since_us, "until_us": entry.until_us} for entry in entries]
    }
    try:
        if not entries:
            path.unlink(missing_ok=True)
            return
        state.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary = path.with_name(f".{_FILE}.{os.getpid()}")
        temporary.write_text(json.dumps(document, indent=1) + "\n")
        temporary.replace(path)
    except OSError as fault:
        raise UsageError(
            f"cannot write the off switch {path}: {fault.strerror}",
            "run it as the user that Optout runs as, or give --state the directory that the door was given",
        ) from fault


class Switch:
    """The switch as a door sees it: `look` reads the file, `is_off` only remembers.

    They are apart because a request must never wait for a disk: the door's upkeep looks, in a thread.
    """

    __slots__ = ("_stamp", "entries", "state")

    def __init__(self, state: Path) -> None:
        self.state = state
        self.entries: tuple[Off, ...] = ()
        self._stamp: tuple[int, int] | None = None

    def look(self) -> None:
        """Read the file again if it changed. Waits for the disk."""
        stamp = _stamp(self.state / _FILE)
        if stamp != self._stamp:
            self.entries = read_switch(self.state) if stamp is not None else ()
            self._stamp = stamp

    def is_off(self, authority: str, now_us: int) -> bool:
        """Whether requests for `authority` must pass untouched now. Waits for nothing."""
        return any(entry.holds(authority, now_us) for entry in self.entries)


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_ino)
