"""`optout robots explain` and `optout robots batch`, as a shell runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from optout.cli.main import main
from optout.cli.robots import DIALECTS, batch
from optout.robots.dialects import Dialect

ROBOTS = """\
User-agent: GPTBot
Disallow: /gallery/   # mine
Allow: /
Allow: /gallery/
Disallow: /*.jpg$

User-agent: *
Crawl-delay: 5
Disallow: /private
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "robots.txt"
    path.write_text(ROBOTS, encoding="utf-8")
    return path


def run(*args: str | Path, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "optout", "robots", *map(str, args)]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def test_explain_points_at_the_line_that_decides(file: Path) -> None:
    done = run("explain", file, "https://site.example/p.jpg#top", "--token", "gptbot")
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.decode() == (
        f"gptbot: /p.jpg is disallowed\n"
        f"  group    {file}:1  User-agent: GPTBot\n"
        f"  decides  {file}:5  Disallow: /*.jpg$\n"
        f"{' ' * len(f'  decides  {file}:5  Disallow: ')}^^^^^^^ 7 octets\n"
        f"  because  the matching rule with the most octets decides\n"
        f"  not      {file}:3  Allow: /  (shorter: 1 octet against 7)\n"
    )


def test_explain_says_why_the_other_matching_rules_did_not_decide(file: Path) -> None:
    done = run("explain", file, "/gallery/a.jpg", "--token", "GPTBot", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert report["rule"] == {"line": 4, "text": "Allow: /gallery/", "allow": True, "pattern": "/gallery/", "octets": 9}
    assert [(rule["line"], rule["why"]) for rule in report["others"]] == [
        (2, "as long, but Allow wins a tie"),
        (5, "shorter: 7 octets against 9"),
        (3, "shorter: 1 octet against 9"),
    ]


def test_explain_takes_tokens_in_order_of_preference(file: Path) -> None:
    def asked(*tokens: str) -> tuple[object, object, object]:
        options = [word for token in tokens for word in ("--token", token)]
        report = json.loads(run("explain", file, "/private", "--json", *options).stdout)
        return report["token"], report["everyone"], report["allowed"]

    assert asked("Unheard", "GPTBot") == ("GPTBot", False, True)
    assert asked("Unheard") == ("*", True, False)


@pytest.mark.parametrize(
    ("text", "url", "why"),
    [
        ("User-agent: b\nDisallow: /\n", "/", "no group names the crawler, and there is none for *"),
        ("User-agent: a\nDisallow: /x\n", "/", "no rule of the group matches the path"),
        ("User-agent: a\nDisallow: /\n", "/robots.txt", "/robots.txt is always allowed"),
    ],
)
def test_explain_says_why_nothing_decides(text: str, url: str, why: str) -> None:
    done = run("explain", "-", url, "--token", "a", "--json", stdin=text.encode())
    report = json.loads(done.stdout)
    assert (done.returncode, report["allowed"], report["rule"], report["why"]) == (0, True, None, why)


def test_explain_lists_the_faults_of_the_file() -> None:
    text = b"User-agent: a\nDisalow: /\nDisallow: /\nDisallow: /\n"
    done = run("explain", "-", "/x", "--token", "a", stdin=text)
    assert b"not      robots.txt:4  Disallow: /  (as long and says the same, further down)" in done.stdout
    assert b"faults   1 in the file; --json lists them" in done.stdout
    report = json.loads(run("explain", "-", "/x", "--token", "a", "--json", stdin=text).stdout)
    assert [(fault["line"], fault["code"]) for fault in report["faults"]] == [(2, "unknown-key")]


def test_explain_lets_no_octet_of_the_file_or_the_url_reach_the_terminal() -> None:
    text = "User-agent: \x1b[31ma\nDisallow: /\x1b]8;;\u202e*\n".encode() + b"Disallow: \xff\x9b\n"
    done = run("explain", "-", "/\x1b]8;;\u202e\x9b", "--token", "\x1b[31ma", stdin=text)
    assert done.returncode == 1
    assert b"\x1b" not in done.stdout
    assert "\u202e".encode() not in done.stdout
    lines = done.stdout.decode().splitlines()
    assert lines[2].index("/\\x1b") == lines[3].index("^")


def test_batch_answers_line_by_line(file: Path) -> None:
    done = run("batch", file, stdin=b"GPTBot\thttps://site.example/p.jpg?x\ngptbot\tgallery/a\r\nx\t/private#a\nx\t/\n")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"allow\t3\nallow\t4\ndisallow\t9\nallow\t0\n", b"")


def test_batch_answers_for_protego(file: Path) -> None:
    done = run("batch", file, "--dialect", "protego", stdin=b"Mozilla/5.0 (compatible; GPTBot/1.0)\t/p.jpg\n")
    assert (done.returncode, done.stdout) == (0, b"disallow\t0\n")


def test_batch_marks_a_line_that_asks_nothing(file: Path) -> None:
    done = run("batch", file, stdin=b"GPTBot /\n\nx\t/private\n\xff\xfe\x00\n")
    assert (done.returncode, done.stdout) == (2, b"error\t0\nerror\t0\ndisallow\t9\nerror\t0\n")


def test_batch_takes_any_octets_and_a_last_line_without_an_end(file: Path) -> None:
    done = run("batch", file, stdin=b"\xff\t/\xff\x00\n\t/private\nGPTBot\t/a\tb.jpg\nx\t")
    assert (done.returncode, done.stdout) == (0, b"allow\t0\ndisallow\t9\ndisallow\t5\nallow\t0\n")


def test_batch_of_nothing_answers_nothing(file: Path) -> None:
    assert run("batch", file).stdout == b""


def test_batch_prints_json(file: Path) -> None:
    done = run("batch", file, "--json", stdin=b"x\t/private\nno\n")
    assert [json.loads(line) for line in done.stdout.splitlines()] == [
        {"token": "x", "url": "/private", "allowed": False, "line": 9},
        {"token": "no", "url": "", "allowed": None, "line": 0},
    ]


def test_batch_answers_while_its_input_is_open(file: Path) -> None:
    command = [sys.executable, "-m", "optout", "robots", "batch", str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"x\t/private\nGPT")
        process.stdin.flush()
        assert process.stdout.readline() == b"disallow\t9\n"
        process.stdin.write(b"Bot\t/\n")
        process.stdin.close()
        assert process.stdout.read() == b"allow\t3\n"
    assert process.returncode == 0


def test_a_line_longer_than_a_read_is_one_question(file: Path) -> None:
    done = run("batch", file, stdin=b"x\t/private" + b"a" * 300_000 + b"\nx\t/\n")
    assert (done.returncode, done.stdout) == (0, b"disallow\t9\nallow\t0\n")


def test_batch_offers_every_dialect() -> None:
    (option,) = [each for each in batch.params if each.name == "dialect"]
    assert list(option.type.choices) == list(Dialect)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "args",
    [("explain", "missing.txt", "/", "--token", "a"), ("explain", "-", "/"), ("batch", "-"), ("batch", "missing.txt")],
)
def test_a_wrong_call_is_a_fault_of_its_own(args: tuple[str, ...]) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"Usage" in done.stderr


def test_the_dialects_that_can_be_named_are_those_that_there_are() -> None:
    assert tuple(Dialect) == DIALECTS


def test_compare_shows_who_differs(tmp_path: Path) -> None:
    file = tmp_path / "robots.txt"
    file.write_text("User-agent: Google\nDisallow: /\n")
    done = CliRunner().invoke(
        main, ["robots", "compare", str(file), "/a", "/b", "--token", "Googlebot", "--token", "Google"]
    )
    assert done.exit_code == 1
    assert done.output.count("disallow:2 *") == 4
    assert done.output.count("Googlebot  /") == 2
    assert "* differs" in done.output


def test_compare_for_a_program(tmp_path: Path) -> None:
    file = tmp_path / "robots.txt"
    file.write_text("User-agent: *\nDisallow: /a\n")
    done = CliRunner().invoke(main, ["robots", "compare", str(file), "/a", "--token", "x", "--json"])
    assert done.exit_code == 0
    told = json.loads(done.output)
    assert told["agree"]
    assert told["answers"][0]["readings"]["google"] == {"allowed": False, "line": 2}
    assert told["answers"][0]["readings"]["protego"] == {"allowed": False, "line": 0}


def test_compare_prints_nothing_of_a_stranger_s_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "robots.txt"
    file.write_bytes(b"User-agent: *\nDisallow: /\x1b[31m\n")
    done = CliRunner().invoke(main, ["robots", "compare", str(file), "/\x1b[31m", "--token", "\u202ex"])
    assert "\x1b" not in done.output
    assert "\u202e" not in done.output


def test_render_writes_the_same_in_one_form(tmp_path: Path) -> None:
    path = tmp_path / "robots.txt"
    path.write_bytes(b"user-agent: a\nSitemap: https://a.example/s\nuser-agent: b\ndisallow: /%61\nnonsense\n")
    done = CliRunner().invoke(main, ["robots", "render", str(path)])
    assert done.stdout.splitlines() == [
        "User-agent: a", "User-agent: b", "Disallow: /a", "", "Sitemap: https://a.example/s",
    ]  # fmt: skip
    assert "1 faults in what was read" in done.stderr
    told = json.loads(CliRunner().invoke(main, ["robots", "render", "-", "--json"], input="nonsense").output)
    assert (told["text"], [each["code"] for each in told["faults"]]) == ("", ["missing-colon"])
