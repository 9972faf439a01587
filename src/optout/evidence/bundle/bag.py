"""A bag in a zip (RFC 8493, BagIt), written so that the same content always gives the same bytes.

Rule 1: nothing in the archive is free to vary: files are stored, not compressed, in the order of their names, with one
date, one mode, no extra field and no comment. What differs from that is not from here, and the verifier refuses it.
Rule 2: the manifests are signed. Whoever edits a report, a line of custody or a row of the index and makes the
manifests anew has no signature over them.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from optout.errors import EvidenceError
from optout.evidence.checkpoint import Signer

PAYLOAD = "data/"
TITLE = "optout evidence bundle v1"
MANIFEST, TAGMANIFEST, SIGNED = "manifest-sha256.txt", "tagmanifest-sha256.txt", "manifest-sha256.txt.note"
_MODE = 0o100644 << 16
_BLOCK = 1 << 20
_LARGEST = (1 << 32) - 1  # bytes, of the archive: what a zip without extensions can say
_MOST_FILES = (1 << 16) - 1

Content = bytes | Path


def write_bag(
    out: Path, files: Mapping[str, Content], bag_info: bytes, signer: Signer, progress: Callable[[int, int], None]
) -> str:
    """Write a bag of these files and return the archive's SHA-256 (hex).

    Those below `data/` are its payload; `bag_info` are lines of `bag-info.txt`.
    `progress` is told bytes done and to do. Raises EvidenceError if it would be larger than such an archive may be,
    and OSError.
    """
    whole: dict[str, Content] = {**files, "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"}
    payload = {name: content for name, content in whole.items() if name.startswith(PAYLOAD)}
    total = sum(map(_size, whole.values()))
    if total > _LARGEST - _BLOCK * 64 or len(whole) > _MOST_FILES - 4:
        raise EvidenceError("this is more than one bundle can hold", "choose a shorter period, or one crawler")
    whole["bag-info.txt"] = bag_info + _oxum(payload)
    whole[MANIFEST] = manifest(payload)
    whole[TAGMANIFEST] = manifest({name: content for name, content in whole.items() if name not in payload})
    whole[SIGNED] = signer.sign_text(_statement(signer.name, whole))
    done = 0
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, allowZip64=False) as archive:
        for name in sorted(whole):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, _MODE
            entry.file_size = _size(whole[name])
            with archive.open(entry, "w") as target:
                for block in _blocks(whole[name]):
                    target.write(block)
                    done += len(block)
                    progress(done, total)
    return _digest(out)


def manifest(files: Mapping[str, Content]) -> bytes:
    """A manifest, as `sha256sum -c` reads it."""
    return "".join(f"{_digest(content)}  {name}\n" for name, content in sorted(files.items())).encode()


def _statement(origin: str, files: Mapping[str, Content]) -> str:
    """What the log's key signs of a bag."""
    digests = "".join(f"{_digest(files[name])}  {name}\n" for name in (MANIFEST, TAGMANIFEST))
    return f"{TITLE}\n{origin}\n{digests}"


def _oxum(payload: Mapping[str, Content]) -> bytes:
    return f"Payload-Oxum: {sum(map(_size, payload.values()))}.{len(payload)}\n".encode()


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _blocks(content: Content) -> Iterator[bytes]:
    if isinstance(content, bytes):
        yield content
        return
    with content.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _digest(content: Content) -> str:
    total = hashlib.sha256()
    for block in _blocks(content):
        total.update(block)
    return total.hexdigest()
