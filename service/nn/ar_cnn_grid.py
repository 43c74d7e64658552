"""Chorales as the AR-CNN sees them: windows of cells, and which of the cells are hidden."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from service.music.chorales import SILENT, Chorale
from service.nn.ar_cnn import (
    COMMON_POSITIONS,
    EDGES,
    FIRST,
    HIGHEST_PITCH,
    HOLD,
    LAST,
    LOWEST_PITCH,
    OUTSIDE,
    REST,
    TRIPLE_POSITIONS,
    VOICES,
)

WINDOW_STEPS = 128  # what the network is trained on, measured on and asked about: eight bars of four beats


@dataclass(frozen=True, eq=False)
class Window:
    """A stretch of T 16ths of a piece, of which some may lie outside it."""

    cells: np.ndarray  # (4, T) classes of the network
    position: np.ndarray  # (T,)
    edges: np.ndarray  # (T, EDGES) bool

    @property
    def inside(self) -> np.ndarray:
        """(T,) bool: which 16ths belong to the piece."""
        return ~self.edges[:, OUTSIDE]


def cells_of(chorale: Chorale, shift: int = 0) -> np.ndarray:
    """The classes (4, T) of a chorale, transposed by `shift` semitones.

    Raises ValueError when a pitch leaves the network's range.
    """
    sounding = chorale.pitch != SILENT
    pitch = chorale.pitch + shift
    if np.any(sounding & ((pitch < LOWEST_PITCH) | (pitch > HIGHEST_PITCH))):
        raise ValueError(f"pitches must be between {LOWEST_PITCH} and {HIGHEST_PITCH}")
    cells = np.where(sounding, pitch - LOWEST_PITCH, REST)
    cells = np.where(chorale.onset, cells, HOLD)
    cells[:, 0] = np.where(sounding[:, 0], pitch[:, 0] - LOWEST_PITCH, REST)
    return cells


def positions(position: np.ndarray, bar: np.ndarray) -> np.ndarray:
    """The network's name for each place in a bar: bars of 12 16ths have their own, all others are read in fours."""
    triple = bar == TRIPLE_POSITIONS
    return np.where(triple, COMMON_POSITIONS + position % TRIPLE_POSITIONS, position % COMMON_POSITIONS)


def window(cells: np.ndarray, position: np.ndarray, start: int, steps: int) -> Window:
    """`steps` 16ths of a piece (its `cells` and `positions`) from `start` on, which may be negative."""
    length = cells.shape[1]
    step = np.arange(start, start + steps)
    inside = (step >= 0) & (step < length)
    within = step.clip(0, length - 1)
    edges = np.zeros((steps, EDGES), bool)
    edges[:, FIRST], edges[:, LAST], edges[:, OUTSIDE] = step == 0, step == length - 1, ~inside
    return Window(np.where(inside, cells[:, within], HOLD), np.where(inside, position[within], -1), edges)


def windows_of(chorales: Sequence[Chorale], steps: int) -> Iterator[Window]:
    """Windows side by side over each piece; the last of a piece may reach beyond its end."""
    for chorale in chorales:
        cells, position = cells_of(chorale), positions(chorale.position, chorale.bar)
        for start in range(0, chorale.steps, steps):
            yield window(cells, position, start, steps)


def hide_uniformly(rng: np.random.Generator, inside: np.ndarray) -> np.ndarray:
    """A uniformly random number, 1 or more, of uniformly random cells of the piece: (4, T) bool."""
    return _hide(rng, inside, int(rng.integers(1, VOICES * int(inside.sum()) + 1)))


def _hide(rng: np.random.Generator, inside: np.ndarray, count: int) -> np.ndarray:
    candidates = np.flatnonzero(np.broadcast_to(inside, (VOICES, len(inside))))
    hidden = np.zeros(VOICES * len(inside), bool)
    hidden[rng.permutation(candidates)[:count]] = True
    return hidden.reshape(VOICES, -1)


def hide_notes(rng: np.random.Generator, inside: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """Whole notes, a random share of them: what composing note by note leaves hidden. (4, T) bool."""
    note = np.cumsum(cells != HOLD, axis=1) + np.arange(VOICES)[:, None] * (cells.shape[1] + 1)
    chosen = rng.random(VOICES * (cells.shape[1] + 1)) < rng.random()
    return _or_one_cell(rng, chosen[note] & inside, inside)


def hide_voices(rng: np.random.Generator, inside: np.ndarray) -> np.ndarray:
    """One to four whole voices, or a random share of their cells: (4, T) bool."""
    voices = rng.permutation(VOICES)[: rng.integers(1, VOICES + 1)]
    share = 1.0 if rng.random() < 0.5 else rng.uniform(0.3, 1.0)
    hidden = np.zeros((VOICES, len(inside)), bool)
    hidden[voices] = rng.random((len(voices), len(inside))) < share
    return _or_one_cell(rng, hidden & inside, inside)


def _or_one_cell(rng: np.random.Generator, hidden: np.ndarray, inside: np.ndarray) -> np.ndarray:
    return hidden if hidden.any() else _hide(rng, inside, 1)


def batch(windows: Sequence[Window], hidden: Sequence[np.ndarray]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The network's four arguments: cells, hidden, position, edges."""
    return (
        torch.from_numpy(np.stack([each.cells for each in windows])),
        torch.from_numpy(np.stack(hidden)),
        torch.from_numpy(np.stack([each.position for each in windows])),
        torch.from_numpy(np.stack([each.edges for each in windows])),
    )
