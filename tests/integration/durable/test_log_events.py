"""Log events in rows: moto's answers, page by page, and flat however many there are."""

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from moto.logs.models import LogsBackend

from infra.local.durable.logs import stored_logs
from infra.local.durable.logs.log_events import AFTER_ALL, BEFORE_ALL, LogEvents
from infra.local.moto_services import BACKENDS
from tests.integration.durable.small_world import SmallWorld

GROUP = "/choir/rehearsal"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[SmallWorld]:
    world = SmallWorld(tmp_path)
    yield world
    world.close()


@pytest.fixture
def logs(world: SmallWorld) -> Any:
    logs = world.client("logs")
    logs.create_log_group(logGroupName=GROUP)
    return logs


def now() -> int:
    return round(time.time() * 1000)


def put(logs: Any, stream: str, *events: tuple[int, str]) -> None:
    logs.put_log_events(
        logGroupName=GROUP,
        logStreamName=stream,
        logEvents=[{"timestamp": at, "message": message} for at, message in events],
    )


def stream_with(logs: Any, stream: str, *events: tuple[int, str]) -> None:
    logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    if events:
        put(logs, stream, *events)


def messages(answer: dict[str, Any]) -> list[str]:
    return [event["message"] for event in answer["events"]]


def get(logs: Any, **parameters: Any) -> dict[str, Any]:
    answer: dict[str, Any] = logs.get_log_events(logGroupName=GROUP, logStreamName="one", **parameters)
    return answer


def test_a_stream_is_paged_forward_and_back(logs: Any) -> None:
    start = now()
    stream_with(logs, "one", *((start + number, str(number)) for number in range(7)))
    first = get(logs, startFromHead=True, limit=3)
    second = get(logs, nextToken=first["nextForwardToken"], limit=3)
    third = get(logs, nextToken=second["nextForwardToken"], limit=3)
    end = get(logs, nextToken=third["nextForwardToken"], limit=3)
    assert [messages(page) for page in (first, second, third, end)] == [["0", "1", "2"], ["3", "4", "5"], ["6"], []]
    assert end["nextForwardToken"] == third["nextForwardToken"]
    back = get(logs, nextToken=third["nextBackwardToken"], limit=4)
    assert messages(back) == ["2", "3", "4", "5"]
    assert messages(get(logs, limit=2)) == ["5", "6"]


def test_what_comes_later_is_behind_the_last_token(logs: Any) -> None:
    stream_with(logs, "one")
    token = get(logs, startFromHead=True)["nextForwardToken"]
    put(logs, "one", (now(), "first"))
    page = get(logs, nextToken=token)
    assert messages(page) == ["first"]
    put(logs, "one", (now() + 1, "second"))
    assert messages(get(logs, nextToken=page["nextForwardToken"])) == ["second"]


def test_events_come_in_order_of_time_and_then_of_arrival(logs: Any) -> None:
    start = now()
    stream_with(logs, "one", (start + 5, "late"))
    put(logs, "one", (start, "early"), (start + 5, "as late"))
    assert messages(get(logs, startFromHead=True)) == ["early", "late", "as late"]
    assert messages(get(logs, startTime=start + 1, endTime=start + 5)) == ["late", "as late"]
    assert messages(get(logs, endTime=start)) == ["early"]


@pytest.mark.parametrize("token", ["f/12", "x/" + "0" * 56, "0" * 56, "f/" + "x" * 56, "b/-" + "0" * 55])
def test_a_token_of_nobody_is_refused(logs: Any, token: str) -> None:
    stream_with(logs, "one", (now(), "hymn"))
    with pytest.raises(logs.exceptions.InvalidParameterException):
        get(logs, nextToken=token)


def test_a_stream_tells_its_times_and_counts(logs: Any, world: SmallWorld) -> None:
    start = now()
    stream_with(logs, "one", (start, "abc"), (start + 9, "de"))
    told = logs.describe_log_streams(logGroupName=GROUP)["logStreams"][0]
    assert (told["firstEventTimestamp"], told["lastEventTimestamp"], told["storedBytes"]) == (start, start + 9, 5)
    assert told["lastIngestionTime"] >= start
    assert told["uploadSequenceToken"] == "1"
    assert logs.describe_log_groups()["logGroups"][0]["storedBytes"] == 5


def test_odd_messages_come_back(logs: Any) -> None:
    odd = ["\N{MUSICAL SYMBOL G CLEF}", "\x00", "a\u2028b", "x" * 200_000, "\ud800"]
    stream_with(logs, "one", *((now(), message) for message in odd))
    assert messages(get(logs, startFromHead=True)) == odd


def test_nothing_of_a_deleted_stream_or_group_stays(logs: Any, world: SmallWorld) -> None:
    for stream in ("one", "two"):
        stream_with(logs, stream, (now(), stream))
    logs.tag_log_group(logGroupName=GROUP, tags={"room": "organ"})
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="one")
    assert messages(logs.filter_log_events(logGroupName=GROUP)) == ["two"]
    logs.delete_log_group(logGroupName=GROUP)
    with world.folder.store.reading() as connection:
        for table in ("log_event", "log_stream"):
            assert connection.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    logs.create_log_group(logGroupName=GROUP)
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {}


def test_a_refused_request_leaves_no_event(logs: Any) -> None:
    start = now()
    stream_with(logs, "one")
    with pytest.raises(logs.exceptions.InvalidParameterException):
        put(logs, "one", (start, "kept?"), (start - 1, "out of order"))
    assert messages(get(logs)) == []


def test_a_group_of_a_template_keeps_its_events(world: SmallWorld) -> None:
    template = f"Resources: {{Group: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: {GROUP}}}}}}}"
    world.client("cloudformation").create_stack(StackName="logs", TemplateBody=template)
    logs = world.client("logs")
    stream_with(logs, "one", (now(), "hymn"))
    assert messages(get(logs)) == ["hymn"]
    world.client("cloudformation").delete_stack(StackName="logs")
    with world.folder.store.reading() as connection:
        assert connection.execute("SELECT count(*) FROM log_event").fetchone() == (0,)


def test_filtered_pages_are_bounded(logs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stored_logs, "_SCANNED", 10)
    start = now()
    stream_with(logs, "one", *((start + number, "hymn" if number % 20 == 19 else "tuning") for number in range(50)))
    pages = list(
        logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, filterPattern="hymn").search("events")
    )
    assert [event["message"] for event in pages if event] == ["hymn", "hymn"]
    first = logs.filter_log_events(logGroupName=GROUP, filterPattern="hymn")
    assert first["events"] == []
    assert first["nextToken"]


def test_a_page_is_no_larger_than_aws_makes_it(logs: Any) -> None:
    start = now()
    stream_with(logs, "one", *((start + number, "x" * 250_000) for number in range(10)))
    assert len(get(logs, startFromHead=True)["events"]) == 4
    page = logs.filter_log_events(logGroupName=GROUP)
    assert len(page["events"]) == 4
    assert len(logs.filter_log_events(logGroupName=GROUP, nextToken=page["nextToken"])["events"]) == 4


@pytest.mark.parametrize("token", ["nonsense", f"{GROUP}@one@12", f"/other@one@{'0' * 56}", f"{GROUP}@one@{'9' * 56}"])
def test_filtering_with_a_token_of_nobody_finds_nothing(logs: Any, token: str) -> None:
    stream_with(logs, "one", (now(), "hymn"))
    assert logs.filter_log_events(logGroupName=GROUP, nextToken=token)["events"] == []


def test_streams_are_chosen_by_a_prefix(logs: Any) -> None:
    for stream in ("alto/one", "alto/two", "bass"):
        stream_with(logs, stream, (now(), stream))
    found = logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="alto/")
    assert sorted(messages(found)) == ["alto/one", "alto/two"]
    assert [stream["logStreamName"] for stream in found["searchedLogStreams"]] == ["alto/one", "alto/two"]
    assert messages(logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="tenor")) == []
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupName=GROUP, logStreamNamePrefix="alto", logStreamNames=["bass"])
    with pytest.raises(logs.exceptions.ResourceNotFoundException):
        logs.filter_log_events(logGroupName="/nobody", logStreamNamePrefix="alto")


def test_a_group_is_filtered_by_its_arn(logs: Any) -> None:
    stream_with(logs, "one", (now(), "hymn"))
    arn = logs.describe_log_groups()["logGroups"][0]["logGroupArn"]
    for identifier in (arn, f"{arn}:*", GROUP):
        assert messages(logs.filter_log_events(logGroupIdentifier=identifier)) == ["hymn"]
    with pytest.raises(logs.exceptions.InvalidParameterException):
        logs.filter_log_events(logGroupIdentifier=arn, logGroupName=GROUP)


def test_every_event_has_an_id_of_its_own(logs: Any) -> None:
    at = now()
    for stream in ("one", "two"):
        stream_with(logs, stream, (at, "same"), (at, "same"))
    ids = {event["eventId"] for event in logs.filter_log_events(logGroupName=GROUP)["events"]}
    assert len(ids) == 4
    assert all(len(identity) == 56 and identity.isdigit() for identity in ids)


@pytest.mark.parametrize("seed", range(6))
def test_pages_are_what_stock_moto_answers(world: SmallWorld, seed: int) -> None:
    """The same calls on moto's own lists: every event in every page, by every way of asking."""
    chance = random.Random(seed)
    stock = LogsBackend("us-east-1", world.account)
    stored = BACKENDS["logs"][world.account]["us-east-1"]
    start = now()
    with world.folder.store.writing():
        for backend in (stock, stored):
            backend.create_log_group(GROUP, {})
            for stream in ("one", "two", "three"):
                backend.create_log_stream(GROUP, stream)
        for _ in range(40):
            times = sorted(start + chance.randrange(20) for _ in range(chance.randrange(4)))
            events = [{"timestamp": at, "message": chance.choice(["alto", "bass", "alto bass"])} for at in times]
            stream = chance.choice(["one", "two", "three"])
            for backend in (stock, stored):
                backend.put_log_events(GROUP, stream, [dict(event) for event in events])
        for backward, bounds, limit in ways_of_asking(chance, start):
            for stream in ("one", "two", "three"):
                expected = list(got(stock, stream, bounds, limit, backward=backward))
                assert list(got(stored, stream, bounds, limit, backward=backward)) == expected
        for interleaved, bounds, limit in ways_of_asking(chance, start):
            for pattern in ("", "alto", '"alto bass"', "%regex%"):
                names = chance.sample(["one", "two", "three"], chance.randrange(4))
                asked = (names, *bounds, limit, pattern, interleaved)
                assert list(filtered(stored, *asked)) == list(filtered(stock, *asked))
        told = [
            [without_clock(stream) for stream in described]
            for described, _ in (
                backend.describe_log_streams(False, 50, GROUP, None, "", None, "LogStreamName")
                for backend in (stock, stored)
            )
        ]
        assert told[0] == told[1]


def ways_of_asking(chance: random.Random, start: int) -> Iterator[tuple[bool, tuple[int | None, int | None], int]]:
    for flag in (False, True):
        for limit in (1, 2, 5, 100):
            times = sorted(start + chance.randrange(-2, 22) for _ in range(2))
            yield flag, (None, None), limit
            yield flag, (times[0], times[1]), limit


def got(backend: Any, stream: str, bounds: Any, limit: int, *, backward: bool) -> Iterator[list[tuple[int, str]]]:
    token = None
    while True:
        page, back, forth = backend.get_log_events(GROUP, None, stream, *bounds, limit, token, not backward)
        yield [(event["timestamp"], event["message"]) for event in page]
        token = back if backward else forth
        if not page:
            return


def filtered(backend: Any, *asked: Any) -> Iterator[Any]:
    names, start, end, limit, pattern, interleaved = asked
    token = None
    while True:
        page, token, searched = backend.filter_log_events(GROUP, names, start, end, limit, token, pattern, interleaved)
        yield [(event["logStreamName"], event["timestamp"], event["message"]) for event in page], searched
        if token is None:
            return


def without_clock(stream: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in stream.items() if name not in ("creationTime", "lastIngestionTime")}


def seconds(ask: Callable[[], Any]) -> float:
    times = []
    for _ in range(20):
        began = time.perf_counter()
        ask()
        times.append(time.perf_counter() - began)
    return sorted(times)[10]


def ask_everywhere(logs: Any, world: SmallWorld, stream: str) -> list[float]:
    """How long a page takes at the head, at the end, in the middle, filtered and not."""
    rows = LogEvents(world.folder.store)
    number = BACKENDS["logs"][world.account]["us-east-1"].groups[GROUP].streams[stream].number
    with world.folder.store.reading():
        first, last = rows.times(number) or (0, 0)
    middle = (first + last) // 2
    page = {"logGroupName": GROUP, "logStreamName": stream, "limit": 100}
    behind = logs.get_log_events(**page, startTime=middle, startFromHead=True)["nextForwardToken"]
    chosen = {"logGroupName": GROUP, "logStreamNames": [stream], "limit": 100}
    going_on = logs.filter_log_events(**chosen, startTime=middle)["nextToken"]
    return [
        seconds(lambda: logs.get_log_events(**page, startFromHead=True)),
        seconds(lambda: logs.get_log_events(**page)),
        seconds(lambda: logs.get_log_events(**page, nextToken=behind)),
        seconds(lambda: logs.filter_log_events(**chosen)),
        seconds(lambda: logs.filter_log_events(**chosen, nextToken=going_on)),
        seconds(lambda: logs.describe_log_streams(logGroupName=GROUP)),
    ]


@pytest.mark.slow
def test_a_million_events_page_as_a_thousand(logs: Any, world: SmallWorld) -> None:
    start = now()
    rows = LogEvents(world.folder.store)
    for stream, count in (("few", 1000), ("many", 1_000_000)):
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        number = BACKENDS["logs"][world.account]["us-east-1"].groups[GROUP].streams[stream].number
        with world.folder.store.writing():
            for first in range(0, count, 50_000):
                events = [(start + at, start, f"bar {at}") for at in range(first, min(first + 50_000, count))]
                rows.append(number, first + 1, events)
    few, many = ask_everywhere(logs, world, "few"), ask_everywhere(logs, world, "many")
    print("seconds a page, of 1,000 and of 1,000,000 events:", few, many)
    for little, much in zip(few, many, strict=True):
        assert much < 3 * little + 0.002  # a thousand times as many


def test_places_lie_between_all_events(world: SmallWorld, logs: Any) -> None:
    stream_with(logs, "one", (now(), "hymn"))
    stream = BACKENDS["logs"][world.account]["us-east-1"].groups[GROUP].streams["one"]
    rows = LogEvents(world.folder.store)
    with world.folder.store.reading():
        assert len(list(rows.between(stream.number, BEFORE_ALL, AFTER_ALL))) == 1


def test_no_plaintext_is_in_the_folder(logs: Any, world: SmallWorld, tmp_path: Path) -> None:
    stream_with(logs, "one", (now(), "a secret hymn"))
    world.close()
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or b"secret hymn" not in file.read_bytes()


def test_an_event_that_is_damaged_fails_its_page_only(logs: Any, world: SmallWorld) -> None:
    for stream in ("one", "two"):
        stream_with(logs, stream, (now(), stream))
    with world.folder.store.writing() as connection:
        connection.execute("UPDATE log_event SET content = zeroblob(60) WHERE s = 1")
    with pytest.raises(ClientError, match="InternalFailure"):
        get(logs)
    answer = logs.get_log_events(logGroupName=GROUP, logStreamName="two")
    assert messages(answer) == ["two"]
