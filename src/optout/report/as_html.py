"""A report as one HTML file: it loads nothing and runs nothing, and says so to the browser (CSP Level 3)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator

from optout.report.foreign import visible
from optout.report.sheet import (
    LONGEST_CELL,
    Block,
    Facts,
    Grid,
    Heading,
    Items,
    NewPage,
    Quote,
    Sheet,
    Signature,
    Text,
)

_LONGEST_TEXT = 4000
_STYLE = (
    ":root{color-scheme:light dark;--ink:#1b1b1b;--ground:#fff;--rule:#bbb;--claim:#fdf6e3;--code:#f4f4f1;"
    "--alarm:#a40000}"
    "@media (prefers-color-scheme:dark){:root{--ink:#e8e6e1;--ground:#16181b;--rule:#555;--claim:#2d2818;"
    "--code:#22252a;--alarm:#ff8a80}}"
    "body{font:12pt/1.45 Georgia,serif;color:var(--ink);background:var(--ground);max-width:60rem;margin:2rem auto;"
    "padding:0 1rem}"
    "h1{font-size:1.5rem;line-height:1.2}h2{font-size:1.15rem;margin-top:1.8rem}"
    ".wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font:10pt/1.35 system-ui,sans-serif}"
    "td,th{text-align:left;vertical-align:top;border-bottom:1px solid var(--rule);padding:.25rem .4rem;"
    "overflow-wrap:anywhere}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:normal}"
    ".claim{background:var(--claim)}.alarm{color:var(--alarm);font-weight:bold}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:bold}dd{margin:0;"
    "overflow-wrap:anywhere}"
    "pre{font-size:9pt;background:var(--code);padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "mark{background:#ffe08a;color:#111}dd,code{font-family:ui-monospace,monospace;font-size:.85em}"
    ".hand{border-bottom:1px solid var(--ink);height:2.2rem}"
    "@media (max-width:40rem){dl{grid-template-columns:1fr}dt{margin-top:.4rem}}"
    "@page{size:A4;margin:16mm}@media print{:root{--ink:#000;--ground:#fff;--claim:#fff8e0;--code:#f4f4f1;"
    "--alarm:#a40000}body{margin:0;max-width:none}tr,pre{break-inside:avoid}.new{break-before:page}"
    ".wide{overflow:visible}}"
)


def as_html(sheet: Sheet) -> bytes:
    """The file, UTF-8."""
    return "\n".join(_page(sheet)).encode()


def _page(sheet: Sheet) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    yield f'<!DOCTYPE html>\n<html lang="{visible(sheet.language)}"><head><meta charset="utf-8">'
    yield f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
    yield '<meta name="viewport" content="width=device-width">'
    yield f"<title>{visible(sheet.title)}</title><style>{_STYLE}</style></head><body><main>"
    yield f"<h1>{visible(sheet.title)}</h1>"
    for block in sheet.blocks:
        yield from _block(block)
    yield "</main></body></html>\n"


def _block(block: Block) -> Iterator[str]:
    match block:
        case Heading(text):
            yield f"<h2>{visible(text)}</h2>"
        case Text(text, is_strong):
            told = visible(text, _LONGEST_TEXT)
            yield f"<p><strong>{told}</strong></p>" if is_strong else f"<p>{told}</p>"
        case Items(texts):
            yield "<ul>" + "".join(f"<li>{visible(text, _LONGEST_TEXT)}</li>" for text in texts) + "</ul>"
        case Facts(pairs):
            yield "<dl>"
            for name, value in pairs:
                yield f"<dt>{visible(name)}</dt><dd>{visible(value, _LONGEST_TEXT)}</dd>"
            yield "</dl>"
        case Grid():
            yield from _grid(block)
        case Quote():
            yield f"<pre>{_quoted(block)}</pre>"
        case Signature(names):
            cells = "".join(f'<td>{visible(name)}<div class="hand"></div></td>' for name in names)
            yield f'<div class="wide"><table><tr>{cells}</tr></table></div>'
        case NewPage():
            yield '<div class="new"></div>'


def _grid(grid: Grid) -> Iterator[str]:
    yield '<div class="wide"><table><thead><tr>'
    for place, head in enumerate(grid.heads):
        number = ' class="n"' if place in grid.numbers else ""
        yield f'<th scope="col"{number}>{visible(head)}</th>'
    yield "</tr></thead><tbody>"
    for row in grid.rows:
        yield "<tr>" + "".join(_cell(grid, place, text) for place, text in enumerate(row)) + "</tr>"
    yield "</tbody></table></div>"


def _cell(grid: Grid, place: int, text: str) -> str:
    names = [
        *(["n"] if place in grid.numbers else []),
        *(["claim"] if place in grid.foreign else []),
        *(["alarm"] if text in grid.alarms else []),
    ]
    kind = f' class="{" ".join(names)}"' if names else ""
    told = "<br>".join(visible(line, LONGEST_CELL) for line in text.split("\n"))
    return f"<td{kind}>{told}</td>"


def _quoted(quote: Quote) -> str:
    shown = []
    for number, line in enumerate(quote.lines, quote.first):
        told = f"{number:>4}  {visible(line, _LONGEST_TEXT)}"
        shown.append(f"<mark>{told}</mark>" if number == quote.marked else told)
    return "\n".join(shown)
