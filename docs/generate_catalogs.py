"""Brings the catalogs of reports up to date with the sentences in the code, and compiles them (Babel).

`make generated` calls it. A new sentence stands in the catalog without a translation until somebody writes one; a test
fails until then. What the code no longer says is dropped.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from optout.evidence.anchors import OWN_CLOCK
from optout.report.language import DOMAIN, LANGUAGES

SOURCE = Path(__file__).parent.parent / "src" / "optout"
LOCALE = SOURCE / "report" / "locale"
_PLACES = ("report", "review", "cli")
_FROM_VALUES = (
    *("Crawler", "Tenant", "Work", OWN_CLOCK),
    *("No such record", "No crawler of that name came, and none is known", "This log cannot be exported from here"),
)  # sentences that the code looks up without writing them
_UNDATED = datetime(2026, 1, 1, tzinfo=UTC)  # the same sentences give the same bytes
_HEAD = """\
# The reports of optout, for translators: `make generated` adds new sentences here.
# This file is distributed under the same license as optout."""


def sentences() -> set[str]:
    """Every sentence that a report may say."""
    return set(_FROM_VALUES) | set(_extracted())


def _extracted() -> Iterator[str]:
    methods = [("**.py", "python"), ("**.html", "jinja2")]
    for place in _PLACES:
        for _, _, message, _, _ in extract_from_dir(SOURCE / place, method_map=methods, keywords={"say": None}):
            yield str(message)


def catalog(language: str, known: Catalog) -> Catalog:
    """The catalog of a language: every sentence, with the translation that is known."""
    made = Catalog(locale=language, project="optout", version="0.1", header_comment=_HEAD, fuzzy=False)
    made.creation_date = made.revision_date = _UNDATED
    made.last_translator, made.language_team, made.msgid_bugs_address = "nobody", language, "see CONTRIBUTING.md"
    for sentence in sorted(sentences()):
        found = known.get(sentence)
        made.add(sentence, found.string if found is not None else "")
    return made


def text(made: Catalog) -> bytes:
    """The catalog as translators edit it."""
    out = io.BytesIO()
    write_po(out, made, no_location=True, sort_output=True, width=120)
    return out.getvalue()


def compiled(made: Catalog) -> bytes:
    """The catalog as programs read it."""
    out = io.BytesIO()
    write_mo(out, made)
    return out.getvalue()


def current(language: str) -> Catalog:
    """The catalog of a language as it should be now."""
    file = LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"
    return catalog(language, read_po(io.BytesIO(file.read_bytes() if file.exists() else b""), locale=language))


if __name__ == "__main__":
    for tag in LANGUAGES:
        if tag != "en":
            place, made = LOCALE / tag / "LC_MESSAGES", current(tag)
            place.mkdir(parents=True, exist_ok=True)
            (place / f"{DOMAIN}.po").write_bytes(text(made))
            (place / f"{DOMAIN}.mo").write_bytes(compiled(made))
