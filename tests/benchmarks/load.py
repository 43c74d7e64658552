"""A load generator for prepared HTTP requests: one thread, blocking-free sockets, every answer checked."""

import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat


@dataclass(frozen=True)
class Load:
    """Requests a second and latencies in milliseconds, over all connections."""

    per_second: float
    p50: float
    p99: float


@dataclass
class _Connection:
    address: tuple[str, int]
    requests: Iterator[bytes]
    link: socket.socket | None = None
    received: bytearray = field(default_factory=bytearray)
    sent_at: float = 0.0

    def send(self) -> None:
        if self.link is None:
            self.link = socket.create_connection(self.address)
            self.link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sent_at = time.perf_counter()
        self.received.clear()
        self.link.sendall(next(self.requests))

    def close(self) -> None:
        if self.link is not None:
            self.link.close()
            self.link = None

    def take(self) -> bool:
        """Reads what has come; true when the answer is whole. Raises on an answer that is no 200."""
        assert self.link is not None
        chunk = self.link.recv(1 << 16)
        self.received += chunk
        head, separator, body = bytes(self.received).partition(b"\r\n\r\n")
        if not chunk and not separator:
            raise ConnectionError("the server closed the connection without an answer")
        if not separator:
            return False
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise RuntimeError(self.received[:600].decode(errors="replace"))
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if len(body) < int(fields[b"content-length"]):
            return False
        if fields.get(b"connection") == b"close" or head.startswith(b"HTTP/1.0"):
            self.close()
        return True


def measure(
    address: tuple[str, int], requests: bytes | Sequence[Iterator[bytes]], connections: int, seconds: float
) -> Load:
    """Sends requests one at a time on each connection, for about `seconds`: one over and over, or each its own.

    Servers that close a connection after each answer are connected to anew: that is part of what they cost.
    """
    selector = selectors.DefaultSelector()
    if isinstance(requests, bytes):
        requests = [repeat(requests)] * connections
    everyone = [_Connection(address, own) for own, _ in zip(requests, range(connections), strict=True)]
    latencies: list[float] = []

    def start(connection: _Connection) -> None:
        connection.send()
        assert connection.link is not None
        selector.register(connection.link, selectors.EVENT_READ, connection)

    began = time.perf_counter()
    for connection in everyone:
        start(connection)
    while selector.get_map():
        for key, _ in selector.select():
            connection = key.data
            if not connection.take():
                continue
            now = time.perf_counter()
            latencies.append(now - connection.sent_at)
            selector.unregister(key.fileobj)
            if now - began < seconds:
                start(connection)
            else:
                connection.close()
    elapsed = time.perf_counter() - began
    latencies.sort()
    return Load(
        per_second=len(latencies) / elapsed,
        p50=1000 * latencies[len(latencies) // 2],
        p99=1000 * latencies[min(len(latencies) - 1, len(latencies) * 99 // 100)],
    )
