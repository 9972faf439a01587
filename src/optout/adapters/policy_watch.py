"""Policies that are read again when their files change, while a door serves (design part 5.10).

Of a directory only the files that changed are read, and only what depends on them is judged again: one change among
40,000 policies costs one. It runs in a thread beside the door, so it pauses between files: a person's request gets in
between, even while all of them change.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

from optout.adapters.policy_directory import PolicyDirectory
from optout.adapters.policy_files import load_reading, nothing_there, read_members, read_place, unreadable
from optout.crawlers.registry import Registry
from optout.errors import PolicyError, Problem, UsageError
from optout.policy.model import PolicySet

_PAUSE_S = 0.0002  # after each file, as long as reading one takes: half of the time is others'

_Loaded = tuple[PolicySet, tuple[Problem, ...]]


class PolicyWatch:
    """The policies at a path, read again when the files change.

    `current` is in force; `problems` are what was wrong at the last reading. Opening raises as `load_policy_set` does;
    polling never raises.
    """

    def __init__(self, path: Path | str | None, registry: Registry, *, strict: bool = False) -> None:
        self._path = path
        self._registry = registry
        self._strict = strict
        self._source = self._choose()
        loaded = self._source.load(None)
        assert loaded is not None  # noqa: S101  the first reading is news
        self.current, self.problems = loaded
        self._told: tuple[Problem, ...] = ()

    def poll(self) -> PolicySet | None:
        """New policies to put in force; None where nothing changed or the change is not sound."""
        try:
            self._source = self._choose()
            loaded = self._source.load(self.current)
        except PolicyError as error:
            self.problems = error.problems
            return None
        except UsageError as error:
            self.problems = (Problem(file=str(self._path), line=0, text=error.what, remedy=error.remedy),)
            return None
        if loaded is None:
            return None
        policies, self.problems = loaded
        if policies.digest == self.current.digest:
            return None
        self.current = policies
        return policies

    def take_problems(self) -> tuple[Problem, ...]:
        """What was wrong at the last reading; each is given out once."""
        if self.problems is self._told:
            return ()
        self._told = self.problems
        return self._told

    def take_files(self) -> Mapping[str, bytes]:
        """The files that were read since this was asked last: what `current` is made of, and nothing twice."""
        return self._source.take_files()

    def _choose(self) -> _Directory | _File:
        """What stands at the path now, with what is known of it."""
        known = getattr(self, "_source", None)
        if self._path is not None and Path(self._path).is_dir():
            if isinstance(known, _Directory):
                return known
            return _Directory(Path(self._path), self._registry, strict=self._strict)
        return known if isinstance(known, _File) else _File(self._path, self._registry)


_AHEAD: dict[str, PolicyWatch] = {}


def look_ahead(path: Path | str | None, registry: Registry) -> PolicyWatch:
    """A watch for whoever tells of a door before it opens: the door takes it over, and 40,000 files are read once."""
    watch = _AHEAD[str(path)] = PolicyWatch(path, registry)
    return watch


def watch_policies(path: Path | str | None, registry: Registry) -> PolicyWatch:
    """The watch of a door: the one that `look_ahead` opened for this path, or a new one. Raises as opening does."""
    watch = _AHEAD.pop(str(path), None)
    if watch is None:
        return PolicyWatch(path, registry)
    watch.poll()
    return watch


class _File:
    """A single file, or a ready stance."""

    def __init__(self, path: Path | str | None, registry: Registry) -> None:
        self._path = path
        self._registry = registry
        self._seen: object = ""
        self._files: Mapping[str, bytes] = {}

    def load(self, last_good: PolicySet | None) -> _Loaded | None:
        """The policy; None where it is as it was, or is still being written."""
        seen = self._state()
        if seen == self._seen:
            return None
        self._seen = seen
        reading = read_place(self._path)
        if self._state() != seen and last_good is not None:  # half a policy may be a sound one
            self._seen = ""
            return None
        loaded = load_reading(reading, self._registry)
        self._files = reading.files
        return loaded

    def take_files(self) -> Mapping[str, bytes]:
        """The file as it was read last, once."""
        found, self._files = self._files, {}
        return found

    def _state(self) -> object:
        if self._path is None:
            return None
        try:
            found = Path(self._path).stat()
        except OSError as error:
            return type(error).__name__
        return found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_mode


class _Directory:
    """Many files."""

    def __init__(self, place: Path, registry: Registry, *, strict: bool) -> None:
        # pydantic takes a tenth of a second to import: when a policy is loaded, not when a door's module is.
        from optout.policy.fleet import Fleet  # noqa: PLC0415

        self._place = place
        self._registry = registry
        self._strict = strict
        self._members = PolicyDirectory(place)
        self._fleet = Fleet()
        self._unreadable: dict[str, str] = {}
        self._files: dict[str, bytes] = {}
        self._fault = ""

    def load(self, last_good: PolicySet | None) -> _Loaded | None:
        """The policies; None where all is as it was, or something is still being written."""
        try:
            news = self._read(is_first=last_good is None)
        except OSError as error:
            fault, self._fault = self._fault, error.strerror or type(error).__name__
            if fault == self._fault:
                return None
            what = f"{self._place} cannot be read: {self._fault}"
            raise UsageError(what, "check its owner and its permissions") from error
        self._fault = ""
        if not news and last_good is not None:
            return None
        if not len(self._members):
            raise nothing_there(self._place)
        policies, found = self._fleet.govern(last_good)
        problems = (
            *(problem for problem in found if problem.file not in self._unreadable),
            *unreadable(dict(sorted(self._unreadable.items()))),
        )
        if self._strict and problems:
            raise PolicyError(problems)
        return policies, problems

    def _read(self, *, is_first: bool) -> bool:
        """Takes in what changed; whether anything did."""
        from optout.policy.draft import read_draft  # noqa: PLC0415
        from optout.policy.vocabulary import vocabulary  # noqa: PLC0415

        found = self._members.look()
        there = sorted(name for name, state in found.items() if state is not None)
        files, reasons = read_members(self._place, there)
        if not is_first and not self._members.is_still(found):
            return False
        words = vocabulary(self._registry)
        drafts = []
        for name in there:
            if self._fleet.digest(name) != hashlib.sha256(files[name]).hexdigest():
                drafts.append(read_draft(files[name], name, words))
                if name not in reasons:
                    self._files[name] = files[name]
                if not is_first:
                    time.sleep(_PAUSE_S)
        gone = found.keys() - set(there)
        self._members.take(found)
        self._fleet.put(drafts, gone)
        for name in found:
            self._unreadable.pop(name, None)
        self._unreadable.update(reasons)
        return bool(found)

    def take_files(self) -> Mapping[str, bytes]:
        """The files that were read since this was asked last."""
        found, self._files = self._files, {}
        return found
