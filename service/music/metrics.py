"""The six metrics of the Developer Guide, by the guide's own definitions.

Pitches are those of the pitched tracks; a drum track's keys are instruments, not pitches. Bars are counted from the
beginning to the last note's end. Where a ratio has nothing to divide by, it is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.music.bars import bar_meters, bar_starts
from service.music.pianoroll import note_steps
from service.music.score import STEPS_PER_BAR, TICKS_PER_STEP, Note, Score
from service.music.theory import SCALES, Mode

C_MAJOR = SCALES[Mode.MAJOR]
POLYPHONY_THRESHOLD = 1
DRUM_PATTERN_STEPS = frozenset(range(0, STEPS_PER_BAR, 2))  # the eight-beat of 4/4: a hit on each eighth


@dataclass(frozen=True, slots=True)
class GuideMetrics:
    """The guide's six figures for one score. Rates and ratios are shares from 0 to 1."""

    pitches_used: float
    pitch_classes_used: float
    empty_bar_rate: float
    polyphonic_rate: float
    in_scale_ratio: float | None
    drum_in_pattern: float | None


def guide_metrics(score: Score) -> GuideMetrics:
    """All six figures. Without notes the counts and rates are 0 and the ratios None."""
    return GuideMetrics(
        pitches_used=pitches_used(score),
        pitch_classes_used=pitch_classes_used(score),
        empty_bar_rate=empty_bar_rate(score),
        polyphonic_rate=polyphonic_rate(score),
        in_scale_ratio=in_scale_ratio(score),
        drum_in_pattern=drum_in_pattern(score),
    )


def pitches_used(score: Score) -> float:
    """ "The average number of notes in each bar." Unit: notes a bar; a note counts in the bar where it begins."""
    return len(_pitched(score)) / max(len(bar_starts(score)), 1)


def pitch_classes_used(score: Score) -> float:
    """The average number of different pitch classes that sound in each bar. Unit: pitch classes a bar, 0 to 12.

    The guide names this metric without defining it; this is its "pitches used", of pitch classes, each counted once.
    """
    starts = bar_starts(score)
    notes = _pitched(score)
    used = 0
    for pitch_class in range(12):
        of_class = [note for note in notes if note.pitch % 12 == pitch_class]
        used += int(np.count_nonzero(_sounding_in(of_class, starts)))
    return used / max(len(starts), 1)


def empty_bar_rate(score: Score) -> float:
    """ "The ratio of empty bars to the total number of bars." A bar is empty when no track sounds in it."""
    starts = bar_starts(score)
    notes = [note for track in score.tracks for note in track.notes]
    return int(np.count_nonzero(~_sounding_in(notes, starts))) / max(len(starts), 1)


def polyphonic_rate(score: Score, threshold: int = POLYPHONY_THRESHOLD) -> float:
    """ "The number of time steps where the number of pitches being played is greater than the threshold", as a share.

    A time step is a 16th; the share is of all time steps up to the last note's end, rests included.
    """
    notes = _pitched(score)
    everything = [note for track in score.tracks for note in track.notes]
    steps = int(note_steps(everything)[1].max(initial=0))
    playing = np.zeros(steps, dtype=np.int16)
    for pitch in {note.pitch for note in notes}:
        playing += _covered(*note_steps([note for note in notes if note.pitch == pitch]), steps)
    return int(np.count_nonzero(playing > threshold)) / max(steps, 1)


def in_scale_ratio(score: Score) -> float | None:
    """ "The average number of notes in a bar of music that are in the key of C, to the total number of notes in a bar."

    Both averages are over the same bars, so this is the share of the notes that belong to C major.
    """
    notes = _pitched(score)
    if not notes:
        return None
    return sum(note.pitch % 12 in C_MAJOR for note in notes) / len(notes)


def drum_in_pattern(score: Score) -> float | None:
    """The share of drum notes that fall on "a predetermined beat popular in 4/4 time": the eighths of the bar.

    A note's place is its start rounded to the nearest 16th of its bar. Only drum notes in 4/4 bars count.
    """
    drums = [note for track in score.tracks if track.is_drum for note in track.notes]
    starts = bar_starts(score)
    if not drums:
        return None
    begins = np.array([note.start for note in drums], dtype=np.int64)
    bars = np.searchsorted(starts, begins, side="right") - 1
    meters = bar_meters(score, starts[bars])
    places = (2 * (begins - starts[bars]) + TICKS_PER_STEP) // (2 * TICKS_PER_STEP) % STEPS_PER_BAR
    in_common_time = [place for place, meter in zip(places.tolist(), meters, strict=True) if meter == (4, 4)]
    if not in_common_time:
        return None
    return sum(place in DRUM_PATTERN_STEPS for place in in_common_time) / len(in_common_time)


def _pitched(score: Score) -> list[Note]:
    return [note for track in score.tracks if not track.is_drum for note in track.notes]


def _sounding_in(notes: Sequence[Note], starts: np.ndarray) -> np.ndarray:
    """For each bar, whether any of the notes sounds in it; bool, shape (bars,)."""
    first = np.searchsorted(starts, [note.start for note in notes], side="right") - 1
    after = np.searchsorted(starts, [note.end for note in notes], side="left")
    return _covered(first, after, len(starts))


def _covered(first: np.ndarray, after: np.ndarray, length: int) -> np.ndarray:
    """Which cells of a line lie in any of the half-open spans; bool, shape (length,). Linear in spans and cells."""
    opened = np.bincount(first, minlength=length + 1)
    closed = np.bincount(after, minlength=length + 1)
    return np.cumsum(opened - closed)[:length] > 0
