"""Parallels, chords, overlaps and copies, by tables of cases and on Bach's own music."""

import numpy as np
import pytest

from service.music.chorale_metrics import (
    chordal_beats,
    copy_rate,
    duration_histogram,
    interval_histogram,
    is_parallel,
    moves_and_parallels,
    overlap_area,
    overlaps,
    parallels,
    pitch_class_histogram,
    shuffled,
    voices_sounding,
)
from service.music.chorales import Chorale, read_chorales
from service.samples import model_directory

SHIPPED = model_directory("ar-cnn-bach").parents[1] / "datasets" / "bach" / "chorales.npz"


def chorale(*columns: tuple[int, int, int, int], beats: int = 1) -> Chorale:
    """A chord for each column, soprano first, `beats` long; 0 is silence."""
    pitch = np.repeat(np.array(columns).T, 4 * beats, axis=1)
    onset = np.zeros(pitch.shape, bool)
    onset[:, :: 4 * beats] = True
    steps = pitch.shape[1]
    return Chorale(pitch, onset, np.arange(steps) % 16, np.full(steps, 16))


@pytest.mark.parametrize(
    ("before", "after", "moves", "parallel"),
    [
        ((72, 0, 0, 60), (74, 0, 0, 62), 1, 1),  # octaves
        ((72, 0, 0, 53), (74, 0, 0, 55), 1, 1),  # fifths over an octave
        ((67, 0, 0, 60), (69, 0, 0, 62), 1, 1),  # fifths
        ((72, 0, 0, 60), (67, 0, 0, 55), 1, 1),  # octaves downwards
        ((60, 60, 0, 0), (62, 62, 0, 0), 1, 1),  # unisons
        ((72, 0, 0, 60), (72, 0, 0, 60), 0, 0),  # nothing moves
        ((72, 0, 0, 60), (72, 0, 0, 48), 0, 0),  # one moves
        ((72, 0, 0, 60), (74, 0, 0, 50), 1, 0),  # to another octave, the other way
        ((76, 0, 0, 60), (77, 0, 0, 62), 1, 0),  # thirds
        ((67, 0, 0, 60), (74, 0, 0, 62), 1, 0),  # a fifth into an octave
        ((72, 0, 0, 0), (74, 0, 0, 62), 0, 0),  # one begins after silence
        ((72, 67, 64, 60), (74, 69, 65, 62), 6, 2),  # four voices: six pairs
    ],
)
def test_parallels_are_counted_by_pairs(
    before: tuple[int, ...], after: tuple[int, ...], moves: int, parallel: int
) -> None:
    assert moves_and_parallels(np.array([before, after]).T) == (moves, parallel)


def slow_moves_and_parallels(pitch: np.ndarray) -> tuple[int, int]:
    moves = parallel = 0
    for step in range(1, pitch.shape[1]):
        for upper in range(4):
            for lower in range(upper + 1, 4):
                a, b, c, d = (int(pitch[v, t]) for v in (upper, lower) for t in (step - 1, step))
                if 0 not in (a, b, c, d) and a != b and c != d:
                    moves += 1
                    parallel += is_parallel((a, b), (c, d))
    return moves, parallel


def test_parallels_agree_with_a_slow_obvious_version() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        pitch = rng.choice([0, 55, 57, 60, 62, 64, 67, 69, 72], (4, 30))
        assert moves_and_parallels(pitch) == slow_moves_and_parallels(pitch)


@pytest.mark.parametrize(
    ("upper", "lower", "parallel"),
    [
        ((67, 69), (60, 62), True),
        ((79, 69), (60, 50), True),
        ((67, 69), (60, 57), False),  # the other way
        ((67, 67), (60, 60), False),  # nothing moves
        ((67, 72), (60, 65), True),
        ((67, 72), (60, 64), False),  # a fifth into a sixth
        ((60, 62), (67, 69), False),  # crossed voices: a fourth
    ],
)
def test_a_parallel_is_a_fifth_or_octave_kept_in_motion(
    upper: tuple[int, int], lower: tuple[int, int], parallel: bool
) -> None:
    assert is_parallel(upper, lower) is parallel


def test_parallels_are_told_per_100_moves() -> None:
    assert parallels([chorale((72, 67, 64, 60), (74, 69, 65, 62))]) == pytest.approx(100 * 2 / 6)
    assert parallels([chorale((72, 67, 64, 60))]) == 0


@pytest.mark.parametrize(
    ("chord", "chordal"),
    [
        ((72, 67, 64, 48), 1.0),  # C major
        ((72, 67, 62, 49), 0.0),  # C, G, D, C sharp
        ((70, 67, 64, 48), 1.0),  # C seventh
        ((72, 0, 0, 48), 1.0),  # octaves are a part of a triad
        ((61, 0, 0, 48), 0.0),  # a minor second is of none
        ((74, 67, 65, 47), 1.0),  # G seventh
    ],
)
def test_a_beat_is_chordal_when_its_pitch_classes_form_a_chord(chord: tuple[int, ...], chordal: float) -> None:
    assert chordal_beats([chorale(chord)]) == chordal


def test_silent_beats_do_not_count_as_chords() -> None:
    assert chordal_beats([chorale((72, 67, 64, 48), (0, 0, 0, 0))]) == 1.0
    assert chordal_beats([chorale((0, 0, 0, 0))]) == 0.0


def test_voices_sounding_is_a_mean_over_time() -> None:
    assert voices_sounding([chorale((72, 67, 64, 48), (72, 0, 0, 48))]) == 3.0


def test_the_histogram_of_pitch_classes_does_not_depend_on_the_key() -> None:
    pieces = [chorale((72, 67, 64, 48), (71, 67, 62, 55), (72, 67, 64, 48))]
    higher = [Chorale(piece.pitch + 5, piece.onset, piece.position, piece.bar) for piece in pieces]
    assert np.allclose(pitch_class_histogram(pieces), pitch_class_histogram(higher))
    assert pitch_class_histogram(pieces).argmax() == 0 or pitch_class_histogram(pieces).argmax() == 7


def test_intervals_and_durations_are_those_of_the_voices() -> None:
    piece = chorale((72, 67, 64, 48), (74, 67, 64, 60), beats=2)
    intervals = interval_histogram([piece])
    assert {int(at) - 12: share for at, share in enumerate(intervals) if share} == {0: 0.5, 2: 0.25, 12: 0.25}
    assert {int(at) + 1: share for at, share in enumerate(duration_histogram([piece])) if share} == {8: 1.0}


def test_overlap_areas_lie_between_nothing_and_all() -> None:
    assert overlap_area(np.array([0.5, 0.5, 0]), np.array([0, 0.5, 0.5])) == 0.5
    piece = [chorale((72, 67, 64, 48), (74, 67, 64, 60))]
    assert all(area == pytest.approx(1) for area in overlaps(piece, piece).values())


def test_a_transposed_copy_is_a_copy() -> None:
    piece = chorale((72, 67, 64, 48), (74, 67, 65, 50), (76, 67, 60, 48), (74, 71, 62, 55))
    higher = Chorale(piece.pitch + 3, piece.onset, piece.position, piece.bar)
    assert copy_rate([higher], [piece]) == 1.0
    changed = higher.pitch.copy()
    changed[1, 8:12] += 1
    assert copy_rate([Chorale(changed, piece.onset, piece.position, piece.bar)], [piece]) == 0.0


def test_bach_is_told_from_bach_shuffled() -> None:
    pieces = read_chorales(SHIPPED, "valid")[:20]
    rng = np.random.default_rng(0)
    mixed = [shuffled(piece, rng) for piece in pieces]
    assert parallels(pieces) < 0.5 < 1.5 < parallels(mixed)
    assert chordal_beats(pieces) > 0.8 > 0.5 > chordal_beats(mixed)
    assert overlaps(mixed, pieces)["duration"] == pytest.approx(1)
    assert overlaps(mixed, pieces)["interval"] < 0.75
