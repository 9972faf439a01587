"""`optout audit` and license documents: their addresses are the site's choice, and lead nowhere inside a network."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from click.testing import CliRunner, Result

from optout.cli.main import main

FILES = {
    "/robots.txt": (
        "text/plain",
        b"User-agent: *\nContent-Signal: ai-train=no\n\nUser-agent: GPTBot, CCBot\nDisallow: x\n",
    ),
    "/.well-known/tdmrep.json": ("text/html", b'[{"location": "/", "tdm-reservation": 1}]'),
    "/gallery/": ("text/html", b'<head><meta name="tdm-reservation" content="0"></head>'),
}


LINKS: list[str] = []
ASKED: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        media_type, body = FILES.get(self.path, ("text/plain", b""))
        ASKED.append(self.path)
        self.send_response(200 if self.path in FILES else 404)
        self.send_header("Content-Type", media_type)
        for url in LINKS:
            port = self.connection.getsockname()[1]
            self.send_header("Link", f'<{url.format(port=port)}>; rel="license"; type="application/rsl+xml"')
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


@pytest.fixture
def links() -> Iterator[list[str]]:
    ASKED.clear()
    yield LINKS
    LINKS.clear()
    FILES.pop("/license.xml", None)


def test_a_license_document_that_the_site_names_is_asked_for_linted_and_heard(site: str, links: list[str]) -> None:
    links.append("http://127.0.0.1:{port}/license.xml")
    document = (
        b'<rsl xmlns="https://rslstandard.org/rsl"><content url="/"><license>\n'
        b'<prohibits type="usage">ai-index,x</prohibits></license></content></rsl>'
    )
    FILES["/license.xml"] = ("application/rsl+xml", document)
    done = _run(site, "--allow-private")
    assert "/license.xml:2: error RL110" in done.output
    assert "/license.xml:2: warning RL111" in done.output
    told = json.loads(_run(site, "--allow-private", "--json").output)
    assert [each["status"] for each in told["answers"]][4:] == [200]
    assert told["uses"]["*"]["index"] == "disallowed"


def test_no_more_than_four_license_documents_are_asked_for(site: str, links: list[str]) -> None:
    links.extend(f"http://127.0.0.1:{{port}}/{number}.xml" for number in range(9))
    assert _run(site, "--allow-private").exit_code == 1
    assert [path for path in ASKED if path.endswith(".xml")] == ["/0.xml", "/1.xml", "/2.xml", "/3.xml"]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.2:{port}/license.xml",
        "http://[::1]:{port}/license.xml",
        "http://localhost:{port}/license.xml",
        "http://169.254.169.254/latest/meta-data/",
        "http://0x7f.1:{port}/license.xml",
        "http://user:word@127.0.0.1:{port}/license.xml",
        "http://127.0.0.1:99999/license.xml",
        "http://[:/license.xml",
    ],
)
def test_a_site_cannot_make_the_audit_ask_inside_a_network(site: str, links: list[str], url: str) -> None:
    links.append(url)
    done = _run(site, "--allow-private")
    assert "AU111" in done.output
    assert "/license.xml" not in ASKED
