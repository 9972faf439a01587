"""The declaration certificate: which reservation a site published, in which forms, since when, who fetched it.

Two sheets for somebody who knows nothing of the system, useful also where no crawler ever came. Everything that a
stranger or the site chose goes through `foreign.visible`; the page loads nothing and runs nothing.
"""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from optout.report.account import Account
from optout.report.figures import moment, number
from optout.report.foreign import visible
from optout.report.history import Fetch, History, Version

_NAMES = {
    "robots.txt": "robots.txt, which programs read before they fetch a page (RFC 9309)",
    "tdmrep.json": "tdmrep.json, in which rights to text and data mining are reserved (TDM Reservation Protocol)",
}
_MOST_SHOWN = 4000  # characters of a document on the page; all of it is in the log under its hash
_MOST_FETCHERS = 30
_STYLE = (
    "body{font:12pt/1.45 Georgia,serif;color:#111;max-width:46rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:1.6rem}"
    "table{border-collapse:collapse;width:100%;font:10pt/1.35 system-ui,sans-serif}"
    "td,th{text-align:left;vertical-align:top;border-bottom:1px solid #bbb;padding:.25rem .4rem;overflow-wrap:anywhere}"
    "pre{font-size:9pt;background:#f4f4f1;padding:.6rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    "code{font-size:.85em;overflow-wrap:anywhere}.line{border-bottom:1px solid #111;height:2.2rem}"
    "@page{size:A4;margin:18mm}@media print{body{margin:0}}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Certified:
    """What a certificate is made of. `work` is a path; `says` are sentences by the SHA-256 of a document."""

    account: Account
    history: History
    work: str
    documents: Mapping[str, bytes]
    says: Mapping[str, tuple[str, ...]]


def page(certified: Certified) -> bytes:
    """The certificate, UTF-8."""
    return "\n".join(_page(certified)).encode()


def _page(certified: Certified) -> Iterator[str]:
    account, history = certified.account, certified.history
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    yield '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
    yield f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'\">"
    yield f"<title>Declaration of {visible(history.site)}</title><style>{_STYLE}</style></head><body>"
    yield f"<h1>What {visible(history.site)} declared about the use of its content by machines</h1>"
    span = f"{_time(account.since_us, 'the beginning of the log')} to {_time(account.until_us, 'now')}"
    yield f"<p>Period: {span}. Page in question: <code>{visible(certified.work)}</code>.</p>"
    yield f"<p>{visible(account.rests_on, 600)}</p>"
    for name, versions in history.versions.items():
        yield from _document(name, _within(versions, account), certified)
    if not history.versions:
        yield "<p>The log does not tell of anything that this site published in this period.</p>"
    yield from _gaps(certified)
    yield from _fetches(certified)
    yield from _foot(account)
    yield from _appendix(certified)
    yield "</body></html>\n"


def _within(versions: tuple[Version, ...], account: Account) -> list[Version]:
    """The versions that were in force within the period."""
    since, until = account.since_us or 0, account.until_us
    found = []
    for place, version in enumerate(versions):
        following = versions[place + 1].first_us if place + 1 < len(versions) else None
        if (following is None or following > since) and (until is None or version.first_us < until):
            found.append(version)
    return found


def _document(name: str, versions: list[Version], certified: Certified) -> Iterator[str]:
    path = name.removeprefix("RSL ")
    heading = _NAMES.get(name, f"{path}, under which terms the content can be had (RSL)" if path != name else name)
    yield f"<h2>{visible(heading)}</h2>"
    if not versions:
        yield "<p>Nothing is known of it in this period.</p>"
        return
    yield f"<p>{_count(len(versions), 'version')} in this period.</p>"
    for version in versions:
        yield f"<p><strong>{_standing(version)}</strong></p>"
        if version.sha256:
            sentences = certified.says.get(version.sha256, ("Its bytes are not in the log.",))
            yield "<ul>" + "".join(f"<li>{visible(sentence, 2000)}</li>" for sentence in sentences) + "</ul>"
            size = len(certified.documents.get(version.sha256, b""))
            yield f"<p>SHA-256 <code>{visible(version.sha256)}</code>, {size} bytes; printed below.</p>"
        if version.holes:
            told = "; ".join(f"{moment(start)} to {moment(end)}" for start, end in version.holes)
            yield f"<p>Not looked at for more than a day: {told}. It was the same before and after.</p>"
        else:
            yield "<p>Looked at without interruption: never more than a day and a quarter apart.</p>"


def _standing(version: Version) -> str:
    what = "There was no such file" if not version.sha256 else "This version was there"
    places = f"records {version.first_index} and {version.last_index} of the log"
    return f"{what} from {moment(version.first_us)} to {moment(version.last_us)} at least ({places})."


def _gaps(certified: Certified) -> Iterator[str]:
    since, until = certified.account.since_us or 0, certified.account.until_us
    gaps = [
        gap
        for gap in certified.history.gaps
        if number(gap, "to_us") >= since and (until is None or number(gap, "from_us") < until)
    ]
    yield "<h2>Times of which the log itself says that something is missing</h2>"
    if not gaps:
        yield "<p>None in this period.</p>"
        return
    yield "<table><tr><th>From</th><th>To</th><th>Reason</th></tr>"
    for gap in gaps:
        times = f"<td>{moment(number(gap, 'from_us'))}</td><td>{moment(number(gap, 'to_us'))}</td>"
        yield f"<tr>{times}<td>{visible(gap.get('reason', ''))}</td></tr>"
    yield "</table>"


def _fetches(certified: Certified) -> Iterator[str]:
    since, until = certified.account.since_us or 0, certified.account.until_us
    fetches = [
        each for each in certified.history.fetches if each.time_us >= since and (until is None or each.time_us < until)
    ]
    yield "<h2>Who fetched it</h2>"
    if not fetches:
        yield "<p>No AI crawler fetched it in this period. The declaration stands without that.</p>"
        return
    yield "<p>By the name that each visitor claimed. How far that was checked stands beside it.</p>"
    heads = ("Claimed to be", "Standing", "File", "Times", "First", "Last")
    yield f"<table><tr>{''.join(f'<th>{head}</th>' for head in heads)}</tr>"
    rows: dict[tuple[str, str, str], list[Fetch]] = {}
    for fetch in fetches:
        key = (str(fetch.fields.get("crawl.product", "")), str(fetch.fields.get("identity.standing", "")), fetch.name)
        rows.setdefault(key, []).append(fetch)
    for (product, standing, name), found in sorted(rows.items(), key=lambda row: -len(row[1]))[:_MOST_FETCHERS]:
        versions = Counter(fetch.sha256[:8] for fetch in found if fetch.sha256)
        told = ", ".join(f"{count} of {version}…" for version, count in sorted(versions.items()))
        yield f"<tr><td>{visible(product)}</td><td>{visible(standing)}</td><td>{visible(name)}</td><td>{len(found)}"
        yield f"{f' ({visible(told)})' if told else ''}{_as_served(found)}</td>"
        yield f"<td>{_place(found[0])}</td><td>{_place(found[-1])}</td></tr>"
    yield "</table>"


def _as_served(found: list[Fetch]) -> str:
    """Whether what went out was what the site published, as far as the door saw it."""
    seen = [fetch for fetch in found if fetch.served]
    other = sum(fetch.served != fetch.sha256 for fetch in seen)
    if not seen:
        return ""
    return f"; {other} of {len(seen)} got other bytes" if other else f"; {len(seen)} got exactly these bytes"


def _place(fetch: Fetch) -> str:
    return f"{moment(fetch.time_us)}, record {fetch.index}"


def _foot(account: Account) -> Iterator[str]:
    yield "<h2>Where this comes from</h2>"
    yield (
        "<p>From a log in which each entry is sealed by a hash tree (RFC 6962) and the whole by a signature. "
        "Changing an entry afterwards would show. The log looks at the site by itself, at every change and once a day. "
        "It shows what the site answered to it; it does not prove that every visitor got the same answer.</p>"
    )
    yield f"<p>Log, size, root: <code>{visible(account.seen_line)}</code><br>"
    yield f"Key: <code>{visible(account.vkey)}</code><br>"
    yield f"Made on {moment(account.made_us)} by {visible(account.made_by)} with {visible(account.software)}.</p>"
    yield "<p>I have read this and it is true to the best of my knowledge.</p>"
    yield "<table><tr><td>Name, position<div class='line'></div></td><td>Place, date<div class='line'></div></td>"
    yield "<td>Signature<div class='line'></div></td></tr></table>"


def _appendix(certified: Certified) -> Iterator[str]:
    shown: set[str] = set()
    for name, versions in certified.history.versions.items():
        for version in _within(versions, certified.account):
            data = certified.documents.get(version.sha256)
            if data is None or version.sha256 in shown:
                continue
            shown.add(version.sha256)
            text = "\n".join(visible(line, _MOST_SHOWN) for line in data.decode("utf-8", "replace").splitlines())
            cut = "" if len(text) <= _MOST_SHOWN else f"\n… the first {_MOST_SHOWN} characters; all of it is in the log"
            yield f"<h2>{visible(name)}, SHA-256 <code>{version.sha256}</code></h2><pre>{text[:_MOST_SHOWN]}{cut}</pre>"


def _time(time_us: int | None, otherwise: str) -> str:
    return otherwise if time_us is None else moment(time_us)


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
