"""Compiles the registry: `python -m optout.crawlers.compile` reads data/*.yaml and writes data/registry.json.

Reading some two hundred YAML files takes longer than a command should take to start. A test fails while the
compiled document is not what the files say. A build step: nothing imports it.
"""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from optout.crawlers.entries import encode_entries, load_entries
from optout.crawlers.registry import COMPILED


def data_files() -> dict[str, bytes]:
    """The YAML files of the package, by name."""
    return {file.name: file.read_bytes() for file in sorted(_DATA.glob("*.yaml"))}


def compiled() -> bytes:
    """The document that the YAML files compile to."""
    return encode_entries(load_entries(data_files()))


_DATA = Path(str(files("optout.crawlers"))) / "data"

if __name__ == "__main__":
    (_DATA / COMPILED).write_bytes(compiled())
