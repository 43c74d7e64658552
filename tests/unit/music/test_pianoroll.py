import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.music.pianoroll import (
    HOLD,
    ONSET,
    note_steps,
    roll_to_track,
    rolls_to_score,
    score_to_rolls,
    track_to_roll,
)
from service.music.score import Meter, Note, Score, Tempo, Track


@st.composite
def tracks_on_the_grid(draw) -> Track:
    """Notes on the grid of 16ths, those of one pitch one after another, touching or not."""
    notes = []
    for pitch in draw(st.sets(st.integers(0, 127), min_size=1, max_size=6)):
        step = 0
        for rest, length in draw(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 9)), min_size=1, max_size=6)):
            notes.append(Note((step + rest) * 120, pitch, length * 120))
            step += rest + length
    return Track(tuple(notes))


@given(tracks_on_the_grid())
def test_a_track_on_the_grid_comes_back_from_its_roll(track):
    assert roll_to_track(track_to_roll(track)) == track


@given(st.lists(tracks_on_the_grid(), min_size=1, max_size=3))
def test_a_score_on_the_grid_comes_back_from_its_rolls(tracks):
    score = Score(tuple(tracks), (Tempo(0, 90),), (Meter(0, 4, 4),))
    assert rolls_to_score(score_to_rolls(score), bpm=90) == score


def test_a_repeated_pitch_is_two_onsets_and_a_held_one_is_not():
    repeated = track_to_roll(Track((Note(0, 60, 240), Note(240, 60, 240))))
    held = track_to_roll(Track((Note(0, 60, 480),)))
    assert repeated[ONSET, :, 60].tolist() == [True, False, True, False]
    assert repeated[HOLD, :, 60].tolist() == [False, True, False, True]
    assert held[ONSET, :, 60].tolist() == [True, False, False, False]
    assert held[HOLD, :, 60].tolist() == [False, True, True, True]


def test_a_note_that_begins_where_another_of_its_pitch_sounds_ends_that_other_one():
    track = roll_to_track(track_to_roll(Track((Note(0, 60, 960), Note(240, 60, 120)))))
    assert [(note.start, note.duration) for note in track.notes] == [(0, 240), (240, 120)]


def test_a_hold_without_an_onset_begins_a_note():
    roll = np.zeros((2, 4, 128), dtype=bool)
    roll[HOLD, 1:3, 60] = True
    assert roll_to_track(roll).notes == (Note(120, 60, 240),)


def test_velocity_program_and_drums_are_given_from_outside():
    roll = track_to_roll(Track((Note(0, 36, 120),)))
    assert roll_to_track(roll, velocity=99, program=4, is_drum=True) == Track((Note(0, 36, 120, 99),), 4, True)


def test_what_lies_beyond_the_steps_asked_for_is_cut_off():
    track = Track((Note(0, 60, 960), Note(480, 64, 120)))
    roll = track_to_roll(track, steps=3)
    assert roll.shape == (2, 3, 128)
    assert roll_to_track(roll).notes == (Note(0, 60, 360),)


def test_rolls_are_padded_to_the_length_of_the_score():
    rolls = score_to_rolls(Score((Track((Note(0, 60, 120),)), Track((Note(0, 62, 480),)))))
    assert rolls.shape == (2, 2, 4, 128)
    assert rolls.sum() == 5


def test_no_tracks_are_no_rolls():
    assert score_to_rolls(Score(())).shape == (0, 2, 0, 128)


@pytest.mark.parametrize(
    ("note", "expected"),
    [
        (Note(0, 60, 120), (0, 1)),
        (Note(59, 60, 120), (0, 1)),
        (Note(60, 60, 120), (1, 2)),
        (Note(0, 60, 1), (0, 1)),
        (Note(115, 60, 10), (1, 2)),
    ],
)
def test_times_off_the_grid_go_to_the_nearest_16th(note, expected):
    starts, ends = note_steps([note])
    assert (starts[0], ends[0]) == expected
