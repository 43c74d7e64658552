"""Four-part arrays to and from files and scores."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.music.chorales import (
    SILENT,
    Chorale,
    from_score,
    from_voices,
    nearest_step,
    read_chorales,
    to_score,
    write_chorales,
)
from service.music.score import Note, Score, Track
from service.samples import model_directory

SHIPPED = model_directory("ar-cnn-bach").parents[1] / "datasets" / "bach" / "chorales.npz"


@st.composite
def chorales(draw: st.DrawFn) -> Chorale:
    """Any four voices of whole bars; a silence is one beginning, however long."""
    steps = 16 * draw(st.integers(1, 3))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    pitch, onset = np.zeros((4, steps), np.int64), np.zeros((4, steps), bool)
    for voice in range(4):
        starts = np.flatnonzero(rng.random(steps) < 0.4)
        starts = np.union1d(starts, [0])
        previous = -1
        for start, end in zip(starts, [*starts[1:], steps], strict=True):
            now = SILENT if rng.random() < 0.2 and end < steps else int(rng.integers(40, 80))
            pitch[voice, start:end] = now
            onset[voice, start] = now != SILENT or previous != SILENT
            previous = now
    return Chorale(pitch, onset, np.arange(steps) % 16, np.full(steps, 16))


def same(first: Chorale, second: Chorale) -> bool:
    return all(
        np.array_equal(getattr(first, name), getattr(second, name)) for name in ("pitch", "onset", "position", "bar")
    )


@given(chorale=chorales())
def test_a_chorale_survives_the_way_to_a_score_and_back(chorale: Chorale) -> None:
    assert same(from_score(to_score(chorale)), chorale)


def test_chorales_survive_the_way_to_a_file_and_back(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    pieces = [
        Chorale(rng.integers(36, 81, (4, n)), rng.random((4, n)) < 0.3, np.arange(n) % 12, np.full(n, 12), name, split)
        for n, name, split in ((20, "a", "train"), (8, "b", "test"))
    ]
    write_chorales(tmp_path / "pieces.npz", pieces)
    back = read_chorales(tmp_path / "pieces.npz")
    assert all(same(ours, theirs) for ours, theirs in zip(pieces, back, strict=True))
    assert [(piece.name, piece.split, piece.seen) for piece in back] == [("a", "train", False), ("b", "test", False)]
    assert [piece.name for piece in read_chorales(tmp_path / "pieces.npz", "test")] == ["b"]


def test_a_repeated_pitch_in_a_voice_stays_two_notes() -> None:
    chorale = from_voices([[Note(0, 60, 480), Note(480, 60, 480)], [], [], []], 8)
    assert to_score(chorale).tracks[0].notes == (Note(0, 60, 480), Note(480, 60, 480))


def test_a_pickup_leads_to_a_bar_line() -> None:
    steps = 20
    pitch, onset = np.full((4, steps), 60), np.zeros((4, steps), bool)
    onset[:, ::4] = True
    score = to_score(Chorale(pitch, onset, (np.arange(steps) + 12) % 16, np.full(steps, 16)))
    assert [note.start for note in score.tracks[0].notes] == [1440, 1920, 2400, 2880, 3360]


def test_where_notes_of_a_line_overlap_the_later_one_sounds() -> None:
    chorale = from_voices([[Note(0, 60, 1920), Note(480, 62, 480)], [], [], []], 16)
    assert chorale.pitch[0].tolist() == [60] * 4 + [62] * 4 + [SILENT] * 8


@pytest.mark.parametrize(("tick", "step"), [(0, 0), (59, 0), (60, 1), (120, 1), (179, 1), (180, 2)])
def test_ticks_go_to_the_nearest_16th(tick: int, step: int) -> None:
    assert nearest_step(tick) == step


def test_other_than_four_tracks_are_no_chorale() -> None:
    with pytest.raises(ValueError, match="4 tracks, not 1"):
        from_score(Score((Track((Note(0, 60, 480),)),)))


def test_the_part_of_a_piece_begins_with_notes() -> None:
    chorale = from_voices([[Note(0, 60, 1920)]] * 4, 16)
    part = chorale.part(4, 12)
    assert part.steps == 8
    assert part.onset[:, 0].all()
    assert not chorale.onset[:, 4].any()


def test_the_shipped_chorales_are_split_by_piece_with_plausible_voices() -> None:
    pieces = read_chorales(SHIPPED)
    assert [sum(piece.split == split for piece in pieces) for split in ("train", "valid", "test")] == [207, 65, 71]
    assert len({piece.name for piece in pieces}) == 343
    pitch = np.concatenate([piece.pitch for piece in pieces], axis=1)
    means = [row[row != SILENT].mean() for row in pitch]
    assert means == sorted(means, reverse=True)
    assert (pitch != SILENT).mean() > 0.98
