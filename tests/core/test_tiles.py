"""Tiles and bundles against the examples of c2sp.org/tlog-tiles, and a log that is rebuilt from them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.merkle import Frontier, leaf_hash, tree_root
from ledger.core.tiles import TILE_WIDTH, Tile, format_bundle, parse_bundle, parse_tile_path, tiles_of

tiles = st.builds(Tile, st.none() | st.integers(0, 63), st.integers(0, 10**18 - 1), st.integers(1, TILE_WIDTH))


@pytest.mark.parametrize(
    ("tile", "path"),
    [
        (Tile(0, 1_234_067), "tile/0/x001/x234/067"),
        (Tile(0, 1_234), "tile/0/x001/234"),
        (Tile(0, 0), "tile/0/000"),
        (Tile(0, 999), "tile/0/999"),
        (Tile(1, 1_000), "tile/1/x001/000"),
        (Tile(0, 273, 112), "tile/0/273.p/112"),
        (Tile(63, 0, 1), "tile/63/000.p/1"),
        (Tile(None, 1_234_067), "tile/entries/x001/x234/067"),
        (Tile(None, 5, 255), "tile/entries/005.p/255"),
    ],
)
def test_a_tile_has_the_path_of_the_specification(tile: Tile, path: str) -> None:
    assert path == tile.path
    assert tile == parse_tile_path(path)


@given(tiles)
def test_a_tile_comes_back_from_its_path(tile: Tile) -> None:
    assert tile == parse_tile_path(tile.path)


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/0/", "tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "/tile/0/000"),
        *("tile/00/000", "tile/01/000", "tile/64/000", "tile/100/000", "tile/-1/000", "tile/x/000", "tile/data/000"),
        *("tile/0/x000/001", "tile/0/001/234", "tile/0/x001", "tile/0/x001/x234", "tile/0/x01/234", "tile/0/X001/234"),
        *("tile/0/000.p/0", "tile/0/000.p/00", "tile/0/000.p/01", "tile/0/000.p/256", "tile/0/000.p/999"),
        *("tile/0/000.p/", "tile/0/000.p", "tile/0/000/.p/5", "tile/0/000.p/5/", "tile/0/000\n", "tile/0/٠٠٠"),
        *("tile/0/../000", "tile/0/%30%30%30", "tile/0/000?x=1", "tile/0/" + "x001/" * 6 + "000"),
    ],
)
def test_a_path_in_any_other_form_names_no_tile(path: str) -> None:
    with pytest.raises(ValueError, match="path is"):
        parse_tile_path(path)


def test_a_log_of_70000_entries_has_the_tiles_of_the_specification() -> None:
    """273 full and one of 112 at level 0, one full and one of 17 at level 1, one of 1 at level 2."""
    expected = [*(Tile(0, index) for index in range(273)), Tile(0, 273, 112), Tile(1, 0), Tile(1, 1, 17), Tile(2, 0, 1)]
    assert expected == list(tiles_of(70_000))


def test_a_log_of_256_entries_has_a_full_tile_and_one_of_width_1_above_it() -> None:
    assert [Tile(0, 0), Tile(1, 0, 1)] == list(tiles_of(256))
    assert [Tile(0, 0, 255)] == list(tiles_of(255))
    assert [] == list(tiles_of(0))


def test_a_tile_covers_the_entries_below_its_hashes() -> None:
    assert (0, 256) == Tile(0, 0).leaves == Tile(None, 0).leaves
    assert (69_888, 70_000) == Tile(0, 273, 112).leaves
    assert (65_536, 65_536 + 17 * 256) == Tile(1, 1, 17).leaves
    assert (256, 273) == Tile(1, 1, 17).hashes
    assert (0, 65_536) == Tile(2, 0, 1).leaves


@given(st.integers(1, 10**7))
def test_the_tiles_of_each_level_cover_what_is_complete_at_its_height(size: int) -> None:
    reached: dict[int | None, int] = {}
    for tile in tiles_of(size):
        start, end = tile.leaves
        assert reached.get(tile.level, 0) == start
        assert end <= size
        reached[tile.level] = end
    levels = range(len(reached))
    assert {level: size >> 8 * level << 8 * level for level in levels} == reached


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_the_hashes_of_higher_tiles_are_the_subtrees_that_the_frontier_completed(size: int) -> None:
    leaves = [leaf_hash(number.to_bytes(4)) for number in range(size)]
    completed = {(level, index): root for level, index, root in Frontier().extend(leaves)}
    kept = completed | {(0, index): leaf for index, leaf in enumerate(leaves)}
    for tile in tiles_of(size):
        hashes = [kept[tile.level or 0, index] for index in range(*tile.hashes)]
        start, end = tile.leaves
        assert tree_root(leaves[start:end]) == tree_root(hashes)
    # All that is in no higher tile yet are the partial ones: their roots are the root of the log.
    above = Frontier(0)
    for tile in reversed([tile for tile in tiles_of(size) if tile.width < TILE_WIDTH]):
        part = Frontier()
        part.extend(kept[tile.level or 0, index] for index in range(*tile.hashes))
        above = Frontier(above.size + part.size, above.roots + part.roots)
    assert tree_root(leaves) == above.root()


def test_a_bundle_is_each_entry_behind_its_length_in_two_bytes() -> None:
    assert b"\x00\x05hello\x00\x00\x01\x00" + bytes(256) == format_bundle([b"hello", b"", bytes(256)])


@given(st.lists(st.binary(max_size=300), max_size=TILE_WIDTH))
def test_a_bundle_gives_back_the_entries_it_was_made_of(bodies: list[bytes]) -> None:
    assert bodies == parse_bundle(format_bundle(bodies))


def test_the_longest_entry_fits_a_bundle_and_a_longer_one_does_not() -> None:
    assert [bytes(65_535)] == parse_bundle(format_bundle([bytes(65_535)]))
    with pytest.raises(ValueError, match="65536 bytes is too long"):
        format_bundle([bytes(65_536)])


@given(st.lists(st.binary(max_size=20), min_size=1, max_size=5), st.data())
def test_a_bundle_that_ends_within_an_entry_is_refused(bodies: list[bytes], data: st.DataObject) -> None:
    bundle = format_bundle(bodies)
    whole = {len(format_bundle(bodies[:count])) for count in range(len(bodies) + 1)}
    length = data.draw(st.sampled_from(sorted({*range(len(bundle))} - whole)))
    with pytest.raises(ValueError, match="ends in the middle of an entry"):
        parse_bundle(bundle[:length])
