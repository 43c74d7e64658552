"""Chorales as windows of cells, and which cells are hidden."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.music.chorales import Chorale
from service.nn.ar_cnn import FIRST, HOLD, LAST, LOWEST_PITCH, OUTSIDE, REST
from service.nn.ar_cnn_grid import (
    cells_of,
    hide_notes,
    hide_uniformly,
    hide_voices,
    positions,
    window,
    windows_of,
)


def chorale(steps: int = 12) -> Chorale:
    pitch = np.tile(np.array([[72], [67], [60], [48]]), steps)
    pitch[3, 4:8] = 0
    onset = np.zeros((4, steps), bool)
    onset[:, ::4] = True
    return Chorale(pitch, onset, np.arange(steps) % 16, np.full(steps, 16))


def test_cells_are_pitches_rests_and_holds() -> None:
    cells = cells_of(chorale())
    c3 = 48 - LOWEST_PITCH
    assert cells[3].tolist() == [c3, HOLD, HOLD, HOLD, REST, HOLD, HOLD, HOLD, c3, HOLD, HOLD, HOLD]


def test_a_transposition_moves_pitches_and_nothing_else() -> None:
    moved, plain = cells_of(chorale(), shift=2), cells_of(chorale())
    assert np.array_equal(moved - plain, np.where(plain < REST, 2, 0))


def test_a_transposition_out_of_range_is_refused() -> None:
    with pytest.raises(ValueError, match="between 36 and 81"):
        cells_of(chorale(), shift=10)


def test_bars_of_three_beats_have_positions_of_their_own() -> None:
    bar = np.array([16, 16, 12, 12, 24])
    assert positions(np.array([0, 15, 0, 11, 20]), bar).tolist() == [0, 15, 16, 27, 4]


def test_a_window_marks_the_ends_of_the_piece_and_what_is_outside() -> None:
    piece = chorale(12)
    seen = window(cells_of(piece), piece.position, -4, 20)
    assert np.flatnonzero(seen.edges[:, FIRST]).tolist() == [4]
    assert np.flatnonzero(seen.edges[:, LAST]).tolist() == [15]
    assert np.flatnonzero(seen.edges[:, OUTSIDE]).tolist() == [0, 1, 2, 3, 16, 17, 18, 19]
    assert np.array_equal(seen.cells[:, seen.inside], cells_of(piece))


def test_windows_side_by_side_hold_every_step_once() -> None:
    pieces = [chorale(12), chorale(20)]
    assert sum(int(each.inside.sum()) for each in windows_of(pieces, 16)) == 32


@given(seed=st.integers(0, 2**32), inside=st.lists(st.booleans(), min_size=4, max_size=40).filter(any))
def test_something_is_hidden_and_never_outside_the_piece(seed: int, inside: list[bool]) -> None:
    within = np.array(inside)
    cells = np.random.default_rng(seed).integers(0, HOLD + 1, (4, len(inside)))
    rng = np.random.default_rng(seed)
    for hidden in (hide_uniformly(rng, within), hide_notes(rng, within, cells), hide_voices(rng, within)):
        assert hidden.any()
        assert not hidden[:, ~within].any()


def test_the_number_of_hidden_cells_is_uniform() -> None:
    rng = np.random.default_rng(0)
    counts = np.array([hide_uniformly(rng, np.ones(8, bool)).sum() for _ in range(6400)])
    assert counts.min() == 1
    assert counts.max() == 32
    frequency = np.bincount(counts, minlength=33)[1:]
    assert frequency.min() > 140  # 200 expected, standard deviation 14
    assert frequency.max() < 260


def test_whole_notes_are_hidden() -> None:
    cells = cells_of(chorale())
    for seed in range(20):
        hidden = hide_notes(np.random.default_rng(seed), np.ones(12, bool), cells)
        if hidden.sum() > 1:
            by_note = hidden.reshape(4, 3, 4)
            assert (by_note.all(axis=2) == by_note.any(axis=2)).all()
