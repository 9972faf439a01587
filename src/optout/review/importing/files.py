"""Log files as pieces of whole lines, each file hashed as it is read. Memory is flat, whatever a file holds.

gzip and zstd files are told by their first octets, not by their names, and may have several members or frames. What is
cut off or damaged ends the file there, and is said.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from optout.errors import UsageError

PIECE = 1 << 20  # octets
LONGEST_LINE = 256 * 1024  # octets; servers write four octets for one that they escape, of heads up to 64 KiB
_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_MOST_WINDOW = 1 << 27  # octets that unpacking zstd may hold; `zstd --long` asks for so much


@dataclass(slots=True, kw_only=True)
class Reading:
    """One file while it is read: `size` in octets as it lies on the disk, `why` says what ended it too early."""

    path: Path
    size: int = 0
    sha256: str = ""
    why: str = ""


def read_pieces(reading: Reading, file: IO[bytes], told: Callable[[int], None] = lambda _: None) -> Iterator[bytes]:
    """The content of an open file, unpacked, in pieces of whole lines; the last may have no line end.

    A line longer than `LONGEST_LINE` is cut, and its rest is lines of their own. `told` gets the number of octets that
    were read of the file. Raises OSError, and UsageError where a library is missing.
    """
    source = _Source(file, told)
    unpacked = _unpacked(source, reading.path)
    rest = b""
    while piece := _next(unpacked, reading):
        rest = rest + piece if rest else piece
        end = rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        while len(rest) > LONGEST_LINE:
            yield rest[:LONGEST_LINE] + b"\n"
            rest = rest[LONGEST_LINE:]
    if rest:
        yield rest
    while source.read(PIECE):  # what nobody unpacked belongs to the file's hash all the same
        pass
    reading.size, reading.sha256 = source.size, source.digest.hexdigest()


class _Source(io.RawIOBase):
    """A file that hashes and counts what is read of it."""

    def __init__(self, file: IO[bytes], told: Callable[[int], None]) -> None:
        self._file, self._told = file, told
        self._ahead = b""
        self.digest = hashlib.sha256()
        self.size = 0

    def begin(self, length: int) -> bytes:
        """The first octets, which the next reading gives again."""
        first = b""
        while len(first) < length and (more := self.read(length - len(first))):
            first += more
        self._ahead = first
        return first

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        if self._ahead:
            at = size if size > 0 else len(self._ahead)
            ahead, self._ahead = self._ahead[:at], self._ahead[at:]
            return ahead
        data = self._file.read(size if size > 0 else PIECE)
        self.digest.update(data)
        self.size += len(data)
        self._told(len(data))
        return data

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _unpacked(source: _Source, path: Path) -> IO[bytes]:
    first = source.begin(4)
    if first.startswith(_GZIP):
        return cast(IO[bytes], gzip.GzipFile(fileobj=source, mode="rb"))
    if first.startswith(_ZSTD):
        try:
            import zstandard  # noqa: PLC0415  an extra
        except ImportError:
            raise UsageError(f"{path} is packed with zstd", "pip install 'optout[review]'") from None
        unpacker = zstandard.ZstdDecompressor(max_window_size=_MOST_WINDOW)
        return cast(IO[bytes], unpacker.stream_reader(cast(IO[bytes], source), read_across_frames=True, closefd=False))
    return cast(IO[bytes], source)


def _next(unpacked: IO[bytes], reading: Reading) -> bytes:
    try:
        return unpacked.read(PIECE)
    except EOFError:
        reading.why = "it is cut off: the rest is not there"
    except (gzip.BadGzipFile, zlib.error):
        reading.why = "it is damaged: the rest cannot be unpacked"
    except OSError:
        raise
    except Exception as fault:
        if type(fault).__name__ != "ZstdError":
            raise
        reading.why = "it is damaged: the rest cannot be unpacked"
    return b""
