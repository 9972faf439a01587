"""The page of a bundle: who asked for what and what was answered, for people, in one HTML file without a network.

Everything that a stranger chose goes through `foreign.visible`. The page loads nothing and runs nothing, and says so
to the browser (Content-Security-Policy).
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

from optout.report.account import Account
from optout.report.figures import Figures, Row, Visit, action, moment, number
from optout.report.foreign import visible

_MOST_VISITS = 2000  # a page of more is slow to open; every record is in records.ndjson
_STYLE = (
    "body{font:16px/1.5 Georgia,serif;color:#1b1b1b;max-width:72rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem}h2{font-size:1.2rem;margin-top:2rem}"
    "table{border-collapse:collapse;width:100%;font:14px/1.4 system-ui,sans-serif}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}"
    "td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}"
    ".claim{background:#fdf6e3}.gap td{background:#fbe9e7}.bad{color:#a40000;font-weight:bold}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1rem}dt{font-weight:bold}dd{margin:0}"
    "code{font-size:.85em;overflow-wrap:anywhere}"
)


def page(account: Account, counted: Figures) -> bytes:
    """The page, UTF-8."""
    return "\n".join(_page(account, counted)).encode()


def _page(account: Account, counted: Figures) -> Iterator[str]:
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
    yield f"<title>{visible(account.case or 'Evidence')}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>Visits of AI crawlers: {visible(account.case or 'evidence')}</h1>"
    yield f"<p>{visible(account.rests_on)}</p>"
    yield from _head(account, counted)
    yield from _by_crawler(counted.rows)
    yield from _gaps(counted)
    yield from _visits(counted.visits)
    yield "</body></html>\n"


def _head(account: Account, counted: Figures) -> Iterator[str]:
    facts = {
        "Visits": str(counted.attempts),
        "Period": f"{_time(account.since_us, 'the beginning')} to {_time(account.until_us, 'the export')}",
        **{name.capitalize(): value for name, value in account.scope.items()},
        "Exported": f"{moment(account.made_us)} by {account.made_by}, with {account.software}",
        "Log, size, root": account.seen_line,
        "Key": account.vkey,
    }
    if counted.retracted:
        facts["Left out"] = f"{counted.retracted} that proved to be a person's"
    if account.disclosed:
        facts["Personal data"] = f"private parts of {account.disclosed} records are in data/private"
    yield "<dl>"
    for name, value in facts.items():
        yield f"<dt>{visible(name)}</dt><dd><code>{visible(value, 600)}</code></dd>"
    yield "</dl>"


def _by_crawler(rows: Iterable[Row]) -> Iterator[str]:
    yield "<h2>By crawler</h2>"
    yield (
        "<p>The name is what the visitor claimed to be. How far that was checked stands beside it: "
        "<em>verified</em> by a signature or by the operator's own addresses; <em>unverified</em>: nothing proves it; "
        "<em>contradicted</em>: the operator's own list says no.</p>"
    )
    yield "<table><tr><th>Claimed to be</th><th>Operator named</th><th>Purpose</th><th>Standing</th>"
    yield '<th class="n">Attempts</th><th>Answered</th><th class="n">Content bytes sent</th>'
    yield '<th class="n">After reading robots.txt</th><th>First and last</th></tr>'
    for row in rows:
        first, last = row.first, row.last
        standing = (
            f'<span class="bad">{visible(row.standing)}</span>'
            if row.standing == "contradicted"
            else visible(row.standing)
        )
        answered = ", ".join(f"{count} {visible(name)}" for name, count in sorted(row.actions.items()))
        span = "" if first is None or last is None else f"{_record(first)}<br>{_record(last)}"
        yield (
            f'<tr><td class="claim">{visible(row.name)}</td><td>{visible(row.operator)}</td>'
            f'<td>{visible(row.purpose)}</td><td>{standing}</td><td class="n">{row.attempts}</td><td>{answered}</td>'
            f'<td class="n">{row.content_bytes}</td><td class="n">{row.read_robots}</td><td>{span}</td></tr>'
        )
    yield "</table>"


def _record(visit: Visit) -> str:
    return f"{moment(visit.time_us)}, record {visit.index}"


def _gaps(counted: Figures) -> Iterator[str]:
    yield "<h2>Gaps</h2>"
    if not counted.gaps:
        yield "<p>The log tells of no gap in this period.</p>"
        return
    yield "<p>In these times something was not recorded. The log says so itself.</p>"
    yield '<table><tr><th>From</th><th>To</th><th>Reason</th><th class="n">Records not written</th></tr>'
    for gap in counted.gaps:
        times = f"<td>{_time(number(gap, 'from_us'), '')}</td><td>{_time(number(gap, 'to_us'), '')}</td>"
        count = number(gap, "count") or "not known"
        yield f'<tr class="gap">{times}<td>{visible(gap.get("reason", ""))}</td><td class="n">{count}</td></tr>'
    yield "</table>"


def _visits(visits: tuple[Visit, ...]) -> Iterator[str]:
    yield "<h2>Every visit</h2>"
    if len(visits) > _MOST_VISITS:
        yield f"<p>The first {_MOST_VISITS} of {len(visits)}. All are in <code>records.ndjson</code>.</p>"
    yield "<p>On a colored ground: text that the visitor supplied.</p>"
    yield '<table><tr><th class="n">Record</th><th>Time</th><th>Asked for</th><th>User agent</th>'
    yield "<th>Standing</th><th>Decided</th><th>Why</th></tr>"
    for visit in visits[:_MOST_VISITS]:
        fields = visit.fields
        asked = (
            f"{fields.get('http.request.method', '')} {fields.get('server.address', '')}{fields.get('url.path', '')}"
        )
        agent = fields.get("user_agent.original", fields.get("user_agent.original.b64", ""))
        reasons = fields.get("decision.reasons")
        why = "; ".join(map(str, reasons)) if isinstance(reasons, list) else ""
        asked, agent = visible(asked), visible(agent, 160)
        yield f'<tr><td class="n">{visit.index}</td><td>{moment(visit.time_us)}</td><td class="claim">{asked}</td>'
        yield f'<td class="claim">{agent}</td><td>{visible(fields.get("identity.standing", ""))}</td>'
        yield f"<td>{visible(action(fields))}</td><td>{visible(why)}</td></tr>"
    yield "</table>"


def _time(time_us: int | None, otherwise: str) -> str:
    return otherwise if time_us is None else moment(time_us)
