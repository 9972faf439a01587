"""Sheets that both renderers' tests share, and that a sheet is a plain value."""

from __future__ import annotations

from dataclasses import replace

from optout.report.sheet import (
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

HOSTILE = "<script>alert(1)</script>\u202e\x1b[31m=1+1\x00 \U0001f600"


def every_block(text: str) -> Sheet:
    """A sheet with each kind of block, all of it saying `text`."""
    blocks: tuple[Block, ...] = (
        Heading(text),
        Text(text),
        Text(text, is_strong=True),
        Items((text, text)),
        Facts(((text, text),)),
        Grid(
            heads=(text, "n"),
            rows=((f"{text}\n{text}", "7"), ("contradicted", text)),
            numbers=frozenset({1}),
            foreign=frozenset({0}),
            alarms=frozenset({"contradicted"}),
        ),
        Quote(lines=(text, "second"), first=9, marked=10),
        NewPage(),
        Signature((text, "Date")),
    )
    return Sheet(title=text, blocks=blocks, foot=text)


def test_equal_sheets_are_equal_values() -> None:
    assert every_block("a") == every_block("a")
    assert replace(every_block("a"), language="de") != every_block("a")
