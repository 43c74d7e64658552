"""Scores to and from piano rolls on the grid of 16ths: a mirrored pair that keeps repeated notes apart.

The roll of a track has the shape (2, steps, 128): channel ONSET says at which step a note of a pitch begins, channel
HOLD at which steps a note that began before still sounds. A note that begins where another of its pitch sounds ends
that other one. Velocities, and times off the grid, are not in a roll.
"""

from collections.abc import Iterable, Sequence

import numpy as np

from service.music.score import DEFAULT_BPM, TICKS_PER_STEP, Note, Score, Tempo, Track

PITCHES = 128
ONSET = 0
HOLD = 1


def note_steps(notes: Sequence[Note]) -> tuple[np.ndarray, np.ndarray]:
    """The steps at which the notes begin and end, each rounded to the nearest 16th (halves upwards); int64.

    A note lasts at least one step. The end is the first step at which the note is no longer heard.
    """
    ticks = np.array([(note.start, note.end) for note in notes], dtype=np.int64).reshape(-1, 2)
    steps = (2 * ticks + TICKS_PER_STEP) // (2 * TICKS_PER_STEP)
    return steps[:, 0], np.maximum(steps[:, 1], steps[:, 0] + 1)


def track_to_roll(track: Track, steps: int | None = None) -> np.ndarray:
    """The track's roll, bool, shape (2, steps, 128); as long as the track unless `steps` says otherwise.

    What lies beyond `steps` is cut off.
    """
    starts, ends = note_steps(track.notes)
    length = int(ends.max(initial=0)) if steps is None else steps
    roll = np.zeros((2, length, PITCHES), dtype=bool)
    sounds_until = [0] * PITCHES
    for note, start, end in zip(track.notes, starts.tolist(), ends.tolist(), strict=True):
        if start < length:
            roll[HOLD, start : sounds_until[note.pitch], note.pitch] = False
            roll[ONSET, start, note.pitch] = True
            roll[HOLD, start + 1 : end, note.pitch] = True
            sounds_until[note.pitch] = end
    return roll


def roll_to_track(roll: np.ndarray, *, velocity: int = 80, program: int = 0, is_drum: bool = False) -> Track:
    """The track of a roll of shape (2, steps, 128). A hold without a note before it begins a note."""
    onset, hold = roll[ONSET].astype(bool), roll[HOLD].astype(bool)
    sounding_before = np.zeros_like(hold)
    sounding_before[1:] = (onset | hold)[:-1]
    begins = onset | (hold & ~sounding_before)
    stops = begins | ~hold  # a note lasts until the first of these after its beginning
    notes = []
    for pitch in np.flatnonzero(begins.any(axis=0)).tolist():
        starts = np.flatnonzero(begins[:, pitch])
        boundaries = np.append(np.flatnonzero(stops[:, pitch]), len(hold))
        ends = boundaries[np.searchsorted(boundaries, starts, side="right")]
        notes += [
            Note(start * TICKS_PER_STEP, pitch, (end - start) * TICKS_PER_STEP, velocity)
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
    return Track(tuple(notes), program, is_drum)


def score_to_rolls(score: Score, steps: int | None = None) -> np.ndarray:
    """All tracks' rolls, bool, shape (tracks, 2, steps, 128); as long as the score unless `steps` says otherwise."""
    if steps is None:
        steps = max((int(note_steps(track.notes)[1].max(initial=0)) for track in score.tracks), default=0)
    rolls = [track_to_roll(track, steps) for track in score.tracks]
    return np.stack(rolls) if rolls else np.zeros((0, 2, steps, PITCHES), dtype=bool)


def rolls_to_score(rolls: Iterable[np.ndarray], *, bpm: float = DEFAULT_BPM, velocity: int = 80) -> Score:
    """The score of rolls of shape (tracks, 2, steps, 128), every track a piano in 4/4."""
    return Score(tuple(roll_to_track(roll, velocity=velocity) for roll in rolls), (Tempo(0, bpm),))
