"""Bodies in encrypted files: what was written comes back, whole or in ranges; what was changed is noticed."""

import errno
import hashlib
import itertools
import os
import resource
import stat
import subprocess
import sys
import threading
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from infra.local.durable.errors import DamagedError, DiskFullError, WriteRefusedError
from infra.local.durable.s3 import body_files
from infra.local.durable.s3.bodies import Bodies, StoredBody, held
from infra.local.durable.s3.segments import SEGMENT_BYTES

EDGES = [0, 1, SEGMENT_BYTES - 1, SEGMENT_BYTES, SEGMENT_BYTES + 1, 2 * SEGMENT_BYTES, 2 * SEGMENT_BYTES + 77]


@pytest.fixture
def bodies(tmp_path):
    return Bodies(tmp_path / "bodies")


@pytest.fixture(scope="module")
def shared_bodies(tmp_path_factory):
    return Bodies(tmp_path_factory.mktemp("bodies"))


def pattern(size: int) -> bytes:
    return (hashlib.sha512(str(size).encode()).digest() * (size // 64 + 1))[:size]


def write(bodies: Bodies, *chunks: bytes) -> StoredBody:
    with bodies.writer() as writer:
        for chunk in chunks:
            writer.write(chunk)
        return writer.finish()


def read(bodies: Bodies, *pieces: StoredBody) -> bytes:
    return b"".join(bodies.read_pieces(pieces))


def files(bodies: Bodies) -> set[str]:
    return {path.name for path in bodies.folder.iterdir()} - {"bodies.lock"}


@pytest.mark.parametrize("size", EDGES)
def test_a_body_comes_back_as_it_was_written(bodies, size):
    body = write(bodies, pattern(size))
    assert body.size == size
    assert read(bodies, body) == pattern(size)


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(EDGES), st.lists(st.integers(0, 3 * SEGMENT_BYTES), max_size=6))
def test_any_split_into_chunks_gives_the_same_body(shared_bodies, size, cuts):
    content = pattern(size)
    borders = [0, *sorted(min(cut, size) for cut in cuts), size]
    with shared_bodies.writer() as writer:
        for start, end in itertools.pairwise(borders):
            writer.write(memoryview(content)[start:end])
        assert writer.size == size
        assert writer.md5 == hashlib.md5(content).hexdigest()
        body = writer.finish()
    assert read(shared_bodies, body) == content
    shared_bodies.remove(body.name)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(EDGES), min_size=1, max_size=4), st.data())
def test_any_range_of_an_object_in_pieces_equals_the_slice(shared_bodies, sizes, data):
    contents = [pattern(size) for size in sizes]
    whole = b"".join(contents)
    pieces = [write(shared_bodies, content) for content in contents]
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))
    reader = shared_bodies.read_pieces(pieces, start, end)
    assert reader.length == end - start
    assert b"".join(reader) == whole[start:end]
    for piece in pieces:
        shared_bodies.remove(piece.name)


def test_a_range_outside_the_body_is_refused(bodies):
    body = write(bodies, b"four")
    for start, end in ((-1, 2), (3, 2), (0, 5)):
        with pytest.raises(ValueError, match="no range of 4 bytes"):
            bodies.read(body, start, end)


@settings(max_examples=60, deadline=None)
@given(st.integers(0), st.integers(1, 255))
def test_any_flipped_byte_in_the_file_is_noticed(shared_bodies, position, change):
    body = write(shared_bodies, pattern(SEGMENT_BYTES + 100))
    path = shared_bodies.folder / body.name
    damaged = bytearray(path.read_bytes())
    damaged[position % len(damaged)] ^= change
    path.write_bytes(damaged)
    with pytest.raises(DamagedError, match=body.name):
        read(shared_bodies, body)
    shared_bodies.remove(body.name)


def swap_segments(content: bytes) -> bytes:
    sealed = SEGMENT_BYTES + 16
    return content[:8] + content[8 + sealed : 8 + 2 * sealed] + content[8 : 8 + sealed] + content[8 + 2 * sealed :]


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content[:-1],
        lambda content: content[: 8 + SEGMENT_BYTES + 16],
        lambda content: content + b"x",
        lambda content: b"",
        swap_segments,
    ],
    ids=["cut", "cut between segments", "added to", "emptied", "reordered"],
)
def test_a_file_that_was_cut_or_reordered_is_noticed(bodies, change):
    body = write(bodies, pattern(2 * SEGMENT_BYTES + 77))
    path = bodies.folder / body.name
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(DamagedError, match=body.name):
        read(bodies, body)


def test_a_file_that_was_cut_and_whose_row_was_cut_alike_is_noticed(bodies):
    body = write(bodies, pattern(2 * SEGMENT_BYTES))
    path = bodies.folder / body.name
    path.write_bytes(path.read_bytes()[: 8 + SEGMENT_BYTES + 16])
    with pytest.raises(DamagedError, match=body.name):
        read(bodies, StoredBody(body.name, SEGMENT_BYTES, body.data_key))


def test_a_body_does_not_open_with_the_key_of_another(bodies):
    one, other = write(bodies, b"one"), write(bodies, b"two")
    with pytest.raises(DamagedError):
        read(bodies, StoredBody(one.name, one.size, other.data_key))


def test_a_missing_file_is_told_before_anything_is_read(bodies):
    first, second = write(bodies, b"one"), write(bodies, b"two")
    bodies.remove(second.name)
    with pytest.raises(DamagedError, match=second.name):
        bodies.read_pieces([first, second])
    bodies.remove(first.name)  # and nothing is thought of as being read
    assert files(bodies) == set()


def test_what_is_written_is_not_in_the_file_in_the_clear(bodies):
    body = write(bodies, b"Ode to Joy " * 10_000)
    assert b"Ode to Joy" not in (bodies.folder / body.name).read_bytes()


def test_files_are_their_owners_only(bodies):
    body = write(bodies, b"x")
    assert stat.S_IMODE(bodies.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((bodies.folder / body.name).stat().st_mode) == 0o600


def test_the_data_key_is_told_apart_from_the_rest(bodies):
    body = write(bodies, b"x" * 10)
    assert body.to_json() == {"name": body.name, "size": 10}
    assert StoredBody.from_json(body.to_json(), body.data_key) == body
    assert repr(body.data_key) not in repr(body)


def test_what_was_not_finished_leaves_nothing(bodies):
    with bodies.writer() as writer:
        writer.write(pattern(3 * SEGMENT_BYTES))
        assert len(files(bodies)) == 1
        assert bodies.names() == set()
    assert files(bodies) == set()
    with pytest.raises(WriteRefusedError):
        writer.write(b"more")


def test_a_removed_body_is_gone_and_removing_it_again_does_nothing(bodies):
    body = write(bodies, b"x")
    for _ in range(2):
        bodies.remove(body.name)
        assert bodies.names() == set()


@pytest.mark.parametrize("name", ["", "..", "../state.db", "bodies.lock", "A" * 32, "a" * 31, "a" * 32 + ".new"])
def test_only_names_of_bodies_become_paths(bodies, name):
    with pytest.raises(ValueError, match="no name of a body"):
        bodies.remove(name)


def test_a_body_that_is_removed_while_it_is_read_is_read_to_its_end(bodies):
    content = pattern(3 * SEGMENT_BYTES)
    pieces = [write(bodies, content), write(bodies, content)]
    one, other = bodies.read_pieces(pieces), bodies.read(pieces[0])
    received = [next(one)]
    for piece in pieces:
        bodies.remove(piece.name)
    assert bodies.names() == {piece.name for piece in pieces}
    received += one
    assert b"".join(received) == content * 2
    assert bodies.names() == {pieces[0].name}
    other.close()
    assert files(bodies) == set()


def test_a_reader_that_was_forgotten_holds_nothing_back(bodies):
    body = write(bodies, b"x")
    reader = bodies.read(body)
    bodies.remove(body.name)
    assert bodies.names() == {body.name}
    del reader
    assert files(bodies) == set()


def test_nothing_is_removed_while_a_backup_holds_the_folder(bodies):
    body, later = write(bodies, b"x"), write(bodies, b"y")
    with held(bodies.folder), held(bodies.folder):
        bodies.remove(body.name)
        assert read(bodies, body) == b"x"
        assert bodies.sweep({later.name}).removed == frozenset()
        assert bodies.names() == {body.name, later.name}
    bodies.remove(later.name)
    assert files(bodies) == set()


def test_another_process_can_hold_the_folder(bodies):
    body = write(bodies, b"x")
    code = (
        "import sys; from pathlib import Path; from infra.local.durable.s3.bodies import held\n"
        "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(bodies.folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout.readline() == "held\n"
        bodies.remove(body.name)
        assert bodies.names() == {body.name}
        holder.stdin.close()
        holder.wait(30)
    assert bodies.sweep(set()).removed == {body.name}


def test_the_sweep_removes_what_nobody_wants_and_tells_what_is_missing(tmp_path):
    first = Bodies(tmp_path / "bodies")
    kept, orphan = write(first, b"kept"), write(first, b"orphan")
    (first.folder / ("f" * 32 + ".new")).write_bytes(b"half")
    (first.folder / "notes.txt").write_text("somebody's own")
    swept = Bodies(first.folder).sweep({kept.name, "e" * 32})
    assert swept.removed == {orphan.name, "f" * 32 + ".new"}
    assert swept.missing == {"e" * 32}
    assert files(first) == {kept.name, "notes.txt"}


@pytest.mark.parametrize("failing", ["write", "sync_file", "rename", "sync_folder"])
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_disk_that_refuses_leaves_no_file(bodies, monkeypatch, failing, code):
    def refuse(*_arguments, **_keywords):
        raise OSError(code, os.strerror(code))

    class Refusing:
        def __init__(self, file):
            self.write, self.close, self.flush, self.fileno = refuse, file.close, file.flush, file.fileno

    with bodies.writer() as writer:
        writer.write(pattern(2 * SEGMENT_BYTES))
        if failing == "write":
            writer._file = Refusing(writer._file)
        elif failing == "rename":
            monkeypatch.setattr(type(writer._scratch), "rename", refuse)
        else:
            monkeypatch.setattr(body_files, failing, refuse)
        with pytest.raises(DiskFullError if code != errno.EIO else WriteRefusedError) as caught:
            writer.finish()
    assert isinstance(caught.value, DiskFullError) == (code != errno.EIO)
    assert files(bodies) == set()


def test_a_file_beyond_the_size_limit_is_a_full_disk(bodies):
    # Only this process's soft limit, and only while the body is written.
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2 * SEGMENT_BYTES, hard))
        with pytest.raises(DiskFullError):
            write(bodies, pattern(4 * SEGMENT_BYTES))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(bodies) == set()


def test_a_body_is_synced_before_it_has_its_name_and_its_name_before_it_is_finished(bodies, monkeypatch):
    order = []
    sync_file, sync_folder = body_files.sync_file, body_files.sync_folder

    def noting(step, real):
        def act(target):
            order.append((step, sorted(bodies.names())))
            real(target)

        return act

    monkeypatch.setattr(body_files, "sync_file", noting("file", sync_file))
    monkeypatch.setattr(body_files, "sync_folder", noting("folder", sync_folder))
    body = write(bodies, b"x" * 100)
    assert order == [("file", []), ("folder", [body.name])]


def test_200_megabytes_go_in_and_out_in_constant_memory(bodies):
    chunk = pattern(1 << 20)
    tracemalloc.start()
    try:
        with bodies.writer() as writer:
            for _ in range(200):
                writer.write(chunk)
            body = writer.finish()
        assert sum(len(piece) for piece in bodies.read(body)) == 200 << 20
        assert tracemalloc.get_traced_memory()[1] < 3 << 20
    finally:
        tracemalloc.stop()


def test_bodies_are_written_and_read_by_many_threads_at_once(bodies):
    failures = []

    def work(number):
        try:
            content = pattern(SEGMENT_BYTES + number)
            for _ in range(5):
                body = write(bodies, content)
                assert read(bodies, body) == content
                bodies.remove(body.name)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert files(bodies) == set()
