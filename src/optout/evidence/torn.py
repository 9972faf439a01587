"""What a crash or a disk had damaged is kept before it is cut off: it can be what is left of a logged record."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from optout.evidence.directory import Layout
from optout.evidence.files import replace_file


def keep_torn(layout: Layout, path: Path, offset: int, prefix: str = "") -> int:
    """Copy the end of a file from `offset` on into `torn/`; how many bytes it has. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        tail = os.pread(descriptor, os.fstat(descriptor).st_size - offset, offset)
    finally:
        os.close(descriptor)
    name = f"{prefix}{path.name}.{offset}.{hashlib.sha256(tail).hexdigest()[:8]}"
    layout.torn.mkdir(mode=0o700, exist_ok=True)
    replace_file(layout.torn / name, tail)
    return len(tail)
