"""Many words as one regular expression that reads each octet of a text once: what begins alike is written once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_Node = dict[str, "_Node"]
_END = ""


class Trie:
    """Words as trees of units. A unit is an expression for one character; it stands where that character may."""

    __slots__ = ("_root",)

    def __init__(self, words: Iterable[Sequence[str]]) -> None:
        self._root: _Node = {}
        for word in words:
            node = self._root
            for unit in word:
                node = node.setdefault(unit, {})
            node[_END] = {}

    def __bool__(self) -> bool:
        return bool(self._root)

    def expression(self) -> str:
        """An expression that matches each word; of two words the longer is tried first. Not for an empty trie."""
        return _expression(self._root)


def _expression(node: _Node) -> str:
    branches = {unit: child for unit, child in node.items() if unit != _END}
    if not branches:
        return ""
    ways = [unit + _expression(child) for unit, child in sorted(branches.items())]
    single = [way for way in ways if len(way) == 1]
    if len(single) > 1:
        single.sort(key="-".__eq__)  # last in a class it means itself
        ways = [*(way for way in ways if len(way) > 1), f"[{''.join(single)}]"]
    is_one = len(ways) == 1
    if _END not in node:
        return ways[0] if is_one else f"(?:{'|'.join(ways)})"
    text = ways[0] if is_one and _is_unit(ways[0]) else f"(?:{'|'.join(ways)})"
    return f"{text}?"


def _is_unit(text: str) -> bool:
    """Whether a following `?` would be about the whole text."""
    return len(text) == 1 or (text[0] == "[" and text.index("]") == len(text) - 1)
