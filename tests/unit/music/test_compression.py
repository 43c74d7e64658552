import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_strategies import scores

from service.music.compression import limit_held_notes, limit_rests
from service.music.score import Meter, Note, Score, Tempo, Track

BEAT = 480  # half a second at 120 bpm


def starts(score: Score) -> list[int]:
    return sorted(note.start for track in score.tracks for note in track.notes)


def one_track(*notes: tuple[float, float]) -> Score:
    return Score((Track(tuple(Note(int(start * BEAT), 60, int(length * BEAT)) for start, length in notes)),))


def test_a_silence_is_cut_to_the_maximum_and_what_follows_moves_forward():
    assert starts(limit_rests(one_track((0, 1), (9, 1), (10, 1)), 1.0)) == [0, 3 * BEAT, 4 * BEAT]


def test_the_silence_before_the_first_note_counts():
    assert starts(limit_rests(one_track((8, 1)), 0)) == [0]


def test_a_silence_is_where_no_track_sounds():
    score = Score((Track((Note(0, 60, BEAT), Note(8 * BEAT, 60, BEAT))), Track((Note(0, 40, 8 * BEAT),))))
    assert limit_rests(score, 0) == score


def test_seconds_are_counted_through_tempo_changes():
    score = Score((Track((Note(0, 60, BEAT), Note(9 * BEAT, 60, BEAT))),), (Tempo(0, 120), Tempo(2 * BEAT, 60)))
    limited = limit_rests(score, 1.5)  # a beat at 120 bpm and a beat at 60 bpm
    assert starts(limited) == [0, 3 * BEAT]
    assert limited.tempos == (Tempo(0, 120), Tempo(2 * BEAT, 60))


def test_a_tempo_and_a_meter_that_begin_in_a_cut_silence_begin_at_the_cut():
    score = Score(
        (Track((Note(0, 60, BEAT), Note(9 * BEAT, 60, BEAT))),),
        (Tempo(0, 120), Tempo(5 * BEAT, 100), Tempo(6 * BEAT, 60)),
        (Meter(0, 4, 4), Meter(8 * BEAT, 3, 4)),
    )
    limited = limit_rests(score, 0.5)
    assert limited.tempos == (Tempo(0, 120), Tempo(2 * BEAT, 60))
    assert limited.meters == (Meter(0, 4, 4), Meter(2 * BEAT, 3, 4))
    assert limited.seconds == pytest.approx(0.5 + 0.5 + 1)


@given(scores(), st.floats(0, 20))
def test_no_silence_is_longer_than_the_maximum_and_no_note_is_changed(score, seconds):
    limited = limit_rests(score, seconds)
    silent_from = 0
    for note in sorted(note for track in limited.tracks for note in track.notes):
        silence = limited.seconds_at(note.start) - limited.seconds_at(min(silent_from, note.start))
        assert silence <= seconds + 1e-6
        silent_from = max(silent_from, note.end)
    kept = [(n.pitch, n.duration, n.velocity) for track in score.tracks for n in track.notes]
    assert [(n.pitch, n.duration, n.velocity) for track in limited.tracks for n in track.notes] == kept


@given(scores())
def test_a_generous_maximum_changes_nothing(score):
    assert limit_rests(score, 1e6) == score
    assert limit_held_notes(score, 1e6) == score


def test_held_notes_are_cut_and_nothing_moves():
    limited = limit_held_notes(one_track((0, 8), (8, 1)), 1.0)
    assert limited.tracks[0].notes == (Note(0, 60, 2 * BEAT), Note(8 * BEAT, 60, BEAT))


@given(scores(), st.floats(0.001, 5))
def test_no_note_is_held_longer_than_the_maximum_but_for_a_single_tick(score, seconds):
    for track in limit_held_notes(score, seconds).tracks:
        for note in track.notes:
            assert note.duration == 1 or score.seconds_at(note.end) - score.seconds_at(note.start) <= seconds + 1e-6


@pytest.mark.parametrize("seconds", [-1, float("nan")])
def test_impossible_maxima_are_refused(seconds):
    with pytest.raises(ValueError, match="seconds"):
        limit_rests(one_track((0, 1)), seconds)
    with pytest.raises(ValueError, match="seconds"):
        limit_held_notes(one_track((0, 1)), seconds)
