"""The owner's own crawlers: `crawlers.yaml` in the state directory, in the form of the registry's files.

It is read when a program starts. A file that is wrong stops it, as a wrong policy does: an owner who names a crawler
in a policy must not find that nobody is called so. `$OPTOUT_CRAWLERS` names another file.
"""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

from optout.adapters.switch import default_state_directory
from optout.crawlers.check import check_entries
from optout.crawlers.registry import Registry, bundled_registry, extended
from optout.errors import RegistryError

SIZE_LIMIT = 1024 * 1024  # octets
_NAME = "crawlers.yaml"


def own_crawlers(state: Path) -> Path:
    """Where the owner's crawlers stand, for doors with this state directory; there need be no such file."""
    return Path(os.environ.get("OPTOUT_CRAWLERS") or state / _NAME)


def registry_in_use(state: Path | None = None) -> Registry:
    """The registry of this release with the owner's own crawlers; RegistryError where their file is wrong."""
    path = own_crawlers(state or default_state_directory())
    data = _read(path, is_named=bool(os.environ.get("OPTOUT_CRAWLERS")))
    if data is None:
        return bundled_registry()
    found, faults = _extended(path.name, data)
    if faults:
        raise RegistryError(faults[0], "`optout crawlers check` shows all that is wrong.")
    return found


def checked_registry(path: Path, *, is_named: bool) -> tuple[Registry, int, tuple[str, ...]]:
    """The registry with the crawlers in a file, how many those are, and what is wrong with any entry.

    RegistryError where the file cannot be read as such, or is not there though it `is_named`.
    """
    data, bundled = _read(path, is_named=is_named), bundled_registry()
    found, faults = (bundled, ()) if data is None else _extended(path.name, data)
    return found, len(found.crawlers) - len(bundled.crawlers), (*check_entries(bundled, bundled.crawlers), *faults)


def _read(path: Path, *, is_named: bool) -> bytes | None:
    """The file's octets; None where there is none and nobody named it."""
    try:
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except (FileNotFoundError, NotADirectoryError):
        if is_named:
            raise RegistryError(f"{path}: there is no such file", "Name another one.") from None
        return None
    except OSError as fault:
        raise RegistryError(f"{path}: {fault.strerror}", "Let the user that Optout runs as read it.") from fault
    if len(data) > SIZE_LIMIT:
        raise RegistryError(f"{path}: longer than {SIZE_LIMIT:,} octets", "Name fewer crawlers.")
    return data


@lru_cache(maxsize=4)  # programs ask in several places
def _extended(name: str, data: bytes) -> tuple[Registry, tuple[str, ...]]:
    bundled = bundled_registry()
    found = extended(bundled, {name: data})
    own = found.crawlers[len(bundled.crawlers) :]
    return found, check_entries(found, own)
