"""An audit as one page to show to others: no script, nothing loaded, in light, in dark and on paper.

Rule: whatever a site sent is escaped (CWE-79), cut and made visible; the page links to nothing that a site named.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence

from optout.report.foreign import visible
from optout.report.site_audit import COLUMNS, SiteAudit, declaring

_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #b00020; --warn: #8a5a00; --note: #4a5a6a; --good: #1b6e3c; }
@media (prefers-color-scheme: dark) { :root { --bad: #ff8a8a; --warn: #f0c060; --note: #a8b8c8; --good: #7fd6a0; } }
html { background: Canvas; color: CanvasText; }
body { font: 1rem/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
code { overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0; border-bottom: 1px solid var(--line); }
.error, .disallowed, .refused { color: var(--bad); } .warning { color: var(--warn); } .note { color: var(--note); }
.allowed, .served { color: var(--good); }
.lead { font-size: 1.15rem; }
article { border-left: .25rem solid currentColor; padding-left: .9rem; margin: 1.2rem 0; break-inside: avoid; }
article h3 { font-size: 1rem; margin: 0; } article p { margin: .2rem 0; color: CanvasText; }
@media print { body { margin: 0; max-width: none; font-size: 10pt; } }
"""
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()}'"
)
_SEVERITIES = ("error", "warning", "note")
_LONGEST = 300
_MOST_FINDINGS = 200


def page(url: str, audit: SiteAudit, *, made: str) -> bytes:
    """The page (UTF-8); `made` says when and by what."""
    counts = Counter(told.finding.severity.value for told in audit.findings)
    words = [f"{count} {word}{'s' if count > 1 else ''}" for word in _SEVERITIES if (count := counts[word])]
    verdict = ", ".join(words) if words else "Nothing is wrong"
    parts = [
        f'<p class="lead">{verdict}.</p><p>{_text(made)}. What one visitor was answered at that moment.</p>',
        _section("What is wrong", _findings(audit)) if words else "",
        _section("What the site says of this page", _declared(audit)),
        _section("Declared and enforced", _probes(audit)) if audit.probes else "",
        _section("What was asked for", _answers(audit)),
    ]
    title = f"Audit of {_text(url)}"
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>{title}</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>Audit of <code>{_text(url)}</code></h1>
{"".join(parts)}
</main>
</body>
</html>
""".encode()


def _text(text: str) -> str:
    """A stranger's text for the page."""
    return visible(text, _LONGEST)


def _section(title: str, body: str) -> str:
    return f"<section><h2>{title}</h2>{body}</section>\n"


def _findings(audit: SiteAudit) -> str:
    shown = [
        f'<article class="{told.finding.severity.value}"><h3>{told.finding.severity.value} {told.finding.code}: '
        f"{_text(told.finding.title)}</h3><p><code>{_text(told.place)}</code> {_text(told.finding.text)}</p>"
        f"<p>Instead: <code>{_text(told.instead)}</code></p></article>"
        for told in audit.findings[:_MOST_FINDINGS]
    ]
    more = len(audit.findings) - len(shown)
    return "".join(shown) + (f"<p>and {more} more</p>" if more > 0 else "")


def _declared(audit: SiteAudit) -> str:
    rows = [[_text(names), *(f'<span class="{word}">{word}</span>' for word in words)] for names, words in audit.rows]
    legend = "<p>A dash means that nothing is said: no reservation, and no consent either.</p>"
    return _table(("who", *COLUMNS), rows) + legend


def _probes(audit: SiteAudit) -> str:
    rows = [
        [
            probe.purpose.value,
            _text(probe.crawler),
            probe.declared.value,
            f'<span class="{probe.enforced.value}">{probe.enforced.value}</span>',
            str(probe.status or "-"),
        ]
        for probe in audit.probes
    ]
    return _table(("class", "asked as", "declared", "enforced", "status"), rows)


def _answers(audit: SiteAudit) -> str:
    rows = []
    for answer in audit.source.answers:
        said = "<br>".join(f"<code>{_text(name)}: {_text(value)}</code>" for name, value in declaring(answer))
        way = "".join(f"<br>leads to <code>{_text(hop)}</code>" for hop in answer.hops)
        kind = _text(answer.fault or answer.media_type)
        rows.append([str(answer.status or "-"), f"<code>{_text(answer.url)}</code>{way}", kind, said])
    return _table(("status", "address", "type", "fields that declare"), rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of cells that are HTML already."""
    head = "".join(f'<th scope="col">{each}</th>' for each in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<div class="wide" tabindex="0"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
