"""RFC 6962, Certificate Transparency: the Merkle tree, by section.

The eight inputs and their roots are the ones that the first implementations were published with.
"""

from __future__ import annotations

import hashlib

import pytest

from optout.evidence.tree import Tree, consistency_proof, inclusion_proof, leaf_hash, node_hash, root_of

_INPUTS = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
]
_ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
_LEAVES = [leaf_hash(bytes.fromhex(text)) for text in _INPUTS]


def test_2_1_the_hash_of_an_empty_list_is_the_hash_of_an_empty_string() -> None:
    assert Tree().root() == hashlib.sha256().digest()


def test_2_1_a_leaf_is_hashed_behind_a_zero_byte_and_a_node_behind_a_one() -> None:
    assert leaf_hash(b"x") == hashlib.sha256(b"\x00x").digest()
    assert node_hash(b"l" * 32, b"r" * 32) == hashlib.sha256(b"\x01" + b"l" * 32 + b"r" * 32).digest()


@pytest.mark.parametrize("size", range(1, 9))
def test_2_1_roots_of_the_published_inputs(size: int) -> None:
    assert root_of(_LEAVES[:size]).hex() == _ROOTS[size - 1]


@pytest.fixture
def tree() -> dict[str, bytes]:
    """The example of section 2.1.3: seven leaves a..f and j, with the letters of the document."""
    named = dict(zip("abcdefj", _LEAVES[:7], strict=True))
    named["g"], named["h"] = node_hash(named["a"], named["b"]), node_hash(named["c"], named["d"])
    named["i"] = node_hash(named["e"], named["f"])
    named["k"], named["l"] = node_hash(named["g"], named["h"]), node_hash(named["i"], named["j"])
    return named


@pytest.mark.parametrize(("index", "path"), [(0, "bhl"), (3, "cgl"), (4, "fjk"), (6, "ik")])
def test_2_1_3_audit_paths_of_the_example(tree: dict[str, bytes], index: int, path: str) -> None:
    assert inclusion_proof(_LEAVES[:7], index) == tuple(tree[letter] for letter in path)


@pytest.mark.parametrize(("old", "proof"), [(3, "cdgl"), (4, "l"), (6, "ijk")])
def test_2_1_3_consistency_proofs_of_the_example(tree: dict[str, bytes], old: int, proof: str) -> None:
    assert consistency_proof(_LEAVES[:7], old) == tuple(tree[letter] for letter in proof)


def test_2_1_2_a_tree_is_consistent_with_itself_without_a_proof() -> None:
    assert consistency_proof(_LEAVES, 8) == ()
