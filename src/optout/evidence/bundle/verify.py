#!/usr/bin/env python3
"""Checks an evidence bundle. One file, Python 3.8 or later, nothing to install, no network.

    python3 verify.py case.evidence.zip --vkey 'NAME+ID+KEY'

The key has to come from somewhere else than the bundle: from the owner's web site, from a letter, from whoever
had it before there was a dispute. A copy of this program has to, too: compare its SHA-256 with the one that the
project publishes.

What is checked, and in this order:

    archive    the zip is written exactly as such a bundle is: no file twice, none outside, nothing between or behind
    files      each file has the SHA-256 that the manifests say, and there is no other file
    manifest   the key signed the manifests (C2SP signed note): reports, index and custody are those of the export
    checkpoint the key signed the size and root hash of the whole log (C2SP tlog-checkpoint)
    records    the records lead to that root (RFC 6962), at the places that the index names
    documents  each document has the SHA-256 that names it; disclosed private parts match their commitments
    timestamps each is over an earlier checkpoint of the same history; README.txt says how openssl checks the token
    seen       a line that somebody noted earlier (--seen) is of the same history

Exit status: 0 sound, 1 not sound, 2 could not tell (no key was given, or the file cannot be read).

It has over 500 lines because it is one file: an archive reader, Ed25519 and a tree, for whoever has only Python.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import csv
import hashlib
import io
import json
import re
import struct
import sys
import zlib
from typing import Any, Dict, Iterable, Iterator, List, Tuple

LEVELS = ("bytes intact", "in the log", "log signed")
MANIFEST, TAGMANIFEST, SIGNED = "manifest-sha256.txt", "tagmanifest-sha256.txt", "manifest-sha256.txt.note"
Files = Dict[str, bytes]
Key = Tuple[str, bytes, bytes]  # name, key id, public key
Point = Tuple[int, int, int, int]
Records = List[Tuple[int, Dict[str, Any], bytes]]  # place in the log, fields, bytes
TITLE = "optout evidence bundle v1"
COLUMNS = ["index", "id", "type", "time", "leaf_sha256"]


class UnsoundError(Exception):
    """The bundle is not what it says."""


# The archive: every byte of it has one place and one value.

END = struct.Struct("<4s4H2LH")
CENTRAL = struct.Struct("<4s6H3L5H2L")
LOCAL = struct.Struct("<4s5H3L2H")
FIXED = (20, 0, 0, 0, 33)  # version needed, flags, stored, time and date of 1980-01-01
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(?:/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")


def read_archive(data: bytes) -> Files:
    """The files in a bundle's bytes, name -> bytes."""
    if len(data) < END.size:
        raise UnsoundError("archive: too short")
    mark, disk, start_disk, here, total, size, offset, comment = END.unpack(data[-END.size :])
    if mark != b"PK\x05\x06" or disk or start_disk or comment or here != total:
        raise UnsoundError("archive: it does not end as a bundle does")
    if offset + size + END.size != len(data):
        raise UnsoundError("archive: something lies between its parts")
    files: Files = {}
    place, expected = offset, 0
    for _ in range(total):
        head = data[place : place + CENTRAL.size]
        if len(head) < CENTRAL.size or place + CENTRAL.size > len(data) - END.size:
            raise UnsoundError("archive: its directory is cut off")
        (mark, made, *fixed, crc, packed, length, name_size, extra, note, disk, inner, outer, where) = CENTRAL.unpack(
            head
        )
        raw = data[place + CENTRAL.size : place + CENTRAL.size + name_size]
        place += CENTRAL.size + name_size
        if mark != b"PK\x01\x02" or made != 0x0314 or tuple(fixed) != FIXED or extra or note or disk or inner:
            raise UnsoundError("archive: an entry is not written as in a bundle")
        name = raw.decode("ascii", "replace")
        if not NAME.match(name) or name in files:
            raise UnsoundError(f"archive: a file's name is foreign or comes twice: {name[:80]!r}")
        if outer != 0o100644 << 16 or packed != length or where != expected:
            raise UnsoundError(f"archive: the entry of {name} is not written as in a bundle")
        local = LOCAL.pack(b"PK\x03\x04", *FIXED, crc, packed, length, name_size, 0) + raw
        begin = where + len(local)
        if data[where:begin] != local or begin + length > offset:
            raise UnsoundError(f"archive: the two heads of {name} differ")
        files[name] = data[begin : begin + length]
        if zlib.crc32(files[name]) != crc:
            raise UnsoundError(f"archive: {name} has another checksum")
        expected = begin + length
    if expected != offset or place != len(data) - END.size:
        raise UnsoundError("archive: something lies between its parts")
    return files


# Files and manifests (RFC 8493)


def check_files(files: Files) -> None:
    """Every file is in its manifest, with its hash, and nothing else is."""
    payload = {name for name in files if name.startswith("data/")}
    tags = set(files) - payload - {TAGMANIFEST, SIGNED}
    for manifest, named in ((MANIFEST, payload), (TAGMANIFEST, tags)):
        listed = parse_manifest(need(files, manifest), manifest)
        for name in sorted(set(listed) ^ named):
            raise UnsoundError("files: {} is {}".format(name, "missing" if name in listed else "not in " + manifest))
        for name, digest in listed.items():
            if hashlib.sha256(files[name]).hexdigest() != digest:
                raise UnsoundError(f"files: {name} is not the one in {manifest}")
    if need(files, "bagit.txt") != b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n":
        raise UnsoundError("files: bagit.txt is not that of a bundle")


def parse_manifest(data: bytes, name: str) -> dict[str, str]:
    """A manifest's lines, file -> SHA-256 (hex)."""
    found: dict[str, str] = {}
    for line in text_of(data, name).splitlines():
        match = re.match(r"([0-9a-f]{64})  (\S+)\Z", line)
        if not match or match.group(2) in found:
            raise UnsoundError(f"files: {name} has a malformed or doubled line")
        found[match.group(2)] = match.group(1)
    if "".join(f"{digest}  {file}\n" for file, digest in found.items()).encode() != data:
        raise UnsoundError(f"files: {name} is not written as in a bundle")
    return found


def need(files: Files, name: str) -> bytes:
    """A file that every bundle has."""
    if name not in files:
        raise UnsoundError(f"files: {name} is missing")
    return files[name]


def text_of(data: bytes, name: str) -> str:
    """A file's text."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnsoundError(f"files: {name} is not UTF-8") from None


# Ed25519 (RFC 8032)

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def recover(y: int, sign: int) -> int | None:
    """The x of a point, or None."""
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return P - x if x & 1 != sign else x


def point(data: bytes) -> Point | None:
    """A point from its 32 bytes, or None."""
    y = int.from_bytes(data, "little")
    x = recover(y & (1 << 255) - 1, y >> 255)
    y &= (1 << 255) - 1
    return None if x is None else (x, y, 1, x * y % P)


def add(one: Point, two: Point) -> Point:
    """The sum of two points in extended coordinates."""
    a = (one[1] - one[0]) * (two[1] - two[0]) % P
    b = (one[1] + one[0]) * (two[1] + two[0]) % P
    c = 2 * one[3] * two[3] * D % P
    d = 2 * one[2] * two[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(number: int, base: Point) -> Point:
    """A multiple of a point."""
    total = (0, 1, 1, 0)
    while number:
        if number & 1:
            total = add(total, base)
        base = add(base, base)
        number >>= 1
    return total


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover(BASE_Y, 0) or 0
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def is_signature(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature fits."""
    key, nonce = point(public), point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or len(signature) != 64 or scalar >= L:
        return False
    digest = hashlib.sha512(signature[:32] + public + message).digest()
    left = times(scalar, BASE)
    right = add(nonce, times(int.from_bytes(digest, "little") % L, key))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 and (left[1] * right[2] - right[1] * left[2]) % P == 0


# Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint)


def unbase64(text: str) -> bytes | None:
    """Bytes from their only base64 spelling, or None."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def parse_vkey(text: str) -> Key:
    """Name, id and key of a verifier key."""
    name, _, rest = text.partition("+")
    mark, _, encoded = rest.partition("+")
    material = unbase64(encoded)
    if not name or material is None or len(material) != 33 or material[:1] != b"\x01":
        raise UnsoundError("key: not a verifier key of the form NAME+ID+KEY")
    own = hashlib.sha256(name.encode() + b"\n" + material).digest()[:4]
    if own.hex() != mark:
        raise UnsoundError("key: its id does not fit its name and key")
    return name, own, material[1:]


def open_note(data: bytes, key: Key, what: str) -> str:
    """The text of a note that the key signed."""
    text, blank, signatures = text_of(data, what).rpartition("\n\n")
    text += "\n"
    if not blank or not signatures.endswith("\n"):
        raise UnsoundError(f"{what}: not a signed note")
    for line in signatures[:-1].split("\n"):
        match = re.match("\u2014 ([^ ]+) ([^ ]+)\\Z", line)
        material = unbase64(match.group(2)) if match else None
        if match is None or material is None:
            raise UnsoundError(f"{what}: a signature line is malformed")
        if match.group(1) == key[0] and material[:4] == key[1] and is_signature(key[2], text.encode(), material[4:]):
            return text
    raise UnsoundError(f"{what}: not signed by {key[0]}")


def parse_checkpoint(text: str, origin: str) -> tuple[int, bytes]:
    """Size and root of a checkpoint's text."""
    lines = text.split("\n")
    root = unbase64(lines[2]) if len(lines) >= 4 else None
    if root is None or len(root) != 32 or lines[0] != origin or not re.match(r"(0|[1-9][0-9]{0,17})\Z", lines[1]):
        raise UnsoundError(f"checkpoint: it is not one of the log {origin}")
    return int(lines[1]), root


# The tree (RFC 6962)


def leaf_hash(record: bytes) -> bytes:
    """The hash of a record."""
    return hashlib.sha256(b"\x00" + record).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of two subtrees."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_with(indexes: list[int], leaves: list[bytes], size: int, hashes: list[bytes]) -> bytes:
    """The root that these leaves lead to, with the hashes of all that lies between them, from left to right."""
    given = iter(hashes)

    def root(start: int, end: int, low: int, high: int) -> bytes:  # leaves[low:high] are those between start and end
        if low == high:
            return next(given)
        if end - start == 1:
            return leaves[low]
        middle = start + (1 << (end - start - 1).bit_length() - 1)
        split = low
        while split < high and indexes[split] < middle:
            split += 1
        left = root(start, middle, low, split)
        return node_hash(left, root(middle, end, split, high))

    try:
        found = root(0, size, 0, len(leaves))
    except StopIteration:
        raise UnsoundError("records: hashes of the tree are missing") from None
    if next(given, None) is not None:
        raise UnsoundError("records: there are more hashes than the tree has room for")
    return found


def grows(old_size: int, old_root: bytes, size: int, root: bytes, proof: list[bytes]) -> bool:
    """Whether the tree of `old_size` is the beginning of the other (RFC 9162 section 2.1.4.2)."""
    if not 0 < old_size <= size:
        return False
    if old_size == size:
        return not proof and old_root == root
    path = list(proof)
    if old_size & (old_size - 1) == 0:
        path.insert(0, old_root)
    if not path:
        return False
    node, last = old_size - 1, size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    old_here = here = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old_here, here = node_hash(sibling, old_here), node_hash(sibling, here)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            here = node_hash(here, sibling)
        node, last = node >> 1, last >> 1
    return last == 0 and old_here == old_root and here == root


# Records, documents, private parts


def read_records(files: Files) -> Records:
    """The records with their rows of the index: (index, row, record)."""
    data = need(files, "data/records.ndjson")
    records = data.split(b"\n")
    if records.pop():
        raise UnsoundError("records: the last line is cut off")
    try:
        rows = list(csv.reader(io.StringIO(text_of(need(files, "data/index.csv"), "index.csv"), newline="")))
    except csv.Error:
        rows = []
    if not rows or rows[0] != COLUMNS or len(rows) - 1 != len(records):
        raise UnsoundError("records: the index does not list them")
    found: Records = []
    before = -1
    for row, record in zip(rows[1:], records):
        if len(row) != len(COLUMNS) or not re.match(r"(0|[1-9][0-9]{0,17})\Z", row[0]) or int(row[0]) <= before:
            raise UnsoundError("records: a row of the index is malformed or out of order")
        before = int(row[0])
        if leaf_hash(record).hex() != row[4]:
            raise UnsoundError(f"records: record {row[0]} is not the one in the index")
        fields = parse_object(record, f"record {row[0]}")
        if (fields.get("id"), fields.get("type")) != (row[1], row[2]):
            raise UnsoundError(f"records: the index calls record {row[0]} something else")
        found.append((before, fields, record))
    return found


def parse_object(data: bytes, what: str) -> dict[str, Any]:
    """A JSON object."""
    try:
        fields = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        fields = None
    if not isinstance(fields, dict):
        raise UnsoundError(f"records: {what} is not a JSON object")
    return fields


def check_tree(files: Files, found: Records, size: int, root: bytes) -> None:
    """The records lead to the root."""
    hashes = [unbase64(line) or b"" for line in text_of(need(files, "data/tree.txt"), "tree.txt").split("\n")[:-1]]
    if any(len(one) != 32 for one in hashes):
        raise UnsoundError("records: a line of tree.txt is not a hash")
    indexes = [index for index, _, _ in found]
    if indexes and indexes[-1] >= size:
        raise UnsoundError("records: one lies behind the checkpoint")
    if size and root_with(indexes, [leaf_hash(record) for _, _, record in found], size, hashes) != root:
        raise UnsoundError("records: they do not lead to the root that was signed")


def check_documents(files: Files, found: Records) -> tuple[int, list[str]]:
    """How many documents there are, each with the hash that names it, and whose private parts were disclosed."""
    named = {value for _, fields, _ in found for name, value in fields.items() if name.endswith(".sha256")}
    documents = {name[len("data/documents/") :] for name in files if name.startswith("data/documents/")}
    for digest in sorted(documents):
        if hashlib.sha256(files["data/documents/" + digest]).hexdigest() != digest:
            raise UnsoundError(f"documents: {digest} has another hash than its name")
        if digest not in named:
            raise UnsoundError(f"documents: no record names {digest}")
    commitments = {fields.get("id"): fields.get("private.commit") for _, fields, _ in found}
    disclosed = []
    for name in sorted(files):
        if name.startswith("data/private/"):
            record_id = name[len("data/private/") :][: -len(".json")]
            part = parse_object(files[name], name)
            try:
                data = bytes.fromhex(part["salt"]) + part["private"].encode("utf-8")
            except (KeyError, TypeError, ValueError, AttributeError):
                raise UnsoundError(f"documents: {name} is malformed") from None
            if len(part["salt"]) != 64 or hashlib.sha256(data).hexdigest() != commitments.get(record_id):
                raise UnsoundError(f"documents: the private part of {record_id} is not the one that was logged")
            disclosed.append(record_id)
    return len(documents), disclosed


def read_growth(files: Files) -> dict[str, list[bytes]]:
    """The proofs that the log has only grown, by the earlier size."""
    proofs = {}
    for line in text_of(files.get("data/consistency.txt", b""), "consistency.txt").splitlines():
        number, *hashes = line.split(" ")
        proofs[number] = [unbase64(one) or b"" for one in hashes]
    return proofs


def check_timestamps(files: Files, key: Key, size: int, root: bytes) -> int:
    """How many timestamps there are; each is over a signed checkpoint of this history."""
    proofs, count = read_growth(files), 0
    for name in sorted(files):
        if not name.startswith("data/timestamps/") or not name.endswith("/checkpoint"):
            continue
        old_size, old_root = parse_checkpoint(open_note(files[name], key, "timestamps"), key[0])
        same = old_size == size and old_root == root
        if not same and not grows(old_size, old_root, size, root, proofs.get(str(old_size), [])):
            raise UnsoundError(f"timestamps: {name} is of another history")
        response = need(files, name[: -len("checkpoint")] + "response.tsr")
        if hashlib.sha256(files[name]).digest() not in response:
            raise UnsoundError(f"timestamps: the token beside {name} is over something else")
        count += 1
    return count


def check_seen(files: Files, lines: Iterable[str], origin: str, size: int, root: bytes) -> Iterator[str | None]:
    """Each line that was noted earlier is of the same history; what was found, in words."""
    proofs = read_growth(files)
    for line in lines:
        words = line.split()
        if len(words) != 3 or words[0] != origin:
            raise UnsoundError(f"seen: the line is of another log than {origin}")
        old_root = unbase64(words[2]) or b""
        if words[1] == str(size):
            if old_root != root:
                raise UnsoundError("seen: this size had another root: two histories")
            yield "seen: the line is of this very checkpoint"
        elif words[1] not in proofs:
            yield None  # also where the line is younger than this bundle
        elif not grows(int(words[1]), old_root, size, root, proofs[words[1]]):
            raise UnsoundError("seen: that line and this checkpoint are two histories")
        else:
            yield "seen: the log at that line is the beginning of this one"


# The verdict


def verify(data: bytes, vkey: str | None = None, seen: Iterable[str] = ()) -> dict[str, Any]:
    """What is to be said of a bundle's bytes: {"verdict", "exit", "why", "proved", "not_proved", "records", ...}."""
    said: dict[str, Any] = {"verdict": "not sound", "exit": 1, "why": "", "proved": [], "not_proved": [], "records": []}
    reached = 0
    found: Records = []
    try:
        files = read_archive(data)
        own = text_of(need(files, "data/trust/log.vkey"), "log.vkey").strip()
        if vkey is not None and own != vkey.strip():
            raise UnsoundError(f"key: the bundle is of the key {own[:300]}, not of the one expected")
        key = parse_vkey(own)
        said["vkey"] = own
        check_files(files)
        signed = open_note(need(files, SIGNED), key, "manifest")
        digests = tuple(hashlib.sha256(files[name]).hexdigest() for name in (MANIFEST, TAGMANIFEST))
        if signed != f"{TITLE}\n{key[0]}\n{digests[0]}  {MANIFEST}\n{digests[1]}  {TAGMANIFEST}\n":
            raise UnsoundError("manifest: the signature is over other manifests")
        found = read_records(files)
        reached = 1
        size, root = parse_checkpoint(open_note(need(files, "data/checkpoint"), key, "checkpoint"), key[0])
        check_tree(files, found, size, root)
        reached = 3
        documents, disclosed = check_documents(files, found)
        stamped = check_timestamps(files, key, size, root)
        said["checkpoint"] = "%s %d %s" % (key[0], size, base64.b64encode(root).decode())
        seen_words = list(check_seen(files, seen, key[0], size, root))
        for line in text_of(need(files, "data/custody.ndjson"), "custody.ndjson").splitlines():
            parse_object(line.encode(), "a line of custody.ndjson")
    except UnsoundError as fault:
        said["why"] = str(fault)
    else:
        said["why"] = "every check passed"
        said["proved"] = [
            "%d files, unchanged since the export that the key signed" % len(files),
            "%d records, byte for byte and at their places in a log of %d, as the key signed it" % (len(found), size),
            "%d documents with the hashes that records name" % documents,
        ]
        if stamped:
            said["proved"].append(f"{stamped} timestamps are over this history; openssl checks them (README.txt)")
        said["proved"] += [word for word in seen_words if word]
        if disclosed:
            said["proved"].append("%d private parts, as they were committed to when logged" % len(disclosed))
        said["not_proved"] = [
            "when the records were written: the log's own clock says so, unless a timestamp or a noted line does",
            "that every request was recorded: the log tells of the gaps that it knows",
            "who sat behind an address, beyond the check that each record names",
            "that a page was used for training",
        ]
        said["verdict"], said["exit"] = "sound", 0
        if None in seen_words:
            said["not_proved"].insert(0, "that a noted line is of the same history: the bundle has no proof from there")
            said["verdict"], said["exit"] = "could not tell", 2
        if vkey is None:
            said["not_proved"].insert(0, "whose key it is: it was taken from the bundle itself (self-attested)")
            said["verdict"], said["exit"] = "could not tell", 2
        said["disclosed"] = disclosed
    levels = LEVELS[:reached]
    said["records"] = [
        {"index": index, "id": fields.get("id"), "type": fields.get("type"), "levels": list(levels)}
        for index, fields, _ in found
    ]
    return said


def printable(text: object) -> str:
    """Text without anything that a terminal would act on."""
    return "".join(char if " " <= char <= "~" else "?" for char in str(text))[:400]


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description="Checks an evidence bundle. Exit 0: sound, 1: not, 2: could not tell.")
    parser.add_argument("bundle")
    parser.add_argument("--vkey", help="the key that the log must have, from somewhere else than the bundle")
    parser.add_argument("--seen", action="append", default=[], metavar="LINE", help="'origin size root', noted earlier")
    parser.add_argument("--records", action="store_true", help="a line for each record")
    parser.add_argument("--json", action="store_true", help="the verdict as JSON")
    given = parser.parse_args(arguments)
    try:
        with open(given.bundle, "rb") as file:
            data = file.read()
    except OSError as fault:
        print(f"could not tell: cannot read the bundle: {fault.strerror}", file=sys.stderr)
        return 2
    said = verify(data, given.vkey, given.seen)
    if given.json:
        print(json.dumps(said))
        return int(said["exit"])
    print("{}: {}".format(said["verdict"], printable(said["why"])))
    for title, lines in (("proved", said["proved"]), ("not proved", said["not_proved"])):
        for line in lines:
            print("  %-10s  %s" % (title, printable(line)))
    if "checkpoint" in said:
        print("  %-10s  %s" % ("log", printable(said["checkpoint"])))
    if given.records or (said["exit"] == 0 and len(said["records"]) <= 50):
        for record in said["records"]:
            told = (record["index"], record["id"], record["type"], ", ".join(record["levels"]) or "nothing shown")
            print("  record %-8s %s  %-14s %s" % tuple(map(printable, told)))
    return int(said["exit"])


if __name__ == "__main__":
    sys.exit(main())
