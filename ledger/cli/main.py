"""The command `chatledger`: its commands by name, and how their failures are told.

Each command lies in a module of its own, which is imported when it is asked for: litestar alone takes longer to import
than `chatledger key create` to run.
"""

import errno
import importlib
import os
import sys
from typing import NoReturn

import asyncpg
import rich_click as click
from click.exceptions import NoArgsIsHelpError

from ledger import __version__
from ledger.books.database import UnfitDatabase
from ledger.books.setup import SetupError
from ledger.books.signing import KeyFileError
from ledger.books.witness import WitnessError
from ledger.cli.embedded_process import EmbeddedError
from ledger.core.errors import LedgerError

COMMANDS = {
    "demo": "ledger.cli.demo:demo",
    "up": "ledger.cli.up:up",
    "init": "ledger.cli.admin:init",
    "upgrade": "ledger.cli.admin:upgrade",
    "key": "ledger.cli.key:key",
    "log-key": "ledger.cli.log_key:log_key",
    "check": "ledger.cli.check:check",
    "erase": "ledger.cli.erase:erase",
    "accept-loss": "ledger.cli.loss:accept_loss",
    "bench": "ledger.cli.bench:bench",
}
"""In the order of the help: as one meets them."""

FAILURES = (EmbeddedError, UnfitDatabase, SetupError, KeyFileError, WitnessError, LedgerError)
"""What says in its message what to do."""


class Commands(click.RichGroup):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them."""
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name].partition(":")
        found = getattr(importlib.import_module(module), name)
        return found if isinstance(found, click.Command) else None


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Begin with `chatledger demo`.",
)
@click.version_option(__version__, message="chat-ledger %(version)s")
@click.rich_config({"theme": "slim", "style_helptext": "", "text_paragraph_linebreaks": "\n\n"})
def chatledger() -> None:
    """The payment and order ledger behind a messenger: double-entry books on Postgres, spoken to over HTTP."""


def main() -> NoReturn:
    """Run the command that the arguments name. Status 0: done; 1: failed; 2: asked wrongly."""
    try:
        chatledger(standalone_mode=False)
    except NoArgsIsHelpError as error:
        print(error.message, file=sys.stderr)
        sys.exit(error.exit_code)
    except click.UsageError as error:
        hint = f"\nTry: {error.ctx.command_path} --help" if error.ctx else ""
        fail(error.format_message() + hint, error.exit_code)
    except click.ClickException as error:
        fail(error.format_message(), error.exit_code)
    except FAILURES as error:
        fail(str(error))
    except asyncpg.PostgresError as error:
        fail(f"Postgres refuses: {error.message}.")
    except click.Abort:
        fail("Interrupted.")
    except OSError as error:
        if error.errno == errno.EPIPE:  # `chatledger … | head` has read enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        fail(f"{error}")
    sys.exit(0)


def fail(sentence: str, status: int = 1) -> NoReturn:
    """End with a sentence on stderr."""
    click.echo(f"{click.style('Error:', fg='red', bold=True)} {sentence}", err=True)
    sys.exit(status)
