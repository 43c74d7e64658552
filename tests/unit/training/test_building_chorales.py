"""The pipeline that made the shipped chorales."""

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from service.music.chorales import Chorale, read_chorales

music21 = pytest.importorskip("music21", reason="needs the extra `data`")

ROOT = Path(__file__).parents[3]
SHIPPED = ROOT / "service" / "samples" / "datasets" / "bach" / "chorales.npz"


@pytest.fixture(scope="module")
def pipeline() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_chorales", ROOT / "data" / "build_chorales.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", ["bwv269.mxl", "bwv10.7.mxl"])
def test_a_piece_is_read_as_it_was_shipped(pipeline: ModuleType, name: str) -> None:
    shipped = {piece.name: piece for piece in read_chorales(SHIPPED)}
    read = pipeline.read_piece(name, shipped[name].split)
    for column in ("pitch", "onset", "position", "bar"):
        assert np.array_equal(getattr(read, column), getattr(shipped[name], column))


def test_the_shipped_pieces_are_those_of_the_split() -> None:
    split = json.loads((ROOT / "data" / "chorales-split.json").read_text())
    assert {piece.name: piece.split for piece in read_chorales(SHIPPED)} == split


def part(*lengths: float) -> "music21.stream.Part":
    """Notes on C4, D4, E4 … of so many quarters, barred in 4/4."""
    stream = music21.stream.Part()
    stream.append(music21.meter.TimeSignature("4/4"))
    for index, length in enumerate(lengths):
        stream.append(music21.note.Note(60 + 2 * index, quarterLength=length))
    return stream.makeNotation()


def test_notes_are_sampled_at_16ths(pipeline: ModuleType) -> None:
    pitch, onset = pipeline._sample(part(1, 0.5, 0.5), 8)
    assert pitch.tolist() == [60, 60, 60, 60, 62, 62, 64, 64]
    assert np.flatnonzero(onset).tolist() == [0, 4, 6]


def test_a_note_tied_over_a_bar_line_is_one_note(pipeline: ModuleType) -> None:
    pitch, onset = pipeline._sample(part(3, 2, 3), 32)
    assert np.flatnonzero(onset).tolist() == [0, 12, 20]
    assert pitch[15] == pitch[16] == 62


def test_a_pickup_ends_at_the_bar_line(pipeline: ModuleType) -> None:
    stream = music21.stream.Part()
    first, second = music21.stream.Measure(number=0), music21.stream.Measure(number=1)
    first.append(music21.meter.TimeSignature("4/4"))
    first.append(music21.note.Note(60, quarterLength=1))
    second.append(music21.note.Note(62, quarterLength=4))
    stream.append([first, second])
    position, bar = pipeline._bars(stream, 20)
    assert position.tolist() == [12, 13, 14, 15, *range(16)]
    assert set(bar.tolist()) == {16}


def line(*pitches: int, split: str, name: str) -> Chorale:
    pitch = np.tile(np.array(pitches), (4, 1))
    steps = len(pitches)
    return Chorale(pitch, np.ones((4, steps), bool), np.arange(steps) % 16, np.full(steps, 16), name, split)


def test_a_transposed_tune_of_a_training_piece_is_seen(pipeline: ModuleType) -> None:
    tune = [60, 62, 64, 65, 67, 65, 64, 62, 60, 67, 60, 72]
    pieces = [
        line(*tune, split="train", name="own"),
        line(*(pitch + 3 for pitch in tune), split="test", name="moved"),
        line(*range(60, 72), split="test", name="other"),
    ]
    assert pipeline.seen_tunes(pieces) == {"own": True, "moved": True, "other": False}
