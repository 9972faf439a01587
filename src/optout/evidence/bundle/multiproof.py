"""One proof for many records: the roots of all largest subtrees in which none of them lies, from left to right.

Whoever has the records computes the root of the whole tree from these and from their own leaf hashes. It is the union
of the records' audit paths (RFC 6962 section 2.1.1) without what can be computed: a bundle of a tenant's ten thousand
records carries no hash twice, and none of anybody's record alone where that has a neighbor.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from optout.evidence.tree import node_hash


def sibling_hashes(indexes: Sequence[int], size: int, root_of: Callable[[int, int], bytes]) -> Iterator[bytes]:
    """The hashes for the leaves at `indexes` (ascending, at least one) of a tree of `size` leaves.

    `root_of(start, end)` gives the root of a subtree.
    """
    stack = [(0, size)]
    while stack:
        start, end = stack.pop()
        here = bisect_left(indexes, start)
        if here == len(indexes) or indexes[here] >= end:
            yield root_of(start, end)
        elif end - start > 1:
            middle = start + _left(end - start)
            stack += [(middle, end), (start, middle)]


def root_with(leaves: Mapping[int, bytes], size: int, hashes: Iterator[bytes]) -> bytes | None:
    """The root that the leaf hashes at their indexes lead to; None where the hashes are too few."""
    indexes = sorted(leaves)

    def root(start: int, end: int) -> bytes:
        here = bisect_left(indexes, start)
        if here == len(indexes) or indexes[here] >= end:
            return next(hashes)
        if end - start == 1:
            return leaves[start]
        middle = start + _left(end - start)
        left = root(start, middle)
        return node_hash(left, root(middle, end))

    try:
        return root(0, size)
    except StopIteration:
        return None


def _left(width: int) -> int:
    """How many of `width` > 1 leaves are in the left subtree: the largest power of two below."""
    return 1 << (width - 1).bit_length() - 1
