from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_strategies import notes, scores

from service.music.edits import MAX_EDITS, MAX_SWEEPS, Edit, EditError, EditOp, apply_edits
from service.music.midi import MAX_NOTES, read_midi, write_midi
from service.music.score import Note, Score, Tempo, Track

LEAD = Track((Note(0, 60, 480, 90), Note(480, 62, 480), Note(960, 62, 960)), program=0, name="lead")
DRUMS = Track((Note(0, 36, 120),), is_drum=True, name="drums")
SCORE = Score((LEAD, DRUMS), (Tempo(0, 100), Tempo(960, 80)))


def lead_after(**edit) -> tuple[Note, ...]:
    return apply_edits(SCORE, [Edit(**edit)]).tracks[0].notes


def test_no_edits_change_nothing():
    assert apply_edits(SCORE, []) == SCORE


def test_a_note_is_added_with_the_usual_velocity():
    assert Note(100, 64, 50, 80) in lead_after(op=EditOp.ADD_NOTE, track=0, start=100, pitch=64, duration=50)


def test_a_note_is_added_with_its_own_velocity():
    added = Note(100, 64, 50, 11)
    assert added in lead_after(op=EditOp.ADD_NOTE, track=0, start=100, pitch=64, duration=50, velocity=11)


def test_a_note_is_removed():
    assert lead_after(op=EditOp.REMOVE_NOTE, track=0, start=480, pitch=62) == (LEAD.notes[0], LEAD.notes[2])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({"to_start": 240}, Note(240, 60, 480, 90)),
        ({"to_pitch": 72}, Note(0, 72, 480, 90)),
        ({"to_start": 240, "to_pitch": 72}, Note(240, 72, 480, 90)),
        ({"to_start": 0}, Note(0, 60, 480, 90)),
    ],
)
def test_a_note_is_moved_in_time_and_pitch_and_keeps_the_rest(target, expected):
    assert expected in lead_after(op=EditOp.MOVE_NOTE, track=0, start=0, pitch=60, **target)


def test_a_note_is_resized():
    assert Note(0, 60, 77, 90) in lead_after(op=EditOp.RESIZE_NOTE, track=0, start=0, pitch=60, to_duration=77)


def test_the_duration_tells_two_notes_of_one_start_and_pitch_apart():
    twins = Score((Track((Note(0, 60, 100), Note(0, 60, 200), Note(0, 60, 300))),))
    edit = Edit(EditOp.REMOVE_NOTE, track=0, start=0, pitch=60, duration=200)
    assert [note.duration for note in apply_edits(twins, [edit]).tracks[0].notes] == [100, 300]


def test_one_tempo_replaces_all_and_the_notes_stay():
    edited = apply_edits(SCORE, [Edit(EditOp.SET_TEMPO, bpm=160)])
    assert edited == replace(SCORE, tempos=(Tempo(0, 160),))
    assert edited.seconds == SCORE.end / 480 * 60 / 160


def test_transposing_all_leaves_the_drums():
    edited = apply_edits(SCORE, [Edit(EditOp.TRANSPOSE, semitones=-12)])
    assert [note.pitch for note in edited.tracks[0].notes] == [48, 50, 50]
    assert edited.tracks[1] == DRUMS


def test_transposing_one_track_leaves_the_others():
    two = Score((LEAD, LEAD))
    edited = apply_edits(two, [Edit(EditOp.TRANSPOSE, semitones=3, track=1)])
    assert edited.tracks[0] == LEAD
    assert [note.pitch for note in edited.tracks[1].notes] == [63, 65, 65]


def test_rhythm_assist_corrects_each_track_or_the_one_asked_for():
    late = Track((Note(30, 60, 480), Note(505, 62, 470)))
    on_time = Track((Note(0, 60, 480), Note(480, 62, 480)))
    both = apply_edits(Score((late, late)), [Edit(EditOp.QUANTIZE)])
    one = apply_edits(Score((late, late)), [Edit(EditOp.QUANTIZE, track=1)])
    assert both.tracks == (on_time, on_time)
    assert one.tracks == (late, on_time)


def test_rhythm_assist_takes_a_grid_and_a_strength():
    (track,) = apply_edits(
        Score((Track((Note(100, 60, 480),)),)), [Edit(EditOp.QUANTIZE, grid=240, strength=0.5)]
    ).tracks
    assert track.notes == (Note(50, 60, 540),)


def test_an_instrument_is_set():
    assert apply_edits(SCORE, [Edit(EditOp.SET_INSTRUMENT, track=0, program=40)]).tracks[0] == replace(LEAD, program=40)


def test_edits_are_carried_out_in_order():
    edits = [
        Edit(EditOp.ADD_NOTE, track=0, start=2000, pitch=64, duration=480),
        Edit(EditOp.MOVE_NOTE, track=0, start=2000, pitch=64, to_start=1930),
        Edit(EditOp.QUANTIZE, track=0),
        Edit(EditOp.TRANSPOSE, track=0, semitones=1),
        Edit(EditOp.RESIZE_NOTE, track=0, start=1920, pitch=65, to_duration=240),
    ]
    assert apply_edits(SCORE, edits).tracks[0].notes[-1] == Note(1920, 65, 240)


def test_a_track_whose_last_note_is_removed_is_dropped():
    edited = apply_edits(SCORE, [Edit(EditOp.REMOVE_NOTE, track=1, start=0, pitch=36)])
    assert edited == replace(SCORE, tracks=(LEAD,))


WRONG = {
    "a track that is not there": (Edit(EditOp.TRANSPOSE, track=2, semitones=1), "track", "there is no track 2"),
    "a negative track": (Edit(EditOp.TRANSPOSE, track=-1, semitones=1), "track", "from 0"),
    "a missing field": (Edit(EditOp.ADD_NOTE, track=0, start=0, duration=10), "pitch", "is required for ADD_NOTE"),
    "a field without meaning": (Edit(EditOp.SET_TEMPO, bpm=90, pitch=60), "pitch", "has no meaning for SET_TEMPO"),
    "a move to nowhere": (Edit(EditOp.MOVE_NOTE, track=0, start=0, pitch=60), "to_start", "unless a new pitch"),
    "a note that is not there": (Edit(EditOp.REMOVE_NOTE, track=0, start=1, pitch=60), "start", "no note of pitch 60"),
    "a note after the last": (Edit(EditOp.REMOVE_NOTE, track=0, start=9999, pitch=60), "start", "no note of pitch 60"),
    "a note of another length": (
        Edit(EditOp.REMOVE_NOTE, track=0, start=0, pitch=60, duration=481),
        "start",
        "with a duration of 481",
    ),
    "a twin added": (Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=60, duration=10), "start", "already starts"),
    "a twin made in time": (
        Edit(EditOp.MOVE_NOTE, track=0, start=480, pitch=62, to_start=960),
        "to_start",
        "already starts",
    ),
    "a twin made in pitch": (
        Edit(EditOp.MOVE_NOTE, track=0, start=0, pitch=60, to_start=480, to_pitch=62),
        "to_start",
        "already starts",
    ),
    "too slow": (Edit(EditOp.SET_TEMPO, bpm=39.99), "bpm", "from 40 to 160"),
    "too fast": (Edit(EditOp.SET_TEMPO, bpm=160.01), "bpm", "from 40 to 160"),
    "not a number": (Edit(EditOp.SET_TEMPO, bpm=float("nan")), "bpm", "from 40 to 160"),
    "infinite": (Edit(EditOp.SET_TEMPO, bpm=float("inf")), "bpm", "from 40 to 160"),
    "too far up": (Edit(EditOp.TRANSPOSE, semitones=13), "semitones", "from -12 to 12"),
    "a fraction of a semitone": (Edit(EditOp.TRANSPOSE, semitones=0.5), "semitones", "whole number"),
    "true for a number": (Edit(EditOp.TRANSPOSE, semitones=True), "semitones", "whole number"),
    "text for a number": (Edit(EditOp.TRANSPOSE, semitones="1"), "semitones", "whole number"),
    "pitch 128": (Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=128, duration=1), "pitch", "from 0 to 127"),
    "no duration": (Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=1, duration=0), "duration", "from 1"),
    "no velocity": (Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=1, duration=1, velocity=0), "velocity", "from 1"),
    "a start beyond the hour": (
        Edit(EditOp.ADD_NOTE, track=0, start=480 * 80 * 61, pitch=1, duration=1),
        "start",
        "more than 3,600 seconds",
    ),
    "an end beyond the hour": (
        Edit(EditOp.RESIZE_NOTE, track=0, start=0, pitch=60, to_duration=480 * 80 * 61),
        "to_duration",
        "more than 3,600 seconds",
    ),
    "drums transposed": (Edit(EditOp.TRANSPOSE, track=1, semitones=1), "track", "drums"),
    "drums made flutes": (Edit(EditOp.SET_INSTRUMENT, track=1, program=73), "track", "drums"),
    "a program too many": (Edit(EditOp.SET_INSTRUMENT, track=0, program=128), "program", "from 0 to 127"),
    "too much strength": (Edit(EditOp.QUANTIZE, strength=1.5), "strength", "from 0 to 1"),
    "no grid": (Edit(EditOp.QUANTIZE, grid=0), "grid", "from 1"),
}


JUST_RIGHT = [
    Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=0, duration=1, velocity=1),
    Edit(EditOp.ADD_NOTE, track=1, start=0, pitch=127, duration=480, velocity=127),
    Edit(EditOp.ADD_NOTE, track=0, start=480 * 80 * 60 - 4800, pitch=60, duration=1),
    Edit(EditOp.MOVE_NOTE, track=0, start=0, pitch=60, to_start=1, to_pitch=0),
    Edit(EditOp.MOVE_NOTE, track=0, start=480, pitch=62, to_start=0, to_pitch=127),
    Edit(EditOp.RESIZE_NOTE, track=0, start=0, pitch=60, to_duration=1),
    Edit(EditOp.SET_TEMPO, bpm=40),
    Edit(EditOp.SET_TEMPO, bpm=160),
    Edit(EditOp.TRANSPOSE, semitones=-12),
    Edit(EditOp.TRANSPOSE, semitones=12),
    Edit(EditOp.SET_INSTRUMENT, track=0, program=0),
    Edit(EditOp.SET_INSTRUMENT, track=0, program=127),
    Edit(EditOp.QUANTIZE, strength=0, grid=1),
    Edit(EditOp.QUANTIZE, strength=1, grid=1920),
]


@pytest.mark.parametrize("edit", JUST_RIGHT)
def test_the_bounds_themselves_are_allowed(edit):
    assert apply_edits(SCORE, [edit]).note_count >= SCORE.note_count


def test_music_may_fill_the_hour_and_no_tick_more():
    at_60 = Score((Track((Note(0, 60, 480),)),), (Tempo(0, 60),))
    hour = 480 * 3600

    def resized(duration: int) -> Score:
        return apply_edits(at_60, [Edit(EditOp.RESIZE_NOTE, track=0, start=0, pitch=60, to_duration=duration)])

    assert resized(hour).seconds == 3600
    with pytest.raises(EditError, match="3,600"):
        resized(hour + 1)


@pytest.mark.parametrize("case", WRONG)
def test_an_edit_that_breaks_a_rule_is_named_by_index_and_field(case):
    edit, field, reason = WRONG[case]
    good = Edit(EditOp.SET_INSTRUMENT, track=0, program=1)
    with pytest.raises(EditError) as refusal:
        apply_edits(SCORE, [good, edit, good])
    assert (refusal.value.index, refusal.value.field) == (1, field)
    assert reason in refusal.value.message


def test_a_note_may_not_leave_the_range_of_midi():
    high = Score((Track((Note(0, 120, 480),)),))
    with pytest.raises(EditError, match="pitch 120 of track 0") as refusal:
        apply_edits(high, [Edit(EditOp.TRANSPOSE, semitones=8)])
    assert refusal.value.field == "semitones"


def test_slowing_long_music_down_beyond_the_hour_is_refused():
    long = Score((Track((Note(480 * 60 * 50, 60, 480),)),), (Tempo(0, 60),))
    with pytest.raises(EditError, match="more than 3,600 seconds"):
        apply_edits(long, [Edit(EditOp.SET_TEMPO, bpm=40)])


def test_music_without_any_note_is_refused_and_the_last_removal_blamed():
    edits = [
        Edit(EditOp.REMOVE_NOTE, track=0, start=0, pitch=60),
        Edit(EditOp.REMOVE_NOTE, track=0, start=480, pitch=62),
        Edit(EditOp.REMOVE_NOTE, track=0, start=960, pitch=62),
        Edit(EditOp.REMOVE_NOTE, track=1, start=0, pitch=36),
        Edit(EditOp.SET_TEMPO, bpm=90),
    ]
    with pytest.raises(EditError, match="without notes") as refusal:
        apply_edits(SCORE, edits)
    assert refusal.value.index == 3


def test_every_note_may_be_replaced():
    one = Score((Track((Note(0, 60, 480),)),))
    edits = [
        Edit(EditOp.REMOVE_NOTE, track=0, start=0, pitch=60),
        Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=60, duration=240),
    ]
    assert apply_edits(one, edits).tracks[0].notes == (Note(0, 60, 240),)


def test_the_number_of_edits_is_bounded():
    with pytest.raises(EditError, match="at most 1,000") as refusal:
        apply_edits(SCORE, [Edit(EditOp.SET_TEMPO, bpm=90)] * (MAX_EDITS + 1))
    assert refusal.value.index == MAX_EDITS
    with pytest.raises(EditError, match="at most 32") as refusal:
        apply_edits(SCORE, [Edit(EditOp.QUANTIZE)] * (MAX_SWEEPS + 1))
    assert refusal.value.index == MAX_SWEEPS


def test_the_number_of_notes_is_bounded():
    full = Score((Track(tuple(Note(tick, 60, 1) for tick in range(MAX_NOTES))),))
    with pytest.raises(EditError, match="more than 20,000 notes"):
        apply_edits(full, [Edit(EditOp.ADD_NOTE, track=0, start=0, pitch=61, duration=1)])


@given(scores(), st.integers(-12, 12))
def test_transposing_up_and_down_again_changes_nothing(score, semitones):
    there, back = Edit(EditOp.TRANSPOSE, semitones=semitones), Edit(EditOp.TRANSPOSE, semitones=-semitones)
    try:
        moved = apply_edits(score, [there])
    except EditError:
        pitches = [note.pitch for track in score.tracks if not track.is_drum for note in track.notes]
        assert not 0 <= min(pitches) + semitones <= max(pitches) + semitones <= 127
    else:
        assert apply_edits(moved, [back]) == score


@given(scores(), st.data())
def test_adding_a_note_and_removing_it_changes_nothing(score, data):
    note = data.draw(notes())
    track = data.draw(st.integers(0, len(score.tracks) - 1))
    add = Edit(EditOp.ADD_NOTE, track, note.start, note.pitch, note.duration, note.velocity)
    remove = Edit(EditOp.REMOVE_NOTE, track, note.start, note.pitch)
    if any((other.start, other.pitch) == (note.start, note.pitch) for other in score.tracks[track].notes):
        with pytest.raises(EditError, match="already starts"):
            apply_edits(score, [add])
    else:
        assert apply_edits(score, [add]).note_count == score.note_count + 1
        assert apply_edits(score, [add, remove]) == score


@given(scores(), st.data())
def test_what_is_edited_is_what_is_written(score, data):
    track = data.draw(st.integers(0, len(score.tracks) - 1))
    note = data.draw(st.sampled_from(score.tracks[track].notes))
    remove = Edit(EditOp.REMOVE_NOTE, track, note.start, note.pitch)
    if score.note_count > 1:
        edited = apply_edits(score, [remove])
        assert read_midi(write_midi(edited)) == edited
