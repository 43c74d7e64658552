"""What the AR-CNN learns from: random windows of chorales, transposed, with some cells hidden."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from service.music.chorales import SILENT, VOICES, Chorale
from service.nn.ar_cnn import HIGHEST_PITCH, LOWEST_PITCH, STEPS_PER_BEAT, UNKNOWN_POSITION
from service.nn.ar_cnn_grid import (
    WINDOW_STEPS,
    Window,
    batch,
    cells_of,
    hide_notes,
    hide_uniformly,
    hide_voices,
    positions,
    window,
)

MOST_OUTSIDE = 16  # 16ths of padding before or after a piece
MOST_SEMITONES = 6
UNKNOWN_METER_SHARE = 0.1
# Most windows are hidden as they are measured; the others as they are when a melody is given, or notes come one by one.
HIDE_NOTES_SHARE = 0.15
HIDE_VOICES_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class _Piece:
    cells: dict[int, np.ndarray]  # by transposition in semitones
    position: np.ndarray


class Batches:
    """An endless source of batches, determined by the random generator."""

    def __init__(self, chorales: Sequence[Chorale], rng: np.random.Generator):
        self.rng = rng
        low, high = _voice_ranges(chorales)
        self._pieces = [_transposed(chorale, low, high) for chorale in chorales]
        steps = np.array([chorale.steps for chorale in chorales], float)
        self._chances = steps / steps.sum()

    def draw(self, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """The network's four arguments, for `size` windows."""
        windows = [self._window() for _ in range(size)]
        return batch(windows, [self._hide(each) for each in windows])

    def _window(self) -> Window:
        piece = self._pieces[self.rng.choice(len(self._pieces), p=self._chances)]
        cells = piece.cells[int(self.rng.choice(list(piece.cells)))]
        latest = max(cells.shape[1] - WINDOW_STEPS + MOST_OUTSIDE, 0)
        start = int(self.rng.integers(-MOST_OUTSIDE // STEPS_PER_BEAT, latest // STEPS_PER_BEAT + 1)) * STEPS_PER_BEAT
        position = piece.position
        if self.rng.random() < UNKNOWN_METER_SHARE:
            position = np.full_like(position, UNKNOWN_POSITION)
        return window(cells, position, start, WINDOW_STEPS)

    def _hide(self, each: Window) -> np.ndarray:
        kind = self.rng.random()
        if kind < HIDE_NOTES_SHARE:
            return hide_notes(self.rng, each.inside, each.cells)
        if kind < HIDE_NOTES_SHARE + HIDE_VOICES_SHARE:
            return hide_voices(self.rng, each.inside)
        return hide_uniformly(self.rng, each.inside)


def _voice_ranges(chorales: Sequence[Chorale]) -> tuple[np.ndarray, np.ndarray]:
    """The lowest and the highest pitch of each voice in all the pieces."""
    pitch = np.concatenate([chorale.pitch for chorale in chorales], axis=1)
    low = np.where(pitch == SILENT, HIGHEST_PITCH, pitch).min(axis=1)
    return low.clip(LOWEST_PITCH), pitch.max(axis=1).clip(max=HIGHEST_PITCH)


def _transposed(chorale: Chorale, low: np.ndarray, high: np.ndarray) -> _Piece:
    """The piece in every key within half an octave that leaves each voice in its range."""
    own_low, own_high = _voice_ranges([chorale])
    shifts = [
        shift
        for shift in range(-MOST_SEMITONES, MOST_SEMITONES + 1)
        if all(
            low[voice] <= own_low[voice] + shift and own_high[voice] + shift <= high[voice] for voice in range(VOICES)
        )
    ]
    return _Piece({shift: cells_of(chorale, shift) for shift in shifts}, positions(chorale.position, chorale.bar))
