"""`optout robots diff`, as a shell runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "old.txt").write_text("User-agent: *\nAllow: /\n")
    (tmp_path / "new.txt").write_text("User-agent: GPTBot\nDisallow: /gallery/\n\nUser-agent: *\nAllow: /\n")
    return tmp_path


def _run(place: Path, *words: str) -> Result:
    return CliRunner().invoke(main, ["robots", "diff", str(place / "old.txt"), str(place / "new.txt"), *words])


def test_what_changes_is_told_with_both_lines(place: Path) -> None:
    done = _run(place)
    assert done.exit_code == 1
    assert "- gptbot: /gallery/ may not be fetched any more" in done.output
    assert "old.txt:2  Allow: /" in done.output
    assert "new.txt:2  Disallow: /gallery/" in done.output


def test_a_file_against_itself_changes_nothing(place: Path) -> None:
    (place / "new.txt").write_text((place / "old.txt").read_text())
    done = _run(place)
    assert (done.exit_code, done.output) == (0, "nothing changes\n")


def test_pages_of_a_list_and_of_a_sitemap_are_asked_for(place: Path) -> None:
    (place / "urls").write_text("https://site.example/gallery/1\n\n/about\n")
    (place / "map.xml").write_text("<urlset><url><loc>https://site.example/gallery/2?a=1&amp;b=2</loc></url></urlset>")
    told = json.loads(_run(place, "--urls", str(place / "urls"), "--sitemap", str(place / "map.xml"), "--json").output)
    assert told["asked"] == 3
    assert [flip["path"] for flip in told["flips"]] == ["/gallery/1", "/gallery/2?a=1&b=2"]
    assert told["flips"][0]["after"] == {"allowed": False, "rule": {"line": 2, "text": "Disallow: /gallery/"}}


def test_one_crawler_alone(place: Path) -> None:
    assert _run(place, "--token", "CCBot").exit_code == 0


def test_nothing_of_a_stranger_s_reaches_the_terminal_as_it_is(place: Path) -> None:
    (place / "new.txt").write_bytes(b"User-agent: \x1b[31m\nDisallow: /\x07\xe2\x80\xae\n")
    output = _run(place).output
    assert not {"\x1b", "\x07", "\u202e"} & set(output)
