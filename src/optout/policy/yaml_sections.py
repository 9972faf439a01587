"""A policy file read as two: its top keys, and the `clauses` below them, which are the same text all over a fleet.

A text of clauses that comes a second time is remembered with what it means, so a host with 40,000 files reads each list
of clauses that differs once or twice.
Rule: the answer is that of reading the file as a whole. Two block mappings without indentation, each sound by itself,
are one when they stand below each other: a key at the beginning of a line ends every plain or block scalar above it,
and a quote or bracket that is open there makes the upper half unsound. Whatever is not so plain is read as a whole.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from optout.errors import Problem
from optout.policy.yaml_positions import Document, KeyPath, decode, parse_text, parse_yaml

_BEGIN = "\nclauses:\n"
_LONGEST = 4096  # characters of a text that is remembered: longer ones are seldom written twice
_MOST_KNOWN = 512
_MOST_SEEN = 16_384


def parse_sections(data: bytes, file: str) -> Document:
    """As `yaml_positions.parse_yaml`, and the same answer."""
    text = decode(data, file)
    if isinstance(text, Problem):
        return parse_yaml(data, file)
    at = text.find(_BEGIN) + 1
    # Another end of line would count otherwise here than in the reader; `...` ends a document.
    if at and len(text) - at <= _LONGEST and "\r" not in text and "\n..." not in text:
        tail = _REPEATED.read(text[at:])
        joined = _joined(parse_text(text[:at], file), tail, text.count("\n", 0, at)) if tail is not None else None
        if joined is not None:
            return joined
    return parse_text(text, file)


class _Repeated:
    """Texts that came more than once. Memory is bounded: of those that came once only Python's hash is kept."""

    def __init__(self) -> None:
        self.known: dict[str, Document] = {}
        self._seen: set[int] = set()

    def read(self, text: str) -> Document | None:
        """What a text means if it can stand by itself and came before; None otherwise."""
        known = self.known.get(text)
        if known is not None:
            return known if _is_sound(known) else None
        number = hash(text)
        if number not in self._seen:
            if len(self._seen) >= _MOST_SEEN:
                self._seen.clear()
            self._seen.add(number)
            return None
        if len(self.known) >= _MOST_KNOWN:
            self.known.clear()
        known = self.known[text] = parse_text(text, "")
        return known if _is_sound(known) else None


_REPEATED = _Repeated()


class _Lines(Mapping[KeyPath, int]):
    """The lines of a head, and those of a tail that stands `above` lines further down."""

    __slots__ = ("_above", "_head", "_tail")

    def __init__(self, head: Mapping[KeyPath, int], tail: Mapping[KeyPath, int], above: int) -> None:
        self._head, self._tail, self._above = head, tail, above

    def __getitem__(self, path: KeyPath) -> int:
        found = self._head.get(path)
        return self._tail[path] + self._above if found is None else found

    def __iter__(self) -> Iterator[KeyPath]:
        yield from self._head
        yield from (path for path in self._tail if path)

    def __len__(self) -> int:
        return len(self._head) + len(self._tail) - 1


def _joined(head: Document, tail: Document, above: int) -> Document | None:
    """Both as one; None where the head is not plain and sound, or says what the tail says."""
    if not _is_sound(head):
        return None
    assert isinstance(head.data, dict) and isinstance(tail.data, dict)  # noqa: S101  both are plain
    if not head.data.keys().isdisjoint(tail.data):
        return None
    return Document(
        data={**head.data, **tail.data},
        lines=_Lines(head.lines, tail.lines, above),
        unread=frozenset(),
        problems=(),
        complete=True,
        is_plain=True,
    )


def _is_sound(document: Document) -> bool:
    return document.is_plain and document.complete and not document.problems
