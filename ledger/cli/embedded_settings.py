"""The settings of the embedded Postgres."""

import os
import secrets
import sys
from pathlib import Path

from ledger.cli.embedded_places import socket_folder, write_file
from ledger.cli.embedded_process import Account

SHARED_BUFFERS_MB_MIN, SHARED_BUFFERS_MB_MAX = 128, 1024

SETTINGS = """\
# Written anew by chatledger at each start of the server: change settings with ALTER SYSTEM, which wins over this file.
include {initdb_settings}
listen_addresses = {addresses}
port = {port}
unix_socket_directories = {sockets}
unix_socket_permissions = 0700
password_encryption = scram-sha-256
max_connections = 50
tcp_keepalives_idle = 30
tcp_keepalives_interval = 10
tcp_keepalives_count = 3
shared_buffers = {shared_buffers}MB
fsync = on
full_page_writes = on
synchronous_commit = on
# Compressing full pages cost more processor than it saved disk.
wal_compression = off
# Rare checkpoints, spread out, keep the commits between them even.
max_wal_size = 4GB
checkpoint_timeout = 15min
checkpoint_completion_target = 0.9
# The lane's statements are short: compiling one takes longer than running it.
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
# The details of an error quote rows, and its statement may hold a password: neither belongs in a log.
log_error_verbosity = terse
log_min_error_statement = panic
"""


def write_settings(cluster: Path, account: Account | None) -> Path:
    """Write the server's configuration file for its next start; its path.

    It lies beside the cluster and is written each time: so old data folders follow our upgrades, and root never
    writes a file into a folder that another account could have prepared.
    """
    if sys.platform == "win32":
        sockets, addresses, port = "", "127.0.0.1", 49152 + secrets.randbelow(16384)
    else:
        path = str(socket_folder(cluster, account)).replace('"', '""')
        sockets, addresses, port = f'"{path}"', "", 5432
    text = SETTINGS.format(
        initdb_settings=_quoted(f"{cluster.name}/postgresql.conf"),
        addresses=_quoted(addresses),
        port=port,
        sockets=_quoted(sockets),
        shared_buffers=_shared_buffers_mb(),
    )
    settings = cluster.parent / "postgres.conf"
    write_file(settings, text, 0o644)
    return settings


def _shared_buffers_mb() -> int:
    """A sixteenth of the machine's memory, from 128 MB to 1 GB: the pages that are changed again and again fit."""
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):  # Windows says it in another way
        return SHARED_BUFFERS_MB_MIN
    return max(SHARED_BUFFERS_MB_MIN, min(memory // 16 // 2**20, SHARED_BUFFERS_MB_MAX))


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
