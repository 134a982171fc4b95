"""What the tests over HTTP share."""

from collections.abc import Iterator

import pytest

from ledger.books.signing import Signing
from tests.harness import Client, Database, Served, Superuser, make_log_key, serve


@pytest.fixture(scope="module")
def signing(database: Database, tmp_path_factory: pytest.TempPathFactory) -> Signing:
    """A log key for the ledger `test`, and an empty witness."""
    folder = tmp_path_factory.mktemp("signing")
    made = Signing(folder / "keys", folder / "witness")
    make_log_key(database, made)
    return made


@pytest.fixture(scope="module")
def signing_service(database: Database, signing: Signing) -> Iterator[Served]:
    """The real service on this module's database, which signs."""
    with serve(database, signing) as served:
        yield served


@pytest.fixture(scope="module")
def ann_and_bob(client: Client) -> None:
    """Two parties, each with 1.00 EUR."""
    for party_id in ("ann", "bob"):
        client.party(party_id)
        client.deposit(party_id, 100)


@pytest.fixture
def nothing_is_written(superuser: Superuser, ann_and_bob: None) -> Iterator[None]:
    """See to it that the head stays as it is: neither an entry was made nor a refusal remembered."""
    before = superuser.head()
    yield
    assert before == superuser.head()
