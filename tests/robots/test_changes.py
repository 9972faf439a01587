"""What changes between two files."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.robots.changes import flips, named_tokens, sample_paths
from optout.robots.parser import parse_robots

OLD = b"User-agent: *\nDisallow: /drafts/\n"
NEW = b"User-agent: *\nDisallow: /drafts/\n\nUser-agent: GPTBot\nDisallow: /gallery/\n"


def _flips(old: bytes, new: bytes) -> list[tuple[str, str, bool]]:
    files = parse_robots(old), parse_robots(new)
    found = flips(old, new, named_tokens(*files), sample_paths(*files))
    return [(flip.token, flip.path, flip.after.allowed) for flip in found]


def test_a_group_of_its_own_takes_and_gives() -> None:
    """The new group forbids the gallery, and by not repeating the rule for everybody opens the drafts."""
    assert _flips(OLD, NEW) == [
        ("gptbot", "/drafts/", True),
        ("gptbot", "/drafts/x", True),
        ("gptbot", "/gallery/", False),
        ("gptbot", "/gallery/x", False),
    ]


def test_the_rules_that_decided_are_named() -> None:
    flip = next(flips(OLD, NEW, ["GPTBot"], ["/gallery/1"]))
    assert flip.before.rule is None
    assert flip.after.rule is not None
    assert flip.after.rule.line == 5


def test_names_and_paths_come_from_both_files() -> None:
    files = parse_robots(OLD), parse_robots(b"User-agent: B\nUser-agent: a\nAllow: /*.jpg$\nAllow: x\n")
    assert named_tokens(*files) == ("b", "a", "*")
    assert sample_paths(*files) == ("/", "/drafts/", "/drafts/x", "/.jpg", "/.jpgx")


@given(st.binary(max_size=150))
def test_a_file_does_not_differ_from_itself(data: bytes) -> None:
    assert _flips(data, data) == []


@given(st.binary(max_size=150), st.binary(max_size=150))
def test_what_flips_one_way_flips_back(old: bytes, new: bytes) -> None:
    back = {(token, path): allowed for token, path, allowed in _flips(new, old)}
    assert {(token, path): not allowed for token, path, allowed in _flips(old, new)} == back
