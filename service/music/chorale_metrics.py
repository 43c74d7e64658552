"""How like Bach's four-part writing some music is: parallels, chords, overlap areas, copies.

All take chorales on the grid of 16ths. None tells a good piece from a bad one alone; read them beside the values of
Bach's own pieces and of pieces shuffled in time.
"""

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np

from service.music.chorales import SILENT, STEPS_PER_BEAT, VOICES, Chorale
from service.music.theory import best_diatonic_key, is_chordal

PAIRS = np.array(list(combinations(range(VOICES), 2)))  # (6, 2), the upper voice first
PERFECT = (0, 7)  # octaves (and unisons) and fifths, in semitones modulo 12
LARGEST_INTERVAL = 12
LONGEST_DURATION = 16
COPY_STEPS = 16  # a bar of four beats


def moves_and_parallels(pitch: np.ndarray) -> tuple[int, int]:
    """For pitches (4, T): how often two voices move at once, and how many of these moves are parallel.

    Two voices move when both sound at a 16th and at the one before, with another pitch each. The move is parallel when
    they go the same way from a fifth to a fifth, or from an octave or unison to an octave or unison.
    """
    upper, lower = pitch[PAIRS[:, 0]], pitch[PAIRS[:, 1]]  # (6, T)
    sounding = (upper != SILENT) & (lower != SILENT)
    upper_move, lower_move = np.diff(upper), np.diff(lower)
    moves = sounding[:, 1:] & sounding[:, :-1] & (upper_move != 0) & (lower_move != 0)
    interval = (upper - lower) % 12
    kept = np.isin(interval[:, 1:], PERFECT) & (interval[:, 1:] == interval[:, :-1])
    parallel = moves & kept & (np.sign(upper_move) == np.sign(lower_move))
    return int(moves.sum()), int(parallel.sum())


def is_parallel(upper: tuple[int, int], lower: tuple[int, int]) -> bool:
    """Whether two voices, each going from one sounding pitch to another, move in parallel (`moves_and_parallels`)."""
    if upper[0] == upper[1] or lower[0] == lower[1] or (upper[1] > upper[0]) != (lower[1] > lower[0]):
        return False
    before, after = ((high - low) % 12 for high, low in zip(upper, lower, strict=True))
    return before == after and before in PERFECT


def parallels(chorales: Iterable[Chorale]) -> float:
    """Parallel fifths and octaves per 100 simultaneous moves of a pair of voices; 0 without any moves."""
    counts = np.array([moves_and_parallels(chorale.pitch) for chorale in chorales]).reshape(-1, 2)
    moves, parallel = counts.sum(axis=0)
    return 100 * float(parallel) / float(moves) if moves else 0.0


def chordal_beats(chorales: Iterable[Chorale]) -> float:
    """The share of beats with sound whose pitch classes form a triad, a seventh chord, or a part of a triad."""
    chordal = [
        is_chordal(int(pitch) for pitch in sounding)
        for chorale in chorales
        for column in chorale.pitch[:, ::STEPS_PER_BEAT].T
        if (sounding := column[column != SILENT]).size
    ]
    return float(np.mean(chordal)) if chordal else 0.0


def voices_sounding(chorales: Iterable[Chorale]) -> float:
    """How many voices sound at a 16th, on average: what makes `chordal_beats` hard."""
    counts = np.concatenate([(chorale.pitch != SILENT).sum(axis=0) for chorale in chorales])
    return float(counts.mean())


def note_pitches(chorale: Chorale) -> list[np.ndarray]:
    """The pitches of each voice's notes, one after another."""
    begins = chorale.onset & (chorale.pitch != SILENT)
    return [pitch[begin] for pitch, begin in zip(chorale.pitch, begins, strict=True)]


def pitch_class_histogram(chorales: Iterable[Chorale]) -> np.ndarray:
    """The share of each pitch class (12,), by time, each piece moved to C major from its best diatonic key."""
    total = np.zeros(12)
    for chorale in chorales:
        sounding = chorale.pitch[chorale.pitch != SILENT]
        counts = np.bincount(sounding % 12, minlength=12).astype(float)
        key = best_diatonic_key(dict(enumerate(counts)))
        tonic_of_major = key.tonic if key.mode.value == "major" else key.tonic + 3
        total += np.roll(counts, -tonic_of_major)
    return _normalised(total)


def interval_histogram(chorales: Iterable[Chorale]) -> np.ndarray:
    """The share of each melodic interval −12…12 (25,); larger ones are left out."""
    total = np.zeros(2 * LARGEST_INTERVAL + 1)
    for chorale in chorales:
        for pitches in note_pitches(chorale):
            intervals = np.diff(pitches)
            small = intervals[np.abs(intervals) <= LARGEST_INTERVAL]
            total += np.bincount(small + LARGEST_INTERVAL, minlength=len(total))
    return _normalised(total)


def duration_histogram(chorales: Iterable[Chorale]) -> np.ndarray:
    """The share of each duration of a note, 1…16 16ths (16,); longer ones count as 16."""
    total = np.zeros(LONGEST_DURATION + 1)
    for chorale in chorales:
        for pitch, onset in zip(chorale.pitch, chorale.onset, strict=True):
            starts = np.flatnonzero(onset)
            lengths = np.diff([*starts, chorale.steps])[pitch[starts] != SILENT]
            total += np.bincount(lengths.clip(max=LONGEST_DURATION), minlength=len(total))
    return _normalised(total[1:])


def overlap_area(first: np.ndarray, second: np.ndarray) -> float:
    """The area that two normalised histograms share, 0…1 (Yang and Lerch 2020, mgeval)."""
    return float(np.minimum(first, second).sum())


def overlaps(chorales: Sequence[Chorale], reference: Sequence[Chorale]) -> dict[str, float]:
    """The overlap areas of pitch class, melodic interval and duration."""
    histograms = {
        "pitchClass": pitch_class_histogram,
        "interval": interval_histogram,
        "duration": duration_histogram,
    }
    return {name: overlap_area(of(chorales), of(reference)) for name, of in histograms.items()}


def bars_of(chorale: Chorale) -> Iterable[bytes]:
    """Every window of a bar's length, one from each 16th, without regard to transposition and octave of the whole."""
    for start in range(chorale.steps - COPY_STEPS + 1):
        pitch = chorale.pitch[:, start : start + COPY_STEPS]
        onset = chorale.onset[:, start : start + COPY_STEPS].copy()
        onset[:, 0] = True
        sounding = pitch != SILENT
        if sounding.any():
            relative = np.where(sounding, pitch - pitch[sounding].min(), -1)
            yield np.concatenate([relative, onset]).astype(np.int8).tobytes()


def copy_rate(chorales: Iterable[Chorale], sources: Iterable[Chorale]) -> float:
    """The share of moving one-bar windows that stand, in all four voices and in any key, in one of the sources."""
    known = {bar for source in sources for bar in bars_of(source)}
    copied = [bar in known for chorale in chorales for bar in bars_of(chorale)]
    return float(np.mean(copied)) if copied else 0.0


def shuffled(chorale: Chorale, rng: np.random.Generator) -> Chorale:
    """The floor: each voice's notes in random order, with their durations."""
    pitch, onset = np.empty_like(chorale.pitch), np.zeros_like(chorale.onset)
    for voice in range(VOICES):
        starts = np.flatnonzero(chorale.onset[voice])
        lengths = np.diff([*starts, chorale.steps])
        at = 0
        for index in rng.permutation(len(starts)):
            pitch[voice, at : at + lengths[index]] = chorale.pitch[voice, starts[index]]
            onset[voice, at] = True
            at += lengths[index]
    return Chorale(pitch, onset, chorale.position, chorale.bar, chorale.name, chorale.split, chorale.seen)


def _normalised(histogram: np.ndarray) -> np.ndarray:
    total = histogram.sum()
    return histogram / total if total else histogram
