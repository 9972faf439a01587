"""A pattern's expression says of a raw target what the pattern says of its comparable form."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from optout.compilers.patterns import ALWAYS_OPEN, AMBIGUOUS, MALFORMED, exactly, ordinary, pcre, re2
from optout.crawlers.registry import bundled_registry
from optout.decision import is_always_open
from optout.messages import octets
from optout.policy.always_open import ALWAYS_OPEN_PATHS
from optout.policy.loader import load_policy
from optout.robots.model import PathPattern, normalize_path
from optout.signals.declaration import NOTHING_KNOWN
from optout.targets import is_malformed, readings

UNITS = (
    "/",
    "a",
    "b",
    "A",
    "A9",
    "2F",
    "d",
    "9",
    ".",
    "?",
    "=",
    "&",
    "+",
    "(",
    "[",
    "$",
    "*",
    "é",
    "%2F",
    "%c3%a9",
    "%24",
    "~",
)
BARE_IN_PATTERN = st.sampled_from((*UNITS, "%C3", "%", "%4"))
TEXTS = st.lists(st.sampled_from(UNITS), max_size=8).map(lambda units: "/" + "".join(units))
PATTERNS = st.lists(BARE_IN_PATTERN, max_size=6).map(lambda units: "/" + "".join(units))


def pcre_matches(pattern: PathPattern, target: str) -> bool:
    """What a front end with PCRE says. Python's `re` reads these expressions alike, octet by octet."""
    return re.search(pcre(pattern).encode(), octets(target)) is not None


def re2_matches(pattern: PathPattern, target: str) -> bool:
    """What Caddy says, which sees every octet beyond ASCII escaped."""
    escaped = re.sub(r"[^\x21-\x7e]", lambda found: "".join(f"%{octet:02X}" for octet in octets(found[0])), target)
    return re.search(re2(pattern), escaped) is not None


def cuts_an_escape(pattern: PathPattern) -> bool:
    """Whether a `*` of the pattern, or its end, stands inside an escape."""
    return any(re.search(rb"%[0-9A-F]?\Z", piece) for piece in pattern.pieces)


@given(PATTERNS, TEXTS)
def test_pcre_agrees_with_the_matcher(written: str, target: str) -> None:
    pattern = PathPattern.parse(written)
    assume(not cuts_an_escape(pattern))
    assert pcre_matches(pattern, target) == pattern.matches(normalize_path(target))


@given(PATTERNS, TEXTS)
def test_re2_agrees_with_the_matcher(written: str, target: str) -> None:
    pattern = PathPattern.parse(written)
    assume(not cuts_an_escape(pattern))
    assume(not any(re.match(rb"[0-9A-Fa-f]", piece) for piece in pattern.pieces[1:]))
    assert re2_matches(pattern, target) == pattern.matches(normalize_path(target))


@given(st.text(max_size=30), TEXTS)
def test_any_pattern_is_an_expression_of_printable_ascii(written: str, target: str) -> None:
    pattern = PathPattern.parse("/" + written)
    for expression in (pcre(pattern), re2(pattern)):
        assert expression.isascii()
        assert expression.isprintable()
    pcre_matches(pattern, target)
    re2_matches(pattern, target)


@pytest.mark.parametrize(
    ("written", "matching", "other"),
    [
        ("/a", "/a/b?c", "/b"),
        ("/a$", "/a", "/a?"),
        ("/*.pdf$", "/x.pdf/y.pdf", "/x.pdf?a"),
        ("/a*b*c", "/a1b2c3", "/a1c2b3"),
        ("/é", "/%c3%A9", "/%c3"),
        ("/%2f", "/%2Fx", "/x/"),
        ("/*2Fx", "/%2fx", "/%2ax"),
        ("/*a1", "/a1", "/%a1"),
        ("/*%C3%A9$", "/xé", "/xéa"),
        ("/x*$", "/xyz", "/yxz"),
        ("/(.+)[a]", "/(.+)[a]", "/xxa"),
    ],
)
def test_a_pattern_matches_what_it_means(written: str, matching: str, other: str) -> None:
    pattern = PathPattern.parse(written)
    for said in (pcre_matches(pattern, matching), pattern.matches(normalize_path(matching))):
        assert said
    for said in (pcre_matches(pattern, other), pattern.matches(normalize_path(other))):
        assert not said


def test_an_empty_pattern_matches_nothing() -> None:
    assert not pcre_matches(PathPattern.parse(""), "/")


def test_re2_is_asked_for_nothing_that_go_has_not() -> None:
    for written in ("/a*b", "/*é$", "/*A9x", "/a%*", "/$$*", "/*.php?id=$"):
        assert not re.search(r"\(\?[^:]|\+\+|\*\+|\\b", re2(PathPattern.parse(written)))


ANY_TARGETS = st.lists(
    st.sampled_from(
        (*UNITS, "//", "/.", "..", ";x", "\\", "%5c", "%2e", "%00", "%", "%zz", "%4", "#", "%61", "%7E", "\0")
    ),
    max_size=6,
).map(lambda units: "/" + "".join(units))


@given(ANY_TARGETS)
def test_malformed_is_what_the_engine_calls_malformed(target: str) -> None:
    assert (re.search(MALFORMED, target) is not None) == is_malformed(target.partition("?")[0])


def has_needless_escape(target: str) -> bool:
    return any(
        normalize_path(f"/{found}")[1:] != found.upper().encode() for found in re.findall("%[0-9A-Fa-f]{2}", target)
    )


@given(ANY_TARGETS)
def test_what_can_be_read_in_several_ways_is_ambiguous(target: str) -> None:
    assume(not is_malformed(target.partition("?")[0]))
    different = {normalize_path(reading) for reading in readings(target)} - {normalize_path(target)}
    if re.search("%25(?![0-9A-Fa-f]{2})", target) is None and (different or has_needless_escape(target)):
        assert re.search(AMBIGUOUS, target)


@given(ANY_TARGETS)
def test_nothing_else_is_ambiguous(target: str) -> None:
    if re.search(AMBIGUOUS, target):
        assert len(readings(target)) > 1 or has_needless_escape(target)


@pytest.mark.parametrize("target", ["/.well-known/x", "/a.b", "/...", "/a?u=//b;c", "/100%25", "/%C3%A9", "/a?b=%2F"])
def test_an_ordinary_target_is_not_ambiguous(target: str) -> None:
    assert not re.search(AMBIGUOUS, target)


@pytest.mark.parametrize("target", ["//a", "/a//b", "/./a", "/a/..", "/a;b", "/%2fa", "/%2561", "/a?b=%61", "/a#b"])
def test_an_ambiguous_target_is_found(target: str) -> None:
    assert re.search(AMBIGUOUS, target)


OPEN = ("/license", "/terms/of$use")


@given(
    st.text(alphabet="/.a-;%?#2e\\\0$:", max_size=12).map(lambda text: f"/{text}")
    | st.sampled_from(["/license", "/license?a", "/terms/of$use", "/robots.txt", "/llms.txt?x", "/ai.txt"])
)
def test_what_is_called_ordinary_is_nothing_else(target: str) -> None:
    if re.search(ordinary(OPEN), target):
        assert not any(re.search(each, target) for each in (ALWAYS_OPEN, exactly(OPEN), MALFORMED, AMBIGUOUS))


@pytest.mark.parametrize("target", ["/", "/a", "/a/b.html", "/a/", "/a?b=//c;d", "/robots.txt.old", "/@me/x,y", "/?"])
def test_most_targets_are_called_ordinary(target: str) -> None:
    assert re.search(ordinary(OPEN), target)


def test_every_escape_of_an_unreserved_octet_is_needless() -> None:
    for octet in range(256):
        escape = f"%{octet:02X}"
        decoded = normalize_path(f"/{escape}") != f"/{escape}".encode()
        other = escape in {"%2F", "%3B", "%5C"}  # what stands for a delimiter
        for written in (escape, escape.lower()):
            assert (re.search(AMBIGUOUS, f"/{written}") is not None) == (decoded or other)


POLICY = load_policy(
    b"version: 1\nmode: enforce\ndefault: allow\non_error: allow\nterms: /terms\nsites: [a.example]\n",
    "policy.yaml",
    bundled_registry(),
)
OPEN_PIECES = (
    "/terms",
    "?",
    "?x=1",
    "/",
    "a",
    "#",
    "x_-9",
    ".",
    "%61",
    *ALWAYS_OPEN_PATHS,
    "/.well-known/acme-challenge/",
)


@given(st.lists(st.sampled_from(OPEN_PIECES), min_size=1, max_size=3).map("".join))
def test_what_is_always_open_is_what_the_engine_opens(target: str) -> None:
    named = re.search(exactly(POLICY.always_open), target)
    found = re.search(ALWAYS_OPEN, target) is not None or named is not None
    assert found == is_always_open(target, POLICY, NOTHING_KNOWN)


def test_targets_are_compared_exactly_whatever_they_hold() -> None:
    targets = ("/a.b", "/é", "/(x)|y")
    for target in targets:
        assert re.search(exactly(targets).encode(), octets(target))
    assert not re.search(exactly(targets).encode(), b"/axb")
    assert exactly(()) == ""
