"""A log that is filled and read over HTTP, and a mirror of it that knows nothing but its public files."""

import httpx

from ledger.core.merkle import Frontier, tree_root
from ledger.core.notes import Checkpoint, VerifierKey, open_checkpoint, parse_verifier_key
from ledger.core.tiles import TILE_WIDTH, Tile, parse_bundle, tiles_of
from tests.harness import Client, new_key


def fill(client: Client, payer: str, payee: str, transfers: int) -> None:
    """Make so many entries."""
    items = [{"key": new_key(), "from": payer, "to": payee, "amount": 1, "currency": "EUR"} for _ in range(transfers)]
    response = client.post("/v1/transfers/batch", {"transfers": items})
    assert {201} == {result["status"] for result in response.json()["results"]}


def verifier_keys(client: Client) -> list[VerifierKey]:
    """The log's keys."""
    return [parse_verifier_key(line) for line in text(client, "/v1/log/vkey").decode().splitlines()]


def checkpoint(client: Client) -> Checkpoint:
    """The newest checkpoint, verified."""
    return open_checkpoint(text(client, "/v1/log/checkpoint"), verifier_keys(client))


def text(client: Client, path: str) -> bytes:
    """What stands at a path that answers text."""
    response = client.get(path)
    assert (200, "text/plain; charset=utf-8") == (response.status_code, response.headers["content-type"]), response.text
    return response.content


class Mirror:
    """Downloads a log as c2sp.org/tlog-tiles has it. `http` has a key where entries are to be downloaded, too."""

    def __init__(self, http: httpx.Client, prefix: str) -> None:
        self.http = http
        self.prefix = prefix

    def file(self, path: str) -> bytes:
        """One file below the prefix."""
        response = self.http.get(f"{self.prefix}/{path}")
        assert 200 == response.status_code, response.text
        return response.content

    def tiles(self, size: int) -> dict[Tile, list[bytes]]:
        """The hashes of all tiles of the log of that size."""
        return {tile: _split(self.file(tile.path), tile.width) for tile in tiles_of(size)}

    def bodies(self, size: int) -> list[bytes]:
        """The bodies of all entries."""
        of_level_0 = [tile for tile in tiles_of(size) if tile.level == 0]
        bundles = [Tile(None, tile.index, tile.width).path for tile in of_level_0]
        return [body for bundle in bundles for body in parse_bundle(self.file(bundle))]


def root_of(tiles: dict[Tile, list[bytes]]) -> bytes:
    """The root of the log of these tiles, every full one of which must be what the level above says of it."""
    for tile, hashes in tiles.items():
        if tile.width == TILE_WIDTH:
            level, above = (tile.level or 0) + 1, tile.index // TILE_WIDTH
            ((_, upper),) = [each for each in tiles.items() if (each[0].level, each[0].index) == (level, above)]
            assert upper[tile.index % TILE_WIDTH] == tree_root(hashes)
    # What is in no tile of a higher level are the partial ones; their roots make up the frontier, highest first.
    size, roots = 0, tuple[bytes, ...]()
    for tile in sorted((tile for tile in tiles if tile.width < TILE_WIDTH), key=lambda tile: -(tile.level or 0)):
        part = Frontier()
        part.extend(tiles[tile])
        size, roots = size + part.size, roots + part.roots
    return Frontier(size, roots).root()


def _split(data: bytes, width: int) -> list[bytes]:
    hashes = [data[at : at + 32] for at in range(0, len(data), 32)]
    assert [32] * width == list(map(len, hashes))
    return hashes
