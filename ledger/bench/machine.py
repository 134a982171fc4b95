"""What the figures were measured on."""

import os
import platform

from ledger.bench import load
from ledger.books.database import connect


async def described(url: str) -> list[str]:
    """The machine, the database's server and the load generator, a line each."""
    connection = await connect(url)
    version = await connection.fetchval("SHOW server_version")
    names = ("fsync", "synchronous_commit", "full_page_writes", "shared_buffers")
    settings = [f"{name} {await connection.fetchval('SELECT current_setting($1)', name)}" for name in names]
    await connection.close()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    generator = (
        "wrk" if load.has_wrk() else "our own in Python, as wrk is not installed: its processor is missing to the rest"
    )
    return [
        f"{cores} cores, for the load generator too; {platform.system()} {platform.machine()}",
        f"Python {platform.python_version()}, Postgres {version} ({', '.join(settings)})",
        f"load generator: {generator}",
    ]
