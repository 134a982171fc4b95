"""What the figures were measured on."""

import os
import platform

from ledger.bench import load
from ledger.books.database import connect

LOAD_AT_REST = 0.5


async def described(url: str, load_before: float) -> list[str]:
    """The machine with its load average before the run, the database's server and the load generator, a line each."""
    connection = await connect(url)
    version = await connection.fetchval("SHOW server_version")
    names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    settings = [f"{name} {await connection.fetchval('SELECT current_setting($1)', name)}" for name in names]
    await connection.close()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    generator = "wrk" if load.has_wrk() else "our own, as wrk is not installed: it takes more from what it measures"
    rest = " *** not at rest ***" if load_before > LOAD_AT_REST else ""
    return [
        f"{cores} cores, for the load generator too; load average before the run: {load_before:.1f}{rest}",
        f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        f"Postgres {version} ({', '.join(settings)})",
        f"load generator: {generator}",
    ]
