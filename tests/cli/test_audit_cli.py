"""`optout audit` on a real server with planted mistakes, and on a site behind a door of Optout's own."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from click.testing import CliRunner, Result

from optout.adapters.aiohttp import setup
from optout.adapters.probes import PROOF_PATH
from optout.cli.main import main
from optout.errors import EvidenceError, UsageError
from optout.lint.runner import fix_robots
from tests.judge import leaves
from tests.threaded import in_thread

ROBOTS = b"""# BEGIN Cloudflare Managed content
User-agent: *
Allow: /
# END Cloudflare Managed content
User-agent: *
Content-Signal: ai-train=no
Disallow: /

User-agent: GPTBot, CCBot
Disallow: x
Disallow: /caf\xc3\xa9/
"""
PAGE = b"""<head><meta name="tdm-reservation" content="0"><title>x</title></head>
<IMG alt="<b> src=no" src=/one.jpg><img src="http://other.example/two.jpg"><script>alert(1)</script>"""
ASKED: list[tuple[str, str]] = []


def _planted() -> web.Application:
    async def moved(_: web.Request) -> web.Response:
        raise web.HTTPMovedPermanently("/elsewhere/robots.txt")

    async def robots(_: web.Request) -> web.Response:
        return web.Response(body=ROBOTS, content_type="text/plain")

    async def tdmrep(_: web.Request) -> web.Response:
        policy = '[{"location": "/", "tdm-reservation": 1, "tdm-policy": "%s/policy.json"}]'
        return web.Response(text=policy % BASE[0], content_type="text/html")

    async def gallery(request: web.Request) -> web.Response:
        ASKED.append((request.path, request.headers.get("User-Agent", "")))
        more = {"Content-Usage": "train-ai: n", "X-Robots-Tag": "no-ai"}
        return web.Response(body=PAGE, content_type="text/html", headers=more)

    async def image(_: web.Request) -> web.Response:
        return web.Response(body=b"\xff\xd8", content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/robots.txt", moved)
    app.router.add_get("/elsewhere/robots.txt", robots)
    app.router.add_get("/.well-known/tdmrep.json", tdmrep)
    app.router.add_get("/gallery/", gallery)
    app.router.add_get("/one.jpg", image)
    return app


BASE = [""]


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with in_thread(_planted()) as base:
        BASE[0] = base
        yield f"{base}/gallery/"


def _run(*words: str | Path) -> Result:
    return CliRunner().invoke(main, ["audit", *map(str, words)])


def test_every_planted_mistake_is_found_and_each_says_how_to_mend_it(site: str) -> None:
    done = _run(site, "--allow-private")
    assert done.exit_code == 1, done.output
    planted = {
        *("AU103", "AU104", "AU107", "AU110", "AU117"),  # type, redirect, 1 and 0, a CDN's lines, missing terms
        *("RT110", "RT111", "RT113", "RT207"),  # two names, no slash, a bare letter, Allow: / and Disallow: /
        *("HD101", "HD108"),  # a colon for an equals sign, no-ai
    }
    codes = set(re.findall(r"\b(?:AU|RT|TD|HD|PB)\d{3}\b", done.output))
    assert planted <= codes
    lines = done.output.splitlines()
    found = [at for at, line in enumerate(lines) if re.search(r": (?:error|warning|note) [A-Z]{2}\d{3} ", line)]
    assert len(found) >= len(planted)
    assert all(lines[at + 1].strip().startswith("instead: ") for at in found)
    assert "-> " in done.output
    assert "/one.jpg" in done.output


def test_what_is_safe_to_mend_is_mended_and_then_no_longer_found(site: str) -> None:
    told = json.loads(_run(site, "--allow-private", "--json").output)
    fixable = {each["code"] for each in told["findings"] if each["fixable"] and each["file"] == "robots.txt"}
    assert fixable
    done = CliRunner().invoke(main, ["robots", "lint", "--json"], input=fix_robots(ROBOTS))
    left = set(re.findall(r"RT\d{3}", done.output))
    assert fixable.isdisjoint(left)


def test_the_table_says_for_each_crawler_whether_it_may_come_and_what_may_be_done(site: str) -> None:
    text = _run(site, "--allow-private").output
    table = text.partition("what it says of this page\n")[2].partition("\n\n")[0].splitlines()
    assert table[0].split() == ["fetch", "train", "input", "index", "search", "mine"]
    everybody = next(line for line in table if "everybody" in line)
    assert "allowed" in everybody
    assert "disallowed" in everybody


def test_for_a_program(site: str) -> None:
    told = json.loads(_run(site, "--allow-private", "--json").output)
    assert [each["status"] for each in told["answers"]] == [200, 200, 404, 200, 200, 404]
    assert [len(each["hops"]) for each in told["answers"]] == [1, 0, 0, 0, 0, 0]
    assert told["answers"][3]["fields"]["x-robots-tag"] == ["no-ai"]
    assert told["uses"]["*"]["train"] == "disallowed"
    assert {"site", "robots.txt", "page"} <= {each["file"] for each in told["findings"]}
    assert all(each["instead"] for each in told["findings"])
    assert told["declared"][0]["token"] == "*"
    assert told["probes"] == []


def test_nothing_but_the_answer_is_written_where_nobody_looks(site: str) -> None:
    assert _run(site, "--allow-private").stderr == ""


def test_a_page_to_show_stands_alone(site: str, tmp_path: Path) -> None:
    file = tmp_path / "audit.html"
    assert _run(site, "--allow-private", "--html", file).exit_code == 1
    page = file.read_text()
    assert "<script" not in page
    assert "default-src 'none'" in page
    assert "AU107" in page
    assert "prefers-color-scheme" in page
    assert "@media print" in page


def test_a_page_that_cannot_be_written_is_a_fault(site: str, tmp_path: Path) -> None:
    fault = _run(site, "--allow-private", "--html", tmp_path / "no" / "audit.html").exception
    assert isinstance(fault, EvidenceError)


def test_an_address_that_is_not_public_is_not_asked_without_a_word(site: str) -> None:
    fault = _run(site).exception
    assert isinstance(fault, UsageError)
    assert "not public" in fault.what


@pytest.mark.parametrize(
    "url", ["example.org", "ftp://example.org/", "http://", "http://127.0.0.1:1/", "http://[::1", "http://a@127.0.0.1/"]
)
def test_what_cannot_be_asked_is_a_fault(url: str) -> None:
    assert isinstance(_run(url, "--allow-private").exception, UsageError)


# The examples of docs/audit.md


def _blocks() -> list[str]:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    return re.findall(r"^```\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def _documented() -> web.Application:
    async def robots(_: web.Request) -> web.Response:
        return web.Response(body=DOCUMENTED_ROBOTS, content_type="text/plain")

    async def tdmrep(_: web.Request) -> web.Response:
        return web.Response(text='[{"location": "/", "tdm-reservation": 1}]', content_type="application/json")

    async def gallery(_: web.Request) -> web.Response:
        page = '<head><meta name="tdm-reservation" content="0"></head><img src="/one.jpg">'
        return web.Response(text=page, content_type="text/html", headers={"X-Robots-Tag": "no-ai"})

    async def image(_: web.Request) -> web.Response:
        return web.Response(body=b"\xff\xd8", content_type="image/jpeg")

    app = web.Application()
    app.router.add_get("/robots.txt", robots)
    app.router.add_get("/.well-known/tdmrep.json", tdmrep)
    app.router.add_get("/gallery/", gallery)
    app.router.add_get("/one.jpg", image)
    return app


DOCUMENTED_ROBOTS = b"""User-agent: *
Content-Signal: search=yes, ai-train=no
Allow: /

User-agent: GPTBot
User-agent: CCBot
Content-Signal: search=yes, ai-train=no
Disallow: /
"""


def test_the_example_of_the_page_is_what_the_command_says() -> None:
    with in_thread(_documented()) as base:
        text = _run(f"{base}/gallery/", "--allow-private").output.replace(base, "https://photos.example")
    assert f"$ optout audit https://photos.example/gallery/\n{text}" == _blocks()[0]


# --probe

POLICY = """version: 1
sites: ["127.0.0.1"]
default: allow
on_error: allow
mode: enforce
on_disallow: deny
on_reservation: declare
clauses:
  - id: no-datasets
    purpose: dataset
    action: deny
"""
OPEN = b"User-agent: GPTBot\nDisallow: /\n\nUser-agent: *\nAllow: /\n"
WORD = "0123456789abcdef" * 2


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[str]:
    """A site behind Optout with a log, under a policy that also refuses what robots.txt does not close."""
    (tmp_path / "policy.yaml").write_text(POLICY)

    async def robots(_: web.Request) -> web.Response:
        return web.Response(body=OPEN, content_type="text/plain")

    async def page(_: web.Request) -> web.Response:
        return web.Response(text="<p>hello", content_type="text/html")

    app = web.Application()
    app.router.add_get("/robots.txt", robots)
    app.router.add_get("/", page)
    setup(app, policy=tmp_path / "policy.yaml", evidence=tmp_path / "log", state=tmp_path / "state")
    with in_thread(app) as base:
        yield f"{base}/"


def _probed(url: str, *words: str | Path) -> tuple[Result, dict[str, dict[str, object]]]:
    done = _run(url, "--allow-private", "--probe", "--pause", "0.05", "--json", *words)
    assert done.exit_code in (0, 1), done.output
    return done, {each["purpose"]: each for each in json.loads(done.output)["probes"]}


def test_with_the_logs_key_doors_decide_as_usual_and_no_figure_knows(guarded: str, tmp_path: Path) -> None:
    done, probes = _probed(guarded, "--evidence", tmp_path / "log")
    assert (probes["train"]["declared"], probes["train"]["enforced"]) == ("closed", "refused")
    assert (probes["dataset"]["declared"], probes["dataset"]["enforced"]) == ("open", "refused")
    assert probes["search"]["enforced"] == "served"
    assert len(probes) == 13
    codes = [each["code"] for each in json.loads(done.output)["findings"]]
    assert codes.count("PB102") == 1
    assert "PB101" not in codes
    assert done.exit_code == 1
    kinds = Counter(str(leaf["type"]) for leaf in leaves(tmp_path / "log"))
    assert kinds["probe.request"] >= 4
    assert kinds["crawl.request"] == kinds["crawl.outcome"] == 0


def test_the_example_of_a_probe_is_what_the_command_says(guarded: str, tmp_path: Path) -> None:
    text = _run(guarded, "--allow-private", "--probe", "--pause", "0.05", "--evidence", tmp_path / "log").output
    command, _, example = _blocks()[1].partition("\n")
    assert command == "$ optout audit https://photos.example/ --probe --evidence /var/lib/optout/evidence"
    assert example.strip() in text


def test_without_a_key_the_site_must_serve_the_word_and_the_requests_are_ordinary(site: str) -> None:
    fault = _run(site, "--allow-private", "--probe").exception
    assert isinstance(fault, UsageError)
    assert PROOF_PATH in fault.remedy
    assert re.search(r"--nonce [0-9a-f]{32}", fault.remedy)


def test_nobody_elses_site_is_probed(site: str) -> None:
    ASKED.clear()
    fault = _run(site, "--allow-private", "--probe", "--nonce", WORD).exception
    assert isinstance(fault, UsageError)
    assert ASKED == []


def test_the_word_opens_the_way_and_what_is_not_enforced_is_found(tmp_path: Path) -> None:
    seen: list[str] = []

    async def word(_: web.Request) -> web.Response:
        return web.Response(text=f"{WORD}\n")

    async def robots(_: web.Request) -> web.Response:
        return web.Response(body=OPEN, content_type="text/plain")

    async def page(request: web.Request) -> web.Response:
        seen.append(request.headers["User-Agent"])
        assert "Optout-Probe" not in request.headers
        return web.Response(text="<p>hello", content_type="text/html")

    app = web.Application()
    app.router.add_get(PROOF_PATH, word)
    app.router.add_get("/robots.txt", robots)
    app.router.add_get("/", page)
    with in_thread(app) as base:
        done, probes = _probed(f"{base}/", "--nonce", WORD)
    assert (probes["train"]["declared"], probes["train"]["enforced"]) == ("closed", "served")
    assert [each["code"] for each in json.loads(done.output)["findings"] if each["file"] == "probe"] == ["PB101"]
    assert len(seen) == 1 + 1 + 13  # the page, as a person, and once as each class


@pytest.mark.parametrize("words", [("--nonce", WORD), ("--evidence", "log")])
def test_what_is_for_probes_is_a_fault_without_them(words: tuple[str, ...]) -> None:
    assert isinstance(_run("http://127.0.0.1/", *words).exception, UsageError)
