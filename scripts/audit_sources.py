"""Where scripts/audit.py reads a ledger from: its database, or its API."""

import json
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from ledger.books.database import Connection
from ledger.books.setup import SetupError
from ledger.core.chart import ROLES
from ledger.core.merkle import HASH_SIZE
from ledger.core.notes import Checkpoint, open_checkpoint, parse_verifier_key
from ledger.core.tiles import TILE_WIDTH, Tile, parse_bundle

PAGE = 5_000


class Balance(NamedTuple):
    """An account as somebody says it is once the entry `head` was made; the balance is credits - debits."""

    path: str
    currency: str
    balance: int
    version: int
    head: int


class Source(Protocol):
    """Where a ledger is read from."""

    async def size(self) -> int:
        """How many entries it says there are."""

    def entries(self, after: int, through: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """Pages of entries: what is said to be the leaf hash of each, and its body."""

    def balances(self) -> AsyncIterator[list[Balance]]:
        """Pages of all accounts."""

    async def root(self) -> bytes:
        """The root that it says the log has at the size that `size` answered last."""


class FromDatabase:
    """A ledger in Postgres, read as the auditor, page by page."""

    def __init__(self, connection: Connection, ledger_id: int) -> None:
        self.connection = connection
        self.ledger_id = ledger_id
        self._root = b""

    async def size(self) -> int:
        """The head's number."""
        row = await self.connection.fetchrow("SELECT number, root FROM heads WHERE ledger_id = $1", self.ledger_id)
        self._root = row["root"] if row is not None else b""
        return int(row["number"]) if row is not None else 0

    async def origins(self) -> set[str]:
        """What the log is and was called."""
        rows = await self.connection.fetch(
            "SELECT origin FROM ledgers WHERE ledger_id = $1 UNION SELECT origin FROM epochs WHERE ledger_id = $1",
            self.ledger_id,
        )
        return {row["origin"] for row in rows}

    async def root(self) -> bytes:
        """The head's."""
        return self._root

    async def entries(self, after: int, through: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """The rows' leaves and bodies."""
        while after < through:
            rows = await self.connection.fetch(
                """
                SELECT leaf, body FROM entries WHERE ledger_id = $1 AND number > $2 AND number <= $3
                ORDER BY number LIMIT $4
                """,
                self.ledger_id,
                after,
                min(after + PAGE, through),
                PAGE,
            )
            if not rows:
                return
            yield [(row["leaf"], row["body"].encode()) for row in rows]
            after += PAGE

    async def balances(self) -> AsyncIterator[list[Balance]]:
        """The rows of accounts."""
        after = -1
        while True:
            rows = await self.connection.fetch(
                """
                SELECT a.number, a.owner || '/' || a.role AS path, a.currency, a.balance, a.version, h.number AS head
                FROM accounts a JOIN heads h USING (ledger_id) WHERE ledger_id = $1 AND a.number > $2
                ORDER BY a.number LIMIT $3
                """,
                self.ledger_id,
                after,
                PAGE,
            )
            if not rows:
                return
            yield [Balance(*tuple(row)[1:]) for row in rows]
            after = rows[-1]["number"]


class FromApi:
    """A ledger as its service answers it; nothing is believed that the log's signature does not cover."""

    def __init__(self, base: str, ledger: str, api_key: str, verifier_key: str) -> None:
        self.base = base.rstrip("/")
        self.ledger = ledger
        self._api_key = api_key
        self._key = parse_verifier_key(verifier_key)
        self._checkpoint: Checkpoint | None = None

    async def size(self) -> int:
        """The newest checkpoint's size; ValueError if its signature does not hold."""
        note = self._get(f"/log/{self._prefix}/checkpoint")
        self._checkpoint = open_checkpoint(note, [self._key])
        return self._checkpoint.size

    async def root(self) -> bytes:
        """The newest checkpoint's."""
        return self._checkpoint.root if self._checkpoint is not None else b""

    async def entries(self, after: int, through: int) -> AsyncIterator[list[tuple[bytes, bytes]]]:
        """The tiles of level 0, and the bundles."""
        for index in range(after // TILE_WIDTH, -(-through // TILE_WIDTH)):
            width = min(TILE_WIDTH, through - index * TILE_WIDTH)
            hashes = self._get(f"/log/{self._prefix}/{Tile(0, index, width).path}")
            bodies = parse_bundle(self._get(f"/log/{self._prefix}/{Tile(None, index, width).path}"))
            leaves = [hashes[at : at + HASH_SIZE] for at in range(0, len(hashes), HASH_SIZE)]
            skipped = max(0, after - index * TILE_WIDTH)
            yield list(zip(leaves, bodies, strict=True))[skipped:]

    async def balances(self) -> AsyncIterator[list[Balance]]:
        """What the service answers."""
        cursor = ""
        while True:
            page = json.loads(self._get(f"/v1/accounts?limit=500{cursor}"))
            yield [
                Balance(
                    f"{each['owner']}/{each['role']}",
                    each["currency"],
                    each["balance"] * (ROLES[each["role"]].sign if each["role"] in ROLES else 1),
                    each["version"],
                    each["as_of_entry"],
                )
                for each in page["data"]
            ]
            if page["next_cursor"] is None:
                return
            cursor = f"&cursor={page['next_cursor']}"

    @property
    def _prefix(self) -> str:
        return self._key.name.partition("/log/")[2] or self.ledger

    def _get(self, path: str) -> bytes:
        if not self.base.startswith(("http://", "https://")):
            raise SetupError(f"{self.base} is no URL of a service.")
        request = urllib.request.Request(self.base + path, headers={"Authorization": f"Bearer {self._api_key}"})  # noqa: S310  # only http and https come here
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise SetupError(
                f"{path} was answered with {error.code}: {error.read()[:300].decode(errors='replace')}"
            ) from None
        except OSError as error:
            raise SetupError(f"{self.base} cannot be reached: {error}") from None
