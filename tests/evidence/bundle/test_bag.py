"""The archive: the same content, the same bytes; what is too large is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from optout.errors import EvidenceError
from optout.evidence.bundle import bag
from optout.evidence.bundle.bag import manifest, write_bag
from optout.evidence.bundle.verify import parse_manifest, read_archive
from optout.evidence.directory import Layout
from optout.evidence.signing import load_signer


def _write(out: Path, layout: Layout, files: dict[str, bytes | Path]) -> list[tuple[int, int]]:
    told: list[tuple[int, int]] = []
    write_bag(out, files, b"", load_signer(layout.key, layout.vkey), lambda done, total: told.append((done, total)))
    return told


def test_content_from_a_file_or_from_memory_gives_the_same_bytes(layout: Layout, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(bytes(3 << 20))
    told = _write(tmp_path / "one", layout, {"data/big": tmp_path / "big", "a": b"1"})
    _write(tmp_path / "two", layout, {"a": b"1", "data/big": bytes(3 << 20)})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert told == sorted(told)
    assert len(told) > 4
    assert read_archive((tmp_path / "one").read_bytes())["data/big"] == bytes(3 << 20)


def test_a_manifest_is_what_sha256sum_writes() -> None:
    files = {"b": b"2", "a": b"1"}
    data = manifest(files)
    assert data.decode().splitlines()[0].endswith("  a")
    assert list(parse_manifest(data, "m")) == ["a", "b"]


def test_what_no_bundle_can_hold_is_refused(layout: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bag, "_MOST_FILES", 10)
    with pytest.raises(EvidenceError, match="more than one bundle can hold"):
        _write(tmp_path / "x", layout, {f"data/{number}": b"" for number in range(20)})
