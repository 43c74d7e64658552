import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from score_strategies import notes

from service.music.rhythm import quantize, rhythm_grid
from service.music.score import Note


def played(*starts: int) -> list[Note]:
    return [Note(start, 60, 100) for start in starts]


def starts(corrected: list[Note]) -> list[int]:
    return [note.start for note in corrected]


@pytest.mark.parametrize(
    ("times", "grid"),
    [
        ((0, 480, 960), 480),
        ((20, 450, 1050), 480),  # quarters, played loosely
        ((0, 240, 480), 240),
        ((10, 270, 460), 240),
        ((0, 720, 960), 240),  # a dotted quarter
        ((0, 360, 480), 120),  # a dotted eighth and a 16th
        ((0, 160, 320, 480), 160),  # a triplet
        ((5, 150, 330, 470), 160),
        ((0, 120, 240, 360), 120),
        ((0, 160, 240), 120),  # neither
        ((), 480),
    ],
)
def test_the_grid_is_the_coarsest_that_every_note_is_close_to(times, grid):
    assert rhythm_grid(played(*times)) == grid


@pytest.mark.parametrize(
    ("note", "grid", "strength", "expected"),
    [
        (Note(0, 60, 480), 120, 1, (0, 480)),
        (Note(59, 60, 100), 120, 1, (0, 120)),
        (Note(60, 60, 100), 120, 1, (120, 120)),  # halfway goes up
        (Note(470, 60, 505), 120, 1, (480, 480)),
        (Note(10, 60, 20), 120, 1, (0, 120)),  # a note keeps a cell
        (Note(200, 60, 300), 480, 1, (0, 480)),
        (Note(250, 60, 20), 480, 1, (480, 120)),  # moved past its end
        (Note(440, 60, 200), 480, 1, (480, 120)),  # ends go to 16ths
        (Note(40, 60, 480), 120, 0.5, (20, 480)),
        (Note(40, 60, 480), 120, 0, (40, 480)),
        (Note(150, 60, 160), 160, 1, (160, 160)),  # a triplet's end is its own
    ],
)
def test_starts_go_to_the_grid_and_ends_to_16ths(note, grid, strength, expected):
    (moved,) = quantize([note], grid, strength)
    assert (moved.start, moved.duration) == expected


def test_a_loosely_played_melody_is_put_right():
    written = [Note(480 * index, 60 + index % 7, 480) for index in range(16)]
    hand = random.Random(7)
    loose = [
        Note(max(0, n.start + hand.randint(-90, 90)), n.pitch, n.duration + hand.randint(-30, 30)) for n in written
    ]
    assert starts(loose) != starts(written)
    assert starts(quantize(loose)) == starts(written)


def test_dotted_rhythms_triplets_and_16ths_are_kept():
    for rhythm in ((0, 360, 480, 840), (0, 160, 320, 480), (0, 120, 240, 480), (0, 720, 960)):
        assert starts(quantize(played(*rhythm))) == list(rhythm)


@given(st.lists(st.integers(0, 200), max_size=20))
def test_what_is_on_16ths_stays_there(steps):
    assert starts(quantize(played(*(step * 120 for step in steps)))) == [step * 120 for step in steps]


@given(st.lists(notes(), max_size=20), st.sampled_from((480, 240, 160, 120, 60)))
def test_every_note_goes_to_its_nearest_line_and_then_rests(loose, grid):
    corrected = quantize(loose, grid)
    assert all(note.start % grid == 0 and note.duration > 0 for note in corrected)
    assert all(abs(after.start - before.start) <= grid / 2 for before, after in zip(loose, corrected, strict=True))
    assert quantize(corrected, grid) == corrected


@given(st.lists(notes(), max_size=20))
def test_what_has_been_corrected_needs_no_correction(loose):
    corrected = quantize(loose)
    assert quantize(corrected) == corrected


@given(st.lists(notes(), max_size=20))
def test_no_strength_is_no_change(loose):
    assert quantize(loose, strength=0) == loose
