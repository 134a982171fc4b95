"""Audit a whole ledger: from its database, or from its API with nothing but a key and the log's verifier key.

    python scripts/audit.py --database postgresql://… --ledger main [--checkpoint FILE --key VKEY] [--hashes-only]
    python scripts/audit.py --url https://pay.example --ledger main --key VKEY [--checkpoint FILE]

Every leaf and the root are made again from the entries, every posting is replayed, every balance compared and, in the
database, every check of the books run. A checkpoint that somebody has kept elsewhere shows what no ledger shows by
itself: that its last entries are missing, or that its history was rewritten without a contradiction.

Over the API it needs an API key with the scope entries:read, in CHATLEDGER_API_KEY. Exit status: 0 nothing was found,
1 something was, 2 asked wrongly.
"""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ledger.books.checks import run_checks
from ledger.books.database import check_fitness, connect_checks
from ledger.books.setup import SetupError, find_ledger
from ledger.cli.screen import progress
from ledger.core.merkle import leaf_hash
from ledger.core.notes import Checkpoint, open_checkpoint, parse_verifier_key
from ledger.core.replay import Replay
from scripts.audit_sources import FromApi, FromDatabase, Source

FINDINGS_MAX = 100

Report = Callable[[str], None]


class Audit:
    """One audit. `kept` is a checkpoint that somebody has kept elsewhere."""

    def __init__(self, source: Source, ledger: str, kept: Checkpoint | None, books: bool, report: Report) -> None:
        self.source = source
        self.kept = kept
        self.replay = Replay(ledger, books)
        self.report = report

    async def read(self, moved: Callable[[int, int], None]) -> None:
        """Read the log as far as it goes now, and compare its root; more may be read later."""
        size = await self.source.size()
        await self._read_through(size, moved)
        tree = self.replay.tree
        if tree.size == size and tree.root() != await self.source.root():
            self.report(f"The root of the {size} entries is not the one that the log says it has.")
        if self.kept is not None and self.kept.size > tree.size:
            missing = f"entries {tree.size + 1} to {self.kept.size}"
            self.report(f"The last entries are missing: the kept checkpoint proves {missing}.")

    async def _read_through(self, size: int, moved: Callable[[int, int], None]) -> None:
        async for page in self.source.entries(self.replay.tree.size, size):
            for start, stop in self._cut(len(page)):
                self._add(page[start:stop])
            moved(self.replay.tree.size, size)
        if self.replay.tree.size < size:
            self.report(f"The log says that it has {size} entries, but only {self.replay.tree.size} are there.")

    def _cut(self, length: int) -> Iterator[tuple[int, int]]:
        """A page in pieces, so that one of them ends where the kept checkpoint does."""
        border = self.kept.size - self.replay.tree.size if self.kept is not None else 0
        if 0 < border < length:
            yield 0, border
            yield border, length
        else:
            yield 0, length

    def _add(self, page: list[tuple[bytes, bytes]]) -> None:
        first = self.replay.tree.size + 1
        for sentence in self.replay.add(body for _, body in page):
            self.report(sentence)
        for number, (leaf, body) in enumerate(page, first):
            if leaf != leaf_hash(body):
                self.report(f"Entry {number}: its body is not the one that was hashed into the log.")
        kept = self.kept
        if kept is not None and kept.size == self.replay.tree.size and kept.root != self.replay.tree.root():
            self.report(f"The first {kept.size} entries are not those of the kept checkpoint: they were rewritten.")

    async def compare_balances(self) -> int:
        """Compare every account; how many there are. What is paid meanwhile is read as well."""
        seen = set()
        async for page in self.source.balances():
            head = max(each.head for each in page)
            if head > self.replay.tree.size:
                await self.source.size()
                await self._read_through(head, lambda done, total: None)
            for each in page:
                seen.add((each.path, each.currency))
                balance, version = self.replay.balances.get((each.path, each.currency), [0, 0])
                if (balance, version) != (each.balance, each.version):
                    self.report(
                        f"Account {each.path} in {each.currency}: it says {each.balance} after {each.version} "
                        f"postings; the entries make it {balance} after {version}."
                    )
        for path, currency in sorted(self.replay.balances.keys() - seen):
            self.report(f"Account {path} in {currency}: the entries moved money there, and it is missing.")
        return len(seen)


async def audit(options: argparse.Namespace, report: Report) -> str:
    """The whole audit; its summary."""
    kept = None
    if options.checkpoint is not None:
        kept = open_checkpoint(options.checkpoint.read_bytes(), [parse_verifier_key(options.key)])
    connection = await connect_checks(options.database) if options.database else None
    began = time.monotonic()
    try:
        ledger_id = 0
        source: Source
        if connection is not None:
            await check_fitness(connection)
            ledger_id = await find_ledger(connection, options.ledger)
            source = FromDatabase(connection, ledger_id)
            if kept is not None and kept.origin not in await source.origins():
                report(f"The kept checkpoint is of the log {kept.origin}, which the database does not know.")
        else:
            source = FromApi(options.url, options.ledger, os.environ["CHATLEDGER_API_KEY"], options.key)
        done = Audit(source, options.ledger, kept, not options.hashes_only, report)
        with progress("Reading the log") as moved:
            await done.read(moved)
        seconds = time.monotonic() - began
        accounts = await done.compare_balances() if not options.hashes_only else 0
        if connection is not None and not options.hashes_only:
            with progress("Checking the books") as moved:
                for finding in await run_checks(connection, ledger_id, None, moved):
                    report(f"{finding.where}: {finding.what} (the check {finding.check}).")
    finally:
        if connection is not None:
            await connection.close()
    tree = done.replay.tree
    rate = f"{tree.size / max(seconds, 1e-9):,.0f} entries a second"
    whole = f"{time.monotonic() - began:.1f} s in all"
    return f"{tree.size:,} entries and {accounts:,} accounts, root {tree.root().hex()}; {rate}, {whole}."


def parsed(arguments: list[str]) -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--database", metavar="URL", help="of an administrator, or of one who may become the auditor")
    source.add_argument("--url", metavar="BASE", help="of the service")
    parser.add_argument("--ledger", required=True, metavar="NAME")
    parser.add_argument("--key", metavar="VKEY", help="the log's verifier key line")
    parser.add_argument("--checkpoint", type=Path, metavar="FILE", help="a checkpoint that was kept elsewhere")
    parser.add_argument("--hashes-only", action="store_true", help="make only the tree again")
    options = parser.parse_args(arguments)
    if (options.url or options.checkpoint) and not options.key:
        parser.error("--url and --checkpoint need --key: whose signature counts is not for them to say")
    if options.url and not os.environ.get("CHATLEDGER_API_KEY"):
        parser.error("set CHATLEDGER_API_KEY to an API key with the scope entries:read")
    return options


def main(arguments: list[str]) -> int:
    """Run it; the exit status."""
    options = parsed(arguments)
    found = 0

    def report(sentence: str) -> None:
        nonlocal found
        found += 1
        if found <= FINDINGS_MAX:
            print(sentence)

    try:
        summary = asyncio.run(audit(options, report))
    except (SetupError, LookupError, ValueError, OSError) as wrong:
        print(f"The audit could not be made: {wrong}", file=sys.stderr)
        return 1
    print(f"{found} findings in {summary}" if found else f"Nothing was found in {summary}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
