"""Two listeners of one application in one event loop, and the order in which they end.

The public one closes first and lets its requests finish; then the functions finish, which reach the application
through the internal one; then that closes too.
"""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn

from infra.local.exchange import AsgiApp
from infra.local.http_protocol import BoundedHttpProtocol
from infra.local.tls import TlsFiles

_DRAIN_SECONDS = 30  # for requests that run when the listener closes
_KEEP_ALIVE_SECONDS = 75  # longer than botocore keeps an idle connection


class Listeners:
    """A public and an internal listening socket with one application behind them.

    `on_ready` is called in the event loop once both listen. `before_end` is called in a thread after the public
    listener has closed and its requests are done.
    """

    def __init__(
        self,
        app: AsgiApp,
        public: socket.socket,
        internal: socket.socket,
        tls: TlsFiles | None = None,
        *,
        on_ready: Callable[[], None],
        before_end: Callable[[], None],
    ) -> None:
        self._sockets = (public, internal)
        self._servers = (_Server(_config(app, tls)), _Server(_config(app, None)))
        self._on_ready = on_ready
        self._before_end = before_end
        self._stop = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    def stop(self) -> None:
        """Begin to stop, from any thread. A second call no longer waits for requests that still run."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._stop_in_loop)

    async def serve(self) -> None:
        """Listen until `stop`, SIGTERM or SIGINT."""
        self._loop = asyncio.get_running_loop()
        # Only the main thread can receive signals.
        with contextlib.suppress(ValueError, RuntimeError):
            for number in (signal.SIGTERM, signal.SIGINT):
                self._loop.add_signal_handler(number, self._stop_in_loop)
        public, internal = self._servers
        serving_public = asyncio.create_task(public.serve([self._sockets[0]]))
        serving_internal = asyncio.create_task(internal.serve([self._sockets[1]]))
        stopped = asyncio.create_task(self._stop.wait())
        try:
            await public.listening.wait()
            await internal.listening.wait()
            self._on_ready()
            await asyncio.wait({serving_public, serving_internal, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            public.should_exit = True
            await serving_public
            await asyncio.to_thread(self._before_end)
            internal.should_exit = True
            await serving_internal

    def _stop_in_loop(self) -> None:
        if self._stop.is_set():
            for server in self._servers:
                server.force_exit = True
        self._stop.set()


def run(listeners: Listeners) -> None:
    """Serve in an event loop of its own until the listeners stop."""
    with asyncio.Runner(loop_factory=_new_event_loop) as runner:
        runner.run(listeners.serve())


class _Server(uvicorn.Server):
    """uvicorn's server, leaving signals to us and telling when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _config(app: AsgiApp, tls: TlsFiles | None) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        ssl_certfile=str(tls.certificate) if tls else None,
        ssl_keyfile=str(tls.key) if tls else None,
    )


def _new_event_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop
    except ImportError:  # it has no wheel for every platform
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
