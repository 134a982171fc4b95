"""`chatledger check`: what finance types to look at the books, and what its status tells a script."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ledger.books.checks import CHECKS
from tests.harness import Database, Databases, Superuser


def check(database: Database, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "ledger", "check", "--ledger", "test", *arguments]
    environment = os.environ | {"DATABASE_URL": database.service_url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def spoilt(databases: Databases) -> Iterator[Database]:
    """A ledger whose bank was changed behind the books' back."""
    made = databases.new()
    with Superuser(made.url) as superuser:
        superuser.run_script("UPDATE banks SET purpose = 'own'")
    yield made
    databases.drop(made)


def test_an_honest_ledger_passes_every_check_by_name(database: Database) -> None:
    said = check(database)
    assert (0, "") == (said.returncode, said.stderr)
    assert [f"ok    {each.name}: {each.sentence}" for each in CHECKS] == said.stdout.splitlines()[:-1]


def test_what_is_found_is_told_with_its_place_and_status_1(spoilt: Database) -> None:
    said = check(spoilt, "registrations", "settings")
    assert 1 == said.returncode
    lines = said.stdout.splitlines()
    assert [
        "FAIL  registrations: Every bank and rail is as its entry registered it.",
        "      banks of entry 3 has purpose own, but what was entered says safeguarded",
        "ok    settings: The ledger's settings are those of the last entry that set them.",
        "1 of 2 checks failed.",
    ] == lines


def test_programs_are_told_the_same_as_json(spoilt: Database) -> None:
    said = check(spoilt, "--json")
    assert 1 == said.returncode
    found = {each["name"]: each["findings"] for each in json.loads(said.stdout)["checks"]}
    assert [each.name for each in CHECKS] == list(found)
    assert ["banks of entry 3"] == [finding["where"] for findings in found.values() for finding in findings]


def test_a_check_that_does_not_exist_is_status_2_and_names_those_that_do(database: Database) -> None:
    said = check(database, "balance")
    assert (2, "") == (said.returncode, said.stdout)
    assert "There is no check balance. There are: numbering, " in said.stderr


def test_the_list_of_checks_needs_no_database(database: Database) -> None:
    nowhere = database._replace(service_url="postgresql://127.0.0.1:1/nowhere")
    said = check(nowhere, "--list")
    assert 0 == said.returncode
    assert [each.name for each in CHECKS] == [line.split()[0] for line in said.stdout.splitlines()[1:]]
