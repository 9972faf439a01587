"""A report as values: what stands on it, in order, before it becomes HTML (`as_html`) or PDF (`as_pdf`).

Rule: every text here is plain. Both renderers escape all of it, so that nothing a stranger chose can act; a column of
a grid that holds a stranger's words is named as such and shown on a colored ground.
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading below the title."""

    text: str


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `is_strong` sets it in bold."""

    text: str
    is_strong: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of sentences."""

    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names with values, the values as they are written: keys, hashes, times."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table. `numbers` and `foreign` are places of columns: numbers, and words that a stranger chose.

    `widths` are shares of the page's width; none means alike. A cell that is one of `alarms` stands out.
    """

    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numbers: frozenset[int] = frozenset()
    foreign: frozenset[int] = frozenset()
    widths: tuple[float, ...] = ()
    alarms: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """Lines of a document with their numbers, from `first` on; `marked` is the number of the one that matters."""

    lines: tuple[str, ...]
    first: int = 1
    marked: int = 0


@dataclass(frozen=True, slots=True)
class Signature:
    """Places to fill in by hand, each under its name."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NewPage:
    """What follows begins a new page in print."""


Block = Heading | Text | Items | Facts | Grid | Quote | Signature | NewPage


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A report. `language` is a tag of BCP 47; `foot` stands below each page of the PDF."""

    title: str
    blocks: tuple[Block, ...] = field(repr=False)
    language: str = "en"
    foot: str = ""


LONGEST_CELL = 300  # characters of a cell, a fact or a line; all of it is in the log
