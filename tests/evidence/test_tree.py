"""The tree: its frontier, its proofs, and what is no proof. The document's own examples are in tests/spec."""

from __future__ import annotations

import pytest

from optout.evidence.tree import (
    EMPTY_ROOT,
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

LEAVES = [leaf_hash(bytes([number])) for number in range(70)]


def test_a_tree_without_leaves_has_the_hash_of_nothing() -> None:
    assert Tree().root() == EMPTY_ROOT == root_of([])


def test_every_leaf_of_every_size_has_a_proof_that_verifies() -> None:
    for size in range(1, len(LEAVES)):
        root = root_of(LEAVES[:size])
        for index in range(size):
            proof = inclusion_proof(LEAVES[:size], index)
            assert verify_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root)


def test_every_size_is_consistent_with_every_smaller_one() -> None:
    for size in range(1, 40):
        root = root_of(LEAVES[:size])
        for old in range(1, size + 1):
            proof = consistency_proof(LEAVES[:size], old)
            assert verify_consistency(old_size=old, old_root=root_of(LEAVES[:old]), size=size, root=root, proof=proof)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 33])
def test_an_inclusion_proof_fits_no_other_leaf_place_size_or_root(size: int) -> None:
    root = root_of(LEAVES[:size])
    for index in range(size):
        leaf, proof = LEAVES[index], inclusion_proof(LEAVES[:size], index)
        assert not verify_inclusion(leaf=LEAVES[-1], index=index, size=size, proof=proof, root=root)
        assert not verify_inclusion(leaf=leaf, index=size, size=size, proof=proof, root=root)
        assert not verify_inclusion(leaf=leaf, index=-1, size=size, proof=proof, root=root)
        assert not verify_inclusion(leaf=leaf, index=index, size=size, proof=proof, root=EMPTY_ROOT)
        assert not verify_inclusion(leaf=leaf, index=index, size=size, proof=(*proof, leaf), root=root)
        if proof:
            assert not verify_inclusion(leaf=leaf, index=index, size=size, proof=proof[:-1], root=root)


def test_a_consistency_proof_fits_no_forked_history() -> None:
    forked = [*LEAVES[:5], leaf_hash(b"forged"), *LEAVES[6:20]]
    for old in range(6, 20):
        proof = consistency_proof(forked, old)
        assert not verify_consistency(
            old_size=old, old_root=root_of(LEAVES[:old]), size=20, root=root_of(forked), proof=proof
        )


def test_a_consistency_proof_cannot_be_empty_too_long_or_backward() -> None:
    old_root, root = root_of(LEAVES[:3]), root_of(LEAVES[:7])
    proof = consistency_proof(LEAVES[:7], 3)
    for wrong in ((), proof[:-1], (*proof, LEAVES[0])):
        assert not verify_consistency(old_size=3, old_root=old_root, size=7, root=root, proof=wrong)
    assert not verify_consistency(old_size=7, old_root=root, size=3, root=old_root, proof=proof)
    assert not verify_consistency(old_size=0, old_root=EMPTY_ROOT, size=7, root=root, proof=())
    assert not verify_consistency(old_size=7, old_root=old_root, size=7, root=root, proof=())


def test_there_is_no_proof_for_what_is_not_there() -> None:
    with pytest.raises(ValueError, match="no leaf 3"):
        inclusion_proof(LEAVES[:3], 3)
    for old in (0, 4):
        with pytest.raises(ValueError, match="no tree of"):
            consistency_proof(LEAVES[:3], old)
