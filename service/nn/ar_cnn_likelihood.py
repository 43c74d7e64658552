"""The orderless negative log-likelihood of chorales under the AR-CNN."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from service.music.chorales import Chorale
from service.nn.ar_cnn import ARCNN, HOLD, orderless_loss
from service.nn.ar_cnn_grid import WINDOW_STEPS, batch, hide_uniformly, windows_of

_BATCH = 32


@dataclass(frozen=True)
class Likelihood:
    """Nats per cell, each the mean over windows, weighted by their length."""

    nll: float
    nll_of_changes: float  # over the hidden cells where a note or a silence begins
    cells: int  # hidden cells seen


@torch.inference_mode()
def orderless_nll(model: ARCNN, chorales: Sequence[Chorale], mask_seeds: Sequence[int]) -> Likelihood:
    """Each hidden cell given a uniformly random subset of the others, in windows of 128 16ths side by side.

    For each seed every window is seen once, with one random set of hidden cells whose number is uniform.
    """
    was_training = model.training
    model.eval()
    windows = list(windows_of(chorales, WINDOW_STEPS))
    totals = np.zeros(4)
    hidden_cells = 0
    for seed in mask_seeds:
        rng = np.random.default_rng(seed)
        masks = [hide_uniformly(rng, window.inside) for window in windows]
        for start in range(0, len(windows), _BATCH):
            some = slice(start, start + _BATCH)
            cells, hidden, position, edges = batch(windows[some], masks[some])
            logits = model(cells, hidden, position, edges)
            weight = np.array([window.inside.sum() for window in windows[some]], float)
            changes = hidden & (cells != HOLD)
            has_changes = weight * changes.any(dim=2).any(dim=1).numpy()
            totals += [
                orderless_loss(logits, cells, hidden).double().numpy() @ weight,
                weight.sum(),
                orderless_loss(logits, cells, changes).double().numpy() @ has_changes,
                has_changes.sum(),
            ]
            hidden_cells += int(hidden.sum())
    model.train(was_training)
    return Likelihood(totals[0] / totals[1], totals[2] / totals[3], hidden_cells)
