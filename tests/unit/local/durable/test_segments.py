"""The file format of a body by itself: what is sealed opens at its own place only."""

import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.durable.errors import DamagedError
from infra.local.durable.s3.segments import MAGIC, SEGMENT_BYTES, SegmentCipher, sealed_size, spans

KEY = bytes(range(32))

sizes = st.one_of(
    st.integers(0, 5 * SEGMENT_BYTES),
    st.builds(lambda count, more: max(0, count * SEGMENT_BYTES + more), st.integers(0, 5), st.integers(-1, 1)),
)


@given(sizes, st.data())
def test_the_spans_of_a_range_cover_it_once_and_in_order(size, data):
    start = data.draw(st.integers(0, size))
    end = data.draw(st.integers(start, size))
    covered = start
    for span in spans(size, start, end):
        assert span.index * SEGMENT_BYTES + span.start == covered
        assert 0 <= span.start < span.end <= SEGMENT_BYTES
        covered += span.end - span.start
    assert covered == end


@given(sizes)
def test_the_segments_of_a_file_fill_it_to_its_end(size):
    position = len(MAGIC)
    lasts = []
    for span in spans(size, 0, size):
        assert span.offset == position
        position += span.sealed_bytes
        lasts.append(span.last)
    assert position == sealed_size(size) or size == 0
    assert lasts == [False] * (len(lasts) - 1) + [True] * (size > 0)


def test_an_empty_file_still_has_a_segment_that_proves_it_empty():
    sealed = SegmentCipher(KEY).seal(0, b"", last=True)
    assert len(MAGIC) + len(sealed) == sealed_size(0)
    assert SegmentCipher(KEY).open(0, sealed, last=True) == b""


@given(st.binary(max_size=100), st.integers(0, 2**80), st.booleans(), st.data())
def test_a_segment_opens_at_its_own_place_and_unchanged_only(plain, index, last, data):
    cipher = SegmentCipher(KEY)
    sealed = cipher.seal(index, plain, last=last)
    assert cipher.open(index, sealed, last=last) == plain
    flipped = bytearray(sealed)
    flipped[data.draw(st.integers(0, len(sealed) - 1))] ^= data.draw(st.integers(1, 255))
    for attempt in (
        lambda: cipher.open(index, bytes(flipped), last=last),
        lambda: cipher.open(index + 1, sealed, last=last),
        lambda: cipher.open(index, sealed, last=not last),
        lambda: cipher.open(index, sealed[:-1], last=last),
        lambda: cipher.open(index, sealed + b"x", last=last),
        lambda: cipher.open(index, b"", last=last),
        lambda: SegmentCipher(secrets.token_bytes(32)).open(index, sealed, last=last),
    ):
        with pytest.raises(DamagedError):
            attempt()
