"""Which bytes a Range header asks for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.s3.object_ranges import ByteRange, UnsatisfiableRangeError, asked_range, part_range

SIZE = 10


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("bytes=0-0", (0, 1)),
        ("bytes=2-5", (2, 6)),
        ("bytes=2-", (2, 10)),
        ("bytes=2-99", (2, 10)),
        ("bytes=9-9", (9, 10)),
        ("bytes=-3", (7, 10)),
        ("bytes=-99", (0, 10)),
        (" bytes=1-2 ", (1, 3)),
    ],
)
def test_a_range_is_cut_at_the_end_of_the_object(header: str, found: tuple[int, int]) -> None:
    assert asked_range(header, SIZE) == ByteRange(*found, SIZE)


@pytest.mark.parametrize("header", ["bytes=0-1,3-4", "bytes=5-2", "bytes=-", "bytes=a-b", "lines=1-2", "bytes 1-2", ""])
def test_what_is_no_single_range_of_bytes_asks_for_the_whole_object(header: str) -> None:
    assert asked_range(header, SIZE) is None


@pytest.mark.parametrize(
    ("header", "size"), [("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=-0", 10), ("bytes=0-", 0)]
)
def test_a_range_behind_the_end_is_not_satisfiable(header: str, size: int) -> None:
    with pytest.raises(UnsatisfiableRangeError):
        asked_range(header, size)


@given(st.binary(min_size=1, max_size=50), st.integers(0, 60), st.integers(0, 60))
def test_a_range_gives_the_bytes_that_slicing_gives(body: bytes, first: int, last: int) -> None:
    if first >= len(body):
        return
    found = asked_range(f"bytes={first}-{last}", len(body))
    if last < first:
        assert found is None
    else:
        assert found is not None
        assert body[found.start : found.end] == body[first : last + 1]
        assert found.content_range == f"bytes {first}-{min(last, len(body) - 1)}/{len(body)}"


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6))
def test_the_parts_of_an_object_follow_each_other(sizes: list[int]) -> None:
    ranges = [part_range(number, tuple(sizes)) for number in range(1, len(sizes) + 1)]
    assert [found.end - found.start for found in ranges] == sizes
    assert [found.start for found in ranges] == [0, *(found.end for found in ranges[:-1])]
    for number in (0, len(sizes) + 1):
        with pytest.raises(UnsatisfiableRangeError):
            part_range(number, tuple(sizes))
