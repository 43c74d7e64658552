"""What leaves on the wire, packet by packet, and when: on a server of its own with one small application."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn

from infra.local.http_protocol import BoundedHttpProtocol, JoinedWrites

Application = Callable[[Any, Any, Any], Awaitable[None]]


class Transport:
    """Remembers what it sends at once."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.sent.append(data)

    def writelines(self, pieces: list[bytes]) -> None:
        self.sent.append(b"".join(pieces))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def transport() -> Transport:
    return Transport()


@pytest.fixture
def joined(transport: Transport) -> Any:
    return JoinedWrites(transport)  # type: ignore[arg-type]


def test_a_head_leaves_with_the_beginning_of_its_body(joined: Any, transport: Transport) -> None:
    joined.write(b"HTTP/1.1 200 OK\r\n\r\n")
    assert transport.sent == []
    joined.write(b"one")
    joined.write(b"two")
    assert transport.sent == [b"HTTP/1.1 200 OK\r\n\r\none", b"two"]


def test_a_head_without_a_body_leaves_when_it_is_told_to(joined: Any, transport: Transport) -> None:
    joined.write(b"HTTP/1.1 200 OK\r\n\r\n")
    joined.send_head()
    joined.send_head()
    assert transport.sent == [b"HTTP/1.1 200 OK\r\n\r\n"]


def test_a_head_leaves_before_the_connection_is_closed(joined: Any, transport: Transport) -> None:
    joined.write(b"HTTP/1.1 431 Too Large\r\n\r\n")
    joined.close()
    assert (transport.sent, transport.closed) == ([b"HTTP/1.1 431 Too Large\r\n\r\n"], True)


def test_the_word_to_go_on_is_never_held_back(joined: Any, transport: Transport) -> None:
    joined.write(b"HTTP/1.1 100 Continue\r\n\r\n")
    assert transport.sent == [b"HTTP/1.1 100 Continue\r\n\r\n"]


async def answered(application: Application, request: bytes) -> bytes:
    """All that comes back on one connection until the server ends it, or for a fifth of a second says nothing."""
    config = uvicorn.Config(application, http=BoundedHttpProtocol, lifespan="off", log_config=None, port=0)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    port = server.servers[0].sockets[0].getsockname()[1]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    received = b""
    try:
        while piece := await asyncio.wait_for(reader.read(1 << 16), 0.2):
            received += piece
    except TimeoutError:
        pass
    writer.close()
    await server.shutdown()
    return received


async def hello(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.parametrize(("method", "expected"), [(b"GET", b"hello"), (b"HEAD", b"")])
@pytest.mark.parametrize("connection", [b"keep-alive", b"close"])
def test_every_answer_arrives_whole_and_at_once(method: bytes, expected: bytes, connection: bytes) -> None:
    request = method + b" / HTTP/1.1\r\nhost: localhost\r\nconnection: " + connection + b"\r\n\r\n"
    head, _, body = asyncio.run(answered(hello, request)).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-length: 5" in head
    assert body == expected


async def broken_off(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    raise RuntimeError("in the middle of an answer")


def test_an_answer_that_breaks_off_shows_its_head_and_ends() -> None:
    received = asyncio.run(answered(broken_off, b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n"))
    assert received.startswith(b"HTTP/1.1 200 OK\r\n")
    assert received.endswith(b"\r\n\r\n")
