"""Rhythm assist: notes moved into time with the beat.

Played rhythm strays from the beat by chance, a written one by halves, quarters and thirds of it. So the grid is the
coarsest one to which every note is close: a melody of quarters goes to the beats even where it strays by nearly a
16th, and eighths, triplets and 16ths stay what they are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from service.music.score import TICKS_PER_BEAT, TICKS_PER_STEP, Note

GRIDS = (TICKS_PER_BEAT, TICKS_PER_BEAT // 2, TICKS_PER_BEAT // 3, TICKS_PER_STEP)  # coarsest first
_CLOSE = 0.2  # of a cell; a 16th lies a quarter of a beat off, so that it never passes for a beat played late


def rhythm_grid(notes: Iterable[Note]) -> int:
    """The grid of the notes' starts, in ticks: beats, eighths or triplets if all are close to it, else 16ths."""
    starts = [note.start for note in notes]
    for grid in GRIDS:
        if all(abs(start - _nearest_line(start, grid)) <= _CLOSE * grid for start in starts):
            return grid
    return TICKS_PER_STEP


def quantize(notes: Sequence[Note], grid: int | None = None, strength: float = 1.0) -> list[Note]:
    """The notes with their starts moved to the nearest line of a grid of so many ticks, halves upwards.

    Without a grid it is the notes' own (see `rhythm_grid`). Ends go to the nearest 16th, or to the lines of a grid that
    has no 16ths, and leave a note one such cell at least. `strength` is the share of the way, 0 to 1.
    """
    if grid is None:
        grid = rhythm_grid(notes)
    end_grid = TICKS_PER_STEP if grid % TICKS_PER_STEP == 0 else grid
    return [_quantized(note, grid, end_grid, strength) for note in notes]


def _quantized(note: Note, grid: int, end_grid: int, strength: float) -> Note:
    start = _nearest_line(note.start, grid)
    end = max(_nearest_line(note.end, end_grid), start + end_grid)
    moved_start = note.start + round((start - note.start) * strength)
    moved_end = note.end + round((end - note.end) * strength)
    return replace(note, start=moved_start, duration=max(moved_end - moved_start, 1))


def _nearest_line(tick: int, grid: int) -> int:
    return (2 * tick + grid) // (2 * grid) * grid
