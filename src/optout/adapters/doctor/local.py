"""What a doctor looks at on this machine: switch, policy, registry, clock, and the log's disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

from optout.adapters.doctor.findings import Finding, fault, ok, warning
from optout.adapters.doctor.watch import Door
from optout.adapters.list_files import ListWatch, list_directory
from optout.adapters.policy_files import load_policy_set
from optout.adapters.switch import read_switch
from optout.crawlers.registry import Registry
from optout.errors import PolicyError, UsageError
from optout.evidence.clock import clock_fields
from optout.evidence.directory import Layout
from optout.policy.model import Mode, PolicySet

_OLD_DAYS = 120  # crawlers come and change names within months
_LEAST_FREE = 2 << 30  # bytes, or a tenth: evidence.md part 5.4
_FULL = 0.9


def look_at_switch(state: Path, now_us: int) -> Iterator[Finding]:
    """Whether Optout was turned off."""
    off = [each.site for each in read_switch(state) if not each.until_us or now_us < each.until_us]
    if off:
        sites = "every site" if "*" in off else ", ".join(off)
        why = "nobody is refused and nothing is recorded meanwhile"
        yield warning("off", f"Optout is turned off for {sites}", why, f"optout on --state {state}")
    else:
        yield ok("off", "Optout is not turned off")


def look_at_policy(policy: str, registry: Registry) -> tuple[PolicySet | None, list[Finding]]:
    """The policies, and what is to be said of their files."""
    try:
        policies, problems = load_policy_set(policy, registry)
    except PolicyError as wrong:
        return None, [_broken(policy, tuple(map(str, wrong.problems)))]
    except UsageError as wrong:
        return None, [fault("policy", wrong.what, "nothing can be checked against it", f"# {wrong.remedy}")]
    if problems:
        return policies, [_broken(policy, tuple(map(str, problems)))]
    if all(each.mode is Mode.OBSERVE for each in policies):
        return policies, [ok("policy", f"{policy} loads, and only observes: nobody is refused")]
    return policies, [ok("policy", f"{policy} loads and is enforced")]


def _broken(policy: str, problems: tuple[str, ...]) -> Finding:
    why = "a door keeps the last good copy while it runs, and does not start with this one"
    lines = (f"optout policy check {policy}", *(f"# {problem}" for problem in problems))
    return fault("policy", f"{policy} has {len(problems)} problem{'s' if len(problems) != 1 else ''}", why, *lines)


def look_at_registry(registry: Registry, now_us: int) -> Iterator[Finding]:
    """Whether the list of crawlers is one of these months."""
    newest = max(source.date for crawler in registry.crawlers for source in crawler.sources)
    days = (datetime.fromtimestamp(now_us / 1_000_000, UTC).date() - date.fromisoformat(newest)).days
    what = f"the list of {len(registry.crawlers)} crawlers was last checked on {newest}"
    if days > _OLD_DAYS:
        why = f"that is {days} days ago: who came since is not recognized, and is neither refused nor recorded"
        yield warning("registry", what, why, "pip install --upgrade optout")
    else:
        yield ok("registry", what)


def look_at_lists(state: Path, now_us: int) -> Iterator[Finding]:
    """Whether operators' address lists are there, and young enough to be believed."""
    book = ListWatch(list_directory(state)).book
    line = f"optout crawlers update --directory {list_directory(state)}"
    if not book:
        why = "no claim can be verified by the address that it comes from"
        yield warning("lists", "no operator's address list was ever fetched", why, line)
        return
    old = [each.url for each in book.snapshots if not each.is_fresh(now_us)]
    if old:
        why = "claims by these lists stay unverified"
        yield warning("lists", f"{len(old)} of {len(book.snapshots)} address lists are too old", why, line)
    else:
        yield ok("lists", f"{len(book.snapshots)} operators' address lists are fresh")


def look_at_clock() -> Iterator[Finding]:
    """Whether something keeps this machine's clock in step."""
    fields = clock_fields()
    if fields.get("clock.sync") is False:
        why = "every record says that its time is not vouched for"
        yield warning("clock", "the clock is not kept in step", why, "timedatectl set-ntp true")
    elif "clock.sync" in fields:
        yield ok("clock", f"the clock is kept in step, within {int(str(fields['clock.err_us'])) / 1000:.0f} ms")
    else:
        yield ok("clock", "this system does not tell whether its clock is kept in step")


def look_at_log(doors: tuple[Door, ...], evidence: Path | None) -> Iterator[Finding]:
    """Whether records can be written, and for how long."""
    place = evidence
    for door in doors:
        if not door.evidence:
            yield warning("log", "the door keeps no evidence", "what crawlers do is not recorded")
            continue
        place = Path(door.evidence)
        if door.log_trouble or not door.log_writable:
            why = "content for training and datasets is answered 503 while records cannot be written"
            yield fault(
                "log", f"records are not written: {door.log_trouble or 'the log is closed'}", why, f"df -h {place}"
            )
        elif door.log_used > _FULL * door.log_max:
            why = "when it is full, records are only counted"
            yield warning(
                "log", f"the log has used {_percent(door.log_used, door.log_max)} of its room", why, f"df -h {place}"
            )
        else:
            yield ok("log", f"records are written; {_percent(door.log_used, door.log_max)} of the log's room is used")
    if place is not None:
        yield from _disk(place)


def _disk(place: Path) -> Iterator[Finding]:
    if not Layout(place).vkey.exists():
        why = "nothing is recorded there"
        yield warning(
            "log-disk", f"{place} holds no evidence log that can be read", why, f"optout evidence init {place}"
        )
        return
    status = os.statvfs(place)
    free, size = status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize
    what = f"{free / (1 << 30):.1f} GiB are free on the disk of the log"
    if free < min(_LEAST_FREE, size // 10):
        yield warning("log-disk", what, "a full disk ends the recording", f"df -h {place}")
    else:
        yield ok("log-disk", what)


def _percent(used: int, room: int) -> str:
    return f"{100 * used // room if room else 100} %"
