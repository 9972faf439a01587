"""One proof for many records: it leads to the root, and nothing else does."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from optout.evidence.bundle.multiproof import root_with, sibling_hashes
from optout.evidence.tree import inclusion_proof, leaf_hash, root_of

LEAVES = [leaf_hash(str(number).encode()) for number in range(300)]


@st.composite
def _choices(draw: st.DrawFn) -> tuple[int, list[int]]:
    size = draw(st.integers(1, len(LEAVES)))
    return size, sorted(draw(st.sets(st.integers(0, size - 1), min_size=1)))


@given(_choices())
def test_it_leads_to_the_root(choice: tuple[int, list[int]]) -> None:
    size, indexes = choice
    hashes = list(sibling_hashes(indexes, size, lambda start, end: root_of(LEAVES[start:end])))
    leaves = {index: LEAVES[index] for index in indexes}
    assert root_with(leaves, size, iter(hashes)) == root_of(LEAVES[:size])
    false = {**leaves, indexes[0]: leaf_hash(b"false")}
    assert root_with(false, size, iter(hashes)) != root_of(LEAVES[:size])
    if hashes:
        assert root_with(leaves, size, iter(hashes[:-1])) is None


def test_of_one_record_it_is_its_audit_path() -> None:
    for size in (1, 2, 7, 256, 300):
        for index in {0, size // 2, size - 1}:
            hashes = sibling_hashes([index], size, lambda start, end: root_of(LEAVES[start:end]))
            assert sorted(hashes) == sorted(inclusion_proof(LEAVES[:size], index))


def test_of_neighbors_it_carries_nothing_twice() -> None:
    hashes = list(sibling_hashes(range(64, 128), 256, lambda start, end: root_of(LEAVES[start:end])))
    assert hashes == [root_of(LEAVES[:64]), root_of(LEAVES[128:256])]
