"""The log's tree against RFC 6962: its reference vectors, its worked example, and its own recursive definitions."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

# The reference vectors of the Certificate Transparency project: eight leaves, and the root after each.
BODIES = [
    bytes.fromhex(body)
    for body in ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
]
LEAVES = [leaf_hash(body) for body in BODIES]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
ROOT_8 = bytes.fromhex(ROOTS[-1])

PATH_OF_LEAF_0_IN_8 = [
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
]
PATH_OF_LEAF_5_IN_8 = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]
PROOF_FROM_6_TO_8 = [
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
]

logs = st.integers(0, 130).map(lambda size: [leaf_hash(bytes([i])) for i in range(size)])


def largest_power_below(size: int) -> int:
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def defined_root(leaves: list[bytes]) -> bytes:
    """MTH, as RFC 6962 section 2.1 writes it."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = largest_power_below(len(leaves))
    return sha256(b"\x01" + defined_root(leaves[:k]) + defined_root(leaves[k:])).digest()


def defined_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH, as RFC 9162 section 2.1.3.1 writes it."""
    if len(leaves) == 1:
        return []
    k = largest_power_below(len(leaves))
    if index < k:
        return [*defined_path(index, leaves[:k]), defined_root(leaves[k:])]
    return [*defined_path(index - k, leaves[k:]), defined_root(leaves[:k])]


def defined_subproof(old_size: int, leaves: list[bytes], is_whole: bool) -> list[bytes]:
    """SUBPROOF, as RFC 9162 section 2.1.4.1 writes it."""
    if old_size == len(leaves):
        return [] if is_whole else [defined_root(leaves)]
    k = largest_power_below(len(leaves))
    if old_size <= k:
        return [*defined_subproof(old_size, leaves[:k], is_whole), defined_root(leaves[k:])]
    return [*defined_subproof(old_size - k, leaves[k:], False), defined_root(leaves[:k])]


def test_the_root_of_an_empty_log_is_the_hash_of_nothing() -> None:
    assert "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" == EMPTY_ROOT.hex()
    assert EMPTY_ROOT == Frontier().root()


def test_the_roots_are_those_of_the_reference_vectors() -> None:
    frontier = Frontier()
    roots = []
    for leaf in LEAVES:
        frontier.append(leaf)
        roots.append(frontier.root().hex())
    assert ROOTS == roots


def test_the_proofs_are_those_of_the_reference_vectors() -> None:
    assert PATH_OF_LEAF_0_IN_8 == [step.hex() for step in inclusion_proof(LEAVES, 0, 8)]
    assert PATH_OF_LEAF_5_IN_8 == [step.hex() for step in inclusion_proof(LEAVES, 5, 8)]
    assert [ROOTS[1]] == [step.hex() for step in inclusion_proof(LEAVES, 2, 3)]
    assert PATH_OF_LEAF_0_IN_8 == [step.hex() for step in consistency_proof(LEAVES, 1, 8)]
    assert PROOF_FROM_6_TO_8 == [step.hex() for step in consistency_proof(LEAVES, 6, 8)]


def test_the_ranges_are_those_of_the_worked_example_in_rfc_9162() -> None:
    """Section 2.1.5: a log of seven leaves, whose nodes have letters."""
    node = {"b": (1, 2), "c": (2, 3), "d": (3, 4), "f": (5, 6), "g": (0, 2), "h": (2, 4), "i": (4, 6), "j": (6, 7)}
    node |= {"k": (0, 4), "l": (4, 7)}
    assert [node[letter] for letter in "bhl"] == inclusion_ranges(0, 7)
    assert [node[letter] for letter in "cgl"] == inclusion_ranges(3, 7)
    assert [node[letter] for letter in "fjk"] == inclusion_ranges(4, 7)
    assert [node[letter] for letter in "ik"] == inclusion_ranges(6, 7)
    assert [node[letter] for letter in "cdgl"] == consistency_ranges(3, 7)
    assert [node[letter] for letter in "l"] == consistency_ranges(4, 7)
    assert [node[letter] for letter in "ijk"] == consistency_ranges(6, 7)


@given(logs)
def test_the_root_is_the_one_that_rfc_6962_defines(leaves: list[bytes]) -> None:
    assert defined_root(leaves) == tree_root(leaves)


@given(logs.filter(bool), st.data())
def test_every_leaf_of_a_log_can_be_proven(leaves: list[bytes], data: st.DataObject) -> None:
    size = len(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index, size)
    assert defined_path(index, leaves) == proof
    assert verify_inclusion(leaves[index], index, size, proof, tree_root(leaves))


@given(logs, st.data())
def test_a_log_that_grew_can_be_proven_to_begin_with_what_it_was(leaves: list[bytes], data: st.DataObject) -> None:
    new_size = len(leaves)
    old_size = data.draw(st.integers(0, new_size))
    old_root, new_root = tree_root(leaves[:old_size]), tree_root(leaves)
    proof = consistency_proof(leaves, old_size, new_size)
    assert (defined_subproof(old_size, leaves, True) if old_size else []) == proof
    assert verify_consistency(old_size, old_root, new_size, new_root, proof)


def test_no_leaf_is_proven_at_another_index_than_its_own() -> None:
    for index in range(8):
        proof = inclusion_proof(LEAVES, index, 8)
        held = [at for at in range(-1, 10) if verify_inclusion(LEAVES[index], at, 8, proof, ROOT_8)]
        assert [index] == held


@given(st.integers(0, 7), st.integers(0, 4), st.binary(min_size=32, max_size=32))
def test_an_inclusion_proof_with_anything_changed_does_not_hold(index: int, at: int, other: bytes) -> None:
    leaf, proof = LEAVES[index], inclusion_proof(LEAVES, index, 8)
    assert not verify_inclusion(other, index, 8, proof, ROOT_8)
    assert not verify_inclusion(leaf, index, 8, proof, other)
    assert not verify_inclusion(leaf, index, 8, proof[:-1], ROOT_8)
    assert not verify_inclusion(leaf, index, 8, [*proof[:at], other, *proof[at:]], ROOT_8)
    assert not verify_inclusion(leaf, index, 8, [*proof[: at % 3], other, *proof[at % 3 + 1 :]], ROOT_8)


@given(st.integers(1, 7), st.integers(0, 4), st.binary(min_size=32, max_size=32))
def test_a_consistency_proof_with_anything_changed_does_not_hold(old_size: int, at: int, other: bytes) -> None:
    old_root, proof = bytes.fromhex(ROOTS[old_size - 1]), consistency_proof(LEAVES, old_size, 8)
    place = at % len(proof)
    assert not verify_consistency(old_size, other, 8, ROOT_8, proof)
    assert not verify_consistency(old_size, old_root, 8, other, proof)
    assert not verify_consistency(old_size, old_root, 8, ROOT_8, proof[:-1])
    assert not verify_consistency(old_size, old_root, 8, ROOT_8, [*proof[:at], other, *proof[at:]])
    assert not verify_consistency(old_size, old_root, 8, ROOT_8, [*proof[:place], other, *proof[place + 1 :]])


def test_a_log_that_shrank_or_changed_is_not_consistent() -> None:
    root_6 = bytes.fromhex(ROOTS[5])
    assert not verify_consistency(8, ROOT_8, 6, root_6, [])
    assert not verify_consistency(-1, EMPTY_ROOT, 6, root_6, [])
    assert not verify_consistency(8, ROOT_8, 8, root_6, [])
    assert not verify_consistency(8, ROOT_8, 8, ROOT_8, [ROOT_8])
    assert not verify_consistency(0, root_6, 8, ROOT_8, [])
    assert not verify_consistency(0, EMPTY_ROOT, 8, ROOT_8, [ROOT_8])
    assert not verify_consistency(4, bytes.fromhex(ROOTS[3]), 8, ROOT_8, [])


@pytest.mark.parametrize("length", [0, 31, 33, 64])
def test_a_hash_that_is_not_32_bytes_proves_nothing(length: int) -> None:
    # One step may not swallow the next: 0x01 || a || b is the same bytes wherever a ends.
    odd = bytes(length)
    assert not verify_inclusion(odd, 0, 2, [LEAVES[0]], sha256(b"\x01" + odd + LEAVES[0]).digest())
    assert not verify_inclusion(LEAVES[0], 0, 2, [odd], sha256(b"\x01" + LEAVES[0] + odd).digest())
    assert not verify_inclusion(odd, 0, 1, [], odd)
    assert not verify_consistency(1, LEAVES[0], 2, sha256(b"\x01" + LEAVES[0] + odd).digest(), [odd])
    assert not verify_consistency(1, odd, 1, odd, [])


def test_there_is_no_proof_of_what_a_log_does_not_have() -> None:
    for index, size in [(0, 0), (8, 8), (-1, 8)]:
        with pytest.raises(ValueError, match="no leaf of index"):
            inclusion_proof(LEAVES, index, size)
    for old_size, new_size in [(8, 7), (-1, 8)]:
        with pytest.raises(ValueError, match="cannot have grown"):
            consistency_proof(LEAVES, old_size, new_size)


@given(logs, st.data())
def test_leaves_in_one_batch_or_in_several_give_the_same_frontier(leaves: list[bytes], data: st.DataObject) -> None:
    cut = data.draw(st.integers(0, len(leaves)))
    at_once, in_two, one_by_one = Frontier(), Frontier(), Frontier()
    at_once.extend(leaves)
    in_two.extend(leaves[:cut])
    in_two.extend(leaves[cut:])
    for leaf in leaves:
        one_by_one.append(leaf)
    assert (len(leaves), at_once.roots) == (in_two.size, in_two.roots) == (one_by_one.size, one_by_one.roots)


@given(logs)
def test_the_frontier_has_the_root_of_each_perfect_subtree_largest_first(leaves: list[bytes]) -> None:
    frontier = Frontier()
    frontier.extend(leaves)
    expected, start = [], 0
    for height in reversed(range(8)):
        if len(leaves) >> height & 1:
            expected.append(defined_root(leaves[start : start + (1 << height)]))
            start += 1 << height
    assert tuple(expected) == frontier.roots


@given(logs)
def test_a_frontier_comes_back_from_its_bytes(leaves: list[bytes]) -> None:
    frontier = Frontier()
    frontier.extend(leaves)
    again = Frontier.from_bytes(frontier.size, frontier.to_bytes())
    assert (frontier.size, frontier.roots, frontier.root()) == (again.size, again.roots, again.root())


@pytest.mark.parametrize(("size", "length"), [(-1, 32), (0, 32), (1, 0), (1, 31), (1, 33), (3, 32), (4, 64), (7, 97)])
def test_bytes_that_are_not_a_frontier_of_that_size_are_refused(size: int, length: int) -> None:
    with pytest.raises(ValueError, match=f"is not {length} bytes"):
        Frontier.from_bytes(size, bytes(length))


def test_a_copy_of_a_frontier_stays_as_it_was() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:3])
    before = frontier.copy()
    frontier.extend(LEAVES[3:])
    assert (3, ROOTS[2]) == (before.size, before.root().hex())
    assert (8, ROOTS[7]) == (frontier.size, frontier.root().hex())


def test_a_leaf_that_is_not_a_hash_is_refused_and_nothing_is_added() -> None:
    frontier = Frontier()
    frontier.extend(LEAVES[:3])
    with pytest.raises(ValueError, match="32 bytes, not 31"):
        frontier.extend([LEAVES[3], bytes(31)])
    assert (3, ROOTS[2]) == (frontier.size, frontier.root().hex())


def test_the_subtrees_of_256_and_65536_leaves_are_named_when_they_are_complete() -> None:
    leaves = [leaf_hash(i.to_bytes(4)) for i in range(65_536 + 300)]
    frontier = Frontier()
    completed = frontier.extend(leaves[:255])
    assert [] == completed
    completed += frontier.append(leaves[255])
    assert [(1, 0, tree_root(leaves[:256]))] == completed
    completed += frontier.extend(leaves[256:])
    assert [(1, i) for i in range(257)] == [(level, index) for level, index, _ in completed if level == 1]
    for level, index, root in completed:
        span = 256**level
        assert tree_root(leaves[index * span : (index + 1) * span]) == root
    assert [(2, 0, tree_root(leaves[:65_536]))] == [subtree for subtree in completed if subtree[0] == 2]
    assert len(leaves) == frontier.size


def test_a_subtree_of_16_million_leaves_is_completed_by_its_last_leaf() -> None:
    roots = tuple(leaf_hash(bytes([i])) for i in range(24))
    frontier = Frontier(2**25 + 2**24 - 1, (LEAVES[0], *roots))
    completed = frontier.append(LEAVES[1])
    assert [(1, 2**17 + 2**16 - 1), (2, 2**9 + 2**8 - 1), (3, 2)] == [(level, index) for level, index, _ in completed]
    assert (LEAVES[0], completed[-1][2]) == frontier.roots


def test_a_leaf_is_not_taken_for_a_node() -> None:
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])
    assert sha256(b"\x00abc").digest() == leaf_hash(b"abc")
