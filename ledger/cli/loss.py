"""`chatledger accept-loss`: a person says that the books go on, although entries that were committed are lost."""

import asyncio
import os
from pathlib import Path
from typing import NamedTuple

import rich_click as click

from ledger.books.database import Connection
from ledger.books.guard import HEAD, Guard, Head, Rewritten, guard_of
from ledger.books.setup import SERVICE, find_ledger
from ledger.books.signing import Signing, load_keys
from ledger.books.witness import Witness, checkpoint_of
from ledger.cli.database import connected, data_option, database, ledger_option, submit
from ledger.cli.log_key import signing_options
from ledger.core.keys import Signer
from ledger.core.log import AcceptLoss
from ledger.core.notes import Checkpoint, VerifierKey, format_note, open_checkpoint


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
        loss = asyncio.run(_look(url, ledger_name, signing))
        if loss is None:
            click.echo("The log goes on under its new origin already; its witness begins anew with it.")
            return
        click.echo(loss.fault, err=True)
        if not yes:
            click.confirm("Accept that these entries are lost?", abort=True, err=True)
        line, aside = asyncio.run(_accept(url, ledger_name, signing, loss))
    click.echo(f"The loss is accepted. The last checkpoint of before is kept in {aside}.", err=True)
    click.echo("The log goes on under a new origin; publish its verifier key line:", err=True)
    click.echo(line)


async def _look(url: str, ledger_name: str, signing: Signing) -> Loss | None:
    """What is lost; None if that was accepted before, and only the witness did not know yet."""
    async with connected(url) as connection:
        ledger_id = await find_ledger(connection, ledger_name)
        first_origin = await connection.fetchval("SELECT origin FROM ledgers WHERE ledger_id = $1", ledger_id)
        row = await connection.fetchrow(HEAD, ledger_id)
        if row is None:
            raise LookupError(f"there is no ledger {ledger_id}")
        head = Head(*row)
        guard = guard_of(ledger_id, ledger_name, first_origin, signing)
        note = guard.witness.read() if guard.witness is not None else None
        if note is None or guard.witness is None:
            raise click.ClickException(f"There is no witness of {ledger_name} in {signing.witness}: name its folder.")
        witnessed = _verified(note, guard)
        if witnessed.origin != head.origin:
            await _finish(connection, ledger_id, ledger_name, signing, note, head)
            return None
        try:
            await guard.check(connection)
        except Rewritten as fault:
            epoch = await connection.fetchval("SELECT max(epoch) FROM epochs WHERE ledger_id = $1", ledger_id)
            return Loss(str(fault), note, witnessed, head, ledger_id, first_origin, (epoch or 1) + 1)
    raise click.ClickException("Nothing is lost: the database has all that the witness knows of.")


def _verified(note: bytes, guard: Guard) -> Checkpoint:
    try:
        return open_checkpoint(note, [VerifierKey(checkpoint_of(note).origin, key) for key in guard.trusts])
    except ValueError as wrong:
        raise click.ClickException(f"The witness is not trusted: {wrong}") from None


async def _finish(
    connection: Connection, ledger_id: int, ledger_name: str, signing: Signing, note: bytes, head: Head
) -> None:
    """The epoch began, but the witness was not told, for whatever interrupted that."""
    row = await connection.fetchrow(
        """
        SELECT x.epoch, e.body::json #>> '{request,old_checkpoint}' AS old_checkpoint, l.origin
        FROM epochs x JOIN entries e ON e.ledger_id = x.ledger_id AND e.number = x.entry
        JOIN ledgers l ON l.ledger_id = x.ledger_id
        WHERE x.ledger_id = $1 ORDER BY x.epoch DESC LIMIT 1
        """,
        ledger_id,
    )
    if row is None or row["old_checkpoint"] != note.decode():
        raise click.ClickException(
            f"The database's log is {head.origin}, but no entry of it accepts the loss that the witness knows of."
        )
    signers = load_keys(signing.keys / ledger_name)
    Witness(signing.witness, row["origin"]).begin_anew(await _signed(head, signers), row["epoch"])


async def _accept(url: str, ledger_name: str, signing: Signing, loss: Loss) -> tuple[str, Path]:
    origin = f"{loss.first_origin}/{loss.epoch}"
    is_shorter = loss.head.number < loss.witnessed.size
    command = AcceptLoss(
        epoch=loss.epoch,
        origin=origin,
        old_checkpoint=loss.note.decode(),
        lost_from=loss.head.number + 1 if is_shorter else 1,
        lost_to=loss.witnessed.size,
    )
    # Without the witness: it is the very thing that says no.
    await submit(url, loss.ledger_id, ledger_name, "cli", [(command, os.urandom(16))])
    async with connected(url) as connection:
        row = await connection.fetchrow(HEAD, loss.ledger_id)
    if row is None:
        raise LookupError(f"there is no ledger {loss.ledger_id}")
    signers = load_keys(signing.keys / ledger_name)
    aside = Witness(signing.witness, loss.first_origin).begin_anew(await _signed(Head(*row), signers), loss.epoch)
    return VerifierKey(origin, list(signers.values())[-1].public_key).line, aside


async def _signed(head: Head, signers: dict[str, Signer]) -> bytes:
    text = Checkpoint(head.origin, head.number, head.root).text
    return format_note(
        text, [(VerifierKey(head.origin, each.public_key), await each.sign(text)) for each in signers.values()]
    )
