"""`optout crawlers update`, as a shell runs it. Nothing here asks the network: lists come from a bundle."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from ipaddress import ip_network
from pathlib import Path

import pytest

from optout.adapters.list_files import read_lists, write_list
from optout.adapters.list_update import published_lists
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.crawlers.registry import bundled_registry

LISTS = published_lists(bundled_registry())
GPTBOT = "https://openai.com/gptbot.json"


def run(*args: str, state: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "optout", "crawlers", "update", *args]
    environment = {**os.environ, "OPTOUT_STATE": str(state)}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)


def bundle(place: Path, *urls: str, count: int = 1, age_days: int = 0) -> Path:
    networks = tuple(ip_network((0x0B000000 + 2 * number, 32)) for number in range(count))
    fetched_us = time.time_ns() // 1000 - age_days * 86_400_000_000
    for url in urls:
        write_list(place, take_snapshot(url, b"", AddressList(prefixes=networks), fetched_us))
    return place


def test_every_list_from_a_bundle(tmp_path: Path) -> None:
    done = run("--from", str(bundle(tmp_path / "from", *LISTS)), state=tmp_path / "state")
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == len(LISTS)
    assert "taken       0 h       1 networks  GPTBot" in done.stdout
    assert len(read_lists(tmp_path / "state" / "address-lists")) == len(LISTS)


def test_what_is_missing_is_told_with_the_age_of_what_is_in_use(tmp_path: Path) -> None:
    place = tmp_path / "here"
    bundle(place, GPTBOT, age_days=20)
    from_ = bundle(tmp_path / "from", *(url for url in LISTS if url != GPTBOT))
    done = run("--from", str(from_), "--directory", str(place), state=tmp_path / "state")
    assert done.returncode == 1
    assert f"kept   20 d old!       1 networks  GPTBot\n       {GPTBOT}: not in the bundle\n" in done.stdout
    assert not (tmp_path / "state").exists()


def test_a_shrunken_list_is_taken_on_the_owners_word(tmp_path: Path) -> None:
    bundle(tmp_path / "state" / "address-lists", GPTBOT, count=9, age_days=1)
    from_ = bundle(tmp_path / "from", GPTBOT)
    done = run("--from", str(from_), "--json", state=tmp_path / "state")
    row = next(each for each in json.loads(done.stdout)["lists"] if each["url"] == GPTBOT)
    assert (row["state"], row["networks"], row["fresh"], row["crawlers"]) == ("kept", 9, True, ["GPTBot"])
    assert "less than half" in row["fault"]
    done = run("--from", str(from_), state=tmp_path / "state")
    assert "if that is right: optout crawlers update --accept-shrunk 'GPTBot'" in done.stdout
    done = run("--from", str(from_), "--json", "--accept-shrunk", "gptbot", state=tmp_path / "state")
    row = next(each for each in json.loads(done.stdout)["lists"] if each["url"] == GPTBOT)
    assert (row["state"], row["networks"], row["fault"]) == ("taken", 1, "")


@pytest.mark.parametrize("name", ["Bytespider", "nobody\x1b[2J"])
def test_a_name_without_a_list_is_an_error(name: str, tmp_path: Path) -> None:
    done = run("--accept-shrunk", name, state=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "no crawler with an address list is called" in done.stderr
    assert "\x1b" not in done.stderr
