"""`optout compile`: files into a directory or onto the terminal, and the losses beside them."""

from __future__ import annotations

import json
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from optout.cli.compile import compile_policy
from optout.errors import OptoutError

POLICY = """
version: 1
mode: enforce
default: allow
on_error: refuse
sites: [site.example]
clauses:
  - {id: no, action: deny, purpose: train, path: /a/, reason: No.}
"""


@pytest.fixture
def policy(tmp_path: Path) -> str:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return str(path)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(compile_policy, arguments, catch_exceptions=False)


def test_files_are_written_and_losses_are_told(policy: str, tmp_path: Path) -> None:
    (tmp_path / "robots.txt").write_text("User-agent: GPTBot\nDisallow: /b/\n")
    done = run(
        *("nginx", "--policy", policy, "--site", "site.example", "--robots", str(tmp_path / "robots.txt")),
        *("--out", str(tmp_path / "out")),
    )
    assert done.exit_code == 0
    assert "Disallow: /b/" in (tmp_path / "out" / "optout-server.conf").read_text()
    assert "wrote" in done.stderr
    assert "loss off-switch: " in done.stderr
    assert "next: nginx -t" in done.stderr


def test_without_a_directory_the_files_are_printed(policy: str) -> None:
    done = run("nginx", "--policy", policy, "--site", "site.example")
    assert "map " in done.stdout
    assert "are not known" in done.stderr


@pytest.mark.parametrize("front", ["nginx", "caddy", "haproxy", "apache"])
def test_json_holds_files_and_losses(front: str, policy: str) -> None:
    told = json.loads(run(front, "--policy", policy, "--site", "site.example", "--json").stdout)
    assert told["files"]
    assert {"code", "text", "remedy"} == set(told["losses"][0])


def test_routing_needs_no_site(policy: str, tmp_path: Path) -> None:
    run("nginx", "--route", "--policy", policy, "--socket", "unix:/x/y.sock", "--out", str(tmp_path / "out"))
    assert "unix:/x/y.sock" in (tmp_path / "out" / "route-http.conf").read_text()
    assert "return 503" in (tmp_path / "out" / "route-server.conf").read_text()


def test_the_files_that_a_policy_names_are_read(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("User-agent: GPTBot\nDisallow: /from-file/\n")
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY + "documents: {from: files, robots: r.txt}\n")
    assert "/from-file/" in run("nginx", "--policy", str(path), "--site", "site.example").stdout


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (("nginx",), "no site is named"),
        (("nginx", "--site", "other.example"), "no policy is for other.example"),
        (("nginx", "--site", "https://x"), "is no host name"),
        (("nginx", "--site", "site.example", "--socket", "unix:/x"), "--socket is for --route"),
        (("nginx", "--site", "site.example", "--robots", "/none"), "cannot read /none"),
        (("nginx", "--route", "--socket", "unix:/x y"), "names no socket"),
        (("haproxy", "--route"), "--route is not for haproxy"),
        (("nginx", "--site", "site.example", "--upstream", "http://x", "--robots", "/none"), "--upstream was given"),
    ],
)
def test_what_cannot_be_is_said_so(arguments: tuple[str, ...], what: str, policy: str) -> None:
    with pytest.raises(OptoutError, match=what):
        run(*arguments, "--policy", policy)


def test_a_site_that_does_not_answer_is_no_site_without_documents(policy: str) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        with pytest.raises(OptoutError, match="could not be read"):
            run("nginx", "--policy", policy, "--site", "site.example", "--upstream", f"http://127.0.0.1:{port}")


def test_a_site_that_answers_every_path_with_a_page_has_no_tdmrep_json_but_must_have_a_robots_txt(policy: str) -> None:
    class Page(BaseHTTPRequestHandler):
        robots = b"User-agent: *\nDisallow: /drafts/\n"

        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.robots if self.path == "/robots.txt" else b"<!DOCTYPE html><title>A page</title>")

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        asked = ("nginx", "--policy", policy, "--site", "site.example", "--upstream")
        done = run(*asked, f"http://127.0.0.1:{server.server_port}")
        assert done.exit_code == 0
        assert "tdmrep.json is taken for unknown" in done.stderr
        assert "/drafts/" in done.stdout
        Page.robots = b"<html>Log in</html>"
        with pytest.raises(OptoutError, match=r"robots\.txt could not be read"):
            run(*asked, f"http://127.0.0.1:{server.server_port}")
        server.shutdown()


def test_documents_that_the_policy_makes_are_taken_for_published(policy: str) -> None:
    path = Path(policy)
    path.write_text(f"{POLICY}documents:\n  from: generated\n  base: |\n    User-agent: *\n    Disallow: /admin/\n")
    done = run("nginx", "--policy", policy, "--site", "site.example")
    assert "Disallow: /admin/" in done.stdout
    assert "are not known" not in done.stderr
