"""`optout policy replay` as its user runs it, on a log."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from tests.cli.evidence.setting import HOSTILE
from tests.evidence.index.setting import NOON, make_log, record, record_id

HEAD = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"
STRICT = HEAD + "clauses:\n  - {id: no-training, action: deny, purpose: train, path: /gallery/}\n"
ROBOTS = b"User-agent: GPTBot\nDisallow: /private/\n"
GPTBOT = {
    "crawl.product": "GPTBot",
    "user_agent.original": "GPTBot/1.4",
    "server.address": "site.example",
    "url.scheme": "https",
    "http.request.method": "GET",
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Two policies, and a log: a page of the gallery, two others, one without a path, one retracted."""
    (tmp_path / "old.yaml").write_text(HEAD)
    (tmp_path / "new.yaml").write_text(STRICT)
    digest = hashlib.sha256(ROBOTS).hexdigest()
    answer = {"crawl.request.id": record_id(0), "http.response.body.size": 1204}
    log = make_log(
        tmp_path / "log",
        [
            record(0, **GPTBOT, **{"url.path": "/gallery/1"}),
            record(1, "crawl.outcome", **answer),
            record(2, **GPTBOT, **{"url.path": "/private/1", "robots.sha256": digest}),
            record(3, **GPTBOT),
            record(4, **GPTBOT, **{"url.path": "/gallery/2"}),
            record(5, "crawl.retract", **{"crawl.request.id": record_id(4)}),
            record(6, **GPTBOT, **{"url.path": "/private/2", "robots.sha256": "../new.yaml"}),
        ],
    )
    (log / "snapshots").mkdir()
    (log / "snapshots" / digest).write_bytes(ROBOTS)
    return tmp_path


def _run(place: Path, *words: str | Path) -> Result:
    policies = (str(place / "old.yaml"), str(place / "new.yaml"))
    words = ("policy", "replay", *policies, "--evidence", str(place / "log"), *map(str, words))
    return CliRunner().invoke(main, words)


def test_a_change_is_told_with_its_requests_and_what_decides(place: Path) -> None:
    done = _run(place)
    assert done.exit_code == 1
    lines = done.output.splitlines()
    assert lines[0] == "GPTBot (OpenAI, train, unverified): allow (200) -> deny (403)"
    assert lines[1] == "    1 request, 1,204 bytes were sent, as site.example/gallery/1"
    assert "no-training" in lines[2]
    assert lines[3:] == [
        "1 of 3 requests changes",
        "1 could not be judged: their path is private, or not whole on record",
    ]


def test_for_a_program(place: Path) -> None:
    told = json.loads(_run(place, "--json").output)
    counts = {name: told[name] for name in ("judged", "changed", "without_path", "unknown", "damaged")}
    assert counts == {"judged": 3, "changed": 1, "without_path": 1, "unknown": 0, "damaged": 0}
    (change,) = told["changes"]
    assert (change["count"], change["bytes"], change["examples"]) == (1, 1204, ["site.example/gallery/1"])
    assert change["after"] == {"action": "deny", "status": 403, "enforced": True}


def test_nothing_changes(place: Path) -> None:
    (place / "new.yaml").write_text(HEAD)
    done = _run(place)
    assert (done.exit_code, done.output.splitlines()[0]) == (0, "nothing changes in 3 requests")


def test_each_request_is_judged_with_the_robots_txt_that_was_in_force_for_it(place: Path) -> None:
    (place / "old.yaml").write_text(HEAD + "on_disallow: deny\n")
    (place / "new.yaml").write_text(HEAD + "on_disallow: require-license\ncontact: mailto:a@site.example\n")
    (change,) = json.loads(_run(place, "--json").output)["changes"]
    assert change["examples"] == ["site.example/private/1"]


def test_a_stretch_of_time_a_host_and_pages_can_be_chosen(place: Path) -> None:
    (place / "map.xml").write_text("<urlset><url><loc>https://site.example/gallery/1?a=1</loc></url></urlset>")
    (place / "urls").write_text("/about\n")

    def judged(*words: str | Path) -> int:
        return int(json.loads(_run(place, "--json", *words).output)["judged"])

    assert judged("--since", "2026-11-18T12:00:00.000001Z") == 2
    assert judged("--until", "2026-11-18T12:00:00Z") == 0
    assert judged("--host", "other.example") == 0
    assert judged("--sitemap", place / "map.xml") == 1
    assert judged("--urls", place / "urls") == 0
    assert NOON // 1_000_000 == 1_795_003_200


def test_nothing_of_a_stranger_s_reaches_the_terminal_as_it_is(place: Path) -> None:
    path = "/gallery/" + HOSTILE.encode("utf-8", "replace").decode()
    make_log(place / "hostile", [record(0, **GPTBOT, **{"url.path": path})])
    done = _run(place, "--evidence", place / "hostile")
    assert done.exit_code == 1
    assert all(line.isprintable() for line in done.output.splitlines())


def test_a_directory_that_is_no_log_is_a_fault_of_one_line(place: Path) -> None:
    done = _run(place, "--evidence", place)
    assert done.exit_code != 0
    assert not isinstance(done.exception, (OSError, KeyError))
