"""Music shared out among four voices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.music.score import Meter, Note, Score, Tempo, Track
from service.music.voicing import first_bars, voice_out

COMMON = (Meter(0, 4, 4),)


def voices_at(notes: list[Note]) -> dict[int, int]:
    """The voice of each pitch."""
    return {each.note.pitch: each.voice for each in voice_out(notes, COMMON).sung}


def chord(*pitches: int) -> list[Note]:
    return [Note(0, pitch, 480) for pitch in pitches]


@pytest.mark.parametrize(
    ("notes", "voices"),
    [
        (chord(64), {64: 0}),
        (chord(72, 67, 64, 48), {72: 0, 67: 1, 64: 2, 48: 3}),
        (chord(72, 48), {72: 0, 48: 3}),
        (chord(76, 72), {76: 0, 72: 1}),
        (chord(72, 60, 48), {72: 0, 60: 2, 48: 3}),
    ],
)
def test_chords_go_to_the_voices_nearest_to_their_notes(notes: list[Note], voices: dict[int, int]) -> None:
    assert voices_at(notes) == voices


def test_a_single_line_is_the_soprano_wherever_it_goes() -> None:
    line = [Note(at * 480, pitch, 480) for at, pitch in enumerate([60, 72, 57, 69])]
    assert {each.voice for each in voice_out(line, COMMON).sung} == {0}


def test_more_than_four_notes_at_once_leave_inner_ones_unsung() -> None:
    voicing = voice_out(chord(76, 72, 67, 64, 60, 48), COMMON)
    assert len(voicing.sung) == 4
    assert {note.pitch for note in voicing.unsung}.isdisjoint({76, 48})


@pytest.mark.parametrize(("pitch", "shift"), [(60, 0), (81, 0), (84, -12), (48, 12), (24, 36), (108, -36)])
def test_lines_out_of_range_are_seen_some_octaves_away(pitch: int, shift: int) -> None:
    voicing = voice_out([Note(0, pitch, 480)], COMMON)
    assert voicing.shift == shift
    assert voicing.sung[0].pitch == pitch + shift


def test_the_grid_begins_on_the_beat_of_the_first_note() -> None:
    voicing = voice_out([Note(1440, 72, 480), Note(1920, 74, 480)], COMMON)
    assert voicing.first_step == 12
    assert voicing.position.tolist() == [12, 13, 14, 15, 0, 1, 2, 3]
    assert [(each.start, each.end) for each in voicing.sung] == [(0, 4), (4, 8)]


def test_places_in_the_bar_follow_changes_of_meter() -> None:
    line = [Note(at * 480, 72, 480) for at in range(7)]
    voicing = voice_out(line, (Meter(0, 4, 4), Meter(1920, 3, 4)))
    assert voicing.bar.tolist() == [16] * 16 + [12] * 12
    assert voicing.position.tolist() == [*range(16), *range(12)]


def test_short_gaps_are_sung_through_and_long_ones_are_not() -> None:
    staccato = [Note(0, 72, 300), Note(480, 74, 480), Note(1920, 76, 480)]
    assert [(each.start, each.end) for each in voice_out(staccato, COMMON).sung] == [(0, 4), (4, 8), (16, 20)]


@given(
    st.lists(st.builds(Note, st.integers(0, 4000), st.integers(0, 127), st.integers(1, 3000)), min_size=1, max_size=40)
)
def test_every_note_is_sung_or_unsung_and_voices_never_overlap(notes: list[Note]) -> None:
    voicing = voice_out(notes, COMMON)
    assert sorted([*(each.note for each in voicing.sung), *voicing.unsung]) == sorted(notes)
    for voice in range(4):
        line = [each for each in voicing.sung if each.voice == voice]
        assert all(0 <= each.start < each.end <= voicing.steps for each in line)
        taken = np.zeros(voicing.steps, int)
        for each in line:
            taken[each.start : each.end] += 1
        assert taken.max(initial=0) <= 1


def test_nothing_cannot_be_voiced() -> None:
    with pytest.raises(ValueError, match="no notes"):
        voice_out([], COMMON)


def test_only_the_first_bars_are_kept_and_notes_are_cut_at_their_end() -> None:
    track = Track((Note(0, 60, 480), Note(1440, 62, 960), Note(1920, 64, 480)))
    score = Score((track,), (Tempo(0, 100), Tempo(1920, 50)), (Meter(0, 4, 4), Meter(1920, 3, 4)))
    used = first_bars(score, 1)
    assert used.tracks[0].notes == (Note(0, 60, 480), Note(1440, 62, 480))
    assert used.tempos == (Tempo(0, 100),)
    assert used.meters == (Meter(0, 4, 4),)
    assert first_bars(score, 2) == score
