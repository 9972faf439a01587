"""How far a record is proved: what was changed, and what only claims a timestamp, is not called so."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import pytest

from optout.evidence.anchors import keep_anchor
from optout.evidence.checkpoint import Checkpoint, open_checkpoint
from optout.evidence.directory import Layout
from optout.evidence.signing import load_verifier_key
from optout.evidence.timestamp import request_token
from optout.review.pages.record import record
from optout.review.reader import Reader
from tests.authority import Authority
from tests.evidence.setting import SOON_S, open_log
from tests.review.setting import log_of_visits, visit


def _with_another_path(home: Path) -> None:
    """What somebody does who knows the form of a segment: another path, and the checksum that fits it."""
    (segment,) = sorted((home / "segments").iterdir())
    data = bytearray(segment.read_bytes())
    changed, place = data.index(b"/art/2.jpg"), 0
    data[changed : changed + 10] = b"/art/9.jpg"
    while True:
        (size,) = struct.unpack_from(">I", data, place)
        if changed < place + 8 + size:
            break
        place += 8 + size
    struct.pack_into(">I", data, place + 4, zlib.crc32(bytes(data[place + 8 : place + 8 + size])))
    segment.write_bytes(data)


def test_a_record_that_was_changed_with_its_checksum_is_not_called_proved(tmp_path: Path) -> None:
    home = log_of_visits(tmp_path / "evidence")
    _with_another_path(home)
    told = record(Reader(home), "r2", "")
    assert told is not None
    assert {"name": "url.path", "value": "/art/9.jpg"} in told["observed"]
    assert (told["level"], told["is_covered"]) == (0, False)
    other = record(Reader(home), "r1", "")
    assert other is not None
    assert other["level"] == 0, "its proof needs the hash of its neighbor"


def test_a_record_of_an_anchor_alone_confirms_no_time(tmp_path: Path) -> None:
    home = tmp_path / "evidence"
    log = open_log(home)
    log.append(visit("x1", "GPTBot", "/a")).result(SOON_S)
    told = {"anchor.authority": "tsa.example", "anchor.size": 99, "anchor.time_us": 1, "anchor.token": "AAAA"}
    log.append({"type": "log.anchor", **told}).result(SOON_S)
    log.close()
    found = record(Reader(home), "x1", "")
    assert found is not None
    assert found["level"] == 2


@pytest.mark.parametrize(("believes", "level"), [(True, 3), (False, 2)])
def test_a_timestamp_counts_if_its_authority_is_one_that_the_owner_named(
    tmp_path: Path, *, believes: bool, level: int
) -> None:
    home = log_of_visits(tmp_path / "evidence")
    layout, authority = Layout(home), Authority(tmp_path / "tsa")
    note = layout.checkpoint.read_bytes()
    checkpoint = open_checkpoint(note, load_verifier_key(layout.vkey))
    assert isinstance(checkpoint, Checkpoint)
    request = request_token(note)
    keep_anchor(layout, checkpoint, "tsa.example", note=note, request=request, response=authority.reply(request))
    roots = authority.roots if believes else Authority(tmp_path / "other").roots
    (layout.anchors / "roots.pem").write_bytes(roots)
    told = record(Reader(home), "r1", "")
    assert told is not None
    assert told["level"] == level
