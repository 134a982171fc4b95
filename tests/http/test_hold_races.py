"""Capture, void and expiry of a hold at one instant, asked of two services on one database: exactly one wins."""

import random
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

from ledger.books.checks import run_checks
from tests.harness import Client, Database, Superuser, serve

HOLDS = 40
AHEAD_SECONDS = 3.0
AROUND_SECONDS = 0.6
"""The asking is spread so far around the deadline: some come before it, some after, many in the same batch as the
sweeper."""


def test_of_capture_void_and_expiry_at_one_instant_exactly_one_wins(
    client: Client, database: Database, superuser: Superuser
) -> None:
    rider, shop = client.funded(100 * HOLDS), client.party(kind="merchant")
    over = datetime.now(UTC) + timedelta(seconds=AHEAD_SECONDS)
    holds = [
        client.post(
            "/v1/holds",
            {"from": rider, "to": shop, "amount": 100, "currency": "EUR", "expires_at": over.isoformat()},
        ).json()["id"]
        for _ in range(HOLDS)
    ]
    won: Counter[tuple[str, str]] = Counter()
    with serve(database) as other:
        clients = {"capture": client, "void": Client(other.base, database.token)}

        def ask(hold: str, action: str) -> None:
            time.sleep(max(0.0, over.timestamp() + random.uniform(-1, 1) * AROUND_SECONDS - time.time()))
            if clients[action].post(f"/v1/holds/{hold}/{action}", {}).is_success:
                won[hold, action] += 1

        threads = [threading.Thread(target=ask, args=(hold, action)) for hold in holds for action in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        while client.get("/v1/holds", party=rider, state="open").json()["data"]:
            assert time.time() < over.timestamp() + 5
            time.sleep(0.05)
        clients["void"].close()
    ended = Counter(
        {"captured": "capture", "voided": "void"}.get(client.get(f"/v1/holds/{hold}").json()["state"], "expire")
        for hold in holds
    )
    assert Counter(action for _, action in won) == Counter(
        {each: ended[each] for each in ("capture", "void") if ended[each]}
    )
    assert all(sum(won[hold, action] for action in clients) <= 1 for hold in holds)
    assert HOLDS == sum(ended.values())
    assert len(ended) == 3, f"the race was none: {ended}"
    assert (100 * (HOLDS - ended["capture"]), 100 * ended["capture"]) == (
        client.available(rider),
        client.available(shop),
    )
    kinds = superuser.rows("SELECT kind, count(*) AS count FROM entries WHERE kind LIKE 'hold.%' GROUP BY kind")
    assert {f"hold.{each}": count for each, count in ended.items()} | {"hold.place": HOLDS} == dict(map(tuple, kinds))
    assert [] == superuser.wait(run_checks(superuser.connection, 1))
