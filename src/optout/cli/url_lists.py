"""URLs that a command is asked about: a list of lines, a sitemap."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from optout.errors import UsageError

_LOCATION = re.compile(rb"<(?:[A-Za-z]+:)?loc>\s*([^<\s]{1,4096})\s*</")
_LARGEST = 50 << 20  # octets of a sitemap, as sitemaps.org limits it


def listed(urls: Path | None, sitemap: Path | None) -> Iterator[str]:
    """The URLs or paths in a file of lines and in a sitemap (XML); raises UsageError."""
    if urls is not None:
        yield from (line.strip() for line in urls.read_text("utf-8", "surrogateescape").splitlines() if line.strip())
    if sitemap is not None:
        if sitemap.stat().st_size > _LARGEST:
            raise UsageError(f"{sitemap} is larger than a sitemap may be", "give its pages with --urls")
        for found in _LOCATION.finditer(sitemap.read_bytes()):
            yield found[1].decode("utf-8", "surrogateescape").replace("&amp;", "&")
