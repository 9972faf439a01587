"""The pages in a sitemap file: urlset, index, text, each also compressed (sitemaps.org, "XML format", "Text file").

Nothing is fetched: what an index names is looked for beside it, by the last part of its address. A document type
declaration is refused, so there are no entities to expand.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from xml.parsers import expat

from optout.errors import UsageError

_LARGEST = 50 << 20  # octets of one file, uncompressed, as sitemaps.org limits it
_MOST_PAGES = 1_000_000
_MOST_FILES = 1_000
_LONGEST = 4_096  # characters of an address; sitemaps.org allows 2,048
_GZIP = b"\x1f\x8b"
_BOM = b"\xef\xbb\xbf"


def sitemap_pages(file: Path) -> Iterator[str]:
    """The addresses in a sitemap and, where it is an index, in the files beside it; raises UsageError."""
    locations, is_index = _read(file)
    if not is_index:
        yield from locations
        return
    if len(locations) > _MOST_FILES:
        raise UsageError(f"{file} names {len(locations)} sitemaps", f"give an index of at most {_MOST_FILES:,}")
    count = 0
    for location in locations:
        part = file.parent / (location.partition("?")[0].rpartition("/")[2] or "?")
        if not part.is_file():
            raise UsageError(f"{file} names {location}, and {part.name} is not beside it", "fetch it to there")
        pages, is_another = _read(part)
        if is_another:
            raise UsageError(f"{part} is an index within an index", "name it by itself")
        count += len(pages)
        if count > _MOST_PAGES:
            raise UsageError(f"{file} names more than {_MOST_PAGES:,} pages", "give its parts one by one")
        yield from pages


def _read(file: Path) -> tuple[list[str], bool]:
    """The addresses in one file, and whether they are those of other sitemaps."""
    data = _octets(file)
    if data.removeprefix(_BOM).lstrip()[:1] != b"<":
        text = data.removeprefix(_BOM).decode("utf-8", "surrogateescape")
        return [line.strip() for line in text.splitlines() if line.strip()], False
    found = _Locations()
    try:
        found.parser.Parse(data, True)
    except expat.ExpatError as fault:
        words = expat.ErrorString(fault.code)
        raise UsageError(f"{file}:{fault.lineno}: no XML: {words}", "mend it, or give its pages with --urls") from None
    except _DoctypeError:
        raise UsageError(f"{file}: has a document type declaration", "take the <!DOCTYPE> out") from None
    except LookupError:
        raise UsageError(f"{file}: its encoding is not known", "write it in UTF-8") from None
    return found.all, found.is_index


def _octets(file: Path) -> bytes:
    """The file, uncompressed, as far as a sitemap may be long."""
    try:
        with file.open("rb") as stored:
            is_packed = stored.read(len(_GZIP)) == _GZIP
            stored.seek(0)
            if is_packed:
                with gzip.GzipFile(fileobj=stored) as unpacked:
                    data = unpacked.read(_LARGEST + 1)
            else:
                data = stored.read(_LARGEST + 1)
    except (EOFError, zlib.error, OSError) as fault:
        raise UsageError(f"{file} cannot be read: {fault}", "give the file as the site serves it") from None
    if len(data) > _LARGEST:
        raise UsageError(f"{file} is larger than a sitemap may be", "give its pages with --urls")
    return data


class _DoctypeError(Exception):
    """A document type declaration, and with it perhaps entities."""


class _Locations:
    """Collects what stands in `loc`; whatever else a file holds, extensions too, is passed over."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self.is_index = False
        self._path: list[str] = []
        self._text: list[str] | None = None
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = self._refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._characters

    def _refuse(self, *_: object) -> None:
        raise _DoctypeError

    def _start(self, name: str, _: object) -> None:
        local = name.rpartition(":")[2]
        if not self._path:
            self.is_index = local == "sitemapindex"
        # image:loc and video:loc stand deeper; theirs are not pages
        self._text = [] if local == "loc" and len(self._path) == 2 else None
        self._path.append(local)

    def _end(self, _: str) -> None:
        self._path.pop()
        if self._text is not None:
            text = "".join(self._text).strip()
            if 0 < len(text) <= _LONGEST:
                self.all.append(text)
            self._text = None

    def _characters(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)
