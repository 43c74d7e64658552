"""Where the bars of a score lie."""

import numpy as np

from service.music.score import Score


def bar_starts(score: Score) -> np.ndarray:
    """The ticks at which the bars of the score begin, up to its last note's end; shape (bars,), int64.

    A change of meter begins a new bar, also in the middle of one. The last bar may be incomplete.
    """
    changes = [meter.tick for meter in score.meters if meter.tick < score.end]
    ends = [*changes[1:], score.end]
    sections = [
        np.arange(start, end, max(meter.ticks_per_bar, 1), dtype=np.int64)
        for meter, start, end in zip(score.meters, changes, ends, strict=False)
    ]
    return np.concatenate(sections) if sections else np.zeros(0, dtype=np.int64)


def bar_meters(score: Score, starts: np.ndarray) -> list[tuple[int, int]]:
    """The meter, as (numerator, denominator), of each bar that begins at one of `starts`."""
    changes = np.array([meter.tick for meter in score.meters])
    indexes = np.searchsorted(changes, starts, side="right") - 1
    return [(score.meters[index].numerator, score.meters[index].denominator) for index in indexes.tolist()]
