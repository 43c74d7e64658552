import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from midi_bytes import END_OF_TRACK, chunk, event, meter, midi_file, note_off, note_on, one_note, tempo, variable_length
from score_strategies import notes, scores

from service.music.midi import MAX_BYTES, MAX_NOTES, MidiError, read_midi, write_midi
from service.music.score import Meter, Note, Score, Tempo, Track


def read_notes(*events: bytes, division: int = 480) -> list[tuple[int, int, int]]:
    score = read_midi(midi_file(b"".join(events) + END_OF_TRACK, division=division))
    return [(note.start, note.pitch, note.duration) for note in score.tracks[0].notes]


@given(scores())
def test_a_written_score_is_read_back_the_same(score):
    assert read_midi(write_midi(score)) == score


@given(st.lists(notes(), min_size=1, max_size=30))
def test_no_beginning_and_no_end_of_a_note_is_lost_however_notes_overlap(overlapping):
    score = Score((Track(tuple(overlapping)),))
    (track,) = read_midi(write_midi(score)).tracks
    assert sorted((n.start, n.pitch, n.velocity) for n in track.notes) == sorted(
        (n.start, n.pitch, n.velocity) for n in overlapping
    )
    assert sorted((n.pitch, n.end) for n in track.notes) == sorted((n.pitch, n.end) for n in overlapping)


@given(scores())
def test_equal_scores_give_equal_bytes(score):
    assert write_midi(score) == write_midi(Score(score.tracks, score.tempos, score.meters))


def test_fifteen_pitched_tracks_and_drums_each_keep_their_notes_names_and_programs():
    pitched = [Track((Note(0, 40 + i, 480),), program=i, name=f"part {i}") for i in range(15)]
    score = Score((*pitched[:9], Track((Note(0, 36, 120),), 0, True, "drums"), *pitched[9:]))
    assert read_midi(write_midi(score)) == score


def test_drums_are_written_on_channel_ten_and_no_other_track_is():
    pitched = [Track((Note(0, 60, 480),), program=i) for i in range(15)]
    score = Score((*pitched, Track((Note(0, 36, 9),), 0, True)))
    written = write_midi(score)
    assert written.count(bytes([0x99, 36, 80])) == 1
    assert written.count(bytes([0x99])) == 1


def test_a_repeated_pitch_stays_two_notes():
    assert read_notes(note_on(0), note_off(240), note_on(0), note_off(240)) == [(0, 60, 240), (240, 60, 240)]


def test_a_repeated_pitch_whose_first_note_ends_after_the_second_began_stays_two_notes():
    assert read_notes(note_on(0), note_on(240), note_off(60), note_off(180)) == [(0, 60, 300), (240, 60, 240)]


def test_running_status_and_note_on_with_velocity_zero_are_understood():
    assert read_notes(note_on(0), bytes([100, 60, 0]), bytes([0, 62, 90]), bytes([50, 62, 0])) == [
        (0, 60, 100),
        (100, 62, 50),
    ]


@pytest.mark.parametrize(
    ("division", "start", "length", "expected"),
    [
        (480, 480, 240, (480, 240)),
        (96, 96, 48, (480, 240)),
        (960, 1, 2, (1, 1)),  # starts at 0.5 → 1, ends at 1.5 → 2
        (960, 3, 1, (2, 1)),  # starts at 1.5 → 2, ends at 2
        (1000, 333, 333, (160, 160)),  # 159.84 → 160, 319.68 → 320
        (32767, 1, 1, (0, 1)),  # too short for our ticks: keeps one
        (1, 2, 1, (960, 480)),
    ],
)
def test_any_resolution_is_normalised_to_480_ticks_a_beat(division, start, length, expected):
    ((read_start, _, duration),) = read_notes(note_on(start), note_off(length), division=division)
    assert (read_start, duration) == expected


def test_channels_of_one_track_become_tracks_and_channel_ten_the_drums():
    events = [event(0, 0xC0, 40), note_on(0), note_off(480), note_on(0, 36, channel=9), note_off(60, 36, channel=9)]
    score = read_midi(midi_file(b"".join(events) + END_OF_TRACK, midi_format=0))
    assert [(track.program, track.is_drum, len(track.notes)) for track in score.tracks] == [
        (40, False, 1),
        (0, True, 1),
    ]


def test_tempo_and_meter_changes_are_read_at_their_ticks():
    conductor = tempo(0, 500_000) + meter(0, 3, 2) + tempo(960, 666_667) + meter(480, 6, 3) + END_OF_TRACK
    score = read_midi(midi_file(conductor, one_note(3000)))
    assert score.tempos == (Tempo(0, 120.0), Tempo(960, 90.0))
    assert score.meters == (Meter(0, 3, 4), Meter(1440, 6, 8))


def test_of_two_tempos_at_one_tick_the_later_counts():
    score = read_midi(midi_file(tempo(0, 500_000) + tempo(0, 1_000_000) + one_note()))
    assert score.tempos == (Tempo(0, 60.0),)


def test_controllers_system_exclusive_and_unknown_chunks_are_passed_over():
    events = [event(0, 0xB0, 64, 127), event(0, 0xE0, 0, 64), event(0, 0xF0, 3, 1, 2, 0xF7), one_note()]
    data = midi_file(b"".join(events))
    assert read_midi(data[:14] + chunk(b"XFIH", b"abcd") + data[14:]).note_count == 1


def test_a_name_loses_what_cannot_be_printed():
    named = event(0, 0xFF, 0x03, 6, *b"a\x00b\nc\x1b") + one_note()
    assert read_midi(midi_file(named)).tracks[0].name == "abc"


def test_a_name_that_is_not_utf_8_is_still_a_name():
    named = event(0, 0xFF, 0x03, 4, *b"caf\xe9") + one_note()
    assert read_midi(midi_file(named)).tracks[0].name == "caf\N{REPLACEMENT CHARACTER}"


def test_an_endless_name_is_cut():
    named = variable_length(0) + b"\xff\x03" + variable_length(5000) + b"n" * 5000 + one_note()
    assert read_midi(midi_file(named)).tracks[0].name == "n" * 128


HOSTILE = {
    "empty": (b"", "is empty"),
    "text": (b"not music at all", "does not begin with MThd"),
    "half a header": (b"MThd\x00\x00\x00\x06\x00", "header is incomplete"),
    "a header of the wrong length": (chunk(b"MThd", b"\x00\x01")[:8] + bytes(12), "wrong length"),
    "no tracks": (midi_file(), "no notes"),
    "tracks without notes": (midi_file(END_OF_TRACK, END_OF_TRACK), "no notes"),
    "a note that never ends": (midi_file(note_on(0) + END_OF_TRACK), "no notes"),
    "cut short within a track": (midi_file(one_note())[:-5], "longer than what is left"),
    "a track of four gigabytes": (midi_file() + b"MTrk\xff\xff\xff\xff" + one_note(), "longer than what is left"),
    "promised tracks that are missing": (midi_file(one_note(), promised=65_535), "promises 65,535 tracks, and 1"),
    "format 2": (midi_file(one_note(), midi_format=2), "format 2"),
    "film frames": (midi_file(one_note(), division=0xE728), "SMPTE"),
    "no ticks in a beat": (midi_file(one_note(), division=0), "no ticks"),
    "a data byte beyond 127": (midi_file(note_on(0, 188) + note_off(10, 188) + END_OF_TRACK), "damaged"),
    "a note of three days": (midi_file(one_note(0x0FFFFFFF)), "at most 3,600"),
    "deltas beyond 32 bits": (midi_file(one_note(0x0FFFFFFF)[:-4] * 20 + END_OF_TRACK), "cannot be counted"),
    "a tempo without end": (midi_file(tempo(0, 0) + one_note()), "more than 1,000 beats"),
    "a meter without beats": (midi_file(meter(0, 0, 2) + one_note()), "impossible meter"),
    "a meter of endless denominator": (midi_file(meter(0, 4, 255) + one_note()), "impossible meter"),
    "too many notes": (midi_file(one_note(1)[:-4] * (MAX_NOTES + 1) + END_OF_TRACK), "20,001 notes"),
    "too many tracks": (midi_file(*[one_note()] * 65), "65 tracks"),
    "too many bytes": (midi_file(bytes(MAX_BYTES)), "bytes; at most"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_unusable_data_is_refused_with_a_sentence(case):
    data, reason = HOSTILE[case]
    with pytest.raises(MidiError, match=r"^The .*\.$") as refusal:
        read_midi(data)
    assert reason in str(refusal.value)


def test_what_just_meets_the_limits_is_read():
    assert read_midi(midi_file(one_note(1)[:-4] * MAX_NOTES + END_OF_TRACK)).note_count == MAX_NOTES
    assert len(read_midi(midi_file(*[one_note()] * 64)).tracks) == 64
    meters = meter(0, 1, 0) + meter(480, 64, 6) + END_OF_TRACK
    assert read_midi(midi_file(meters, one_note())).meters == (Meter(0, 1, 1), Meter(480, 64, 64))
    assert read_midi(midi_file(tempo(0, 60_000) + one_note())).tempos == (Tempo(0, 1000.0),)


def test_music_without_notes_is_read_when_allowed():
    score = read_midi(midi_file(tempo(0, 1_000_000) + END_OF_TRACK), allow_no_notes=True)
    assert score == Score((), (Tempo(0, 60.0),))


def test_a_full_hour_is_read_and_a_tick_more_is_not():
    hour = 480 * 120 * 60
    assert read_midi(midi_file(one_note(hour))).seconds == 3600
    with pytest.raises(MidiError):
        read_midi(midi_file(one_note(hour + 1)))


def read_or_refuse(data: bytes) -> None:
    try:
        score = read_midi(data)
    except MidiError:
        return
    assert score.note_count > 0
    assert read_midi(write_midi(score)).note_count == score.note_count


@given(st.binary(max_size=400))
@example(b"MThd")
def test_no_track_data_does_worse_than_a_refusal(data):
    read_or_refuse(midi_file(data + END_OF_TRACK))


@given(scores(), st.lists(st.tuples(st.integers(0), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_altered_byte_of_a_file_does_worse_than_a_refusal(score, changes):
    data = bytearray(write_midi(score))
    for position, value in changes:
        data[position % len(data)] = value
    read_or_refuse(bytes(data))


@pytest.mark.parametrize(
    "note", [Note(-1, 60, 10), Note(0, 128, 10), Note(0, -1, 10), Note(0, 60, 0), Note(0, 60, 10, 0)]
)
def test_a_note_that_midi_cannot_say_is_not_written(note):
    with pytest.raises(MidiError, match="cannot be written"):
        write_midi(Score((Track((note,)),)))
