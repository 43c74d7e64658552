"""The events of CloudWatch Logs as rows, ordered by time and then by arrival; and the figures of each stream.

A place in a stream is (time in ms, number), the number counting the stream's events in the order of their arrival.
All places lie between BEFORE_ALL and AFTER_ALL, which are places of no event.
"""

import json
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from infra.local.durable.errors import DamagedError
from infra.local.durable.store import Store

Place = tuple[int, int]

BEFORE_ALL: Place = (-1, 0)
AFTER_ALL: Place = (2**62, 0)

_BETWEEN = "SELECT at, n, content FROM log_event WHERE s = ? AND (at, n) > (?, ?) AND (at, n) < (?, ?)"
_TIME_BYTES = 8


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """One event of the stream with this number. `ingested` is when it came, in ms."""

    stream: int
    place: Place
    ingested: int
    message: str

    @property
    def timestamp(self) -> int:
        return self.place[0]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a stream counts: events that ever came, the length of their messages, requests; and when the last came."""

    events: int = 0
    stored_bytes: int = 0
    upload_sequence_token: int = 0
    last_ingestion_time: str | None = None  # ISO 8601, UTC


class LogEvents:
    """The rows, in the turns of the store that the calling thread is in."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add_stream(self) -> int:
        """A new stream's number."""
        cursor = self._store.connection.execute("INSERT INTO log_stream (content) VALUES (x'')")
        assert cursor.lastrowid is not None
        self.put_figures(cursor.lastrowid, Figures())
        return cursor.lastrowid

    def remove_stream(self, stream: int) -> None:
        """Forget a stream and its events."""
        self._store.connection.execute("DELETE FROM log_event WHERE s = ?", (stream,))
        self._store.connection.execute("DELETE FROM log_stream WHERE s = ?", (stream,))

    def figures(self, stream: int) -> Figures:
        """Raises DamagedError."""
        row = self._store.connection.execute("SELECT content FROM log_stream WHERE s = ?", (stream,)).fetchone()
        if row is None:
            raise DamagedError(f"the log stream number {stream} has no row; run `chorale doctor`")
        return Figures(**json.loads(self._store.rows.open(row[0], stream_place(stream))))

    def put_figures(self, stream: int, figures: Figures) -> None:
        content = self._store.rows.seal(json.dumps(asdict(figures)).encode(), stream_place(stream))
        self._store.connection.execute("UPDATE log_stream SET content = ? WHERE s = ?", (content, stream))

    def append(self, stream: int, first: int, events: Sequence[tuple[int, int, str]]) -> None:
        """Add events, each as (time, when it came, message), numbered from `first` on."""
        rows = []
        for number, (at, ingested, message) in enumerate(events, first):
            # JSON may hold half of a surrogate pair.
            content = ingested.to_bytes(_TIME_BYTES) + message.encode("utf-8", "surrogatepass")
            rows.append((stream, at, number, self._store.rows.seal(content, event_place(stream, at, number))))
        self._store.connection.executemany("INSERT INTO log_event VALUES (?, ?, ?, ?)", rows)

    def times(self, stream: int) -> tuple[int, int] | None:
        """The times of the first and the last event, None when there is none."""
        execute = self._store.connection.execute
        first = execute("SELECT at FROM log_event WHERE s = ? ORDER BY at, n LIMIT 1", (stream,)).fetchone()
        last = execute("SELECT at FROM log_event WHERE s = ? ORDER BY at DESC, n DESC LIMIT 1", (stream,)).fetchone()
        return None if first is None else (first[0], last[0])

    def between(self, stream: int, after: Place, before: Place, *, backward: bool = False) -> Generator[StoredEvent]:
        """The events at places between these two, read as they are asked for. Raises DamagedError."""
        query = _BETWEEN + (" ORDER BY at DESC, n DESC" if backward else " ORDER BY at, n")
        with closing(self._store.connection.execute(query, (stream, *after, *before))) as rows:
            for row in rows:
                yield self._event(stream, row)

    def _event(self, stream: int, row: tuple[int, int, bytes]) -> StoredEvent:
        at, number, sealed = row
        content = self._store.rows.open(sealed, event_place(stream, at, number))
        message = content[_TIME_BYTES:].decode("utf-8", "surrogatepass")
        return StoredEvent(stream, (at, number), int.from_bytes(content[:_TIME_BYTES]), message)


def event_place(stream: int, at: int, number: int) -> bytes:
    """What an event's value is sealed to."""
    return b"log_event %d %d %d" % (stream, at, number)


def stream_place(stream: int) -> bytes:
    """What a stream's figures are sealed to."""
    return b"log_stream %d" % stream
