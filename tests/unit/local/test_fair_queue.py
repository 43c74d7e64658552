import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.fair_queue import FairQueue, QueueFullError


def filled(entries: list[tuple[str, int]], **bounds: int) -> FairQueue[tuple[str, int]]:
    queue: FairQueue[tuple[str, int]] = FairQueue(**{"capacity": 1000, "capacity_per_key": 1000} | bounds)
    for key, value in entries:
        queue.put(key, (key, value))
    return queue


def test_keys_take_turns() -> None:
    queue = filled([("a", 1), ("a", 2), ("a", 3), ("b", 1), ("c", 1), ("b", 2)])
    assert queue.close() == [("a", 1), ("b", 1), ("c", 1), ("a", 2), ("b", 2), ("a", 3)]


def test_a_newcomer_waits_for_one_item_of_each_other_key_at_most() -> None:
    queue = filled([("a", 1), ("a", 2), ("a", 3)])
    assert queue.get() == ("a", 1)
    queue.put("b", ("b", 1))
    assert [queue.get(), queue.get()] == [("a", 2), ("b", 1)]


def test_more_than_the_capacity_is_refused_until_something_is_taken() -> None:
    queue = filled([("a", 1), ("b", 1)], capacity=2)
    with pytest.raises(QueueFullError):
        queue.put("c", ("c", 1))
    queue.get()
    queue.put("c", ("c", 1))


def test_more_than_its_share_of_one_key_is_refused_while_others_have_room() -> None:
    queue = filled([("a", 1), ("a", 2)], capacity_per_key=2)
    with pytest.raises(QueueFullError):
        queue.put("a", ("a", 3))
    queue.put("b", ("b", 1))
    assert len(queue) == 3


def test_waiting_ends_with_the_time() -> None:
    assert filled([]).get(timeout=0.01) is None


def test_waiting_ends_when_something_comes() -> None:
    queue = filled([])
    threading.Timer(0.05, queue.put, ("a", ("a", 1))).start()
    assert queue.get(timeout=30) == ("a", 1)


def test_closing_ends_the_waiting_and_refuses_what_comes_later() -> None:
    queue = filled([])
    threading.Timer(0.05, queue.close).start()
    assert queue.get(timeout=30) is None
    with pytest.raises(QueueFullError):
        queue.put("a", ("a", 1))


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9))))
def test_nothing_is_lost_and_each_key_keeps_its_order(entries: list[tuple[str, int]]) -> None:
    taken = filled(entries).close()
    assert sorted(taken) == sorted(entries)
    for key in "abcd":
        assert [entry for entry in taken if entry[0] == key] == [entry for entry in entries if entry[0] == key]


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 9))))
def test_no_key_gets_ahead_of_another_that_waits(entries: list[tuple[str, int]]) -> None:
    taken = filled(entries).close()
    for index, (key, _) in enumerate(taken):
        before = [entry[0] for entry in taken[:index]]
        for other in {entry[0] for entry in taken[index:]} - {key}:
            assert before.count(key) <= before.count(other)
