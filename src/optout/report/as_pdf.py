"""A report as PDF, by reportlab (from `[evidence]`). The same sheet always gives the same bytes (invariant mode).

A PDF's own fonts have the characters of Windows-1252. Another one is shown as its code point, and so is one that acts
or hides: nothing is left out silently.
"""

from __future__ import annotations

import html
import io
from typing import TYPE_CHECKING, Any

from optout.errors import OptoutError
from optout.report.foreign import plain
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

if TYPE_CHECKING:
    from reportlab.platypus import Flowable

_LONGEST_TEXT = 4000
_MARGIN_CM = 1.7


class PagesError(OptoutError):
    """A page cannot be made."""


def as_pdf(sheet: Sheet) -> bytes:
    """The file's bytes; raises PagesError where reportlab is not installed."""
    try:
        from reportlab.lib import pagesizes, units  # noqa: PLC0415  an extra
        from reportlab.platypus import SimpleDocTemplate  # noqa: PLC0415
    except ImportError:
        raise PagesError("a PDF needs reportlab", "pip install 'optout[evidence]'") from None

    page = pagesizes.A4
    if any(isinstance(block, Grid) and len(block.heads) > _MOST_UPRIGHT for block in sheet.blocks):
        page = pagesizes.landscape(page)
    margin = _MARGIN_CM * units.cm
    writer = _Writer(width=page[0] - 2 * margin)
    out = io.BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=page,
        leftMargin=margin,
        rightMargin=margin,
        topMargin=margin,
        bottomMargin=margin,
        invariant=1,
        title=latin(sheet.title),
        author="",
        creator="Optout",
        lang=sheet.language,
    )
    foot = latin(sheet.foot)

    def below(canvas: Any, page_of: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7)
        canvas.drawString(margin, margin / 2, foot[:140])
        canvas.drawRightString(page[0] - margin, margin / 2, str(page_of.page))
        canvas.restoreState()

    document.build(writer.story(sheet), onFirstPage=below, onLaterPages=below)
    return out.getvalue()


_MOST_UPRIGHT = 6  # columns of a table on a page that stands upright


def latin(text: str, limit: int = LONGEST_CELL) -> str:
    """Text in the characters that a PDF's own fonts have, others as their code points."""
    shown = plain(text, limit).replace("⟨", "<").replace("⟩", ">")
    return "".join(char if _is_latin(char) else f"<U+{ord(char):04X}>" for char in shown)


def _is_latin(char: str) -> bool:
    try:
        char.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


class _Writer:
    """Makes reportlab's flowables of blocks, for a page whose text is `width` points wide."""

    def __init__(self, *, width: float) -> None:
        from reportlab.lib.colors import HexColor  # noqa: PLC0415
        from reportlab.lib.styles import ParagraphStyle, getSampleStyleSheet  # noqa: PLC0415

        self._width = width
        known = getSampleStyleSheet()
        self._title, self._head, self._body = known["Title"], known["Heading2"], known["BodyText"]
        cell = {"fontName": "Helvetica", "fontSize": 8, "leading": 10, "splitLongWords": 1}
        self._cell = ParagraphStyle("cell", **cell)
        self._number = ParagraphStyle("number", parent=self._cell, alignment=2)
        self._alarm = ParagraphStyle(
            "alarm", parent=self._cell, textColor=HexColor("#a40000"), fontName="Helvetica-Bold"
        )
        self._name = ParagraphStyle("name", parent=self._cell, fontName="Helvetica-Bold")
        self._code = ParagraphStyle("code", parent=self._cell, fontName="Courier", fontSize=7.5, leading=9.5)
        self._marked = ParagraphStyle("marked", parent=self._code, backColor=HexColor("#ffe08a"))
        self._rule, self._claim = HexColor("#bbbbbb"), HexColor("#fdf6e3")

    def story(self, sheet: Sheet) -> list[Flowable]:
        """All of a sheet."""
        from reportlab.platypus import Paragraph  # noqa: PLC0415

        made: list[Flowable] = [Paragraph(_escaped(sheet.title), self._title)]
        for block in sheet.blocks:
            made += self._block(block)
        return made

    def _block(self, block: Block) -> list[Flowable]:
        from reportlab.platypus import PageBreak, Paragraph, Spacer  # noqa: PLC0415

        match block:
            case Heading(text):
                return [Paragraph(_escaped(text), self._head)]
            case Text(text, is_strong):
                told = _escaped(text, _LONGEST_TEXT)
                return [Paragraph(f"<b>{told}</b>" if is_strong else told, self._body)]
            case Items(texts):
                return [Paragraph(f"&bull; {_escaped(text, _LONGEST_TEXT)}", self._body) for text in texts]
            case Facts(pairs):
                rows = [
                    [Paragraph(_escaped(name), self._name), Paragraph(_escaped(value, _LONGEST_TEXT), self._code)]
                    for name, value in pairs
                ]
                return [self._table(rows, (0.22, 0.78), heads=0, foreign=frozenset())] if rows else []
            case Grid():
                return [self._grid(block), Spacer(1, 8)]
            case Quote():
                lines = [
                    Paragraph(f"{_numbered(number)}{_escaped(line, _LONGEST_TEXT)}", self._style_of(number, block))
                    for number, line in enumerate(block.lines, block.first)
                ]
                return [*lines, Spacer(1, 6)]
            case Signature(names):
                cells = [
                    Paragraph(f"<br/><br/>______________________<br/>{_escaped(name)}", self._cell) for name in names
                ]
                return [self._table([cells], (), heads=0, foreign=frozenset())]
            case NewPage():
                return [PageBreak()]

    def _style_of(self, number: int, quote: Quote) -> Any:
        return self._marked if number == quote.marked else self._code

    def _grid(self, grid: Grid) -> Flowable:
        from reportlab.platypus import Paragraph  # noqa: PLC0415

        rows = [[Paragraph(_escaped(head), self._name) for head in grid.heads]]
        for row in grid.rows:
            rows.append([self._filled(grid, place, text) for place, text in enumerate(row)])
        return self._table(rows, grid.widths, heads=1, foreign=grid.foreign)

    def _filled(self, grid: Grid, place: int, text: str) -> Flowable:
        from reportlab.platypus import Paragraph  # noqa: PLC0415

        style = self._alarm if text in grid.alarms else self._number if place in grid.numbers else self._cell
        return Paragraph("<br/>".join(_escaped(line) for line in text.split("\n")), style)

    def _table(
        self, rows: list[list[Any]], widths: tuple[float, ...], *, heads: int, foreign: frozenset[int]
    ) -> Flowable:
        from reportlab.platypus import Table, TableStyle  # noqa: PLC0415

        shares = widths or (1.0,) * len(rows[0])
        whole = sum(shares)
        table = Table(rows, colWidths=[self._width * share / whole for share in shares], repeatRows=heads)
        style: list[tuple[Any, ...]] = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, self._rule),
            ("LEFTPADDING", (0, 0), (-1, -1), 3),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
        ]
        style += [("BACKGROUND", (place, heads), (place, -1), self._claim) for place in foreign if len(rows) > heads]
        table.setStyle(TableStyle(style))
        return table


def _numbered(number: int) -> str:
    return f"{number:>4}  ".replace(" ", "&nbsp;")  # a paragraph would close up plain blanks


def _escaped(text: str, limit: int = LONGEST_CELL) -> str:
    return html.escape(latin(text, limit))
