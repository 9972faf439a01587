"""What an application's `documents` argument means: a directory, a function, or a source as it is."""

from __future__ import annotations

from pathlib import Path

from optout.adapters.documents import CallableSource, DocumentSource, Read
from optout.signals.declaration import DOCUMENT_LIMIT


def source_of(documents: DocumentSource | Read | Path | str) -> DocumentSource:
    """The source that `documents` names."""
    if isinstance(documents, str | Path):
        return CallableSource(_from_directory(Path(documents)))
    return CallableSource(documents) if callable(documents) else documents


def _from_directory(root: Path) -> Read:
    """Documents as files below `root`, for every site; a file that is missing says that there is none."""

    def read(_authority: str, path: str) -> bytes | None:
        try:
            with (root / path.lstrip("/")).open("rb") as file:
                return file.read(DOCUMENT_LIMIT)
        except FileNotFoundError:
            return None

    return read
