import itertools

import pytest
from hypothesis import given
from score_strategies import scores

from service.music.bars import bar_starts
from service.music.metrics import GuideMetrics, guide_metrics, polyphonic_rate
from service.music.score import Meter, Note, Score, Track

BEAT, BAR = 480, 1920


def pitched(*notes: tuple[int, int, int]) -> Track:
    """A track of (start in beats, pitch, length in beats)."""
    return Track(tuple(Note(int(start * BEAT), pitch, int(length * BEAT)) for start, pitch, length in notes))


def drums(*steps: int, key: int = 36) -> Track:
    return Track(tuple(Note(step * 120, key, 60) for step in steps), is_drum=True)


FIGURES = {
    "four quarters of C major in one bar": (
        Score((pitched((0, 60, 1), (1, 62, 1), (2, 64, 1), (3, 65, 1)),)),
        GuideMetrics(4, 4, 0, 0, 1, None),
    ),
    "a bar, a rest of two bars, a bar with a black key": (
        Score((pitched((0, 60, 1), (12, 61, 4)),)),
        GuideMetrics(pitches_used=0.5, pitch_classes_used=0.5, empty_bar_rate=0.5, polyphonic_rate=0,
                     in_scale_ratio=0.5, drum_in_pattern=None),
    ),
    "a note held over three bars begins once and leaves no bar empty": (
        Score((pitched((0, 60, 12)),)),
        GuideMetrics(pitches_used=1 / 3, pitch_classes_used=1, empty_bar_rate=0, polyphonic_rate=0,
                     in_scale_ratio=1, drum_in_pattern=None),
    ),
    "octaves are one pitch class, and two pitches": (
        Score((pitched((0, 60, 2), (0, 72, 1), (3, 60, 1)),)),
        GuideMetrics(pitches_used=3, pitch_classes_used=1, empty_bar_rate=0, polyphonic_rate=4 / 16,
                     in_scale_ratio=1, drum_in_pattern=None),
    ),
    "the same pitch in two tracks is one pitch being played": (
        Score((pitched((0, 60, 4)), pitched((0, 60, 4)))),
        GuideMetrics(2, 1, 0, 0, 1, None),
    ),
    "three of four drum notes on eighths": (
        Score((drums(0, 4, 5, 14),)),
        GuideMetrics(pitches_used=0, pitch_classes_used=0, empty_bar_rate=0, polyphonic_rate=0,
                     in_scale_ratio=None, drum_in_pattern=0.75),
    ),
    "drums fill bars and do not count as pitches": (
        Score((pitched((0, 61, 1)), drums(16 + 0, 16 + 2, 16 + 3, key=61))),
        GuideMetrics(pitches_used=0.5, pitch_classes_used=0.5, empty_bar_rate=0, polyphonic_rate=0,
                     in_scale_ratio=0, drum_in_pattern=2 / 3),
    ),
    "drum notes outside of 4/4 do not count": (
        Score((drums(0, 1, 12, 13, 14),), meters=(Meter(0, 3, 4), Meter(12 * 120, 4, 4))),
        GuideMetrics(0, 0, 0, 0, None, drum_in_pattern=2 / 3),
    ),
    "drums in 3/4 alone have no figure": (
        Score((drums(0, 1),), meters=(Meter(0, 3, 4),)),
        GuideMetrics(0, 0, 0, 0, None, None),
    ),
    "nothing": (Score(()), GuideMetrics(0, 0, 0, 0, None, None)),
}  # fmt: skip


@pytest.mark.parametrize("case", FIGURES)
def test_the_six_figures_are_those_computed_by_hand(case):
    score, expected = FIGURES[case]
    assert guide_metrics(score) == expected


def test_the_empty_bar_rate_is_of_bars_that_are_empty():
    mostly_full = Score((pitched((0, 60, 4), (4, 60, 4), (12, 60, 4)),))
    assert guide_metrics(mostly_full).empty_bar_rate == 0.25


def test_polyphony_is_more_pitches_than_the_threshold():
    triad = Score((pitched((0, 60, 4), (0, 64, 2), (0, 67, 1)),))
    assert [polyphonic_rate(triad, threshold) for threshold in range(4)] == [1, 0.5, 0.25, 0]


def test_drum_notes_a_little_late_are_in_the_pattern():
    late = Score((Track((Note(240 + 50, 36, 60), Note(240 + 70, 36, 60)), is_drum=True),))
    assert guide_metrics(late).drum_in_pattern == 0.5


@pytest.mark.parametrize(
    ("meters", "length", "expected"),
    [
        ((), 4, [0]),
        ((), 5, [0, BAR]),
        ((Meter(0, 3, 4),), 7, [0, 1440, 2880]),
        ((Meter(0, 6, 8),), 6, [0, 1440]),
        ((Meter(0, 4, 4), Meter(BAR, 3, 4)), 10, [0, BAR, BAR + 1440]),
        ((Meter(0, 4, 4), Meter(960, 3, 4)), 5, [0, 960]),  # a change in the middle of a bar
        ((Meter(0, 4, 4), Meter(99_999, 3, 4)), 4, [0]),
    ],
)
def test_bars_follow_the_meter(meters, length, expected):
    assert bar_starts(Score((pitched((0, 60, length)),), meters=meters)).tolist() == expected


def slow_metrics(score: Score) -> GuideMetrics:
    """The same figures, by looking at every bar and step in turn."""
    pitched_notes = [note for track in score.tracks if not track.is_drum for note in track.notes]
    every_note = [note for track in score.tracks for note in track.notes]
    starts = [*bar_starts(score).tolist(), score.end]
    bars = list(itertools.pairwise(starts))

    def sounding(notes, bar):
        return [note for note in notes if note.start < bar[1] and note.end > bar[0]]

    def steps_of(note):
        start = (note.start + 60) // 120
        return range(start, max((note.end + 60) // 120, start + 1))

    steps = max(steps_of(note).stop for note in every_note)
    playing = [{note.pitch for note in pitched_notes if step in steps_of(note)} for step in range(steps)]
    return GuideMetrics(
        pitches_used=len(pitched_notes) / len(bars),
        pitch_classes_used=sum(len({n.pitch % 12 for n in sounding(pitched_notes, bar)}) for bar in bars) / len(bars),
        empty_bar_rate=sum(not sounding(every_note, bar) for bar in bars) / len(bars),
        polyphonic_rate=sum(len(pitches) > 1 for pitches in playing) / steps,
        in_scale_ratio=(
            sum(n.pitch % 12 in (0, 2, 4, 5, 7, 9, 11) for n in pitched_notes) / len(pitched_notes)
            if pitched_notes
            else None
        ),
        drum_in_pattern=guide_metrics(score).drum_in_pattern,
    )


@given(scores())
def test_the_fast_figures_are_those_of_the_slow_and_obvious_way(score):
    assert guide_metrics(score) == slow_metrics(score)
