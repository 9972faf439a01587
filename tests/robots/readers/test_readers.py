"""What all readers share: they answer anything, in linear time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optout.robots.dialects import Dialect, reader
from optout.robots.readers import Wildcards, on_the_wire

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


@given(st.text(alphabet="ab*", max_size=12), st.text(alphabet="ab", max_size=12), st.booleans())
def test_wildcards_reach_as_far_as_a_greedy_matcher(pattern: str, path: str, ends: bool) -> None:
    import re

    found = re.match(re.escape(pattern).replace(r"\*", ".*") + ("$" if ends else ""), path)
    assert Wildcards.parse(pattern, ends=ends).reach(path) == (found.end() if found else -1)


class _Counting(str):
    """A path that counts the characters that searches may look at."""

    __slots__ = ("looked",)

    def find(self, piece: str, start: int = 0) -> int:  # type: ignore[override]
        at = str.find(self, piece, start)
        self.looked = getattr(self, "looked", 0) + (len(self) if at < 0 else at) - start + 1
        return at


@pytest.mark.parametrize("size", [1_000, 4_000])
def test_a_pattern_of_many_wildcards_looks_at_each_place_once(size: int) -> None:
    path = _Counting("/" + "a" * size)
    assert Wildcards.parse("/" + "*a" * 200 + "*b", ends=False).reach(path) == -1
    assert path.looked <= 2 * size


def test_paths_go_over_the_wire_in_ascii() -> None:
    assert on_the_wire("a\n\ud800ä") == "/a%0A%ED%A0%80%C3%A4"
