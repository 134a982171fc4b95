"""What an administrator types: each command does what it says, once, and fails with a sentence."""

import asyncio
import contextlib
import hashlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.books import setup
from ledger.books.database import connect
from ledger.books.setup import SetupError
from ledger.cli.key import new_token
from ledger.cli.main import COMMANDS
from tests.cli.conftest import Run, Said, ask
from tests.harness import Client, Database, Databases, Served, Superuser

_numbers = itertools.count(1)


@pytest.fixture
def empty(databases: Databases) -> Iterator[str]:
    """The superuser's URL of a database with nothing in it."""
    name = f"empty_{next(_numbers)}"
    with Superuser(databases.postgres.url()) as superuser:
        superuser.run_script(f"CREATE DATABASE {name}")
        yield databases.postgres.url(database=name)
        superuser.run_script(f"DROP DATABASE {name} WITH (FORCE)")


def test_init_makes_the_schema_and_a_ledger_once(chatledger: Run, empty: str) -> None:
    first = chatledger("init", "--name", "books.example.com", url=empty)
    assert (0, "The ledger main is made; its log is called books.example.com/log/main.\n") == (
        first.status,
        first.out.splitlines(keepends=True)[-1],
    )
    again = chatledger("init", url=empty)
    assert (
        Said(
            0,
            "The ledger main was there already; its log is called books.example.com/log/main. Nothing was changed.\n",
            "",
        )
        == again
    )


def test_init_makes_further_ledgers_under_the_name_of_the_first(chatledger: Run, empty: str) -> None:
    chatledger("init", "--name", "books.example.com", url=empty)
    assert 0 == chatledger("init", "--ledger", "shop", url=empty).status
    assert "books.example.com/log/shop" == ask(empty, "SELECT origin FROM ledgers WHERE name = 'shop'")


def test_the_name_of_a_log_is_for_ever(chatledger: Run, empty: str) -> None:
    chatledger("init", url=empty)
    said = chatledger("init", "--name", "other.example.com", url=empty)
    assert (
        1,
        "Error: The ledger main is there already, and its log is chat-ledger.localhost/log/main for ever.\n",
    ) == (
        said.status,
        said.err,
    )


@pytest.mark.parametrize("name", ["two words", "a+b", "UPPER", ""])
def test_names_that_a_log_may_not_have_are_refused(chatledger: Run, empty: str, name: str) -> None:
    said = chatledger("init", "--name", name, url=empty)
    assert 1 == said.status
    assert "is no name for a log: use one like books.example.com, in lower case." in said.err


def test_init_works_for_an_administrator_who_is_no_superuser(chatledger: Run, databases: Databases, empty: str) -> None:
    user = f"admin_{next(_numbers)}"
    with Superuser(empty) as superuser:
        superuser.run_script(f"CREATE ROLE {user} LOGIN PASSWORD 'secret'; GRANT chatledger_owner TO {user}")
        superuser.run_script(f"GRANT CREATE ON DATABASE {superuser.value('SELECT current_database()')} TO {user}")
    url = re.sub("//.*@", f"//{user}:secret@", empty)
    assert 0 == chatledger("init", url=url).status
    assert 0 == chatledger("init", "--ledger", "more", url=url).status
    assert 0 == chatledger("upgrade", url=url).status
    said = chatledger("erase", "1", "--yes", url=url)
    assert (0, "Emptied: 0 entries, 0 refused requests.") == (said.status, said.out.splitlines()[0])


def test_init_tells_whoever_may_not_what_is_needed(chatledger: Run, databases: Databases, empty: str) -> None:
    url = re.sub("//.*@", f"//chatledger_service:{databases.postgres.password('chatledger_service')}@", empty)
    said = chatledger("init", url=url)
    assert 1 == said.status
    assert "DATABASE_URL has to name a superuser, or one who may" in said.err
    assert ask(empty, "SELECT to_regnamespace('ledger') IS NULL")


def test_a_database_that_is_not_fit_is_left_as_it_was(chatledger: Run, databases: Databases) -> None:
    with Superuser(databases.postgres.url()) as superuser:
        superuser.run_script("CREATE DATABASE ascii ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    url = databases.postgres.url(database="ascii")
    said = chatledger("init", url=url)
    assert (1, "Error: The database is encoded in SQL_ASCII: create one with ENCODING 'UTF8'.\n") == (
        said.status,
        said.err,
    )
    assert ask(url, "SELECT to_regnamespace('ledger') IS NULL")


def upgraded(url: str, target: int, migrations: Path) -> list[str]:
    async def run() -> list[str]:
        connection = await connect(url)
        try:
            return await setup.upgrade(connection, target, migrations)
        finally:
            await connection.close()

    return asyncio.run(run())


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    """Two steps beyond the schema's first version."""
    (tmp_path / "002_notes.sql").write_text("CREATE TABLE notes (ledger_id int);")
    (tmp_path / "003_more_notes.sql").write_text("ALTER TABLE notes ADD note text; ALTER TABLE notes ADD at date;")
    return tmp_path


def test_an_older_schema_is_brought_forward_step_by_step(chatledger: Run, empty: str, migrations: Path) -> None:
    chatledger("init", url=empty)
    assert ["002_notes.sql"] == upgraded(empty, 2, migrations)
    assert ["003_more_notes.sql"] == upgraded(empty, 3, migrations)
    assert [] == upgraded(empty, 3, migrations)
    assert "chatledger_owner" == ask(empty, "SELECT tableowner FROM pg_tables WHERE tablename = 'notes'")
    assert [3, 0] == [
        ask(empty, f"SELECT {what}") for what in ("version FROM schema_version", "count(note) FROM notes")
    ]


def test_an_upgrade_that_fails_changes_nothing(chatledger: Run, empty: str, migrations: Path) -> None:
    chatledger("init", url=empty)
    (migrations / "003_more_notes.sql").write_text("ALTER TABLE nothing ADD note text")
    with pytest.raises(Exception, match="nothing"):
        upgraded(empty, 3, migrations)
    assert 1 == ask(empty, "SELECT version FROM schema_version")
    assert ask(empty, "SELECT to_regclass('ledger.notes') IS NULL")


def test_a_step_that_is_missing_and_a_newer_schema_are_refused(chatledger: Run, empty: str, migrations: Path) -> None:
    chatledger("init", url=empty)
    with pytest.raises(SetupError, match=r"The file 004_\*\.sql is missing in .*: install chat-ledger again\."):
        upgraded(empty, 4, migrations)
    upgraded(empty, 3, migrations)
    said = chatledger("upgrade", url=empty)
    assert (1, "Error: The schema has version 3, this program knows 1: run a newer chat-ledger.\n") == (
        said.status,
        said.err,
    )


def test_upgrade_says_when_there_is_nothing_to_do(chatledger: Run, empty: str) -> None:
    assert "run `chatledger init`" in chatledger("upgrade", url=empty).err
    chatledger("init", url=empty)
    assert "there is nothing to do" in chatledger("upgrade", url=empty).out


def test_a_key_is_printed_once_alone_and_opens_the_service(chatledger: Run, service: Served) -> None:
    said = chatledger("key", "create", "--ledger", "test", url=service.database.service_url)
    token = said.out.removesuffix("\n")
    assert re.fullmatch("clk_[0-9A-Za-z]{43}", token)
    assert "never shown again" in said.err
    with contextlib.closing(Client(service.base, token)) as client:
        assert 200 == client.get("/v1/ledger").status_code
    digest = hashlib.sha256(token.encode()).hexdigest()
    assert 1 == ask(service.database.url, f"SELECT count(*) FROM api_keys WHERE digest = '\\x{digest}'")
    assert 0 == ask(service.database.url, f"SELECT count(*) FROM entries e WHERE e::text LIKE '%{token[4:]}%'")


def test_a_key_has_just_the_scopes_that_were_named(chatledger: Run, service: Served) -> None:
    scopes = ("--scope", "reports:read", "--scope", "entries:read")
    said = chatledger("key", "create", "--ledger", "test", *scopes, url=service.database.service_url)
    with contextlib.closing(Client(service.base, said.out.strip())) as client:
        assert [200, 403] == [client.get("/v1/ledger").status_code, client.post("/v1/transfers", {}).status_code]


def test_no_two_keys_are_equal_and_none_is_shorter() -> None:
    tokens = {new_token() for _ in range(1000)}
    assert [1000, {47}] == [len(tokens), {len(token) for token in tokens}]


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["key", "create", "--ledger", "nope"], 1, "There is no ledger nope. There are: test. `chatledger init"),
        (["key", "create", "--ledger", "test", "--scope", "all"], 2, "'all' is not one of"),
        (["key", "create", "--ledger", "test", "--name", ""], 2, "name: It may not be empty."),
        (["erase", "--ledger", "test"], 2, "Give either the numbers of entries or a --party."),
        (["erase", "--ledger", "test", "1", "--party", "x"], 2, "Give either the numbers of entries or a --party."),
        (["erase", "--ledger", "test", "0"], 2, "0 is not in the range x>=1"),
        (["up", "--port", "65536"], 2, "65536 is not in the range 0<=x<=65535"),
        (["up", "--public-url", "example.com"], 2, "write it like https://pay.example.com"),
        (["nope"], 2, "No such command 'nope'."),
    ],
)
def test_what_is_asked_wrongly_is_told_in_a_sentence(
    chatledger: Run, database: Database, arguments: list[str], status: int, sentence: str
) -> None:
    said = chatledger(*arguments, url=database.url)
    assert [status, ""] == [said.status, said.out]
    assert said.err.startswith("Error: ")
    assert sentence in said.err
    assert "Traceback" not in said.err


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password(chatledger: Run) -> None:
    said = chatledger("init", url="postgresql://somebody:secret@127.0.0.1:1/books")
    assert 1 == said.status
    assert re.fullmatch(r"Error: The database cannot be reached: .*127.*\. Look at DATABASE_URL.*\.\n", said.err)
    assert "secret" not in said.err


def test_a_folder_without_books_is_not_filled_by_mistake(chatledger: Run, tmp_path: Path) -> None:
    said = chatledger("key", "create", "--data", str(tmp_path / "mistyped"))
    assert 1 == said.status
    assert "make them with `chatledger init`" in said.err
    assert not (tmp_path / "mistyped").exists()


def test_help_tells_of_every_command_in_plain_text(chatledger: Run) -> None:
    said = chatledger("--help")
    assert 0 == said.status
    assert [] == [name for name in COMMANDS if not re.search(rf"^ +{name} +\w", said.out, re.MULTILINE)]
    assert not re.search("[\x1b\u2500-\u257f]", said.out)
    assert [0] * len(COMMANDS) == [chatledger(name, "--help").status for name in COMMANDS]
