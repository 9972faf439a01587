"""What all readers share: they answer anything, in linear time."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.robots.dialects import Dialect, reader
from optout.robots.readers import on_the_wire

_LINES = st.sampled_from(
    [
        "User-agent: *",
        "User-agent: a",
        "Disallow: /",
        "Disallow: /*a*$",
        "Allow:",
        "allow //[",
        "\ufeff",
        "#",
        "%",
        ":",
        "",
    ]
)
OURS = [Dialect.RFC, Dialect.GOOGLE, Dialect.PYTHON_OLD, Dialect.PYTHON_NEW]


@given(st.binary(max_size=300) | st.lists(_LINES).map(lambda lines: "\n".join(lines).encode()), st.text(), st.text())
def test_no_file_token_or_path_raises(data: bytes, token: str, path: str) -> None:
    for dialect in OURS:
        verdict = reader(dialect, data)(token, path)
        assert verdict.line <= data.count(b"\n") + data.count(b"\r") + data.count(b"\x0b") + len(data) + 1


def test_paths_go_over_the_wire_in_ascii() -> None:
    assert on_the_wire("a\n\ud800ä#b") == "/a%0A%ED%A0%80%C3%A4"
