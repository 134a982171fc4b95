"""`chatledger up` without the log: no leaf is hashed, no tree grows, nothing is signed. Only to measure what it costs.

The books it makes prove nothing, and no product may run it. Everything else is the same code: bodies, postings, checks
of the commit, the columns in the database.
"""

from unittest.mock import patch

from ledger.cli.main import main
from ledger.core.merkle import HASH_SIZE

NOTHING = bytes(HASH_SIZE)

if __name__ == "__main__":
    with (
        patch("ledger.core.commands.leaf_hash", lambda _: NOTHING),
        patch("ledger.core.merkle.Frontier.extend", lambda *_: []),
        patch("ledger.core.merkle.Frontier.root", lambda _: NOTHING),
    ):
        main()
