"""One HTTP exchange over ASGI: the request as it came, its body within limits, the answer and its line in the log."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from contextlib import aclosing
from typing import Any

from infra.local.http import BodyStream, BodyTooLargeError, LocalResponse
from infra.local.pump import draw
from service.caller import Caller
from service.sigv4 import SignedRequest

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
AsgiApp = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

access_log = logging.getLogger("chorale.access")

_READ_TIMEOUT = 60.0  # seconds without a byte of an announced body
_DISCARD_TIMEOUT = 5.0  # seconds
_DISCARDED = 16 << 20  # bytes
_WITHOUT_BODY = (204, 304)
_PIECE = 1 << 20  # bytes handed to the server at once, so that a slow client holds back a large answer


class ClientGoneError(Exception):
    """The client went away, or stopped sending, before its request was complete."""


class Exchange:
    """A request being answered. `service`, `operation` and `caller` are filled in as they become known."""

    __slots__ = (
        "_reading",
        "_receive",
        "_send",
        "_started",
        "body_is_read",
        "caller",
        "has_body",
        "operation",
        "request",
        "request_id",
        "scope",
        "service",
        "status",
    )

    def __init__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._started = time.perf_counter()
        self.request_id = str(uuid.uuid4())
        self.service = "-"
        self.operation = "-"
        self.caller: Caller | None = None
        self.status = 0
        headers = _joined_headers(scope["headers"])
        self.has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
        self.body_is_read = not self.has_body
        self._reading = False
        self.request = SignedRequest(
            scope["method"],
            (scope.get("raw_path") or b"/").decode("latin-1"),
            scope["query_string"].decode("latin-1"),
            headers,
        )

    async def read_body(self, limit: int) -> bytes:
        """The whole body. Raises BodyTooLargeError as soon as it is known to exceed `limit` bytes, ClientGoneError."""
        announced = self.request.headers.get("content-length", "")
        if announced.isdigit() and int(announced) > limit:
            raise BodyTooLargeError(limit)
        pieces: list[bytes] = []
        size = 0
        async for piece in self.body_pieces():
            size += len(piece)
            if size > limit:
                raise BodyTooLargeError(limit)
            pieces.append(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def body_pieces(self) -> AsyncIterator[bytes]:
        """The body as it comes in; a client is held back while nothing is asked for. Raises ClientGoneError."""
        self._reading = True
        while not self.body_is_read:
            try:
                async with asyncio.timeout(_READ_TIMEOUT):
                    message = await self._receive()
            except TimeoutError:
                raise ClientGoneError from None
            if message["type"] != "http.request":
                raise ClientGoneError
            self.body_is_read = not message.get("more_body", False)
            yield message.get("body", b"")

    async def turn_away(self, response: LocalResponse) -> None:
        """Answer a request whose body may not have been read. What is left of a long one ends the connection."""
        await self._discard_body()
        await self.answer(response, () if self.body_is_read else (("connection", "close"),))

    async def _discard_body(self) -> None:
        """Read on and forget, within bounds: a client that still sends would otherwise miss our answer."""
        if "expect" in self.request.headers and not self._reading:
            return  # it waits for our word before it sends
        discarded = 0
        try:
            async with asyncio.timeout(_DISCARD_TIMEOUT):
                async for piece in self.body_pieces():
                    discarded += len(piece)
                    if discarded > _DISCARDED:
                        return
        except TimeoutError:
            return

    def receive_again(self, body: bytes) -> Receive:
        """An ASGI `receive` that hands out a body which was read already, then what else the client does."""
        handed_out = False

        async def receive() -> Message:
            nonlocal handed_out
            if handed_out:
                return await self._receive()
            handed_out = True
            return {"type": "http.request", "body": body, "more_body": False}

        return receive

    async def send(self, message: Message) -> None:
        """An ASGI `send` that adds our request id to the answer and takes any permission for other origins from it."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = []
            named = False
            for name, value in message.get("headers", ()):
                if name == b"x-amzn-requestid":
                    named = True
                    self.request_id = value.decode("latin-1")
                elif name.startswith(b"access-control-"):
                    continue
                headers.append((name, value))
            if not named:
                headers.append((b"x-amzn-requestid", self.request_id.encode()))
            message = {"type": "http.response.start", "status": self.status, "headers": headers}
        await self._send(message)

    async def answer(self, response: LocalResponse, extra_headers: Iterable[tuple[str, str]] = ()) -> None:
        """Send a complete answer. The answer to HEAD keeps its headers and loses its body; a 304 has none either."""
        head = self.request.method == "HEAD"
        without_body = head or response.status in _WITHOUT_BODY
        stream = response.stream
        length = len(response.body) if stream is None else stream.length
        headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1", "replace"))
            for name, value in (*response.headers, *extra_headers)
            if value and (head or name != "content-length")
        ]
        if not without_body:
            headers.append((b"content-length", str(length).encode()))
        try:
            await self.send({"type": "http.response.start", "status": response.status, "headers": headers})
            if without_body:
                await self.send({"type": "http.response.body", "body": b""})
            elif stream is None:
                await self._send_body(response.body)
            else:
                await self._send_stream(stream)
        finally:
            if stream is not None:
                stream.close()

    async def _send_body(self, body: bytes) -> None:
        if len(body) <= _PIECE:
            await self.send({"type": "http.response.body", "body": body})
            return
        for start in range(0, len(body), _PIECE):
            more = start + _PIECE < len(body)
            piece = body[start : start + _PIECE]
            await self.send({"type": "http.response.body", "body": piece, "more_body": more})

    async def _send_stream(self, stream: BodyStream) -> None:
        """Piece by piece, no faster than the client takes them. Raises ClientGoneError when it takes no more."""
        gone = asyncio.ensure_future(self._gone())
        try:
            async with aclosing(draw(stream)) as pieces:
                async for piece in pieces:
                    if gone.done():
                        raise ClientGoneError
                    await self.send({"type": "http.response.body", "body": piece, "more_body": True})
            await self.send({"type": "http.response.body", "body": b""})
        finally:
            gone.cancel()

    async def _gone(self) -> None:
        """Ends when the client has gone away: a server does not tell it to those who send."""
        while (await self._receive())["type"] != "http.disconnect":
            continue

    def log(self) -> None:
        """One line: never a query, which may hold a signature, and no header."""
        if access_log.isEnabledFor(logging.INFO):
            access_log.info(
                "%s %s %s %d %.1fms %s:%s %s",
                self.request_id,
                self.request.method,
                self.request.path.encode("ascii", "backslashreplace").decode(),
                self.status,
                (time.perf_counter() - self._started) * 1000,
                self.service,
                self.operation,
                self.caller.arn if self.caller else "-",
            )


def _joined_headers(pairs: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header values by name in lower case; those of a name that came twice are joined by commas."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name = raw_name.decode("latin-1").lower()
        value = raw_value.decode("latin-1").strip(" \t")
        headers[name] = f"{headers[name]},{value}" if name in headers else value
    return headers
