import io

import numpy as np
import pytest
from PIL import Image

from service.music.picture import draw
from service.music.score import Meter, Note, Score, Track

BAR = 1920
MELODY = Track(tuple(Note(i * 480, 60 + 2 * i, 480, 100) for i in range(8)), 0, name="Melody")
BASS = Track(tuple(Note(i * 960, 40, 960, 100) for i in range(4)), 33)
DRUMS = Track(tuple(Note(i * 480, 36 + 6 * (i % 2), 120, 100) for i in range(8)), is_drum=True)


def pixels(score: Score, title: str = "") -> np.ndarray:
    """The picture as an array, shape (height, width, 3)."""
    return np.asarray(Image.open(io.BytesIO(draw(score, title))).convert("RGB")).astype(int)


def near(picture: np.ndarray, colour: tuple[int, int, int], tolerance: int = 40) -> np.ndarray:
    return np.abs(picture - colour).max(axis=2) < tolerance


def roll(score: Score) -> np.ndarray:
    """The picture without title and legend."""
    return pixels(score)[70:-70]


BLUE, RED = (58, 110, 220), (226, 92, 66)


def test_a_picture_is_a_png_of_reasonable_size():
    data = draw(Score((MELODY, BASS, DRUMS)), "Ode")
    image = Image.open(io.BytesIO(data))
    assert image.format == "PNG"
    assert 300 < image.width <= 1400
    assert 250 < image.height < 1000


def test_the_same_score_gives_the_same_picture():
    assert draw(Score((MELODY, BASS)), "Ode") == draw(Score((MELODY, BASS)), "Ode")


def test_each_track_has_its_colour_in_the_roll():
    picture = roll(Score((MELODY, BASS)))
    assert near(picture, BLUE).sum() > 500
    assert near(picture, RED).sum() > 500
    assert near(roll(Score((MELODY,))), RED).sum() == 0


def test_a_higher_pitch_is_drawn_higher_and_a_later_note_further_right():
    columns = near(roll(Score((MELODY,))), BLUE)
    rows_of = [np.median(np.nonzero(part)[0]) for part in np.array_split(columns[:, 118:-22], 8, axis=1)]
    assert rows_of == sorted(rows_of, reverse=True)
    assert rows_of[0] - rows_of[-1] == pytest.approx(14 * 9, abs=3)  # fourteen semitones of nine pixels


def test_repeated_notes_are_drawn_apart_and_a_held_one_is_not():
    repeated = near(roll(Score((Track((Note(0, 60, 960), Note(960, 60, 960))),))), BLUE, 60)
    held = near(roll(Score((Track((Note(0, 60, BAR),)),))), BLUE, 60)

    def runs(picture: np.ndarray) -> int:
        line = picture[np.flatnonzero(picture.any(axis=1)).mean().astype(int)]
        return int((np.diff(line.astype(int)) == 1).sum())

    assert (runs(repeated), runs(held)) == (2, 1)


def test_a_softer_note_is_paler():
    soft, loud = (pixels(Score((Track((Note(0, 60, BAR, velocity),)),)))[70:-70] for velocity in (10, 127))
    assert near(loud, BLUE, 10).sum() > 500
    assert near(soft, BLUE, 10).sum() == 0
    assert (soft.sum(axis=2) < 3 * 250).sum() > 0


def test_drums_have_a_lane_of_their_own():
    with_drums, without = pixels(Score((MELODY, DRUMS))), pixels(Score((MELODY, MELODY)))
    assert len(with_drums) - len(without) == 16 + 2 * 15
    assert near(with_drums[:-70], RED).sum() > 50


def test_the_title_is_drawn():
    assert (pixels(Score((MELODY,)), "Ode to Joy")[:60] != pixels(Score((MELODY,)), "Largo")[:60]).any()


def test_the_legend_has_a_row_for_every_few_tracks():
    few = pixels(Score(tuple(Track(MELODY.notes, program, name="A long name" * 9) for program in range(2))))
    many = pixels(Score(tuple(Track(MELODY.notes, program, name="A long name" * 9) for program in range(20))))
    assert len(many) > len(few)


@pytest.mark.parametrize(
    "score",
    [
        Score(()),
        Score((Track((Note(0, 0, 1),)),)),
        Score((Track((Note(0, 127, 1), Note(0, 0, 1))),)),
        Score((DRUMS,)),
        Score((Track((Note(480 * 7000, 60, 480),)),)),
        Score((MELODY,), meters=(Meter(0, 1, 64), Meter(1920, 12, 8))),
        Score((Track((Note(0, 60, 480),), name="名前 é"),)),
    ],
)
def test_odd_scores_are_drawn_too_and_never_too_wide(score):
    height, width, _ = pixels(score, "名前 " * 50).shape
    assert width <= 3200
    assert height <= 2000
