"""`optout explain`: the engine's own words, in text and JSON, from files or from the site itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_network
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest
from click.testing import CliRunner

from optout.adapters.intake import now_us
from optout.adapters.list_files import list_directory, write_list
from optout.cli.explain import explain
from optout.crawlers.address_lists import AddressList
from optout.crawlers.list_snapshot import take_snapshot
from optout.errors import UsageError
from tests.signatures.signer import Signer

GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
POLICY = "version: 1\nmode: enforce\ndefault: allow\non_error: refuse\n"


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


@pytest.fixture
def robots(tmp_path: Path) -> Path:
    file = tmp_path / "robots.txt"
    file.write_text("User-agent: *\nDisallow: /gallery/\n")
    return file


def _run(*arguments: object) -> tuple[int, str]:
    result = CliRunner().invoke(explain, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.output
    return result.exit_code, result.output


def test_the_json_form_is_the_public_one(policy: Path, robots: Path) -> None:
    url = "https://site.example/gallery/a"
    code, output = _run(url, "-A", GPTBOT, "--policy", policy, "--robots", robots, "--json")
    report = json.loads(output)
    assert code == 1
    assert len(report.pop("policy_digest")) == 64
    assert {use["preference"] for use in report.pop("uses").values()} == {"unknown"}
    assert report == {
        "action": "deny",
        "status": 403,
        "clause": "robots.txt",
        "enforced": True,
        "enforced_because": "the policy enforces",
        "agent": {"name": "GPTBot", "operator": "OpenAI", "purpose": "train", "standing": "unverified"},
        "reasons": [
            {
                "code": "robots-disallow",
                "text": "Disallow: /gallery/",
                "source": {"file": "robots.txt", "line": 2},
            }
        ],
        "conflicts": [],
    }


def test_the_words_name_the_deciding_line(policy: Path, robots: Path) -> None:
    code, output = _run("https://site.example/gallery/a", "-A", GPTBOT, "--policy", policy, "--robots", robots)
    assert code == 1
    assert "deny (403)" in output
    assert "robots.txt:2 Disallow: /gallery/" in output


def test_a_person_passes_and_leaves_no_trace(policy: Path) -> None:
    code, output = _run("https://site.example/", "-A", "Mozilla/5.0 Firefox/140.0", "--policy", policy, "--offline")
    assert code == 0
    assert "leaves no trace" in output


def test_without_a_policy_everything_is_only_observed(robots: Path) -> None:
    code, output = _run("https://site.example/gallery/", "-A", GPTBOT, "--robots", robots, "--json")
    report = json.loads(output)
    assert code == 0
    assert (report["status"], report["enforced"]) == (200, False)


class _Site(BaseHTTPRequestHandler):
    files: ClassVar = {"/robots.txt": b"User-agent: GPTBot\nDisallow: /\n"}

    def do_GET(self) -> None:
        body = self.files.get(self.path, b"")
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        return


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Site)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_the_site_itself_is_asked_for_what_it_publishes(policy: Path, site: str) -> None:
    code, output = _run(f"{site}/x", "-A", GPTBOT, "--policy", policy)
    assert code == 1
    assert "robots.txt:2 Disallow: /" in output


def test_a_site_that_does_not_answer_refuses_nobody(policy: Path) -> None:
    code, output = _run("http://127.0.0.1:9/x", "-A", GPTBOT, "--policy", policy)
    assert code == 0
    assert "no robots.txt is known" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/gallery", "-A", "x", "--offline"], "absolute URL"),
        (["https://site.example/", "-A", "x", "-H", "nonsense", "--offline"], "header field"),
        (["https://site.example/", "-A", "x", "--robots", "/does/not/exist"], "cannot read"),
    ],
)
def test_what_cannot_be_used_is_said(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(explain, arguments)
    assert message in str(result.exception)


def test_foreign_text_reaches_the_terminal_escaped(policy: Path) -> None:
    _, output = _run("https://site.example/\x1b[31m", "-A", GPTBOT, "--policy", policy, "--offline")
    assert "\x1b" not in output


def test_a_site_that_is_only_observed_is_told_why(policy: Path) -> None:
    policy.write_text(POLICY + "enforce: {percent: 12.5}\n")
    code, output = _run("https://photos.example:8443/", "-A", GPTBOT, "--policy", policy, "--offline")
    assert code == 0
    assert "(200), only observed" in output
    assert "because the site's bucket is 2,088, and 12.5 percent are those below 1,250" in output


def test_the_uses_of_a_page_are_told_with_the_line_that_decided_and_contradictions(tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: *\nAllow: /\nContent-Signal: ai-train=no, search=yes\n")
    (tmp_path / "tdmrep.json").write_text('[{"location": "/", "tdm-reservation": 0}]')
    words = ["https://site.example/a", "-A", "GPTBot/1.2", "--policy", "no-training"]
    words += ["--robots", str(tmp_path / "robots.txt"), "--tdmrep", str(tmp_path / "tdmrep.json")]
    output = CliRunner().invoke(explain, words).output
    assert "uses   train disallowed (robots.txt Content-Signal:3 ai-train=no, search=yes)" in output
    assert "note   train: tdmrep.json allows what robots.txt Content-Signal disallows; the stricter stands" in output
    told = json.loads(CliRunner().invoke(explain, [*words, "--json"]).output)
    assert told["uses"]["train"]["line"] == 3
    assert told["uses"]["mine"]["preference"] == "allowed"
    assert told["conflicts"][0]["usage"] == "train"
    person = json.loads(CliRunner().invoke(explain, [*words[:2], "Mozilla/5.0", *words[3:], "--json"]).output)
    assert (person["uses"], person["conflicts"]) == ({}, [])


LICENSE = (
    '<rsl xmlns="https://rslstandard.org/rsl"><content url="/">\n'
    '<license><permits type="usage">search</permits></license></content></rsl>'
)


def test_a_license_document_that_robots_txt_names_is_heard(policy: Path, tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("License: https://site.example/l.xml\nUser-agent: *\nAllow: /\n")
    (tmp_path / "l.xml").write_text(LICENSE)
    words = ["https://site.example/a", "-A", GPTBOT, "--policy", policy, "--robots", tmp_path / "robots.txt"]
    code, output = _run(*words, "--license", tmp_path / "l.xml")
    assert code == 0
    assert "uses   train disallowed (RSL https://site.example/l.xml:2 permits only search)" in output
    assert "disallowed" not in _run(*words)[1]


def test_a_license_document_is_asked_of_the_site(policy: Path, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    robots = f"License: {site}/l.xml\nLicense: http://127.0.0.2/m.xml\n"
    monkeypatch.setattr(_Site, "files", {"/robots.txt": robots.encode(), "/l.xml": LICENSE.encode()})
    told = json.loads(_run(f"{site}/x", "-A", GPTBOT, "--policy", policy, "--json")[1])
    assert told["uses"]["train"] == {
        "preference": "disallowed",
        "source": f"RSL {site}/l.xml",
        "line": 2,
        "text": "permits only search",
    }


def test_an_address_on_the_operators_list_is_told(
    policy: Path, robots: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPTOUT_STATE", str(tmp_path / "state"))
    found = AddressList(prefixes=(ip_network("192.31.196.0/24"),))
    write_list(
        list_directory(tmp_path / "state"), take_snapshot("https://openai.com/gptbot.json", b"", found, now_us())
    )
    for ip, standing in (("192.31.196.7", "verified"), ("192.175.48.7", "unverified")):
        asked = ("https://site.example/", "-A", GPTBOT, "--policy", policy, "--robots", robots, "--json", "--ip", ip)
        assert json.loads(_run(*asked)[1])["agent"]["standing"] == standing
        words = _run(*(word for word in asked if word != "--json"))[1]
        assert f"GPTBot (OpenAI), train, {standing}: the client is " in words


def test_a_policy_token_that_is_named_reserves_its_use(policy: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens.txt"
    file.write_text("User-agent: no-training\nDisallow: /\n\nUser-agent: *\nAllow: /\n")
    words = ("https://site.example/a", "-A", GPTBOT, "--policy", policy, "--robots", file)
    code, output = _run(*words, "--policy-token", "no-training=train")
    assert code == 0
    assert "train disallowed (robots.txt group no-training:2 Disallow: /)" in output
    assert "train disallowed" not in _run(*words)[1]


@pytest.mark.parametrize("text", ["no-training", "=train", "no-training=sell"])
def test_a_policy_token_without_a_use_is_a_wrong_call(policy: Path, text: str) -> None:
    done = CliRunner().invoke(explain, ["https://site.example/", "-A", GPTBOT, "--policy-token", text, "--offline"])
    assert isinstance(done.exception, UsageError)


def test_a_signature_is_told_of_though_nobody_is_asked_for_keys(policy: Path) -> None:
    url = "https://site.example/page"
    headers = Signer().headers(url, agent='sig1="https://chatgpt.com"', created=now_us() // 1_000_000, expires=2**33)
    given = [part for name, value in headers for part in ("-H", f"{name}: {value}")]
    _, words = _run(url, "-A", "Chrome", "--policy", policy, "--offline", *given)
    assert "unverified: the signature is made to live too long" in words
