"""Note, Track, Score: music in integer ticks, 480 to a quarter note."""

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

TICKS_PER_BEAT = 480
TICKS_PER_STEP = TICKS_PER_BEAT // 4  # a 16th, the grid of the networks
STEPS_PER_BAR = 16
DEFAULT_BPM = 120.0


@dataclass(frozen=True, slots=True, order=True)
class Note:
    """A note: start and duration in ticks (duration ≥ 1), MIDI pitch and velocity (1–127)."""

    start: int
    pitch: int
    duration: int
    velocity: int = 80

    @property
    def end(self) -> int:
        return self.start + self.duration


@dataclass(frozen=True, slots=True, order=True)
class Tempo:
    """From `tick` on, `bpm` quarter notes a minute."""

    tick: int
    bpm: float


@dataclass(frozen=True, slots=True, order=True)
class Meter:
    """From `tick` on, bars of numerator/denominator."""

    tick: int
    numerator: int
    denominator: int

    @property
    def ticks_per_bar(self) -> int:
        return TICKS_PER_BEAT * 4 * self.numerator // self.denominator


@dataclass(frozen=True)
class Track:
    """One instrument's notes, sorted. `program` is General MIDI, 0–127; a drum track ignores it."""

    notes: tuple[Note, ...]
    program: int = 0
    is_drum: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @property
    def end(self) -> int:
        return max((note.end for note in self.notes), default=0)

    def with_notes(self, notes: Iterable[Note]) -> "Track":
        return replace(self, notes=tuple(notes))


@dataclass(frozen=True)
class Score:
    """Tracks over one time line. There is always a tempo and a meter at tick 0."""

    tracks: tuple[Track, ...]
    tempos: tuple[Tempo, ...] = (Tempo(0, DEFAULT_BPM),)
    meters: tuple[Meter, ...] = (Meter(0, 4, 4),)

    def __post_init__(self) -> None:
        tempos, meters = sorted(self.tempos), sorted(self.meters)
        if not tempos or tempos[0].tick > 0:
            tempos.insert(0, Tempo(0, DEFAULT_BPM))
        if not meters or meters[0].tick > 0:
            meters.insert(0, Meter(0, 4, 4))
        object.__setattr__(self, "tracks", tuple(self.tracks))
        object.__setattr__(self, "tempos", tuple(tempos))
        object.__setattr__(self, "meters", tuple(meters))

    @property
    def end(self) -> int:
        """The tick at which the last note ends."""
        return max((track.end for track in self.tracks), default=0)

    @property
    def note_count(self) -> int:
        return sum(len(track.notes) for track in self.tracks)

    @property
    def seconds(self) -> float:
        """The length of the music in seconds, tempo changes counted."""
        return self.seconds_at(self.end)

    def seconds_at(self, tick: int) -> float:
        """The time of a tick in seconds."""
        starts, elapsed = self._tempo_starts
        index = bisect_right(starts, tick) - 1
        return elapsed[index] + (tick - starts[index]) * _seconds_per_tick(self.tempos[index])

    @cached_property
    def _tempo_starts(self) -> tuple[list[int], list[float]]:
        elapsed = [0.0]
        for before, after in zip(self.tempos, self.tempos[1:], strict=False):
            elapsed.append(elapsed[-1] + (after.tick - before.tick) * _seconds_per_tick(before))
        return [tempo.tick for tempo in self.tempos], elapsed

    def with_tracks(self, tracks: Iterable[Track]) -> "Score":
        return replace(self, tracks=tuple(tracks))


def _seconds_per_tick(tempo: Tempo) -> float:
    return 60.0 / (tempo.bpm * TICKS_PER_BEAT)
