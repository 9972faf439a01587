"""A report as PDF: the same sheet, the same bytes; whatever a stranger wrote."""

from __future__ import annotations

import builtins
import re
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optout.report.as_pdf import PagesError, as_pdf, latin
from optout.report.sheet import Grid, Sheet, Text
from tests.report.test_sheet import HOSTILE, every_block


def words_of(data: bytes, place: Path) -> str:
    """The text of a PDF, as poppler's pdftotext reads it."""
    file = place / "read.pdf"
    file.write_bytes(data)
    return subprocess.run(["pdftotext", "-layout", file, "-"], check=True, capture_output=True, text=True).stdout


def test_the_same_sheet_gives_the_same_bytes() -> None:
    first = as_pdf(every_block("a"))
    assert first.startswith(b"%PDF-")
    assert as_pdf(every_block("a")) == first
    assert as_pdf(every_block("b")) != first


def test_a_reader_of_somebody_else_finds_all_of_it_and_nothing_that_acts(tmp_path: Path) -> None:
    data = as_pdf(every_block(HOSTILE))
    told = words_of(data, tmp_path)
    assert "<script>alert(1)</script><U+202E><U+001B>[31m=1+1<U+0000>" in re.sub(r"\s+", "", told)
    assert "<U+1F600>" in told
    assert "10 second" in re.sub(r"[\s\xa0]+", " ", told)
    assert "contradicted" in told
    assert b"/JavaScript" not in data
    assert b"/URI" not in data


@given(st.text(max_size=80))
@settings(max_examples=25)
def test_any_text_can_be_printed(text: str) -> None:
    assert as_pdf(every_block(text)).startswith(b"%PDF-")


def test_a_long_table_goes_over_pages_and_a_wide_one_lies_on_its_side(tmp_path: Path) -> None:
    row = ("https://site.example/" + "a" * 400, *"bcdefg")
    wide = Sheet(title="t", blocks=(Grid(heads=tuple("1234567"), rows=(row,) * 200),))
    told = words_of(as_pdf(wide), tmp_path)
    assert told.count("\f") > 5
    assert b"841.8898 595.2756" in as_pdf(wide)
    assert b"595.2756 841.8898" in as_pdf(Sheet(title="t", blocks=(Text("x"),)))


def test_a_character_that_the_fonts_lack_is_shown_as_its_number() -> None:
    assert latin("Müller — €") == "Müller — €"
    assert latin("猫") == "<U+732B>"
    assert latin("\x9d\u200b") == "<U+009D><U+200B>"


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def refuse(name: str, *rest: object) -> object:
        if name.startswith("reportlab"):
            raise ImportError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(PagesError, match="reportlab"):
        as_pdf(every_block("a"))
