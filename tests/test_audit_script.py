"""The audit finds what a superuser did to the books behind everybody's back, and names it."""

# long: whatever an audit has to find stands in one place.

import asyncio
import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ledger.books.calls import Call
from ledger.books.signing import Signing
from ledger.core.merkle import Frontier, leaf_hash
from ledger.core.rails import RegisterBank
from scripts import audit
from tests.books.agreed import BY_TILL, FLIPS, NO_CONSTRAINTS, quoted
from tests.books.lanes import done, lane_on, pay, run
from tests.books.tampering import STORY
from tests.harness import Client, Database, Databases, Served, Superuser, make_log_key, serve

NOT_IN_THE_LOG = {
    "heads.version": "a counter of commits, which says nothing of the books",
    "ledgers.origin": "what the log is called: its checkpoints say so, and one that was kept shows a change",
    "refusals": "what was not done is answered again from here, and is no entry",
}
LAST = 300


@pytest.fixture(scope="module")
def database(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """The story that the tests of the checks tell, without constraints that would help."""
    made = databases.new()

    async def tell() -> None:
        async with lane_on(made) as lane:
            for command in STORY.values():
                await done(lane, command)
            await done(lane, RegisterBank(id="own", currency="EUR", purpose="own", iban="DE89370400440532013000"))
            calls = [Call(pay("alice", "bob"), os.urandom(16), "key_1", "r") for _ in range(BY_TILL + 2, LAST + 1)]
            calls.insert(0, Call(pay("alice", "bob"), os.urandom(16), "key_32", "r", by_key=True))
            await lane.submit_all(calls, atomic=False)

    run(tell())
    loosen(made)
    yield made
    databases.drop(made)


def loosen(database: Database) -> None:
    """Drop the constraints: they would find much of it before any audit."""
    with Superuser(database.url) as superuser:
        superuser.run_script(NO_CONSTRAINTS)


@pytest.fixture(scope="module")
def superuser(database: Database) -> Iterator[Superuser]:
    with Superuser(database.url) as connection:
        yield connection


Audited = tuple[int, str]


def audited(database: Database, capsys: pytest.CaptureFixture[str], *options: str) -> Audited:
    """The status of an audit of the database, and what it said."""
    status = audit.main(["--database", database.url, "--ledger", "test", *options])
    said = capsys.readouterr()
    return status, said.out + said.err


@contextlib.contextmanager
def tampered(superuser: Superuser, *statements: str, only: str | None = None) -> Iterator[None]:
    """Do it, and afterwards put everything back, or what is in the only table that it is done to."""
    tables = [row["t"] for row in superuser.rows(TABLES)] if only is None else [only]
    for table in tables:
        superuser.run_script(f"CREATE TABLE public.saved_{table} AS SELECT * FROM {table}")
    try:
        for statement in statements:
            superuser.run_script(statement)
        yield
    finally:
        for table in tables:
            superuser.run_script(
                f"""
                DELETE FROM {table};
                INSERT INTO {table} SELECT * FROM public.saved_{table};
                DROP TABLE public.saved_{table}
                """
            )


TABLES = """
    SELECT table_name AS t FROM information_schema.columns
    WHERE table_schema = 'ledger' AND column_name = 'ledger_id' ORDER BY 1
"""


def test_an_honest_ledger_passes(database: Database, capsys: pytest.CaptureFixture[str]) -> None:
    status, said = audited(database, capsys)
    assert (0, True) == (status, said.startswith(f"Nothing was found in {LAST} entries")), said


def test_one_changed_bit_in_any_field_of_any_row_is_found(
    database: Database, superuser: Superuser, capsys: pytest.CaptureFixture[str]
) -> None:
    columns = superuser.rows(
        """
        SELECT table_name AS of, column_name AS name, data_type AS kind FROM information_schema.columns
        WHERE table_schema = 'ledger' AND table_name IN (
            SELECT table_name FROM information_schema.columns
            WHERE table_schema = 'ledger' AND column_name = 'ledger_id'
        ) ORDER BY 1, ordinal_position
        """
    )
    missed, untried = [], []
    for column in columns:
        table, name = column["of"], quoted(column["name"])
        if table in NOT_IN_THE_LOG or f"{table}.{column['name']}" in NOT_IN_THE_LOG:
            continue
        flip = FLIPS[column["kind"]].format(name)
        empty = f"AND {name} <> ''" if column["kind"] == "text" else ""
        one = f"(SELECT ctid FROM {table} WHERE {name} IS NOT NULL {empty} ORDER BY ctid DESC LIMIT 1)"
        if superuser.value(f"SELECT {one}") is None:
            untried.append(f"{table}.{name}")
            continue
        with tampered(superuser, f"UPDATE {table} SET {name} = {flip} WHERE ctid = {one}", only=table):
            if audited(database, capsys)[0] != 1:
                missed.append(f"{table}.{name}")
    assert [] == missed
    assert [] == untried


CASES = {
    "a removed row": (["DELETE FROM entries WHERE number = 260"], "Entry 260"),
    "swapped rows": (
        [
            "UPDATE entries SET number = -1 WHERE number = 260",
            "UPDATE entries SET number = 260 WHERE number = 261",
            "UPDATE entries SET number = 261 WHERE number = -1",
        ],
        "Entry 260: its body is entry 261 of test.",
    ),
    "an inserted row": (
        [
            """
            INSERT INTO entries SELECT ledger_id, number + 1, posted_at + interval '1 microsecond', effective_on, kind,
                sha256(body::bytea)::text::bytea, leaf, replace(body, '"number":300', '"number":301'), private
            FROM entries WHERE number = 300
            """.replace("sha256(body::bytea)::text::bytea", "'\\x00112233445566778899aabbccddeeff'"),
            "UPDATE heads SET number = 301",
        ],
        "Entry 301",
    ),
    "a changed balance": (
        ["UPDATE accounts SET balance = balance + 5 WHERE owner = 'bob' AND role = 'available'"],
        "Account bob/available in EUR",
    ),
    "a changed body": (
        ["""UPDATE entries SET body = replace(body, '"amount":1,', '"amount":9,') WHERE number = 277"""],
        "Entry 277: its body is not the one that was hashed into the log.",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_what_was_done_is_named(
    what: str, database: Database, superuser: Superuser, capsys: pytest.CaptureFixture[str]
) -> None:
    statements, sentence = CASES[what]
    with tampered(superuser, *statements):
        status, said = audited(database, capsys)
    assert (1, True) == (status, sentence in said), said


class Signed(NamedTuple):
    """A service that signs, with some payments; and the options that name a checkpoint which somebody has kept
    elsewhere, and whose signature counts."""

    served: Served
    client: Client
    kept: list[str]


@pytest.fixture
def signed(databases: Databases, tmp_path: Path) -> Iterator[Signed]:
    made = databases.new()
    signing = Signing(tmp_path / "keys", tmp_path / "witness")
    make_log_key(made, signing)
    with serve(made, signing) as served, contextlib.closing(Client(served.base, made.token)) as client:
        payer, payee = client.funded(1000), client.party()
        for _ in range(20):
            client.transfer(payer, payee, 1)
        path = tmp_path / "checkpoint"
        path.write_bytes(client.get("/v1/log/checkpoint").content)
        loosen(made)
        yield Signed(served, client, ["--checkpoint", str(path), "--key", client.get("/v1/log/vkey").text.strip()])
    databases.drop(made)


def rewrite(superuser: Superuser, first: int, last: int) -> None:
    """Rewrite the history from an entry on, or cut it off after one, so that nothing contradicts anything."""
    superuser.run_script(f"DELETE FROM entries WHERE number > {last}")
    tree = Frontier()
    for row in superuser.rows("SELECT number, body FROM entries ORDER BY number"):
        body = row["body"].replace('"actor":"key_1"', '"actor":"key_9"') if row["number"] >= first else row["body"]
        superuser.rows(
            "UPDATE entries SET body = $2, leaf = $3 WHERE number = $1", row["number"], body, leaf_hash(body.encode())
        )
        tree.append(leaf_hash(body.encode()))
    superuser.rows(
        "UPDATE heads SET number = $1, root = $2, frontier = $3, posted_at = (SELECT max(posted_at) FROM entries)",
        last,
        tree.root(),
        tree.to_bytes(),
    )


def test_a_history_that_was_rewritten_without_a_contradiction_is_found_by_a_kept_checkpoint(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    database = signed.served.database
    with Superuser(database.url) as superuser:
        last = superuser.head()[1]
        with tampered(superuser):
            rewrite(superuser, 9, last)
            status, said = audited(database, capsys, *signed.kept)
            assert (1, True) == (status, f"The first {last} entries are not those of the kept checkpoint" in said), said
            assert 0 == audited(database, capsys)[0]  # nobody else could tell


def test_last_entries_that_were_removed_are_found_by_a_kept_checkpoint(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    database = signed.served.database
    with Superuser(database.url) as superuser:
        last = superuser.head()[1]
        with tampered(superuser):
            rewrite(superuser, last, last - 1)
            said = audited(database, capsys, "--hashes-only", *signed.kept)[1]
            assert f"The last entries are missing: the kept checkpoint proves entries {last} to {last}." in said
            assert 0 == audited(database, capsys, "--hashes-only")[0]


def test_another_origin_is_found_by_a_kept_checkpoint(signed: Signed, capsys: pytest.CaptureFixture[str]) -> None:
    database = signed.served.database
    with Superuser(database.url) as superuser, tampered(superuser, "UPDATE ledgers SET origin = 'evil/log/test'"):
        assert "of the log test.invalid/log/test, which" in audited(database, capsys, *signed.kept)[1]


def over_the_api(
    signed: Signed,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Audited:
    served, client, kept = signed
    monkeypatch.setenv("CHATLEDGER_API_KEY", client.token)
    status = audit.main(["--url", served.base, "--ledger", "test", *kept])
    said = capsys.readouterr()
    return status, said.out + said.err


def test_over_the_api_an_honest_ledger_passes_and_a_changed_one_is_named(
    signed: Signed,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    status, said = over_the_api(signed, capsys, monkeypatch)
    assert (0, True) == (status, said.startswith("Nothing was found in")), said
    with Superuser(signed.served.database.url) as superuser:
        statement = """UPDATE entries SET body = replace(body, '"amount":1,', '"amount":2,') WHERE number = 15"""
        with tampered(superuser, statement):
            status, said = over_the_api(signed, capsys, monkeypatch)
            assert (1, True) == (status, "Entry 15: its body is not the one that was hashed into the log." in said), (
                said
            )
        with tampered(
            superuser, "UPDATE accounts SET balance = balance + 1 WHERE role = 'available' AND balance > 500"
        ):
            status, said = over_the_api(signed, capsys, monkeypatch)
            assert (1, True) == (status, "the entries make it 980 after 21." in said), said


def test_beside_a_service_at_work_what_arrives_meanwhile_is_no_finding(
    signed: Signed, capsys: pytest.CaptureFixture[str]
) -> None:
    served, client, _ = signed
    payer, payee = client.funded(1000), client.party()

    async def both() -> None:
        async def pay_on() -> None:
            for _ in range(150):
                await asyncio.to_thread(client.transfer, payer, payee, 1)

        paying = asyncio.create_task(pay_on())
        for _ in range(4):
            options = ["--database", served.database.url, "--ledger", "test"]
            assert 0 == await asyncio.to_thread(audit.main, options), capsys.readouterr().out
        await paying

    asyncio.run(both())


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--ledger", "x"], "one of the arguments --database --url is required"),
        (["--url", "http://127.0.0.1", "--ledger", "x"], "need --key"),
        (["--database", "x", "--ledger", "x", "--checkpoint", "y"], "need --key"),
    ],
)
def test_who_asks_wrongly_is_told(options: list[str], sentence: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        audit.main(options)
    assert (2, True) == (ended.value.code, sentence in capsys.readouterr().err)
