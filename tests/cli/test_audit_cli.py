"""`optout audit` on a real server with planted mistakes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main
from optout.errors import UsageError

FILES = {
    "/robots.txt": (
        "text/plain",
        b"User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot, CCBot\nDisallow: x\n",
    ),
    "/.well-known/tdmrep.json": ("text/html", b'[{"location": "/", "tdm-reservation": 1}]'),
    "/gallery/": ("text/html", b'<head><meta name="tdm-reservation" content="0"></head>'),
}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        media_type, body = FILES.get(self.path, ("text/plain", b""))
        self.send_response(200 if self.path in FILES else 404)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/gallery/"
        server.shutdown()


def _run(*words: str) -> Result:
    return CliRunner().invoke(main, ["audit", *words])


def test_five_planted_mistakes_are_found(site: str) -> None:
    done = _run(site, "--allow-private")
    assert done.exit_code == 1, done.output
    for code in ("RT202", "RT110", "RT111", "AU103", "AU107"):
        assert code in done.output
    assert "200  " in done.output
    assert "everybody: " in done.output


def test_for_a_program(site: str) -> None:
    told = json.loads(_run(site, "--allow-private", "--json").output)
    assert [each["status"] for each in told["answers"]] == [200, 200, 404, 200]
    assert told["uses"]["*"]["train"] == "disallowed"
    assert {each["file"] for each in told["findings"]} == {"site", "robots.txt"}


def test_an_address_that_is_not_public_is_not_asked_without_a_word(site: str) -> None:
    fault = _run(site).exception
    assert isinstance(fault, UsageError)
    assert "not public" in fault.what


@pytest.mark.parametrize("url", ["example.org", "ftp://example.org/", "http://", "http://127.0.0.1:1/"])
def test_what_cannot_be_asked_is_a_fault(url: str) -> None:
    assert isinstance(_run(url, "--allow-private").exception, UsageError)
