"""CloudWatch Logs by moto, its events in rows.

moto's groups and streams become ours right after moto made them, by a change of class: what they keep in lists and
counters is then read from the rows and written there, and moto's own code goes on as it was. Reading pages by place
rather than by index, so that a page costs the same anywhere in a stream.

A page ends, as on AWS, at 1 MiB of messages; and one request looks at no more than _SCANNED events, after which it
answers what it found with a token to go on.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from datetime import datetime
from typing import Any

from moto.logs.exceptions import InvalidParameterException
from moto.logs.models import LogEvent, LogGroup, LogsBackend, LogStream
from moto.logs.utils import EventMessageFilter

from infra.local.durable.logs.log_events import AFTER_ALL, BEFORE_ALL, Figures, LogEvents, Place, StoredEvent
from infra.local.moto_services import BACKENDS

_MOST_EVENTS = 10_000
_MOST_BYTES = 1024 * 1024
_BYTES_BESIDE_MESSAGE = 26  # what AWS counts for an event in addition to its message
_SCANNED = 25_000

# What moto keeps in a stream and we in rows.
_IN_ROWS = (
    *("events", "first_event_timestamp", "last_event_timestamp", "last_ingestion_time", "stored_bytes"),
    "upload_sequence_token",
)
# Attributes that are not part of the stored state, by class.
LEFT_OUT: dict[type, frozenset[str]] = {LogGroup: frozenset({"rows"}), LogStream: frozenset({"rows", *_IN_ROWS})}


class StoredLogs:
    """Puts the rows under the hosted account's log groups."""

    def __init__(self, rows: LogEvents, account: str) -> None:
        self._rows = rows
        self._account = account

    def install(self) -> None:
        """From now on; for an account that has no log groups yet."""

        class HostedLogsBackend(StoredLogsBackend):
            rows = self._rows

        BACKENDS["logs"][self._account].backend = HostedLogsBackend

    def attach(self) -> None:
        """Gives groups that were restored their rows."""
        for backend in BACKENDS["logs"][self._account].values():
            self.adopt(backend)

    def adopt(self, backend: LogsBackend) -> None:
        """The same for one backend, which need not be among the account's."""
        for group in backend.groups.values():
            _adopt_group(group, self._rows)


class StoredLogsBackend(LogsBackend):
    rows: LogEvents

    def create_log_group(self, log_group_name: str, tags: dict[str, str], **kwargs: Any) -> LogGroup:
        group = super().create_log_group(log_group_name, tags, **kwargs)
        _adopt_group(group, self.rows)
        return group

    def delete_log_group(self, log_group_name: str) -> None:
        group = self.groups.get(log_group_name)
        super().delete_log_group(log_group_name)
        if group is not None:
            # moto leaves the tags to the next group of that name.
            self.tagger.delete_all_tags_for_resource(group.arn)
            for stream in group.streams.values():
                self.rows.remove_stream(_stored(stream).number)


class StoredLogGroup(LogGroup):
    rows: LogEvents

    def create_log_stream(self, log_stream_name: str) -> None:
        super().create_log_stream(log_stream_name)
        stream = self.streams[log_stream_name]
        _adopt_stream(stream, self.rows)
        _stored(stream).number = self.rows.add_stream()

    def delete_log_stream(self, log_stream_name: str) -> None:
        stream = self.streams.get(log_stream_name)
        super().delete_log_stream(log_stream_name)
        if stream is not None:
            self.rows.remove_stream(_stored(stream).number)

    def filter_log_events(
        self,
        log_group_name: str,
        log_stream_names: list[str],
        start_time: int,
        end_time: int,
        limit: int | None,
        next_token: str | None,
        filter_pattern: str,
        interleaved: bool,
    ) -> tuple[list[dict[str, Any]], str | None, list[dict[str, Any]]]:
        streams = {
            _stored(stream).number: name
            for name, stream in self.streams.items()
            if not log_stream_names or name in log_stream_names
        }
        searched = [{"logStreamName": name, "searchedCompletely": True} for name in streams.values()]
        bounds = _between(start_time, end_time)
        if next_token:
            last = _place_in_token(next_token, log_group_name)
            if last is None or last[0] not in streams:
                return [], None, searched
        else:
            last = None
        with ExitStack() as open_rows:
            sources = [
                open_rows.enter_context(closing(self.rows.between(number, after, bounds[1])))
                for number, after in _where_to_go_on(list(streams), bounds[0], last, interleaved)
            ]
            found, goes_on_after = _page(_merged(sources, interleaved), EventMessageFilter(filter_pattern), limit)
        events = [_filtered(event, streams[event.stream]) for event in found]
        if goes_on_after is None:
            return events, None, searched
        name = streams[goes_on_after.stream]
        return events, f"{log_group_name}@{name}@{_event_id(goes_on_after)}", searched


class StoredLogStream(LogStream):
    rows: LogEvents
    number: int

    @property  # type: ignore[override]
    def events(self) -> "_Events":
        return _Events(self)

    @events.setter
    def events(self, events: "_Events") -> None:
        """Called as `+=` ends, when the rows are written."""

    @property
    def stored_bytes(self) -> int:
        return self._figures.stored_bytes

    @stored_bytes.setter
    def stored_bytes(self, value: int) -> None:
        self.rows.put_figures(self.number, replace(self._figures, stored_bytes=value))

    @property
    def upload_sequence_token(self) -> int:
        return self._figures.upload_sequence_token

    @upload_sequence_token.setter
    def upload_sequence_token(self, value: int) -> None:
        self.rows.put_figures(self.number, replace(self._figures, upload_sequence_token=value))

    @property
    def last_ingestion_time(self) -> datetime | None:
        text = self._figures.last_ingestion_time
        return None if text is None else datetime.fromisoformat(text)

    @last_ingestion_time.setter
    def last_ingestion_time(self, value: datetime | None) -> None:
        text = None if value is None else value.isoformat()
        self.rows.put_figures(self.number, replace(self._figures, last_ingestion_time=text))

    @property
    def _figures(self) -> Figures:
        return self.rows.figures(self.number)

    def _update(self) -> None:
        """Called when the stream is to be described."""
        first, last = self.rows.times(self.number) or (None, None)
        vars(self).update(first_event_timestamp=first, last_event_timestamp=last)

    def get_log_events(
        self,
        start_time: Any,
        end_time: Any,
        limit: int | None,
        next_token: str | None,
        start_from_head: Any,
    ) -> tuple[list[dict[str, Any]], str | None, str | None]:
        after, before = _between(start_time, end_time)
        direction, place = _direction_and_place(next_token)
        if direction == "f":
            after = max(after, place)
        elif direction == "b":
            before = min(before, place)
        backward = direction == "b" or (direction is None and not start_from_head)
        with closing(self.rows.between(self.number, after, before, backward=backward)) as rows:
            events = list(_fitting(rows, _MOST_EVENTS if limit is None else limit))
        if backward:
            events.reverse()
        first, last = (events[0].place, events[-1].place) if events else (place, place)
        page = [
            {"ingestionTime": event.ingested, "message": event.message, "timestamp": event.timestamp}
            for event in events
        ]
        return page, f"b/{_digits(first)}", f"f/{_digits(last)}"


class _Events:
    """A stream's events, as far as moto asks for them: whether there are any, and to add some."""

    def __init__(self, stream: StoredLogStream) -> None:
        self._stream = stream

    def __bool__(self) -> bool:
        return self._stream.rows.times(self._stream.number) is not None

    def __iadd__(self, events: list[LogEvent]) -> "_Events":
        rows, number = self._stream.rows, self._stream.number
        figures = rows.figures(number)
        told = [(event.timestamp, event.ingestion_time, event.message) for event in events]
        rows.append(number, figures.events + 1, told)
        rows.put_figures(number, replace(figures, events=figures.events + len(events)))
        return self


def _stored(stream: LogStream) -> StoredLogStream:
    assert isinstance(stream, StoredLogStream), "a log stream without rows"
    return stream


def _adopt_group(group: Any, rows: LogEvents) -> None:
    group.__class__ = StoredLogGroup
    group.rows = rows
    for stream in group.streams.values():
        _adopt_stream(stream, rows)


def _adopt_stream(stream: Any, rows: LogEvents) -> None:
    for name in _IN_ROWS:
        vars(stream).pop(name, None)
    stream.__class__ = StoredLogStream
    stream.rows = rows


def _between(start_time: int | None, end_time: int | None) -> tuple[Place, Place]:
    """The places between which the events of a time lie, both ends of which belong to it."""
    return (start_time, 0) if start_time else BEFORE_ALL, (end_time + 1, 0) if end_time else AFTER_ALL


def _where_to_go_on(
    streams: Sequence[int], after: Place, last: tuple[int, Place] | None, interleaved: bool
) -> Iterator[tuple[int, Place]]:
    """The streams that are still to be read, each with the place behind which."""
    passed = last is None
    for number in streams:
        if last is None:
            yield number, after
        elif number == last[0]:
            passed = True
            yield number, max(after, last[1])
        elif interleaved:
            # Among events of one time, streams come in their order.
            at = last[1][0]
            yield number, max(after, (at, 0) if passed else (at + 1, 0))
        elif passed:
            yield number, after


def _merged(sources: Sequence[Iterator[StoredEvent]], interleaved: bool) -> Iterator[StoredEvent]:
    """Stream by stream, or by time."""
    if interleaved:
        yield from heapq.merge(*sources, key=lambda event: event.timestamp)
    else:
        for source in sources:
            yield from source


def _page(
    events: Iterable[StoredEvent], pattern: EventMessageFilter, limit: int | None
) -> tuple[list[StoredEvent], StoredEvent | None]:
    """The matching events of a page; and if there may be more, the event behind which to go on."""
    found: list[StoredEvent] = []
    size = 0
    last = None
    for scanned, event in enumerate(events):
        if scanned == _SCANNED:
            return found, last
        if pattern.matches(event.message):
            size += _size(event)
            if len(found) == (limit or _MOST_EVENTS) or (found and size > _MOST_BYTES):
                return found, last
            found.append(event)
        last = event
    return found, None


def _fitting(events: Iterable[StoredEvent], limit: int) -> Iterator[StoredEvent]:
    size = 0
    for count, event in enumerate(events):
        size += _size(event)
        if count == limit or (count and size > _MOST_BYTES):
            return
        yield event


def _size(event: StoredEvent) -> int:
    return len(event.message.encode("utf-8", "surrogatepass")) + _BYTES_BESIDE_MESSAGE


def _filtered(event: StoredEvent, stream_name: str) -> dict[str, Any]:
    return {
        "eventId": _event_id(event),
        "ingestionTime": event.ingested,
        "message": event.message,
        "timestamp": event.timestamp,
        "logStreamName": stream_name,
    }


# Ids and tokens have 56 digits, as on AWS.
def _event_id(event: StoredEvent) -> str:
    return f"{event.timestamp:014d}{event.stream:020d}{event.place[1]:022d}"


def _place_in_token(token: str, group: str) -> tuple[int, Place] | None:
    """The stream and the place behind which to go on, None for a token that is not one of this group's."""
    rest, _, event_id = token.rpartition("@")
    if not rest.startswith(f"{group}@") or not _is_digits(event_id):
        return None
    return int(event_id[14:34]), (int(event_id[:14]), int(event_id[34:]))


def _digits(place: Place) -> str:
    return f"{place[0]:020d}{place[1]:036d}"


def _direction_and_place(token: str | None) -> tuple[str | None, Place]:
    if token is None:
        return None, (0, 0)
    if token[:2] not in ("f/", "b/") or not _is_digits(token[2:]):
        raise InvalidParameterException("The specified nextToken is invalid.")
    return token[0], (int(token[2:22]), int(token[22:]))


def _is_digits(text: str) -> bool:
    return len(text) == 56 and text.isascii() and text.isdigit()
