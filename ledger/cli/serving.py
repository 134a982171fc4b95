"""Running the service until Ctrl-C or SIGTERM, and then letting it finish what it has begun."""

import asyncio
import contextlib
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import FrameType

import rich_click as click
import uvicorn

from ledger.books.calls import WAIT_SECONDS_MAX
from ledger.books.signing import Signing
from ledger.cli.embedded import EmbeddedError
from ledger.http.app import make_app
from ledger.http.rates import Rates
from ledger.http.server import configured
from ledger.http.service import Service

DRAIN_SECONDS_MAX = int(WAIT_SECONDS_MAX) + 5
"""Every write is answered by then, be it with 503; what is still open is a client that does not read or write."""
KEEP_ALIVE_SECONDS = 75
"""Longer than clients keep idle connections in their pools: else we would close one just as they send on it."""
WATCH_SECONDS = 1.0

log = logging.getLogger(__name__)


def listen(host: str, port: int) -> socket.socket:
    """A socket bound to an address, 0 being any free port; nobody can connect before the service runs."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        if sys.platform != "win32":  # there it would let two programs share a port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        raise _cannot_listen(f"{host}, port {port}", error) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """The URL of the service on a socket."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(
    url: Callable[[], str],
    listener: socket.socket,
    base: str,
    ready: Callable[[], None],
    ensure_running: Callable[[], bool] | None = None,
    signing: Signing | None = None,
    rates: Rates | None = None,
) -> None:
    """Serve until a signal says to stop; then all requests in flight are answered and the lanes come to rest.

    `url` is the database's, `base` the service's as others see it. `ready` is called once requests are answered.
    `ensure_running` sees to an embedded Postgres; when that has moved to another URL, the service begins anew there.
    A second Ctrl-C cuts the waiting short. The signals stay ours afterwards: whoever called us is still cleaning up.
    """
    address = listener.getsockname()[:2]
    run = _Run(url, listener, base, ready, ensure_running, signing, rates)
    while run.once():
        run.listener = listen(*address)
        run.ready = lambda: log.info("serving again, with Postgres at another place")


@dataclass
class _Run:
    url: Callable[[], str]
    listener: socket.socket
    base: str
    ready: Callable[[], None]
    ensure_running: Callable[[], bool] | None
    signing: Signing | None
    rates: Rates | None
    must_stop: bool = False
    must_move: bool = False

    def once(self) -> bool:
        """Serve until a signal, or until Postgres has moved; whether it has and the service goes on there."""
        self.must_move = False
        service = Service(self.url(), self.base, self.signing, self.rates)
        config = configured(
            make_app(service),
            ws="none",
            log_config=None,
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=DRAIN_SECONDS_MAX + 1,
        )
        server = _Server(config, self.ready, service.begin_stop)

        def on_signal(number: int, frame: FrameType | None) -> None:
            self.must_stop = True
            server.handle_exit(number, frame)

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, on_signal)
        server.should_exit = self.must_stop
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(server))
        return self.must_move and not self.must_stop

    async def _serve(self, server: "_Server") -> None:
        watching = asyncio.create_task(self._watch(server)) if self.ensure_running else None
        try:
            await server.serve([self.listener])
        finally:
            if watching is not None:
                watching.cancel()

    async def _watch(self, server: "_Server") -> None:
        while self.ensure_running is not None:
            await asyncio.sleep(WATCH_SECONDS)
            before = self.url()
            try:
                if await asyncio.to_thread(self.ensure_running):
                    log.warning("Postgres had died and was started again")
            except EmbeddedError:
                log.exception("Postgres has died and does not start")
            if self.url() != before:
                self.must_move = server.should_exit = True


class _Server(uvicorn.Server):
    """uvicorn, but it says when it is ready, fails with sentences, and leaves the signals to `_Run`."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None], stopping: Callable[[], None]) -> None:
        super().__init__(config)
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen."""
        try:
            await super().startup(sockets)
        except SystemExit:
            raise click.ClickException("The service could not start: the log above says why.") from None
        except OSError as error:
            await self.lifespan.shutdown()
            raise _cannot_listen("its address", error) from error
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take nothing new and let requests in flight finish. Whoever then still waits sees the connection cut."""
        self._stopping()
        cutting = asyncio.get_running_loop().call_later(DRAIN_SECONDS_MAX, self._cut)
        await super().shutdown(sockets)
        cutting.cancel()
        self._cut()

    def _cut(self) -> None:
        # uvicorn would answer 500 for a request it cancels, which says that nothing was done. Nobody knows that.
        for connection in list(self.server_state.connections):
            connection.transport.abort()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Do nothing: uvicorn's own way raises the signal again at the end, before Postgres has been stopped."""
        yield


def _cannot_listen(where: str, error: OSError) -> click.ClickException:
    return click.ClickException(
        f"The service cannot listen on {where} ({error.strerror}): stop the program that does, "
        f"or choose another --port (0 is any free one) or --host."
    )
