"""Enhancing melodies with the shipped model: what is kept, what is promised, and that it is music."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from service.compose import ComposeRequest, ComposeResult, compose, load_model
from service.compose_ar_cnn import compiled, spans_of
from service.evaluate import CHORALES
from service.music.chorale_metrics import chordal_beats, voices_sounding
from service.music.chorales import from_score, read_chorales
from service.music.midi import read_midi
from service.music.score import Meter, Note, Score, Tempo, Track
from service.music.voicing import first_bars
from service.nn.ar_cnn_grid import batch, hide_uniformly, windows_of
from service.nn.checkpoint import CheckpointError
from service.samples import melody_midi, model_directory

torch.set_num_threads(1)
MODEL = model_directory("ar-cnn-bach")
BEAT = 480


def enhance(melody: Score, locked: tuple[tuple[int, int], ...] = (), **parameters: float) -> ComposeResult:
    return compose(ComposeRequest(melody, MODEL, "AR-CNN", {"seed": 1, **parameters}, locked))


def line(*pitches: int, beats: float = 1, start: int = 0, program: int = 0) -> Score:
    length = int(beats * BEAT)
    notes = tuple(Note(start + at * length, pitch, length, 90) for at, pitch in enumerate(pitches))
    return Score((Track(notes, program),))


def notes_of(score: Score) -> Counter[Note]:
    return Counter(note for track in score.tracks if not track.is_drum for note in track.notes)


TUNE = line(64, 64, 65, 67, 67, 65, 64, 62)


def test_defaults_turn_a_bare_melody_into_four_full_parts() -> None:
    melody = read_midi(melody_midi("ode-to-joy"))
    result = enhance(melody)
    chorale = from_score(result.score)
    assert [track.name for track in result.score.tracks] == ["Soprano", "Alto", "Tenor", "Bass"]
    assert voices_sounding([chorale]) > 3.8
    assert chordal_beats([chorale]) > 0.85
    assert result.report["notesAdded"] > 60


def test_the_melody_stays_recognisable_by_default() -> None:
    melody = first_bars(read_midi(melody_midi("ode-to-joy")), 8)
    assert (notes_of(melody) - notes_of(enhance(melody).score)).total() <= melody.note_count // 10


def test_a_seed_reproduces_every_note() -> None:
    assert enhance(TUNE, samplingIterations=15) == enhance(TUNE, samplingIterations=15)


def test_another_seed_makes_other_music() -> None:
    assert enhance(TUNE, samplingIterations=15).score != enhance(TUNE, samplingIterations=15, seed=2).score


def test_a_seed_is_chosen_and_told_when_none_is_given() -> None:
    chosen = compose(ComposeRequest(TUNE, MODEL, "AR-CNN", {"samplingIterations": 6}))
    again = enhance(TUNE, samplingIterations=6, seed=chosen.report["seed"])
    assert chosen == again


def test_no_iterations_leave_the_input_unchanged() -> None:
    result = enhance(TUNE, samplingIterations=0)
    assert result.score == TUNE
    assert result.report["notesAdded"] == result.report["notesRemoved"] == 0


@given(
    pitches=st.lists(st.integers(0, 127), min_size=1, max_size=12),
    percentage=st.integers(0, 100),
    iterations=st.integers(0, 12),
    temperature=st.floats(0.5, 6),
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_budgets_hold_exactly_for_any_line(
    pitches: list[int], percentage: int, iterations: int, temperature: float
) -> None:
    melody = line(*pitches, beats=0.5)
    result = enhance(
        melody,
        maxPercentageOfInitialNotesRemoved=percentage,
        samplingIterations=iterations,
        temperature=temperature,
    )
    before, after = notes_of(melody), notes_of(result.score)
    removed, added = (before - after).total(), (after - before).total()
    assert removed == result.report["notesRemoved"] <= percentage * len(pitches) // 100
    assert added == result.report["notesAdded"]
    assert added + removed <= result.report["iterations"] <= iterations


def test_wrong_notes_are_removed_when_allowed_and_kept_when_not() -> None:
    tune = [67, 67, 69, 71, 72, 71, 69, 67, 69, 67, 66, 67]
    wrong = list(tune)
    wrong[5] = 61  # a C sharp far below
    allowed = enhance(line(*wrong), samplingIterations=60)
    forbidden = enhance(line(*wrong), samplingIterations=60, maxPercentageOfInitialNotesRemoved=0)
    assert Note(5 * BEAT, 61, BEAT, 90) not in notes_of(allowed.score)
    assert not notes_of(line(*wrong)) - notes_of(forbidden.score)


def test_locked_notes_are_never_touched() -> None:
    chromatic = line(60, 61, 66, 63, 70, 65, 61, 68)
    locked = tuple((note.start, note.pitch) for note in chromatic.tracks[0].notes)
    result = enhance(chromatic, locked, temperature=6, samplingIterations=40)
    assert not notes_of(chromatic) - notes_of(result.score)


def test_input_notes_keep_their_exact_time_and_velocity() -> None:
    triplets = Score((Track(tuple(Note(at * 160 + 7, 72 - at % 3, 151, 33 + at) for at in range(24))),))
    result = enhance(triplets, samplingIterations=20, maxPercentageOfInitialNotesRemoved=0)
    assert not notes_of(triplets) - notes_of(result.score)


def test_tempo_meter_and_the_melody_s_instrument_are_kept() -> None:
    melody = Score((Track(TUNE.tracks[0].notes, program=73),), (Tempo(0, 72.0), Tempo(960, 90.0)), (Meter(0, 3, 4),))
    result = enhance(melody, samplingIterations=8)
    assert result.score.tempos == melody.tempos
    assert result.score.meters == melody.meters
    assert result.score.tracks[0].program == 73


@pytest.mark.parametrize("bars", [1, 2])
def test_only_the_first_bars_are_used(bars: int) -> None:
    melody = line(*[67, 69, 71, 72] * 4)
    result = enhance(melody, maxInputBars=bars, samplingIterations=10)
    assert result.score.end <= bars * 4 * BEAT
    assert result.report["notesInput"] == bars * 4


def test_input_longer_than_the_network_s_window_changes_all_along() -> None:
    melody = line(*[67, 69, 71, 72, 71, 69] * 12)  # 18 bars
    result = enhance(melody, maxInputBars=64, maxPercentageOfInitialNotesRemoved=0, samplingIterations=60)
    starts = [note.start // (4 * BEAT) for note in (notes_of(result.score) - notes_of(melody)).elements()]
    assert result.report["notesInput"] == 72
    assert {bar // 6 for bar in starts} == {0, 1, 2}


@pytest.mark.parametrize("octaves", [-3, -1, 1, 3])
def test_music_far_from_a_choir_s_range_is_enhanced_where_it_lies(octaves: int) -> None:
    near = enhance(TUNE, samplingIterations=10)
    moved = Score(tuple(track.with_notes(_up(track, 12 * octaves)) for track in TUNE.tracks))
    far = enhance(moved, samplingIterations=10)
    assert far.report["notesAdded"] == near.report["notesAdded"] > 0
    assert all(0 <= note.pitch <= 127 for note in notes_of(far.score))


def _up(track: Track, semitones: int) -> list[Note]:
    return [Note(note.start, note.pitch + semitones, note.duration, note.velocity) for note in track.notes]


def test_thick_chords_pass_through() -> None:
    chord = Score((Track(tuple(Note(0, pitch, 1920) for pitch in (48, 55, 60, 64, 67, 72))),))
    result = enhance(chord, maxPercentageOfInitialNotesRemoved=0, samplingIterations=5)
    assert not notes_of(chord) - notes_of(result.score)


def test_drums_pass_through_and_other_tracks_are_taken_together() -> None:
    drums = Track(tuple(Note(at * BEAT, 36, 100) for at in range(8)), is_drum=True, name="Kit")
    bass = Track(tuple(Note(at * 2 * BEAT, 48 + at, 2 * BEAT) for at in range(4)), program=32)
    result = enhance(Score((*TUNE.tracks, bass, drums)), maxPercentageOfInitialNotesRemoved=0, samplingIterations=10)
    assert drums in result.score.tracks
    assert result.report["notesInput"] == 12
    assert not notes_of(Score((*TUNE.tracks, bass))) - notes_of(result.score)


@pytest.mark.parametrize("meter", [Meter(0, 3, 4), Meter(0, 6, 8), Meter(0, 5, 8), Meter(0, 7, 16), Meter(0, 3, 2)])
def test_any_meter_is_understood(meter: Meter) -> None:
    result = enhance(Score(TUNE.tracks, meters=(meter,)), samplingIterations=5)
    assert result.report["notesAdded"] > 0


def test_the_compiled_model_gives_the_model_s_own_numbers() -> None:
    model = load_model(MODEL)
    windows = list(windows_of(read_chorales(CHORALES, "valid")[:2], 128))
    for each in windows[:3]:
        seen = batch([each], [hide_uniformly(np.random.default_rng(0), each.inside)])
        with torch.inference_mode():
            assert torch.allclose(compiled(model)(*seen), model(*seen), atol=1e-4)


def test_only_drums_is_an_input_that_cannot_be_enhanced() -> None:
    with pytest.raises(ValueError, match="no notes but drums"):
        enhance(Score((Track((Note(0, 36, 100),), is_drum=True),)))


def test_music_that_begins_after_the_bars_used_cannot_be_enhanced() -> None:
    with pytest.raises(ValueError, match="first 2 bars"):
        enhance(line(60, start=16 * BEAT), maxInputBars=2)


def test_an_unknown_algorithm_is_named() -> None:
    with pytest.raises(ValueError, match="no algorithm Markov"):
        compose(ComposeRequest(TUNE, MODEL, "Markov", {}))


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no readable model"):
        compose(ComposeRequest(TUNE, tmp_path, "AR-CNN", {}))


@given(steps=st.integers(1, 1100))
def test_every_step_belongs_to_exactly_one_span(steps: int) -> None:
    spans = spans_of(steps)
    assert [step for span in spans for step in range(span.low, span.high)] == list(range(steps))
    assert all(span.start <= span.low and span.high <= span.start + 128 for span in spans)
