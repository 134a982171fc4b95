"""The log as files that anybody can mirror: c2sp.org/tlog-tiles, of height 8.

    tile/<L>/<N>[.p/<W>]         tile N of level L: W (else 256) hashes, one after the other
    tile/entries/<N>[.p/<W>]     the bundle with the entries under tile N of level 0

N is written in groups of three digits, all but the last behind an x: 1234067 is `x001/x234/067`. The hash i of a tile
is the root of 256^L entries, from entry (N * 256 + i) * 256^L on, counted from 0; at level 0 it is their leaf hash.
merkle.py calls the same hash, from level 1 on, the completed subtree (L, N * 256 + i).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ledger.core.entries import BODY_BYTES_MAX
from ledger.core.merkle import TILE_HEIGHT, Range

TILE_WIDTH: Final = 2**TILE_HEIGHT
_LEVEL_MAX: Final = 63
_LENGTH_SIZE: Final = 2
_path = re.compile(
    r"\Atile/(?P<level>entries|0|[1-9][0-9]?)/(?P<index>(?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/(?P<width>[1-9][0-9]{0,2}))?\Z",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Tile:
    """Which hashes: `width` of them, 256 in a full tile. `level` is None for the bundle of the entries themselves."""

    level: int | None
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """The path below the log's prefix, without a slash before it."""
        level = "entries" if self.level is None else self.level
        groups = f"{self.index % 1000:03d}"
        rest = self.index // 1000
        while rest:
            groups = f"x{rest % 1000:03d}/{groups}"
            rest //= 1000
        partial = f".p/{self.width}" if self.width < TILE_WIDTH else ""
        return f"tile/{level}/{groups}{partial}"

    @property
    def hashes(self) -> Range:
        """Which of all hashes of its level, or which entries, counted from 0."""
        start = self.index * TILE_WIDTH
        return start, start + self.width

    @property
    def leaves(self) -> Range:
        """Which entries stand below it, counted from 0. A log has the tile once its size has reached the end."""
        start, end = self.hashes
        height = TILE_HEIGHT * (self.level or 0)
        return start << height, end << height


def parse_tile_path(path: str) -> Tile:
    """The tile that a path below the log's prefix names. ValueError if it names none, or not in its one form."""
    found = _path.match(path)
    if found is None:
        raise ValueError("A tile's path is tile/<level>/<index>, as in tile/0/x001/234 or tile/0/x001/234.p/17.")
    level = None if found["level"] == "entries" else int(found["level"])
    index = int(found["index"].replace("x", "").replace("/", ""))
    tile = Tile(level, index, int(found["width"] or TILE_WIDTH))
    # Partial tiles are narrower than full ones, and there is no group of zeros in front.
    if tile.path != path or (level or 0) > _LEVEL_MAX:
        raise ValueError(f"No tile's path is {path}: levels go up to {_LEVEL_MAX}, partial widths from 1 to 255.")
    return tile


def tiles_of(size: int) -> Iterator[Tile]:
    """The tiles of a log of this many entries, level by level, each level in order; a partial one ends a level."""
    level, hashes = 0, size
    while hashes:
        for index in range(hashes // TILE_WIDTH):
            yield Tile(level, index)
        if hashes % TILE_WIDTH:
            yield Tile(level, hashes // TILE_WIDTH, hashes % TILE_WIDTH)
        level, hashes = level + 1, hashes // TILE_WIDTH


def format_bundle(bodies: Iterable[bytes]) -> bytes:
    """The bundle of entries' bodies: each behind its length, two bytes, big-endian. ValueError if one is too long."""
    parts: list[bytes] = []
    for body in bodies:
        if len(body) > BODY_BYTES_MAX:
            raise ValueError(f"An entry of {len(body)} bytes is too long for a bundle; {BODY_BYTES_MAX} are the most.")
        parts += (len(body).to_bytes(_LENGTH_SIZE, "big"), body)
    return b"".join(parts)


def parse_bundle(data: bytes) -> list[bytes]:
    """The bodies in a bundle. ValueError if it ends within one."""
    bodies = []
    at = 0
    while at < len(data):
        start = at + _LENGTH_SIZE
        at = start + int.from_bytes(data[at:start], "big")
        if at > len(data):
            raise ValueError("The bundle ends in the middle of an entry.")
        bodies.append(data[start:at])
    return bodies
