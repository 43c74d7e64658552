import importlib.util
import json
from pathlib import Path

import pytest

from service import samples
from service.music.bars import bar_starts
from service.music.midi import read_midi
from service.music.theory import PITCH_CLASS_NAMES, Key, Mode, best_diatonic_key, in_scale, pitch_class_weights
from service.samples import melody_midi, model_directory, sample_melodies, sample_model, sample_models

ROOT = Path(__file__).parents[3]
MELODIES = ROOT / "service/samples/melodies"


def load_builder():
    spec = importlib.util.spec_from_file_location("build_melodies", ROOT / "data/build_melodies.py")
    builder = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(builder)
    return builder


builder = load_builder()


def test_the_shipped_files_are_what_the_text_scores_notate():
    shipped = {path.name: path.read_bytes() for path in MELODIES.iterdir()}
    assert shipped == builder.build()


def test_the_melodies_everyone_expects_are_there_and_some_for_transformers():
    ids = {melody.id for melody in sample_melodies()}
    assert len(ids) >= 8
    assert ids >= {
        "ode-to-joy",
        "twinkle-twinkle",
        "mary-had-a-little-lamb",
        "deck-the-halls",
        "new-world-largo",
    }
    assert sum("Transformers" in melody.recommended_for for melody in sample_melodies()) >= 4
    assert sum("AR-CNN" in melody.recommended_for for melody in sample_melodies()) >= 5


@pytest.mark.parametrize("melody", sample_melodies(), ids=lambda melody: melody.id)
def test_a_melody_is_small_and_long_enough_and_what_its_entry_says(melody):
    data = melody_midi(melody.id)
    score = read_midi(data)
    assert len(data) < 10_240
    assert melody.bars == len(bar_starts(score)) >= 8
    assert melody.seconds == pytest.approx(score.seconds, abs=0.01)
    assert melody.tempo == score.tempos[0].bpm
    assert melody.meter == f"{score.meters[0].numerator}/{score.meters[0].denominator}"
    assert melody.license == "Public domain"
    assert melody.name
    assert melody.composer


@pytest.mark.parametrize("melody", sample_melodies(), ids=lambda melody: melody.id)
def test_the_key_of_a_melody_is_that_of_its_notes(melody):
    tonic, mode = melody.key.split()
    key = Key(PITCH_CLASS_NAMES.index(tonic), Mode(mode))
    notes = [note for track in read_midi(melody_midi(melody.id)).tracks for note in track.notes]
    assert in_scale((note.pitch for note in notes), key) > 0.75
    if melody.id != "invention-in-c":  # which soon goes over to G major
        weights = pitch_class_weights((note.pitch, note.duration) for note in notes)
        assert best_diatonic_key(weights).scale == key.scale


@pytest.mark.parametrize(
    ("melody_id", "opening"),
    [
        ("ode-to-joy", [66, 66, 67, 69, 69, 67, 66, 64]),
        ("twinkle-twinkle", [60, 60, 67, 67, 69, 69, 67]),
        ("mary-had-a-little-lamb", [64, 62, 60, 62, 64, 64, 64]),
        ("deck-the-halls", [72, 70, 69, 67, 65, 67, 69, 65]),
        ("new-world-largo", [65, 68, 68, 65, 63, 61]),
        ("fur-elise", [76, 75, 76, 75, 76, 71, 74, 72, 69]),
        ("minuet-in-g", [74, 67, 69, 71, 72, 74, 67, 67]),
    ],
)
def test_a_melody_opens_as_everyone_knows_it(melody_id, opening):
    notes = read_midi(melody_midi(melody_id)).tracks[0].notes
    assert [note.pitch for note in notes][: len(opening)] == opening


def test_an_unknown_melody_is_a_key_error():
    for unknown in ("", "ode", "../melodies/ode-to-joy", "index"):
        with pytest.raises(KeyError):
            melody_midi(unknown)


@pytest.mark.parametrize(
    ("bar", "reason"),
    [
        ("C4/4 C4", "does not fill 4/4"),
        ("C4/1 C4", "does not fill 4/4"),
        ("C4/2 H4", "not a note"),
        ("C4/4 C4 C4 (C4", "not a note"),
    ],
)
def test_a_slip_in_a_text_score_is_found(bar, reason):
    with pytest.raises(builder.NotationError, match=reason):
        builder.read_tune(f"meter: 4/4\ntempo: 100\n\ntrack Piano, program 0\nvoice\n{bar}\n")


def test_the_notation_knows_lengths_dots_chords_ties_rests_and_repetitions():
    text = "meter: 4/4\ntempo: 100\n\ntrack P, program 5\nvoice\nC4/4. D4/8 [E4 G4]/4 r | (F#4/8 r)x3 Bb3/4~ | Bb3/1\n"
    (track,) = builder.read_tune(text).score.tracks
    assert [(note.start, note.pitch, note.duration) for note in track.notes] == [
        (0, 60, 720),
        (720, 62, 240),
        (960, 64, 480),
        (960, 67, 480),
        (1920, 66, 240),
        (2400, 66, 240),
        (2880, 66, 240),
        (3360, 58, 2400),
    ]
    assert (track.name, track.program) == ("P", 5)


CARD = {
    "modelId": "test-model",
    "name": "Test",
    "algorithm": "AR-CNN",
    "dataSet": "bach",
    "description": "For this test.",
    "created": "2026-01-01T00:00:00Z",
    "license": "Apache-2.0",
    "figures": {"test nats per cell": 0.5},
    "trainingHyperParameters": {"epochs": 3},
    "weightsBytes": 12,
}


@pytest.fixture
def models_folder(tmp_path, monkeypatch):
    (tmp_path / "test-model").mkdir()
    (tmp_path / "test-model/card.json").write_text(json.dumps(CARD))
    (tmp_path / "no-card").mkdir()
    monkeypatch.setattr(samples, "_MODELS", tmp_path)
    sample_models.cache_clear()
    yield tmp_path
    sample_models.cache_clear()


def test_a_model_is_what_its_card_says(models_folder):
    (model,) = sample_models()
    assert model == sample_model("test-model")
    assert (model.id, model.algorithm, model.data_set, model.weights_bytes) == ("test-model", "AR-CNN", "bach", 12)
    assert model.figures == CARD["figures"]
    assert model_directory("test-model") == models_folder / "test-model"


def test_an_unknown_model_is_a_key_error(models_folder):
    for unknown in ("", "no-card", "..", "test-model/../test-model"):
        with pytest.raises(KeyError):
            sample_model(unknown)
        with pytest.raises(KeyError):
            model_directory(unknown)


def test_what_ships_has_a_card_for_every_model():
    folders = [path for path in (ROOT / "service/samples/models").glob("*") if path.is_dir()]
    assert {model.id for model in sample_models()} == {folder.name for folder in folders}
