"""Path patterns, comparable octets, and the proof that matching never costs more than one pass."""

from __future__ import annotations

import pytest

from optout.robots import model
from optout.robots.model import EMPTY, PathPattern, as_octets, normalize_path


def test_a_pattern_keeps_what_was_written_beside_what_is_compared() -> None:
    pattern = PathPattern.parse("/%7euser/*.gif$")
    assert (pattern.written, pattern.octets) == ("/%7euser/*.gif$", b"/~user/*.gif$")
    assert (pattern.priority, pattern.is_literal, pattern.literal_prefix) == (13, False, b"/~user/")


def test_a_literal_pattern_is_its_own_prefix_without_the_anchor() -> None:
    pattern = PathPattern.parse("/index.html$")
    assert (pattern.is_literal, pattern.literal_prefix, pattern.priority) == (True, b"/index.html", 12)


def test_an_inner_dollar_sign_counts_one_octet_however_it_is_compared() -> None:
    pattern = PathPattern.parse("/a$b")
    assert (pattern.priority, pattern.literal_prefix) == (4, b"/a%24b")


def test_the_empty_pattern_matches_nothing() -> None:
    pattern = PathPattern.parse("")
    assert (pattern.is_literal, pattern.literal_prefix, pattern.priority) == (True, b"", 0)
    assert not pattern.matches(b"/")


@pytest.mark.parametrize(
    ("target", "path"),
    [("", b"/"), ("a", b"/a"), ("?q", b"/?q"), ("#part", b"/"), ("/a#b#c", b"/a"), ("/a?#b", b"/a?"), ("*", b"/%2A")],
)
def test_a_target_becomes_a_path_and_query(target: str, path: bytes) -> None:
    assert normalize_path(target) == path


def test_a_surrogate_that_stands_for_no_octet_does_not_raise() -> None:
    assert normalize_path("/\ud800") == b"/%ED%A0%80"
    assert as_octets("\udc80\ud800")


def test_the_file_that_is_not_there_says_nothing() -> None:
    assert (EMPTY.groups, EMPTY.others, EMPTY.faults, EMPTY.size) == ((), (), (), 0)


HOSTILE = [
    ("/" + "*a" * 50 + "*b", "/" + "a" * 100_000),
    ("/*?*sort=*&*filter=*&*page=*x", "/?" + "sort=&filter=&page=" * 5_000),
    ("/*" + "a" * 63 + "b", "/" + "a" * 100_000),
    ("/*" + "a" * 500 + "b" + "a" * 500, "/" + "a" * 100_000),
    ("/*" + "ab" * 400 + "*" + "ba" * 400 + "c$", "/" + "ab" * 50_000),
    ("/" + "*" * 50_000 + "b", "/" + "a" * 100_000),
]


@pytest.mark.parametrize(("pattern", "target"), HOSTILE)
def test_no_part_of_a_path_is_scanned_for_two_pieces(
    monkeypatch: pytest.MonkeyPatch, pattern: str, target: str
) -> None:
    scanned = 0
    end_of = model.end_of

    def counting(piece: bytes, path: bytes, start: int) -> int:
        nonlocal scanned
        end = end_of(piece, path, start)
        scanned += (end if end >= 0 else len(path)) - start
        return end

    monkeypatch.setattr(model, "end_of", counting)
    path = normalize_path(target)
    PathPattern.parse(pattern).matches(path)
    assert 0 < scanned <= len(path)


def test_a_long_piece_is_never_compared_at_every_position() -> None:
    class Path(bytes):
        def find(self, piece: bytes, start: int = 0) -> int:  # type: ignore[override]
            assert len(piece) < 64  # bytes.find may take the product of both lengths
            return super().find(piece, start)

    long = "a" * 40 + "b" + "a" * 40
    pattern = PathPattern.parse(f"/*a*{long}*c")
    assert pattern.matches(Path(b"/a" + b"a" * 500 + long.encode() + b"c"))
    assert not pattern.matches(Path(b"/a" + b"a" * 500))
    assert not pattern.matches(Path(b"/a"))


def test_the_memory_for_long_pieces_is_bounded() -> None:
    for number in range(9_000):
        assert PathPattern.parse(f"/*{number:070d}").matches(b"/%070d" % number)
    assert model._finder.cache_info().currsize == model._finder.cache_info().maxsize == 8192
    model._finder.cache_clear()
