"""URLs that a command is asked about: a list of lines, a sitemap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from optout.cli.sitemaps import sitemap_pages


def listed(urls: Path | None, sitemap: Path | None) -> Iterator[str]:
    """The URLs or paths in a file of lines and in a sitemap; raises UsageError."""
    if urls is not None:
        yield from (line.strip() for line in urls.read_text("utf-8", "surrogateescape").splitlines() if line.strip())
    if sitemap is not None:
        yield from sitemap_pages(sitemap)
