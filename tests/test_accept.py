"""What a request would rather have, by Accept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.accept import prefers_html, prefers_markdown
from optout.messages import Fields


@given(st.text(max_size=200))
def test_no_field_raises(text: str) -> None:
    fields = Fields((("Accept", text),))
    prefers_html(fields)
    prefers_markdown(fields)


@pytest.mark.parametrize(
    ("accept", "is_first"),
    [
        ("text/markdown, text/html;q=0.9", True),
        ("text/markdown", True),
        ("text/html, text/markdown;q=0.9", False),
        ("text/html, text/markdown", False),
        ("*/*", False),
        ("", False),
        ("text/markdown;q=0", False),
        ("TEXT/MARKDOWN ;q=0.5, text/html;q=0.4", True),
        ("," * 9000, False),
    ],
)
def test_who_ranks_markdown_before_html_is_seen(accept: str, is_first: bool) -> None:
    assert prefers_markdown(Fields((("Accept", accept),))) is is_first
