"""`chatledger accept-loss`: a person says that the books go on, although entries that were committed are lost."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import rich_click as click

from ledger.books.database import Connection, turn
from ledger.books.guard import HEAD, Guard, Head, Rewritten, guard_of
from ledger.books.keys import public_keys
from ledger.books.setup import SERVICE, enter_ledger
from ledger.books.signing import Signing, load_keys
from ledger.books.witness import Witness
from ledger.cli.database import connected, data_option, database, ledger_option, submit
from ledger.cli.log_key import signing_options
from ledger.core.log import AcceptLoss
from ledger.core.notes import Checkpoint, VerifierKey, format_note
from ledger.core.public_keys import LEDGER


class Loss(NamedTuple):
    """What is lost: the fault as the guard tells it, the witness's last note and what it says, and where the database
    stands. `epoch` is the one that is to begin."""

    fault: str
    note: bytes
    witnessed: Checkpoint
    head: Head
    ledger_id: int
    first_origin: str
    epoch: int


class Begun(NamedTuple):
    """A new log: its verifier key lines, and where the last checkpoint of the old one is kept."""

    lines: list[str]
    aside: Path


@click.command(name="accept-loss")
@ledger_option
@click.option("--yes", is_flag=True, help="Do not ask again.")
@signing_options
@data_option
def accept_loss(ledger_name: str, yes: bool, data: Path, signing: Signing) -> None:
    """Let a ledger go on that was restored from an older copy, or failed over with a loss. Stop its services first.

    The log continues from the entry that is there, under a new origin; its first entry says what was lost and carries
    the last checkpoint of before.
    """
    with database(data, SERVICE) as url:
        found = asyncio.run(_look(url, ledger_name, signing))
        if isinstance(found, Loss):
            click.echo(found.fault, err=True)
            if not yes:
                click.confirm("Accept that these entries are lost?", abort=True, err=True)
            begun = asyncio.run(_accept(url, ledger_name, signing, found))
        else:
            click.echo("The log goes on under its new origin already; only its witness did not know.", err=True)
            begun = found
    click.echo(f"The loss is accepted. The last checkpoint of before is kept in {begun.aside}.", err=True)
    click.echo("Publish the verifier key of the log as it goes on:", err=True)
    for line in begun.lines:
        click.echo(line)


async def _look(url: str, ledger_name: str, signing: Signing) -> Loss | Begun:
    """What is lost; or the new log, if that was accepted before and only the witness did not know yet."""
    async with connected(url) as connection:
        ledger_id = await enter_ledger(connection, ledger_name)
        first_origin = await connection.fetchval("SELECT origin FROM ledgers WHERE ledger_id = $1", ledger_id)
        guard = guard_of(ledger_id, ledger_name, first_origin, signing)
        row = await connection.fetchrow(HEAD, ledger_id)
        note = guard.recall().kept
        if note is None or row is None:
            raise click.ClickException(f"There is no witness of {ledger_name} in {signing.witness}: name its folder.")
        head = Head(*row)
        try:
            witnessed = guard.open(note)
        except ValueError as wrong:
            raise click.ClickException(f"The witness is not trusted: {wrong}") from None
        if witnessed.origin != head.origin:
            return await _finish(connection, ledger_id, signing, note, head)
        try:
            await guard.check(connection)
        except Rewritten as fault:
            epoch = await connection.fetchval("SELECT max(epoch) FROM epochs WHERE ledger_id = $1", ledger_id)
            return Loss(str(fault), note, witnessed, head, ledger_id, first_origin, (epoch or 1) + 1)
    raise click.ClickException("Nothing is lost: the database has all that the witness knows of.")


async def _finish(connection: Connection, ledger_id: int, signing: Signing, note: bytes, head: Head) -> Begun:
    """The epoch began, but the witness was not told, for whatever interrupted that."""
    row = await connection.fetchrow(
        """
        SELECT x.epoch, e.body::json #>> '{request,old_checkpoint}' AS old_checkpoint
        FROM epochs x JOIN entries e ON e.ledger_id = x.ledger_id AND e.number = x.entry
        WHERE x.ledger_id = $1 AND e.kind = 'log.accept_loss' ORDER BY x.epoch DESC LIMIT 1
        """,
        ledger_id,
    )
    if row is None or row["old_checkpoint"] != note.decode():
        raise click.ClickException(
            f"The database's log is {head.origin}, but no entry of it accepts the loss that the witness knows of."
        )
    return await _begin(connection, ledger_id, signing, row["epoch"])


async def _accept(url: str, ledger_name: str, signing: Signing, loss: Loss) -> Begun:
    is_shorter = loss.head.number < loss.witnessed.size
    command = AcceptLoss(
        epoch=loss.epoch,
        origin=f"{loss.first_origin}/{loss.epoch}",
        old_checkpoint=loss.note.decode(),
        lost_from=loss.head.number + 1 if is_shorter else 1,
        lost_to=loss.witnessed.size,
    )
    # Without the witness: it is the very thing that says no.
    await submit(url, loss.ledger_id, ledger_name, "cli", [(command, os.urandom(16))])
    async with connected(url) as connection:
        await turn(connection, loss.ledger_id)
        return await _begin(connection, loss.ledger_id, signing, loss.epoch)


async def _begin(connection: Connection, ledger_id: int, signing: Signing, epoch: int) -> Begun:
    """Begin the witness anew with a checkpoint over the books as they are, by those of the log's keys that are here."""
    ledger = await connection.fetchrow("SELECT name, origin FROM ledgers WHERE ledger_id = $1", ledger_id)
    if ledger is None:
        raise LookupError(f"there is no ledger {ledger_id}")
    books = Guard(ledger_id)
    frontier = await books.check(connection)
    held = load_keys(signing.keys / ledger["name"])
    live = [row["id"] for row in await public_keys(connection, ledger_id, "log", LEDGER) if row["state"] == "live"]
    # The copy may be older than any of them.
    signers = [held[key_id] for key_id in live if key_id in held] or list(held.values())
    text = Checkpoint(books.origin, frontier.size, frontier.root()).text
    signed = [(VerifierKey(books.origin, each.public_key), await each.sign(text)) for each in signers]
    aside = Witness(signing.witness, ledger["origin"]).begin_anew(format_note(text, signed), epoch)
    return Begun([key.line for key, _ in signed], aside)
