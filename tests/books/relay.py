"""A relay between a lane and Postgres that can lose what passes through it, at the moment a test wants."""

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator
from urllib.parse import parse_qs, quote, urlsplit


class Relay:
    """Passes bytes on, until `fault` says otherwise of the next thing that the client sends.

    "before": the server never gets it; the connection is cut.
    "during": the server gets it and the client's side is cut at once, while the server's stays open.
    "after": the server gets it and answers, the answer is lost and the connection cut.
    "silence": the server gets it, and nothing is passed on any more; nobody is told.
    """

    def __init__(self, url: str) -> None:
        query = parse_qs(urlsplit(url).query)
        host, self._socket = query["host"][0], f".s.PGSQL.{query['port'][0]}"
        self._server_socket = f"{host}/{self._socket}"
        self._folder = tempfile.mkdtemp(prefix="relay-")
        self.url = url.replace(quote(host, safe=""), quote(self._folder, safe="")).replace(host, self._folder)
        self.fault: str | None = None
        self.faults = 0
        self._server: asyncio.AbstractServer | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_unix_server(self._serve, f"{self._folder}/{self._socket}")

    async def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        shutil.rmtree(self._folder)

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
        from_server, to_server = await asyncio.open_unix_connection(self._server_socket)
        back = asyncio.create_task(_pass_on(from_server, to_client))
        try:
            while data := await from_client.read(1 << 20):
                fault, self.fault = self.fault, None
                if fault is None:
                    to_server.write(data)
                    await to_server.drain()
                    continue
                self.faults += 1
                if fault == "before":
                    return
                back.cancel()
                to_server.write(data)
                await to_server.drain()
                if fault == "after":
                    await from_server.read(1)
                    return
                if fault == "during":
                    to_client.transport.abort()
                await asyncio.sleep(3600)
        finally:
            back.cancel()
            to_client.transport.abort()
            to_server.transport.abort()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(1 << 20):
        writer.write(data)
        await writer.drain()
    writer.close()


@contextlib.asynccontextmanager
async def relayed(url: str) -> AsyncIterator[Relay]:
    """A relay before the database of a URL."""
    relay = Relay(url)
    await relay.start()
    try:
        yield relay
    finally:
        await relay.stop()
