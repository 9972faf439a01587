"""policy.yaml_sections: the same as reading the file as a whole, whatever stands in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from optout.policy import yaml_sections
from optout.policy.yaml_positions import MAX_BYTES, Document, parse_yaml
from optout.policy.yaml_sections import parse_sections

CASES = sorted((Path(__file__).parent.parent / "cases" / "policy").glob("*/*.yaml"))

# Lines that open something, close something, or look as if they did.
LINES = st.sampled_from(
    [
        "version: 1", "a: b", "  a: b", " c: d", "clauses:", "clauses: x", "clauses: []", "clauses:  ", "'clauses':",
        "? clauses", "? a", ": b", "- a", "  - a", "  - {id: a, action: deny}", "  - id: a", "    action: deny",
        "    reason: |", "  text", "   more", "terms: |", "terms: |+", "terms: >-", "terms: 'open", "closed'",
        'contact: "open', 'closed"', "sites: [a,", "b]", "{a: b,", "c: d}", "sites:", "# remark", "  # remark", "",
        "   ", "---", "...", "--- a", "...x", "%YAML 1.1", "%TAG ! tag:x,2000:", "&a b: c", "x: *a", "x: !t y", "\ttab",
        "plain", "plain text: x: y", "é: ü", "\\", '"\\ud800": a', "a: 'b'", "a:", "a: ~", "!t x: y", "- - b",
    ]
)  # fmt: skip
ENDS = st.sampled_from(["\n"] * 12 + ["\r\n", "\r", "\n\n"])
TEXTS = st.lists(st.tuples(LINES, ENDS), max_size=14).map(lambda lines: "".join(map("".join, lines)))
FILES = st.builds(lambda above, below: f"{above}clauses:\n{below}", TEXTS, TEXTS)


@settings(max_examples=1500, deadline=None)
@given(FILES)
@example("a: 'open\nclauses:\n  - b\n'\n")
@example("  a: b\nclauses:\n  - c\n")
@example("{a: b}\nclauses:\n  - c\n")
@example("a: b\n...\nclauses:\n  - c\n")
@example("a: |\n\nclauses:\n  - c\n")
@example("a: b\nclauses:\n  - c\nclauses:\n  - d\n")
@example("a: b\nclauses:\n  - c\na: d\n")
@example("plain\nclauses:\n  - c\n")
@example("a:\nclauses:\n- c\n")
@example("a: b\nclauses:\n")
def test_two_halves_are_read_as_the_whole(text: str) -> None:
    data = text.encode()
    for _ in range(3):  # the first time, the second, and remembered
        assert parse_sections(data, "a.yaml") == parse_yaml(data, "a.yaml")


@given(st.binary(max_size=200))
def test_any_octets_are_read_as_the_whole(data: bytes) -> None:
    for octets in (data, b"a: b\nclauses:\n" + data, data + b"\nclauses:\n  - a\n"):
        assert parse_sections(octets, "a.yaml") == parse_yaml(octets, "a.yaml")


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_every_case_is_read_as_the_whole(path: Path) -> None:
    assert parse_sections(path.read_bytes(), path.name) == parse_yaml(path.read_bytes(), path.name)


def _read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are parsed from now on; nothing is remembered."""
    read: list[str] = []
    real = yaml_sections.parse_text

    def counted(text: str, file: str) -> Document:
        read.append(text)
        return real(text, file)

    monkeypatch.setattr(yaml_sections, "parse_text", counted)
    monkeypatch.setattr(yaml_sections, "_REPEATED", yaml_sections._Repeated())
    return read


def test_the_same_clauses_are_not_read_a_third_time(monkeypatch: pytest.MonkeyPatch) -> None:
    read = _read(monkeypatch)
    clauses = "clauses:\n  - {id: only-here, action: deny}\n"
    heads = [f"# {number}\nsites: site-{number}.example\n" for number in range(5)]
    for head in heads:
        found = parse_sections(f"{head}{clauses}".encode(), "a.yaml")
        assert found.line(("clauses", 0)) == 4
    assert read == [heads[0] + clauses, clauses, *heads[1:]]


def test_memory_is_bounded_whatever_owners_write(monkeypatch: pytest.MonkeyPatch) -> None:
    _read(monkeypatch)
    monkeypatch.setattr(yaml_sections, "_MOST_KNOWN", 10)
    monkeypatch.setattr(yaml_sections, "_MOST_SEEN", 20)
    for number in range(50):
        for _ in range(2):
            parse_sections(f"version: 1\nclauses:\n  - {{id: c{number}, action: deny}}\n".encode(), "a.yaml")
    assert 0 < len(yaml_sections._REPEATED.known) <= 10
    assert 0 < len(yaml_sections._REPEATED._seen) <= 20
    long = "clauses:\n" + "".join(f"  - {{id: c{number}, action: deny}}\n" for number in range(1000))
    for _ in range(3):
        found = parse_sections(f"version: 1\n{long}".encode(), "a.yaml")
        assert found.line(("clauses", 999)) == 1002
    assert long not in yaml_sections._REPEATED.known


def test_a_file_that_is_too_large_is_refused_as_ever() -> None:
    data = b"a: b\nclauses:\n" + b"#" * MAX_BYTES
    assert parse_sections(data, "a.yaml") == parse_yaml(data, "a.yaml")
