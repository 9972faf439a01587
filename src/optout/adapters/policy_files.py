"""Policy files on disk: read once for a command, or watched by a door that must not restart (design part 5.10).

A reload is atomic: until the new policies have been read whole and are sound, the old ones stay in force. In a
directory each file fails for itself; a single file that is broken changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from optout.adapters.policy_directory import PolicyDirectory, read_policy
from optout.crawlers.registry import Registry
from optout.errors import PolicyError, Problem, UsageError
from optout.policy.model import PolicySet

OBSERVE = "observe"
"""The ready stance that stands in where the owner named no policy."""

_STANCE = re.compile(r"[a-z]+(?:-[a-z]+)*\Z", re.ASCII)


def read_policy_files(path: Path | str) -> dict[str, bytes]:
    """The policy files that `path` means, by name: a file, a directory's `*.yaml` and `*.yml`, or a ready stance.

    Names carry no directory, because they stand in answers that strangers read. Raises `UsageError` where there is
    nothing to read or something cannot be read.
    """
    reading = read_place(path)
    for problem in unreadable(reading.unreadable):
        raise UsageError(f"{path}: {problem.file}: {problem.text}", problem.remedy)
    return dict(reading.files)


def ready_stances() -> tuple[str, ...]:
    """The names of the policies that come with Optout."""
    return tuple(sorted(each.name.removesuffix(".yaml") for each in _ready() if each.name.endswith(".yaml")))


def load_policy_set(
    path: Path | str | None, registry: Registry, *, strict: bool = False
) -> tuple[PolicySet, tuple[Problem, ...]]:
    """The policies at `path` (None: only observe), and what is wrong with files that did not stop the others.

    Raises `UsageError` where nothing can be read; `PolicyError` where a single file is broken or, if `strict`, any.
    """
    return load_reading(read_place(path), registry, strict=strict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The files found. Those that could not be read are empty in `files`, and `unreadable` says why."""

    files: Mapping[str, bytes]
    unreadable: Mapping[str, str]
    is_directory: bool


def load_reading(
    reading: Reading, registry: Registry, *, strict: bool = False
) -> tuple[PolicySet, tuple[Problem, ...]]:
    """The policies of the files found, as `load_policy_set`."""
    # pydantic takes a tenth of a second to import: when a policy is loaded, not when a door's module is.
    from optout.policy.loader import load_policies, load_policy, policy_set  # noqa: PLC0415

    unread = tuple(unreadable(reading.unreadable))
    if not reading.is_directory:
        if unread:
            raise PolicyError(unread)
        return policy_set(load_policy(data, name, registry) for name, data in reading.files.items()), ()
    policies, found = load_policies(reading.files, registry)
    problems = (*(problem for problem in found if problem.file not in reading.unreadable), *unread)
    if strict and problems:
        raise PolicyError(problems)
    return policies, problems


def unreadable(reasons: Mapping[str, str]) -> Iterator[Problem]:
    """The problems of files that cannot be read, from the reasons by their names."""
    for name, reason in reasons.items():
        what = f"the file cannot be read: {reason}"
        yield Problem(file=name, line=0, text=what, remedy="check its owner and its permissions")


def read_place(path: Path | str | None) -> Reading:
    """The files that `path` means; raises UsageError where there is nothing to read."""
    place = Path(OBSERVE if path is None else path)
    try:
        return _read_place(place, is_given=path is not None)
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}", "check its owner and its permissions") from error


def _read_place(place: Path, *, is_given: bool) -> Reading:
    if is_given and place.is_dir():
        members = sorted(name for name, state in PolicyDirectory(place).look().items() if state is not None)
        if not members:
            raise nothing_there(place)
        files, reasons = read_members(place, members)
        return Reading(files=files, unreadable=reasons, is_directory=True)
    if is_given and place.exists():
        files, reasons = read_members(place.parent, [place.name])
        return Reading(files=files, unreadable=reasons, is_directory=False)
    stance = next((each for each in _ready() if each.name == f"{place}.yaml"), None)
    if stance is None or not _STANCE.match(str(place)):
        names = ", ".join(ready_stances())
        raise UsageError(f"there is no policy {place}", f"name a file, a directory, or a ready stance: {names}")
    return Reading(files={stance.name: stance.read_bytes()}, unreadable={}, is_directory=False)


def nothing_there(place: Path) -> UsageError:
    """What to say of a directory without a policy."""
    return UsageError(f"{place} holds no policy", "put a .yaml file there, or name a file")


def read_members(place: Path, names: Iterable[str]) -> tuple[dict[str, bytes], dict[str, str]]:
    """The bytes of files in a directory; of those that cannot be read none, and the reasons."""
    files: dict[str, bytes] = {}
    reasons: dict[str, str] = {}
    for name in names:
        try:
            files[name] = read_policy(f"{place}/{name}")
        except OSError as error:
            files[name] = b""
            reasons[name] = error.strerror or type(error).__name__
    return files, reasons


def _ready() -> tuple[Traversable, ...]:
    """The ready stances: in an installed package beside its modules, in a checkout at its top."""
    packaged = resources.files("optout") / "policies"
    place = packaged if packaged.is_dir() else Path(__file__).parents[3] / "policies"
    return tuple(place.iterdir())
