"""T6: a disk that is really full, a small ext4: who gets what is design part 5.3, and it goes on by itself."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from optout.evidence.audit import Verdict, audit
from tests.faults.door import CHROME, GPTBOT, SEARCHBOT, ask, site
from tests.faults.reading import check
from tests.serving import serving

pytestmark = pytest.mark.fault
_MEGABYTE = 1 << 20


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted ext4 of 24 MB."""
    image, place = tmp_path / "disk", tmp_path / "mounted"
    with image.open("wb") as file:
        file.truncate(24 * _MEGABYTE)
    subprocess.run(["mkfs.ext4", "-q", "-m", "0", str(image)], check=True, capture_output=True)
    place.mkdir()
    done = subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"this test mounts a file system and needs root: {done.stderr}"
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True, capture_output=True)


def _fill(place: Path) -> None:
    """Take every block that is left; what the file system had set aside for writing is taken in a second round."""
    with (place / "filler").open("ab", buffering=0) as file:
        for _ in range(4):
            size = _MEGABYTE
            while size:
                try:
                    file.write(bytes(size))
                except OSError:
                    size //= 2
            os.fsync(file.fileno())


async def test_who_gets_what_on_a_full_disk(tmp_path: Path, small_disk: Path) -> None:
    home = small_disk / "evidence"
    async with site(tmp_path) as upstream:
        options = ("--policy", str(tmp_path / "policy.yaml"), "--upstream", upstream, "--evidence", str(home))
        context = serving(tmp_path, *options)
        door = await asyncio.to_thread(context.__enter__)
        try:
            assert (await ask(door.port, "/open/before"))[0] == 200
            _fill(small_disk)
            unrecorded = 0
            for number in range(40):  # until the reserve is given up, too
                status, body = await ask(door.port, f"/open/full-{number}")
                assert (status == 200) == bool(body) or status == 503
                unrecorded += status == 503
            assert unrecorded > 10
            assert (await ask(door.port, "/open/train", GPTBOT))[0] == 503
            assert (await ask(door.port, "/shut/train", GPTBOT))[0] == 403
            assert (await ask(door.port, "/open/search", SEARCHBOT))[0] == 200
            assert (await ask(door.port, "/robots.txt", GPTBOT))[0] == 200
            assert (await ask(door.port, "/open/person", CHROME))[0] == 200
            (small_disk / "filler").unlink()
            for _ in range(100):
                if (await ask(door.port, "/open/after"))[0] == 200:
                    break
                await asyncio.sleep(0.2)
            assert (await ask(door.port, "/open/last"))[0] == 200
        finally:
            await asyncio.to_thread(context.__exit__, None, None, None)
    assert audit(home).verdict is Verdict.SOUND
    records = check(home)
    handed = {one["url.path"] for one in records if one["type"] == "crawl.request"}
    assert {"/open/before", "/open/last"} <= handed
    assert not {"/open/train", "/shut/train", "/open/search"} & handed
    counted = sum(one["count"] for one in records if one["type"] == "log.gap" and one["reason"] == "disk-full")
    assert counted >= unrecorded + 3  # theirs, and the outcomes of what went on
