"""The Merkle tree of an append-only log: RFC 6962 section 2.1, which RFC 9162 section 2.1 repeats.

A leaf is the hash of an entry's body, SHA-256(0x00 || body); a node is SHA-256(0x01 || left || right). Every hash is
the 32 bytes themselves. A range [start, end) of leaves has a root of its own; where the tree of n leaves is meant, it
is the range [0, n).
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256

HASH_SIZE = 32
EMPTY_ROOT = sha256(b"").digest()
TILE_HEIGHT = 8
"""C2SP tlog-tiles: a tile spans 2^8 hashes, so the roots of 2^8, 2^16, 2^24 … leaves are worth keeping."""

Range = tuple[int, int]
"""The leaves from start up to, but without, end."""

Completed = tuple[int, int, bytes]
"""(level, index, root): the root of the 256^level leaves from index * 256^level on, which no later leaf can change."""


def leaf_hash(body: bytes) -> bytes:
    """The leaf of an entry's body."""
    return sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The node above two roots."""
    return sha256(b"\x01" + left + right).digest()


class Frontier:
    """What must be known of a log to append to it: its size and the roots of its perfect subtrees, largest first.

    There is one root for each 1 in the binary form of the size. `roots` is a tuple that is replaced and never changed,
    so a `copy` costs nothing and remembers the log as it was.
    """

    __slots__ = ("roots", "size")

    def __init__(self, size: int = 0, roots: tuple[bytes, ...] = ()) -> None:
        self.size = size
        self.roots = roots

    def append(self, leaf: bytes) -> list[Completed]:
        """Add one leaf hash; like `extend`."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> list[Completed]:
        """Add leaf hashes, in order, and return the subtrees of 256, 65,536 … leaves that this completed.

        ValueError, with nothing added, if a leaf is not 32 bytes.
        """
        size = self.size
        roots = list(self.roots)
        completed: list[Completed] = []
        for leaf in leaves:
            if len(leaf) != HASH_SIZE:
                raise ValueError(f"A leaf hash is {HASH_SIZE} bytes, not {len(leaf)}.")
            root = leaf
            height = 0
            # Each 1 at the end of the size is a subtree as high as the new one: the two become one, as in a carry.
            while size >> height & 1:
                root = sha256(b"\x01" + roots.pop() + root).digest()
                height += 1
                if height % TILE_HEIGHT == 0:
                    completed.append((height // TILE_HEIGHT, size >> height, root))
            roots.append(root)
            size += 1
        self.size = size
        self.roots = tuple(roots)
        return completed

    def root(self) -> bytes:
        """The root of all leaves so far: the head of the log."""
        if not self.roots:
            return EMPTY_ROOT
        *left, root = self.roots
        for subtree in reversed(left):
            root = node_hash(subtree, root)
        return root

    def copy(self) -> "Frontier":
        """The same log, to be extended apart from this one."""
        return Frontier(self.size, self.roots)

    def to_bytes(self) -> bytes:
        """The roots, one after the other; together with the size, `from_bytes` makes the frontier of them again."""
        return b"".join(self.roots)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> "Frontier":
        """The frontier of a log of that size. ValueError if the data is not one hash for each 1 of the size's bits."""
        if size < 0 or len(data) != HASH_SIZE * size.bit_count():
            raise ValueError(f"The frontier of a log of {size} leaves is not {len(data)} bytes.")
        return cls(size, tuple(data[at : at + HASH_SIZE] for at in range(0, len(data), HASH_SIZE)))


def tree_root(leaves: Iterable[bytes]) -> bytes:
    """The root over leaf hashes: MTH of RFC 6962 section 2.1."""
    frontier = Frontier()
    frontier.extend(leaves)
    return frontier.root()


def inclusion_ranges(index: int, size: int) -> list[Range]:
    """The ranges whose roots prove, lowest first, that a leaf is in a log: PATH of RFC 9162 section 2.1.3.1.

    ValueError if the log has no such leaf.
    """
    if not 0 <= index < size:
        raise ValueError(f"A log of {size} leaves has no leaf of index {index}.")
    ranges: list[Range] = []
    start, end = 0, size
    while end - start > 1:
        middle = _middle(start, end)
        if index < middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    return ranges[::-1]


def consistency_ranges(old_size: int, new_size: int) -> list[Range]:
    """The ranges whose roots prove that a log only grew: PROOF of RFC 9162 section 2.1.4.1.

    Nothing needs proof where both sizes are equal or the older log was empty. ValueError if the log shrank.
    """
    if not 0 <= old_size <= new_size:
        raise ValueError(f"A log of {old_size} leaves cannot have grown to {new_size}.")
    if old_size == 0:
        return []
    ranges: list[Range] = []
    start, end = 0, new_size
    while end != old_size:
        middle = _middle(start, end)
        if old_size <= middle:
            ranges.append((middle, end))
            end = middle
        else:
            ranges.append((start, middle))
            start = middle
    # What is left is the end of the older log. Where it is all of it, its root is known to whoever checks the proof.
    if start > 0:
        ranges.append((start, end))
    return ranges[::-1]


def inclusion_proof(leaves: Sequence[bytes], index: int, size: int) -> list[bytes]:
    """The audit path of a leaf in the log of the first `size` leaf hashes: RFC 9162 section 2.1.3.1."""
    return [tree_root(leaves[start:end]) for start, end in inclusion_ranges(index, size)]


def consistency_proof(leaves: Sequence[bytes], old_size: int, new_size: int) -> list[bytes]:
    """The proof that the log of `new_size` leaves begins with that of `old_size`: RFC 9162 section 2.1.4.1."""
    return [tree_root(leaves[start:end]) for start, end in consistency_ranges(old_size, new_size)]


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that the leaf hash stands at that index of the log of that size and root.

    The algorithm of RFC 9162 section 2.1.3.2; False for hashes that are not 32 bytes, too.
    """
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    position, last = index, size - 1
    computed = leaf
    for step in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            computed = node_hash(step, computed)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            computed = node_hash(computed, step)
        position >>= 1
        last >>= 1
    return last == 0 and computed == root


def verify_consistency(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows that the newer log begins with all of the older one.

    The algorithm of RFC 9162 section 2.1.4.2; False for hashes that are not 32 bytes, too. Every log begins with the
    empty one.
    """
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if not proof:
        return False
    steps = [old_root, *proof] if old_size.bit_count() == 1 else proof
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position >>= 1
        last >>= 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old = node_hash(step, old)
            new = node_hash(step, new)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            new = node_hash(new, step)
        position >>= 1
        last >>= 1
    return last == 0 and old == old_root and new == new_root


def _middle(start: int, end: int) -> int:
    """Where RFC 6962 section 2.1 divides a range: after the largest power of two that is smaller than it."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
