"""SQLite's write-ahead log, read before SQLite does: was its end torn, or its middle damaged?

When SQLite opens a log it takes the frames up to the first whose checksum is wrong, and forgets the rest without a
word. After a power cut that is right: the last write was never acknowledged. But when a frame in the middle is damaged,
the writes behind it were on the disk, and forgetting them silently would lose what was acknowledged.

Each frame carries a checksum that continues from the one before it (https://sqlite.org/fileformat2.html#walformat), so
a frame behind the damage can still be told to be sound, by the checksum that its predecessor's header holds.
"""

import struct
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from pathlib import Path

import numpy as np

_HEADER = struct.Struct(">8I")  # magic, version, page size, checkpoint, salts (2), checksum (2)
_FRAME = struct.Struct(">6I")  # page number, pages after a commit (0: no commit), salts (2), checksum (2)
_MAGIC = 0x377F0682  # the lowest bit tells the byte order of the checksums
_EARLIER_USES = 1 << 16  # of a log's file, as far as they are believed to show through
_PAGE_SIZES = frozenset(1 << bits for bits in range(9, 17))

Checksum = tuple[int, int]


class State(Enum):
    SOUND = "sound"
    TORN = "torn"  # the last write is incomplete; nobody was told that it had happened
    DAMAGED = "damaged"  # writes that were acknowledged lie behind the damage


@dataclass(frozen=True, slots=True)
class LogReport:
    """What a log holds. `frames` counts the sound ones before the first that is not; offsets are in bytes."""

    state: State
    frames: int
    damage_at: int | None = None
    lost_commits: int = 0  # sound commits behind the damage


@dataclass(frozen=True, slots=True)
class _Frame:
    offset: int
    sound: bool  # of this log, and with the checksum that continues from its predecessor's
    ours: bool  # of this log: older frames lie behind its end when the file was used before
    commits: bool
    unwritten: bool  # where nothing is, or what a log of before left there: bytes that rot look like neither


def examine_log(path: Path) -> LogReport:
    """The state of the log at `path`; an absent or empty one is sound."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        content = b""
    if len(content) < _HEADER.size:
        return LogReport(State.SOUND, 0)
    magic, _, page_size, _, salt1, salt2, sum1, sum2 = _HEADER.unpack_from(content)
    if magic & ~1 != _MAGIC or page_size not in _PAGE_SIZES:
        return _without_header(content)
    order = ">" if magic & 1 else "<"
    if _checksum(content[:24], (0, 0), order) != (sum1, sum2):
        return _with_damaged_header(content, page_size, order)
    return _judge(_frames(content, page_size, (salt1, salt2), (sum1, sum2), order))


def _with_damaged_header(content: bytes, page_size: int, order: str) -> LogReport:
    """SQLite would take nothing of this log; what is lost with it, the frames tell by each other."""
    if len(content) < _HEADER.size + _FRAME.size:
        return LogReport(State.TORN, 0, 0)
    _, _, salt1, salt2, sum1, sum2 = _FRAME.unpack_from(content, _HEADER.size)
    frames = _frames(content, page_size, (salt1, salt2), (sum1, sum2), order)[1:]
    lost = sum(frame.commits for frame in frames if frame.sound)
    return LogReport(State.DAMAGED if lost else State.TORN, 0, 0, lost)


def _judge(frames: list[_Frame]) -> LogReport:
    bad = next((index for index, frame in enumerate(frames) if not frame.sound), None)
    if bad is None:
        return LogReport(State.SOUND, len(frames))
    behind = frames[bad + 1 :]
    if not frames[bad].ours and not any(frame.sound for frame in behind):
        return LogReport(State.SOUND, bad)  # where an older log shows through, or the file was never written
    # A commit waits for its frames to be on the disk, so whatever follows the end of the damaged write was
    # acknowledged after it. A frame that cannot be read may itself have been that end; but where a frame was never
    # written and only one write follows, that is the write it was part of, which a power cut interrupted.
    end = next((index for index, frame in enumerate(behind) if frame.commits), len(behind))
    rest = behind[end + 1 :]
    write_goes_on = frames[bad].ours and not frames[bad].commits
    if write_goes_on or (frames[bad].unwritten and not any(frame.ours for frame in rest)):
        behind = rest
    acknowledged = [frame for frame in behind if frame.sound]
    if not acknowledged:
        return LogReport(State.TORN, bad, frames[bad].offset)
    lost = sum(frame.commits for frame in acknowledged)
    return LogReport(State.DAMAGED, bad, frames[bad].offset, lost)


def _frames(content: bytes, page_size: int, salts: Checksum, before: Checksum, order: str) -> list[_Frame]:
    frames = []
    size = _FRAME.size + page_size
    for offset in range(_HEADER.size, len(content) - size + 1, size):
        _, pages, salt1, salt2, sum1, sum2 = _FRAME.unpack_from(content, offset)
        ours = (salt1, salt2) == salts
        covered = content[offset : offset + 8] + content[offset + _FRAME.size : offset + size]
        sound = ours and _checksum(covered, before, order) == (sum1, sum2)
        unwritten = not any(content[offset : offset + _FRAME.size]) or _is_older((salt1, salt2), salts)
        frames.append(_Frame(offset, sound, ours, ours and pages > 0, unwritten))
        before = (sum1, sum2)
    return frames


def _is_older(found: Checksum, salts: Checksum) -> bool:
    """Whether these are the salts of an earlier use of the file: SQLite counts the first, and draws the second."""
    return 0 < (salts[0] - found[0]) & 0xFFFFFFFF <= _EARLIER_USES and found[1] != salts[1]


def _without_header(content: bytes) -> LogReport:
    """A log whose header cannot be read: SQLite would take none of it."""
    if not any(content):
        return LogReport(State.SOUND, 0)
    return LogReport(State.DAMAGED, 0, 0)


def _checksum(content: bytes, before: Checksum, order: str) -> Checksum:
    """SQLite's checksum of an even number of 32-bit words, continued from `before`.

    The recurrence s0 += x + s1; s1 += y + s0 over pairs (x, y) is linear, so all pairs are summed at once with the
    powers of its matrix, modulo 2^32.
    """
    words = np.frombuffer(content, dtype=f"{order}u4").astype(np.uint64)
    x, y = words[0::2], words[1::2]
    powers = _powers(len(x))  # (pairs + 1, 2, 2), the highest power first
    steps = powers[1:]
    inner = x + y
    start0, start1 = (np.uint64(value) for value in before)
    with np.errstate(over="ignore"):
        s0 = (steps[:, 0, 0] * x + steps[:, 0, 1] * inner).sum() + powers[0, 0, 0] * start0 + powers[0, 0, 1] * start1
        s1 = (steps[:, 1, 0] * x + steps[:, 1, 1] * inner).sum() + powers[0, 1, 0] * start0 + powers[0, 1, 1] * start1
    return int(s0) & 0xFFFFFFFF, int(s1) & 0xFFFFFFFF


@lru_cache(maxsize=4)
def _powers(pairs: int) -> np.ndarray:
    """M^pairs … M^0 for M = [[1, 1], [1, 2]], each entry modulo 2^32."""
    powers = np.zeros((pairs + 1, 2, 2), dtype=np.uint64)
    a, b, c, d = 1, 0, 0, 1
    for index in range(pairs, -1, -1):
        powers[index] = ((a, b), (c, d))
        a, b, c, d = (a + c) & 0xFFFFFFFF, (b + d) & 0xFFFFFFFF, (a + 2 * c) & 0xFFFFFFFF, (b + 2 * d) & 0xFFFFFFFF
    return powers
