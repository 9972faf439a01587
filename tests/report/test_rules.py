"""The lines that decided, quoted from the version that was in force."""

from __future__ import annotations

from optout.report.figures import Rule
from optout.report.rules import around, rules
from optout.report.sheet import Block, Quote, Text

ROBOTS = b"# ours\r\nUser-agent: *\r\nDisallow: /a\r\nDisallow: /b\r\nDisallow: /c\r\n"
RULE = Rule(name="robots.txt", sha256="aa", line=4, code="robots-disallow")


def _texts(blocks: list[Block]) -> str:
    return " ".join(block.text for block in blocks if isinstance(block, Text))


def test_the_line_stands_among_its_neighbors_with_its_number() -> None:
    blocks = list(rules(((RULE, 7),), {"aa": ROBOTS}))
    quote = next(block for block in blocks if isinstance(block, Quote))
    assert quote == Quote(lines=("User-agent: *", "Disallow: /a", "Disallow: /b", "Disallow: /c"), first=2, marked=4)
    assert "robots.txt, line 4: decided 7 times (robots-disallow)." in _texts(blocks)


def test_a_text_that_was_not_kept_is_named_by_its_hash() -> None:
    assert "SHA-256: aa" in _texts(list(rules(((RULE, 1),), {})))


def test_what_no_line_decided_is_not_quoted() -> None:
    assert list(rules(((Rule(name="", sha256="", line=0, code="always-open"), 3),), {})) == []


def test_many_rules_are_cut_and_say_so() -> None:
    many = tuple((RULE._replace(line=line), 1) for line in range(1, 31))
    assert "10 more are in the records." in _texts(list(rules(many, {"aa": ROBOTS})))


def test_a_line_behind_the_end_marks_nothing() -> None:
    assert around(b"one\n", 99).lines == ()
