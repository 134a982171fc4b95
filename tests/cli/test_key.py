"""API keys on the command line: their end, their limits, and that they can be revoked at once."""

import contextlib

import pytest

from tests.cli.conftest import Run
from tests.harness import Client, Served

NEW = {"id": "nobody-yet", "kind": "person"}


def made(chatledger: Run, service: Served, *options: str) -> str:
    said = chatledger("key", "create", "--ledger", "test", *options, url=service.database.service_url)
    assert 0 == said.status, said.err
    return said.out.strip()


def test_a_key_with_limits_moves_no_more_and_nothing_else(chatledger: Run, service: Served, client: Client) -> None:
    payer, payee = client.funded(1000), client.party()
    client.deposit(payer, 1000, "INR")
    token = made(chatledger, service, "--limit", "EUR:50:80")
    with contextlib.closing(Client(service.base, token)) as limited:

        def pay(amount: int, currency: str = "EUR") -> str:
            body = {"from": payer, "to": payee, "amount": amount, "currency": currency}
            answer = limited.post("/v1/transfers", body).json()
            return str(answer.get("code", answer.get("status")))

        assert ["limit_exceeded", "posted", "limit_exceeded", "posted", "limit_exceeded"] == [
            pay(51),
            pay(50),
            pay(31),
            pay(30),
            pay(1, "INR"),
        ]


def test_a_key_ends_when_its_time_is_up(chatledger: Run, service: Served) -> None:
    token = made(chatledger, service, "--until", "2099-01-01T00:00:00Z")
    with contextlib.closing(Client(service.base, token)) as client:
        assert 200 == client.get("/v1/ledger").status_code
    said = chatledger("key", "list", "--ledger", "test", url=service.database.service_url)
    assert "2099-01-01" in said.out
    assert "live" in said.out


def test_a_revoked_key_opens_nothing_from_then_on(chatledger: Run, service: Served) -> None:
    token = made(chatledger, service, "--name", "to be revoked")
    listed = chatledger("key", "list", "--ledger", "test", url=service.database.service_url).out
    key_id = next(line.split()[0] for line in listed.splitlines() if "to be revoked" in line)
    with contextlib.closing(Client(service.base, token)) as client:
        assert 200 == client.get("/v1/ledger").status_code
        said = chatledger("key", "revoke", "--ledger", "test", key_id, url=service.database.service_url)
        assert f"{key_id} opens nothing any more.\n" == said.out
        assert [401, 401] == [client.get("/v1/ledger").status_code, client.post("/v1/parties", NEW).status_code]
    again = chatledger("key", "revoke", "--ledger", "test", key_id, url=service.database.service_url)
    assert (1, True) == (again.status, "was revoked by entry" in again.err)


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--until", "tomorrow", "valid_until: Write a time as RFC 3339"),
        ("--limit", "EUR:1.5", "in whole minor units"),
        ("--limit", "EUR:0", "in whole minor units"),
        ("--limit", "EUR:1:2:3", "in whole minor units"),
        ("--limit", "XXQ:1", "limits/0/currency: XXQ is not a currency code"),
    ],
)
def test_what_a_key_cannot_have_is_said(
    chatledger: Run, service: Served, option: str, value: str, sentence: str
) -> None:
    said = chatledger("key", "create", "--ledger", "test", option, value, url=service.database.service_url)
    assert (2, True) == (said.status, sentence in said.err), said.err


@pytest.mark.parametrize("beginning", ["-a", "-ah", "-h", "--"])
@pytest.mark.parametrize("command", [("key", "revoke"), ("log-key", "revoke")])
def test_an_id_that_begins_with_a_dash_is_no_option(
    chatledger: Run, service: Served, command: tuple[str, str], beginning: str
) -> None:
    said = chatledger(*command, "--ledger", "test", f"{beginning:A<43}", url=service.database.service_url)
    assert (1, True) == (said.status, "There is no such key" in said.err), said.err
