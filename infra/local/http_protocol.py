"""uvicorn's HTTP protocol with bounds that it lacks: on a request's head, a silent client, and the end of TLS.

And an answer's head leaves together with the beginning of its body: one packet, where uvicorn sends two.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 256 * 1024  # a presigned query and the headers stay far below it
FIRST_REQUEST_SECONDS = 30.0
# Over TLS a connection that we close waits for the client to agree, which one with idle connections never does.
CLOSE_IDLE_SECONDS = 0.5
CLOSE_ANSWERED_SECONDS = 5.0  # what was answered last may still be on its way

_HEAD = b"HTTP/1.1 "
_INTERIM = b"HTTP/1.1 100"  # "go on and send the body": an answer that the client waits for, with another behind it
_TOO_LONG = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"  # no client data
)


class JoinedWrites:
    """A transport that holds the head of an answer back until more is written, or it is told to send it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""

    def write(self, data: bytes) -> None:
        if self._head:
            self._transport.writelines([self._head, data])
            self._head = b""
        elif data.startswith(_HEAD) and not data.startswith(_INTERIM):
            self._head = data
        else:
            self._transport.write(data)

    def send_head(self) -> None:
        """Send a head that nothing will follow."""
        if self._head:
            self._transport.write(self._head)
            self._head = b""

    def close(self) -> None:
        self.send_head()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class BoundedHttpProtocol(HttpToolsProtocol):
    """One connection."""

    def __init__(self, *arguments: Any, **keywords: Any) -> None:
        super().__init__(*arguments, **keywords)
        self._in_head = True
        self._head_bytes = 0
        self._stopping = False
        self._first_request_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._joined = JoinedWrites(transport)
        super().connection_made(self._joined)  # type: ignore[arg-type]
        self._first_request_timer = self.loop.call_later(FIRST_REQUEST_SECONDS, self._close_if_silent)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._first_request_timer is not None:
            self._first_request_timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            self.transport.write(_TOO_LONG)
            self.transport.close()

    def on_headers_complete(self) -> None:
        self._in_head = False
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        self._in_head = True
        self._head_bytes = 0
        super().on_message_complete()

    def on_response_complete(self) -> None:
        self._joined.send_head()
        super().on_response_complete()
        if self._stopping:
            self._abort_after(CLOSE_ANSWERED_SECONDS)

    def shutdown(self) -> None:
        self._stopping = True
        super().shutdown()
        if self.cycle is None or self.cycle.response_complete:
            self._abort_after(CLOSE_IDLE_SECONDS)

    def _abort_after(self, seconds: float) -> None:
        self.loop.call_later(seconds, self.transport.abort)

    def _close_if_silent(self) -> None:
        if self.cycle is None:
            self.transport.close()
