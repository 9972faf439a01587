"""An independent reading of a log: frames, tree and signature by the documents alone, sharing no code with Optout.

docs/evidence.md ("The format") says what is read here. The signature is checked by `openssl`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

_SPKI = bytes.fromhex("302a300506032b6570032100")  # what RFC 8410 puts before an Ed25519 key


def read_records(directory: Path) -> list[bytes]:
    """The records of a log in their order; a segment ends where the next one's name says."""
    segments = sorted((directory / "segments").glob("*.frames"))
    found: list[bytes] = []
    for place, path in enumerate(segments):
        assert len(found) == int(path.name[:16]), path
        following = int(segments[place + 1].name[:16]) if place + 1 < len(segments) else None
        data, offset = path.read_bytes(), 0
        while offset + 8 <= len(data) and (following is None or len(found) < following):
            length, checksum = struct.unpack_from(">II", data, offset)
            body = data[offset + 8 : offset + 8 + (length & 0x7FFFFFFF)]
            if len(body) < length & 0x7FFFFFFF:
                break  # an unfinished write
            offset += 8 + len(body)
            if length >> 31:
                continue  # a sealed private part
            assert zlib.crc32(body) == checksum, (path, offset)
            found.append(body)
    return found


def root_of(records: list[bytes]) -> bytes:
    """The Merkle tree hash (RFC 6962 section 2.1)."""
    if not records:
        return hashlib.sha256(b"").digest()
    row = [hashlib.sha256(b"\x00" + record).digest() for record in records]
    while len(row) > 1:
        pairs = [hashlib.sha256(b"\x01" + row[place] + row[place + 1]).digest() for place in range(0, len(row) - 1, 2)]
        row = pairs + row[len(pairs) * 2 :]
    return row[0]


def check(directory: Path) -> list[dict[str, Any]]:
    """The fields of every record of a log that holds together: root, signature, and each writer's numbers."""
    records = read_records(directory)
    note = (directory / "checkpoint").read_text()
    text, _, signature = note.partition("\n\n")
    _, size, root = text.split("\n")[:3]
    assert int(size) <= len(records)
    assert base64.b64decode(root) == root_of(records[: int(size)])
    _check_signature(directory, f"{text}\n", signature)
    fields = [json.loads(record) for record in records]
    following: dict[str, int] = {}
    for one in fields:
        boot, number = one["writer.boot"], one["writer.seq"]
        assert number == following.get(boot, 0), one
        following[boot] = number + 1
    return fields


def _check_signature(directory: Path, text: str, signature: str) -> None:
    key = base64.b64decode((directory / "vkey").read_text().strip().split("+", 2)[2])[1:]
    place = directory.parent
    (place / "check.text").write_text(text)
    (place / "check.sig").write_bytes(base64.b64decode(signature.splitlines()[0].split(" ")[2])[4:])
    (place / "check.der").write_bytes(_SPKI + key)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(place / "check.der")]
    command += ["-rawin", "-in", str(place / "check.text"), "-sigfile", str(place / "check.sig")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
