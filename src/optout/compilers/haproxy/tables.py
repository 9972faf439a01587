"""A class's tables for HAProxy: beginnings of paths in a tree, and expressions for what a tree cannot hold.

Most rules are a beginning, and HAProxy finds the longest of ten thousand as fast as of ten. But the first line decides
and not the longest, so each beginning carries the first line of all that it begins with. Where an expression matches,
too, the lesser place of the two decides: values are `place|outcome`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from optout.compilers.patterns import pcre
from optout.compilers.plan import Line


def beginning(line: Line) -> str | None:
    """What every target that the line fits begins with, and none that it does not; None where an expression says it."""
    if line.methods:
        return None
    if line.pattern is None:
        return ""
    (first, *more) = line.pattern.pieces or (b"%", b"")
    # With an escape several spellings compare alike (`patterns`); without one a target begins so as it was sent.
    return None if more or line.pattern.anchored or b"%" in first else first.decode("ascii")


def beginnings(group: int, table: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """The lines of `table-N-beg.map` for one class."""
    found: dict[str, tuple[int, str]] = {}
    for place, line in enumerate(table):
        text = beginning(line)
        if text is not None:
            found.setdefault(text, (place, line.outcome))
    above: list[tuple[str, tuple[int, str]]] = []
    for text in sorted(found):
        while above and not text.startswith(above[-1][0]):
            above.pop()
        first = min(found[text], above[-1][1]) if above else found[text]
        above.append((text, first))
        yield f"c{group}:{text}", f"{first[0]}|{first[1]}"


def expressions(group: int, table: Iterable[Line]) -> Iterator[tuple[str, str]]:
    """The lines of `table-N.map` for one class, in order."""
    for place, line in enumerate(table):
        if beginning(line) is None:
            methods = f"(?:{'|'.join(map(_quoted, line.methods))})" if line.methods else "[^ ]*"
            path = pcre(line.pattern).removeprefix("^") if line.pattern is not None else ""
            yield f"^c{group} {methods} {path}", f"{place}|{line.outcome}"


def _quoted(method: str) -> str:
    return "".join(char if char.isalnum() else f"\\x{ord(char):02X}" for char in method)


def table_rules(place: str, number: int, *, has_beginnings: bool, has_expressions: bool) -> Iterator[str]:
    """The rules that ask one table, where none before has decided."""
    only = "if { var(txn.optout_known) -m found } !{ var(txn.optout_outcome) -m beg a p l }"
    none = "999999999|next"
    asked = "'var(txn.optout_class),concat(\":\",txn.optout_target),map_beg({place}/table-{number}-beg.map,{none})'"
    if has_beginnings:
        written = asked.format(place=place, number=number, none=none)
        yield f"http-request set-var(txn.optout_begun) {written} {only}"
    if has_expressions:
        found = f"var(txn.optout_key),map_reg({place}/table-{number}.map,{none})"
        yield f"http-request set-var(txn.optout_matched) {found} {only}"
    if has_beginnings and has_expressions:
        yield f"http-request set-var(txn.optout_place) var(txn.optout_begun),field(1,|) {only}"
        later = "{ var(txn.optout_matched),field(1,|),sub(txn.optout_place) gt 0 }"
        yield f"http-request set-var(txn.optout_matched) var(txn.optout_begun) {only} {later}"
    decided = "matched" if has_expressions else "begun"
    yield f"http-request set-var(txn.optout_outcome) var(txn.optout_{decided}),field(2,|) {only}"
