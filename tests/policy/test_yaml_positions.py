"""policy.yaml_positions: values, their lines, and what is refused; the same with either scanner of PyYAML."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from optout.policy.yaml_positions import FAST_LOADER, MAX_BYTES, MAX_DEPTH, Document, parse_yaml

CASES = sorted((Path(__file__).parent.parent / "cases" / "policy").glob("*/*.yaml"))


@pytest.fixture(params=[yaml.SafeLoader, FAST_LOADER], ids=["PyYAML", "libyaml"])
def loader(request: pytest.FixtureRequest) -> type[yaml.SafeLoader]:
    return request.param  # type: ignore[no-any-return]


def _read(text: str | bytes, loader: type[yaml.SafeLoader] = FAST_LOADER) -> Document:
    return parse_yaml(text.encode() if isinstance(text, str) else text, "a.yaml", loader)


def test_values_keep_the_text_that_was_written(loader: type[yaml.SafeLoader]) -> None:
    found = _read("a: yes\nb: 007\nc: 2026-13-45\nd: 1:30\ne: 1e3\nf: 'null'\n", loader)
    assert found.data == {"a": "yes", "b": "007", "c": "2026-13-45", "d": "1:30", "e": "1e3", "f": "null"}
    assert found.complete
    assert found.problems == ()


def test_only_an_absent_value_is_none(loader: type[yaml.SafeLoader]) -> None:
    assert _read("a:\nb: ~\nc: null\nd: ''\n", loader).data == {"a": None, "b": None, "c": None, "d": ""}


def test_every_key_and_item_has_its_line(loader: type[yaml.SafeLoader]) -> None:
    found = _read("# remark\na: b\nc:\n  - d\n  - e:\n      f\n", loader)
    assert found.lines == {
        (): 2,
        ("a",): 2,
        ("c",): 3,
        ("c", 0): 4,
        ("c", 1): 5,
        ("c", 1, "e"): 5,
    }


def test_a_place_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    found = _read("a: b\nc:\n  d: e\n")
    assert found.line(("c", "x", 0)) == 2
    assert found.line(("x",)) == 1
    assert _read("").line(("x",)) == 0


def test_the_end_of_a_line_may_be_written_in_three_ways(loader: type[yaml.SafeLoader]) -> None:
    for end in ("\n", "\r\n", "\r"):
        found = _read(f"a: b{end}c: d{end}", loader)
        assert found.data == {"a": "b", "c": "d"}
        assert found.lines[("c",)] == 2


def test_a_byte_order_mark_is_no_part_of_the_text(loader: type[yaml.SafeLoader]) -> None:
    assert _read(b"\xef\xbb\xbfa: b\n", loader).data == {"a": "b"}


def test_a_key_that_stands_twice_keeps_its_first_value(loader: type[yaml.SafeLoader]) -> None:
    found = _read("a: 1\na: {b: [2]}\nc: 3\n", loader)
    assert found.data == {"a": "1", "c": "3"}
    assert [str(problem) for problem in found.problems] == [
        "a.yaml:2: `a` stands here a second time - keep one; the first is in line 1"
    ]
    assert found.complete


def test_an_alias_is_reported_and_stands_as_unread(loader: type[yaml.SafeLoader]) -> None:
    found = _read("a: &x 1\nb: *x\n", loader)
    assert found.data == {"a": "1", "b": None}
    assert found.unread == {("b",)}
    assert [problem.line for problem in found.problems] == [1, 2]


def test_aliases_cannot_multiply(loader: type[yaml.SafeLoader]) -> None:
    # The "billion laughs" of YAML: each line would hold the one before it nine times.
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    found = _read("\n".join(lines), loader)
    assert isinstance(found.data, dict)
    assert found.data["a11"] == [None] * 9


def test_a_tag_constructs_nothing(loader: type[yaml.SafeLoader]) -> None:
    found = _read("a: !!python/object/apply:os.getcwd []\n", loader)
    assert found.data == {"a": []}
    assert "`!!python/object/apply:os.getcwd` is a YAML tag" in found.problems[0].text


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_refused_before_it_costs_anything(opening: str, loader: type[yaml.SafeLoader]) -> None:
    found = _read(opening * 100_000, loader)
    assert not found.complete
    assert len(found.lines) <= MAX_DEPTH + 1


def test_a_second_document_ends_the_reading(loader: type[yaml.SafeLoader]) -> None:
    found = _read("a: 1\n---\nb: 2\n", loader)
    assert found.data == {"a": "1"}
    assert not found.complete


def test_a_key_is_a_word(loader: type[yaml.SafeLoader]) -> None:
    for text in ("{{ a }}: b", "? [a]\n: b", "? {a: b}\n: c", "&k [a]: b"):
        assert not _read(text, loader).complete


def test_what_stands_before_a_mistake_is_kept(loader: type[yaml.SafeLoader]) -> None:
    found = _read("sites: [a.example]\ntenant: b\nc: 'open\n", loader)
    assert found.data == {"sites": ["a.example"], "tenant": "b"}
    assert not found.complete


@pytest.mark.parametrize(
    ("data", "line"),
    [
        (b"a: b\n\xff\n", 2),
        (b"a: b\r\nc: \x00\r\n", 2),
        (b"a: \xc2\x85\n", 1),
        ("a: b\nc: \u2028\n".encode(), 2),
        ("a: b\n# \u202e\n".encode(), 2),
        ("a: \ufeff\n".encode(), 1),
        ("a: b".encode("utf-16"), 1),
    ],
)
def test_what_an_editor_would_not_show_is_refused_with_its_line(data: bytes, line: int) -> None:
    found = _read(data)
    assert not found.complete
    assert [problem.line for problem in found.problems] == [line]


@pytest.mark.parametrize("escape", ['"\\ud800"', '"\\udc80"', '"\\U00110000"', '"\\Uffffffff"'])
def test_an_escape_that_stands_for_no_character_is_refused(escape: str, loader: type[yaml.SafeLoader]) -> None:
    for text in (f"a: {escape}\n", f"{escape}: a\n"):
        found = _read(text, loader)
        assert not found.complete
        assert len(found.problems) == 1


def test_a_file_that_is_too_large_is_not_read() -> None:
    found = _read(b"#" * (MAX_BYTES + 1))
    assert not found.complete
    assert "1,048,577 bytes" in found.problems[0].text
    assert _read(b"#" * MAX_BYTES).complete


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_both_scanners_read_a_file_alike(path: Path) -> None:
    data = path.read_bytes()
    slow, fast = _read(data, yaml.SafeLoader), _read(data)
    assert (slow.data, slow.lines, slow.unread, slow.complete) == (fast.data, fast.lines, fast.unread, fast.complete)
    assert [problem.line for problem in slow.problems] == [problem.line for problem in fast.problems]


def _events(text: str) -> int:
    """How many events were taken, and that reading stopped nowhere before the end."""
    count = 0

    class Counted(FAST_LOADER):  # type: ignore[misc, valid-type]
        def get_event(self) -> yaml.Event | None:
            nonlocal count
            count += 1
            return super().get_event()  # type: ignore[no-any-return]

    assert _read(text, Counted).complete
    return count


def test_the_work_grows_with_the_text() -> None:
    def text(size: int) -> str:
        return "clauses:\n" + "".join(f"  - {{id: c{n}, path: [/a{n}, /b{n}]}}\n" for n in range(size))

    once, twice = _events(text(500)), _events(text(1000))
    assert once > 500
    assert twice < 2 * once
