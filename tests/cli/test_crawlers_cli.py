"""`optout crawlers list`, `show` and `identify`, as a shell runs them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from optout.crawlers.registry import bundled_registry
from tests.crawlers.test_check import OWN

REGISTRY = bundled_registry()


def run(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "optout", "crawlers", *args]
    return subprocess.run(command, input=stdin, capture_output=True, check=False)


def out(*args: str, stdin: bytes = b"") -> str:
    done = run(*args, stdin=stdin)
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_list_shows_every_crawler_on_a_line_of_its_own() -> None:
    lines = out("list").splitlines()
    assert len(lines) == len(REGISTRY.crawlers)
    assert [line.split("  ")[0] for line in lines] == sorted((each.name for each in REGISTRY.crawlers), key=str.lower)
    assert "Applebot " in out("list", "--operator", "apple").splitlines()[1]


def test_list_selects_by_purpose_and_operator() -> None:
    rows = json.loads(out("list", "--purpose", "train", "--operator", "OPENAI", "--json"))
    assert rows == [
        {"name": "GPTBot", "operator": "OpenAI", "purpose": "train", "purposes": ["train"], "honors_robots": "claimed"}
    ]
    assert out("list", "--purpose", "search-index").count("Applebot") == 1
    assert out("list", "--purpose", "seo", "--operator", "OpenAI") == ""


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("list", "--purpose", "training"), "no crawler has the purpose 'training'\n  Did you mean 'train'?"),
        (("list", "--operator", "Anthropc"), "no crawler has the operator 'Anthropc'\n  Did you mean 'Anthropic'?"),
        (("list", "--purpose", "x\x1b[31m"), "no crawler has the purpose 'x\\x1b[31m'\n  Known: train, dataset, "),
        (("list", "--operator", "zzzz"), "no crawler has the operator 'zzzz'\n  `optout crawlers list` shows all."),
        (("show", "ClaudBot"), "no crawler is called 'ClaudBot'\n  Did you mean 'ClaudeBot'?"),
        (("show", "zzzzzz"), "no crawler is called 'zzzzzz'\n  `optout crawlers list` shows all names."),
    ],
)
def test_an_unknown_word_is_answered_with_a_known_one(args: tuple[str, ...], message: str) -> None:
    done = run(*args)
    assert (done.returncode, done.stdout) == (2, b"")
    assert message in done.stderr.decode()


def test_show_tells_all_that_is_known_and_from_where() -> None:
    text = out("show", "gptbot")
    assert text.splitlines()[0] == "GPTBot"
    assert "  purpose: train\n" in text
    assert "  honors robots.txt: claimed\n" in text
    assert "  can be verified by: address list https://openai.com/gptbot.json\n" in text
    assert "  source: 2026-11-24 https://developers.openai.com/api/docs/bots (purposes, tokens, " in text


def test_show_says_what_cannot_be_known() -> None:
    assert "  in user agents: never: nothing there names it\n" in out("show", "ChatGPT agent")
    assert "  can be verified by: signature of chatgpt.com\n" in out("show", "ChatGPT agent")
    assert "  can be verified by: nothing: a claim by this name stays a claim\n" in out("show", "Bytespider")
    assert "  governs requests of: Googlebot\n" in out("show", "Google-Extended")
    assert "  can be verified by: reverse DNS ending in .naver.com\n" in out("show", "Yeti")


def test_show_as_json_is_the_whole_entry() -> None:
    entry = json.loads(out("show", "Applebot", "--json"))
    assert entry["purposes"] == ["search", "search-index"]
    assert entry["robots_tokens"] == ["Applebot", "Googlebot"]
    assert entry["sources"][0] == {
        "text": "https://support.apple.com/en-us/119829",
        "date": "2026-11-24",
        "facts": entry["sources"][0]["facts"],
    }


LINES = (
    b"Mozilla/5.0 (compatible; GPTBot/1.4; +https://openai.com/gptbot)\n"
    b"Mozilla/5.0 (X11; Linux x86_64) Chrome/142.0 Safari/537.36\n"
    b"\n"
    b"\xff\xfe\x00 Kagibot/1.0 \xe2\x80\x91\r\n"
    b"a\x0bb\x1cc\xc2\x85d kagi-fetcher/1.0\n"
    b"Applebot-Extended"
)


def test_identify_answers_each_line_with_three_columns() -> None:
    assert out("identify", stdin=LINES).split("\n") == [
        "GPTBot\tOpenAI\ttrain",
        "\t\t",
        "\t\t",
        "Kagibot / kagi-fetcher\tKagi\tsearch",
        "Kagibot / kagi-fetcher\tKagi\tuser-fetch",
        "Applebot-Extended\tApple\tcontrol-token",
        "",
    ]


def test_identify_as_json_answers_each_line_with_an_object() -> None:
    answers = [json.loads(line) for line in out("identify", "--json", stdin=LINES).splitlines()]
    assert answers[0] == {"name": "GPTBot", "operator": "OpenAI", "purpose": "train", "contradiction": ""}
    assert answers[1] == {"name": None, "operator": None, "purpose": None, "contradiction": ""}
    assert answers[5]["contradiction"].startswith(
        "Applebot-Extended is a robots.txt token and travels in no user agent"
    )


def test_identify_of_nothing_says_nothing() -> None:
    assert out("identify") == ""


def test_identify_answers_before_the_next_question() -> None:
    command = [sys.executable, "-m", "optout", "crawlers", "identify"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as program:
        assert program.stdin is not None
        assert program.stdout is not None
        for question, answer in ((b"GPTBot/1.4\n", b"GPTBot\tOpenAI\ttrain\n"), (b"nobody\n", b"\t\t\n")):
            program.stdin.write(question)
            program.stdin.flush()
            assert program.stdout.readline() == answer


def test_check_looks_at_the_registry_and_at_a_file_of_one_s_own(tmp_path: Path) -> None:
    assert out("check") == f"{len(REGISTRY.crawlers)} crawlers\n"
    file = tmp_path / "my-crawlers.yaml"
    file.write_text(OWN)
    assert out("check", str(file)) == f"{len(REGISTRY.crawlers) + 1} crawlers, 1 of them from {file}\n"
    found = json.loads(out("check", str(file), "--json"))
    assert (found["own"], found["problems"], found["file"]) == (1, [], str(file))
    file.write_text(OWN.replace("[OwnBot]", "[OwnBot, Safari]"))
    done = run("check", str(file))
    assert (done.returncode, done.stderr) == (1, b"")
    assert done.stdout.startswith(b"my-crawlers.yaml: Own Bot: it takes examples of ")
    assert run("check", str(tmp_path / "none.yaml")).returncode == 2


def test_every_command_knows_a_crawler_of_one_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path))
    (tmp_path / "crawlers.yaml").write_text(OWN)
    assert out("identify", stdin=b"OwnBot/1.0\n") == "Own Bot\tExample Corp\ttrain\n"
    assert "source: 2026-11-27 my log" in out("show", "Own Bot")
    policy = tmp_path / "policy.yaml"
    policy.write_text(
        "version: 1\nmode: enforce\ndefault: allow\non_error: allow\nclauses:\n- {crawler: Own Bot, action: deny}\n"
    )
    words = ("explain", "https://a.example/", "--user-agent", "OwnBot/1.0", "--policy", str(policy), "--json")
    done = subprocess.run([sys.executable, "-m", "optout", *words], capture_output=True, check=False)
    assert json.loads(done.stdout)["status"] == 403
