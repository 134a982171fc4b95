"""What the tests over HTTP share."""

from collections.abc import Iterator

import pytest

from tests.harness import Client, Superuser


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
