"""Long silences and held notes made shorter: the guide's maximum rest time and maximum note length.

Lengths are seconds, as they are heard: tempo changes are counted.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from service.music.score import TICKS_PER_BEAT, Note, Score, Tempo


def limit_rests(score: Score, seconds: float) -> Score:
    """The score with every silence of all tracks cut to `seconds` at most; what follows moves forward.

    The silence before the first note counts too. Tempos and meters that begin within what is cut begin at the cut.
    Raises ValueError unless `seconds` is 0 or more.
    """
    if not seconds >= 0:
        raise ValueError(f"the maximum rest time must be 0 seconds or more, not {seconds}")
    cuts = [cut for start, end in _silences(score) if (cut := _Cut(_tick_after(score, start, seconds), end)).ticks > 0]
    timeline = _Timeline(cuts)
    tracks = tuple(
        track.with_notes(replace(note, start=timeline.moved(note.start)) for note in track.notes)
        for track in score.tracks
    )
    tempos = {timeline.moved(tempo.tick): Tempo(timeline.moved(tempo.tick), tempo.bpm) for tempo in score.tempos}
    meters = {timeline.moved(meter.tick): replace(meter, tick=timeline.moved(meter.tick)) for meter in score.meters}
    return Score(tracks, tuple(tempos.values()), tuple(meters.values()))


def limit_held_notes(score: Score, seconds: float) -> Score:
    """The score with every note cut to `seconds` at most, though to no less than one tick; nothing else moves.

    Raises ValueError unless `seconds` is more than 0.
    """
    if not seconds > 0:
        raise ValueError(f"the maximum note length must be more than 0 seconds, not {seconds}")

    def cut(note: Note) -> Note:
        longest = max(_tick_after(score, note.start, seconds) - note.start, 1)
        return replace(note, duration=min(note.duration, longest))

    return score.with_tracks(track.with_notes(cut(note) for note in track.notes) for track in score.tracks)


@dataclass(frozen=True, slots=True)
class _Cut:
    """The ticks from `start` to `end` are taken out."""

    start: int
    end: int

    @property
    def ticks(self) -> int:
        return self.end - self.start


class _Timeline:
    """Where ticks go when cuts, ordered and apart, are taken out."""

    def __init__(self, cuts: list[_Cut]) -> None:
        self.cuts = cuts
        self.starts = [cut.start for cut in cuts]
        self.removed = [0]
        for cut in cuts:
            self.removed.append(self.removed[-1] + cut.ticks)

    def moved(self, tick: int) -> int:
        before = bisect_right(self.starts, tick)
        if before and tick < self.cuts[before - 1].end:
            tick = self.cuts[before - 1].end
        return tick - self.removed[before]


def _silences(score: Score) -> Iterator[tuple[int, int]]:
    """The spans, in ticks, in which no track sounds, up to the last note."""
    silent_from = 0
    for note in sorted(note for track in score.tracks for note in track.notes):
        if note.start > silent_from:
            yield silent_from, note.start
        silent_from = max(silent_from, note.end)


def _tick_after(score: Score, tick: int, seconds: float) -> int:
    """The last whole tick that is no more than `seconds` after a tick."""
    target = score.seconds_at(tick) + seconds
    index = bisect_right([score.seconds_at(tempo.tick) for tempo in score.tempos], target) - 1
    tempo = score.tempos[index]
    beats = (target - score.seconds_at(tempo.tick)) * tempo.bpm / 60
    return tempo.tick + int(beats * TICKS_PER_BEAT + 1e-6)
