"""Pictures of what people look at, for the docs: the demo's verdict and the page that a refused person sees.

    make pictures

The demo is drawn by rich as SVG. The page is photographed by Debian's Chromium, light, dark and phone-wide; without
it only the demo is drawn.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
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


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    draw_demo()
    photograph_page()
