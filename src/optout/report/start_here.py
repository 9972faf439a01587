"""The first sheets of a bundle, as PDF: what it is, what it shows, how to check it. By reportlab, from `[evidence]`.

The same account always gives the same bytes (reportlab's invariant mode).
"""

from __future__ import annotations

import html
import io

from optout.errors import OptoutError
from optout.report.account import Account
from optout.report.figures import Figures, moment
from optout.report.foreign import plain

_MOST_ROWS = 12


class PagesError(OptoutError):
    """A page cannot be made."""


def start_here(account: Account, counted: Figures) -> bytes:
    """The PDF's bytes; raises PagesError where reportlab is not installed."""
    try:
        from reportlab.lib import colors, pagesizes, styles, units  # noqa: PLC0415  an extra
        from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle  # noqa: PLC0415
    except ImportError:
        raise PagesError("a bundle's first page needs reportlab", "pip install 'optout[evidence]'") from None

    sheet = styles.getSampleStyleSheet()
    body, small, head = sheet["BodyText"], sheet["Code"], sheet["Heading2"]
    small.leftIndent = 0

    def said(text: str) -> Paragraph:
        return Paragraph(_latin(text), body)

    def exact(text: str) -> Paragraph:
        return Paragraph(_latin(text, 600), small)

    story = [Paragraph(_latin(account.case or "Evidence of visits by AI crawlers"), sheet["Title"])]
    story += [said(sentence) for sentence in _what_it_is(account, counted)]
    story += [Paragraph("What it shows", head)]
    rows = [["Claimed to be", "Standing", "Attempts", "Answered"]]
    rows += [
        [_short(row.name), _short(row.standing), str(row.attempts), _answers(dict(row.actions))]
        for row in counted.rows[:_MOST_ROWS]
    ]
    table = Table(rows, hAlign="LEFT", colWidths=[5 * units.cm, 3 * units.cm, 2 * units.cm, 6.5 * units.cm])
    table.setStyle(TableStyle([("GRID", (0, 0), (-1, -1), 0.25, colors.grey), ("FONTSIZE", (0, 0), (-1, -1), 9)]))
    story += [table, Spacer(1, 0.3 * units.cm)]
    if len(counted.rows) > _MOST_ROWS:
        story.append(said(f"{len(counted.rows) - _MOST_ROWS} more are in data/report.html."))
    story += [said(sentence) for sentence in _cautions(counted)]
    story += [Paragraph("How to check it", head)]
    story += [said(sentence) for sentence in _checks()]
    story += [said("The key. Compare it with the one that you have from somewhere else:"), exact(account.vkey)]
    story += [
        said("The log, its size and its root hash. Whoever keeps this line can check it later:"),
        exact(account.seen_line),
    ]
    story += [Paragraph("Prepared by", head), said("Name, position: ______________________________________________")]
    story += [said("Date, signature: ______________________________________________")]
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out, pagesize=pagesizes.A4, invariant=1, title=_latin(account.case or "Evidence"), author="", creator="Optout"
    )
    document.build(story)
    return out.getvalue()


def _what_it_is(account: Account, counted: Figures) -> tuple[str, ...]:
    period = "" if account.since_us is None else f" from {moment(account.since_us)}"
    period += "" if account.until_us is None else f" until {moment(account.until_us)}"
    first, last = (counted.visits[0].time_us, counted.visits[-1].time_us) if counted.visits else (0, 0)
    span = f" The first was on {moment(first)}, the last on {moment(last)}." if counted.visits else ""
    return (
        f"This file is a copy of entries from a log that a web site keeps of visits by AI crawlers{period}. "
        f"It holds {_count(counted.attempts, 'visit')}.{span}",
        f"It was exported on {moment(account.made_us)} by {account.made_by}.",
        account.rests_on,
    )


def _cautions(counted: Figures) -> tuple[str, ...]:
    gaps = _count(len(counted.gaps), "gap")
    return (
        "The name of a crawler is what the visitor claimed. The column beside it says how far that was checked: "
        "verified, consistent, unverified, or contradicted by the operator's own list.",
        f"The log itself tells of {gaps} in this period: times in which something was not recorded.",
        "What this proves and what it does not stands in data/statement.md.",
    )


def _checks() -> tuple[str, ...]:
    return (
        "Open verify.html in a browser and drag this zip file into it. Nothing is sent anywhere.",
        "Or run: python3 verify.py FILE.zip --vkey KEY. It needs nothing but Python.",
        "Or use sha256sum and openssl, as README.txt says, line by line.",
    )


def _answers(actions: dict[str, int]) -> str:
    return _short(", ".join(f"{count} {name}" for name, count in sorted(actions.items())), 60)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _short(text: str, limit: int = 40) -> str:
    """Text for a cell, in the characters that a PDF's own fonts have."""
    return plain(text, limit).encode("cp1252", "replace").decode("cp1252")


def _latin(text: str, limit: int = 2000) -> str:
    return html.escape(_short(text, limit))
