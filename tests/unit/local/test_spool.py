"""A body on its way in: in memory, or in a file, and nowhere when it did not arrive."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.durable.s3.bodies import INLINE_BYTES, Bodies, StoredBody
from infra.local.durable.s3.body_files import SCRATCH_SUFFIX
from infra.local.http import BodyTooLargeError
from infra.local.spool import Spool


@pytest.fixture(scope="module")
def bodies(tmp_path_factory):
    return Bodies(tmp_path_factory.mktemp("bodies"))


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, INLINE_BYTES + 10), max_size=4), st.booleans())
def test_any_pieces_come_out_as_one_body_at_the_place_of_its_size(bodies, sizes, in_memory):
    pieces = [bytes([number + 1]) * size for number, size in enumerate(sizes)]
    whole = b"".join(pieces)
    with Spool(1 << 20, None if in_memory else bodies) as spool:
        for piece in pieces:
            spool.write(piece)
        assert spool.size == len(whole)
        assert spool.md5 == hashlib.md5(whole).hexdigest()
        kept = spool.finish()
    assert isinstance(kept, StoredBody) == (not in_memory and len(whole) > INLINE_BYTES)
    if isinstance(kept, StoredBody):
        assert b"".join(bodies.read(kept)) == whole
        bodies.remove(kept.name)
    else:
        assert kept == whole
    assert bodies.names() == set()


def test_a_body_that_was_not_finished_leaves_nothing(bodies):
    with Spool(1 << 20, bodies) as spool:
        spool.write(b"x" * 700_000)
        assert list(bodies.folder.glob(f"*{SCRATCH_SUFFIX}"))
    assert not list(bodies.folder.glob(f"*{SCRATCH_SUFFIX}"))


@pytest.mark.parametrize("in_memory", [True, False])
def test_a_body_may_be_as_long_as_its_limit_and_no_longer(bodies, in_memory):
    with Spool(100_000, None if in_memory else bodies) as spool:
        spool.write(b"x" * 100_000)
        with pytest.raises(BodyTooLargeError) as caught:
            spool.write(b"x")
        assert caught.value.limit == 100_000
