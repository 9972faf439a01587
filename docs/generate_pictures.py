"""Pictures of what people look at, for the docs: the demo's verdict, the page that a refused person sees, the review.

    make pictures

The demo is drawn by rich as SVG. The page is photographed by Debian's Chromium, light, dark and phone-wide; without
it only the demo is drawn.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
import tempfile
from importlib.resources import files
from io import StringIO
from pathlib import Path

from rich.console import Console

from optout.cli.demo.report import print_report
from optout.cli.demo.run import run
from optout.crawlers.registry import bundled_registry
from optout.engine import Engine
from optout.policy.loader import load_policy, policy_set
from optout.signals.declaration import NOTHING_KNOWN
from optout.testing import make_request

PICTURES = Path(__file__).parent / "pictures"
POLICY = """
version: 1
sites: [atelier.example]
mode: enforce
default: require-license
on_error: refuse
contact: rights@atelier.example
terms: https://atelier.example/terms
license: https://atelier.example/license.xml
"""
GPTBOT = "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; GPTBot/1.4; +https://openai.com/gptbot"
SIZES = {"light": ("900,760", ()), "dark": ("900,760", ("--force-dark-mode",)), "phone": ("500,1000", ())}


def draw_demo() -> None:
    """`demo.svg`, from a run of the demo itself."""
    with tempfile.TemporaryDirectory() as place:
        result = asyncio.run(run(Path(place)))
    console = Console(record=True, width=118, highlight=False, file=StringIO())
    print_report(result, kept=None, console=console)
    svg = re.sub(r"@font-face \{.*?\}", "", console.export_svg(title="optout demo"), flags=re.DOTALL)
    (PICTURES / "demo.svg").write_text(svg, encoding="utf-8")  # without the fonts that rich has on a foreign host


def photograph_page() -> None:
    """`refusal-*.png`, from the page that the engine answers with."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no chromium: the page is not photographed")
        return
    registry = bundled_registry()
    judge = Engine(policy_set([load_policy(POLICY.encode(), "policy.yaml", registry)]), registry)
    request = make_request("https://atelier.example/gallery/", GPTBOT, headers=[("Accept", "text/html")])
    outcome = judge.explain(request, NOTHING_KNOWN)
    if outcome is None or outcome.response is None:
        raise SystemExit("the policy above refuses nobody")
    with tempfile.TemporaryDirectory() as place:
        page = Path(place) / "page.html"
        page.write_bytes(outcome.response.body)
        for name, (size, options) in SIZES.items():
            subprocess.run(  # noqa: S603  our own page, and a program that was found on the PATH
                [
                    *(chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
                    *(f"--user-data-dir={place}/{name}", f"--window-size={size}", "--hide-scrollbars", *options),
                    *(f"--screenshot={PICTURES / f'refusal-{name}.png'}", page.as_uri()),
                ],
                check=True,
                stderr=subprocess.DEVNULL,
            )


PAGES = {
    "overview": "/",
    "records": "/records",
    "record": "/records/{id}",
    "crawler": "/crawlers/GPTBot",
    "works": "/works",
    "policy": "/policy?url=https://atelier.example/gallery/heron.png",
    "export": "/export?crawler=GPTBot",
}
WORKS = """title,path,creator,image_id
Heron,/gallery/heron.png,Studio,A-1
All of the gallery,/gallery/*,Studio,
Letters,/letters/*,Studio,
"""


def photograph_review() -> None:
    """`review-*.png`: every page over the demo's log, light, dark, on a phone and on paper."""
    chromium, on_paper = shutil.which("chromium"), shutil.which("pdftoppm")
    if chromium is None or on_paper is None:
        print("no chromium or no pdftoppm: the review is not photographed")
        return
    style = (files("optout.review") / "static" / "style.css").read_text()
    with tempfile.TemporaryDirectory() as place:
        home = Path(place) / "demo"
        demo = [sys.executable, "-m", "optout", "demo", "--keep", str(home)]
        subprocess.run(demo, check=True, capture_output=True)  # noqa: S603
        (home / "works.csv").write_text(WORKS)
        names = json.loads(_page(home, "/records.json?crawler=GPTBot&action=deny"))
        for name, path in PAGES.items():
            text = _page(home, path.format(id=names["rows"][0]["id"]))
            file = Path(place) / f"{name}.html"
            file.write_text(re.sub(r'<link rel="stylesheet"[^>]*>', lambda _: f"<style>{style}</style>", text))
            for look, (size, options) in {**SIZES, "light": ("1100,900", ()), "dark": ("1100,900", _DARK)}.items():
                picture = PICTURES / f"review-{name}-{look}.png"
                _draw(chromium, place, file, f"--window-size={size}", *options, f"--screenshot={picture}")
            _draw(chromium, place, file, "--no-pdf-header-footer", f"--print-to-pdf={place}/{name}.pdf")
            picture = PICTURES / f"review-{name}-print"
            subprocess.run(  # noqa: S603  a program that was found on the PATH
                [on_paper, "-png", "-r", "60", "-singlefile", f"{place}/{name}.pdf", str(picture)], check=True
            )


_DARK = ("--force-dark-mode", "--blink-settings=preferredColorScheme=0")


def _page(home: Path, path: str) -> str:
    words = ["--policy", str(home / "policy.yaml"), "--works", str(home / "works.csv"), "--by", "the owner"]
    command = [sys.executable, "-m", "optout", "review", str(home / "evidence-gateway"), *words, "--get", path]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def _draw(chromium: str, place: str, file: Path, *options: str) -> None:
    fixed = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--hide-scrollbars")
    command = [chromium, *fixed, f"--user-data-dir={place}/browser", *options, file.as_uri()]
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)  # noqa: S603


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    draw_demo()
    photograph_page()
    photograph_review()
