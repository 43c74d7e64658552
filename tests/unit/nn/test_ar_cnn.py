"""The network: shapes, what it may and may not see, and that it can learn."""

import numpy as np
import pytest
import torch

from service.nn.ar_cnn import (
    ARCNN,
    CLASSES,
    EDGES,
    HOLD,
    PITCHES,
    POSITIONS,
    REST,
    VOICES,
    Config,
    features,
    orderless_loss,
)

torch.set_num_threads(1)
SMALL = Config(widths=(8, 8, 8), blocks=(1, 1, 1), told=8, mixed=2, heads=2, dropout=0.0)


@pytest.fixture
def model() -> ARCNN:
    torch.manual_seed(0)
    return ARCNN(SMALL)


def arguments(steps: int = 32, batch: int = 2, seed: int = 0) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(seed)
    cells = torch.randint(0, CLASSES, (batch, VOICES, steps), generator=generator)
    hidden = torch.rand(batch, VOICES, steps, generator=generator) < 0.5
    position = (torch.arange(steps) % 16).expand(batch, steps)
    edges = torch.zeros(batch, steps, EDGES, dtype=torch.bool)
    return cells, hidden, position, edges


@pytest.mark.parametrize("steps", [4, 32, 128, 200])
def test_any_number_of_beats_gives_logits_for_every_cell(model: ARCNN, steps: int) -> None:
    assert model(*arguments(steps)).shape == (2, VOICES, steps, CLASSES)


def test_the_classes_of_hidden_cells_do_not_matter(model: ARCNN) -> None:
    cells, hidden, position, edges = arguments()
    other = torch.where(hidden, (cells + 7) % CLASSES, cells)
    assert torch.equal(model(cells, hidden, position, edges), model(other, hidden, position, edges))


def test_every_visible_cell_matters(model: ARCNN) -> None:
    cells, _, position, edges = arguments(batch=1)
    hidden = torch.zeros_like(cells, dtype=torch.bool)
    before = model(cells, hidden, position, edges)
    for voice in range(VOICES):
        for step in range(0, cells.shape[-1], 5):
            one_hidden = hidden.clone()
            one_hidden[0, voice, step] = True
            assert not torch.equal(before, model(cells, one_hidden, position, edges))


def test_transposing_the_cells_transposes_the_pitch_classes_inside(model: ARCNN) -> None:
    """The blocks treat pitch classes alike: turning the circle before or after them is the same."""
    circle = torch.randn(2, 16, 12, 8)
    for part in (model.fine_down, model.coarse):
        assert torch.allclose(part(circle).roll(5, dims=2), part(circle.roll(5, dims=2)), atol=1e-5)


def test_a_hold_sounds_as_its_beginning_when_all_between_is_visible() -> None:
    cells = torch.tensor([[[10, HOLD, HOLD, REST, HOLD, 20, HOLD, HOLD]] * VOICES])
    hidden = torch.zeros_like(cells, dtype=torch.bool)
    hidden[..., 6] = True
    sounds, states = features(cells, hidden)
    sounding = [int(row.argmax()) if row.any() else None for row in sounds[0, 0]]
    assert sounding == [10, 10, 10, REST, REST, 20, None, None]
    assert states[0, 0].argmax(dim=-1).tolist() == [0, 1, 1, 0, 1, 0, 2, 1]


def slow_features(cells: np.ndarray, hidden: np.ndarray) -> np.ndarray:
    """The sounds, cell by cell."""
    sounds = np.zeros((*cells.shape, PITCHES + 1))
    for voice, step in np.ndindex(cells.shape):
        at = step
        while at >= 0 and not hidden[voice, at] and cells[voice, at] == HOLD:
            at -= 1
        if at >= 0 and not hidden[voice, at]:
            sounds[voice, step, cells[voice, at]] = 1
    return sounds


def test_features_agree_with_a_slow_obvious_version() -> None:
    cells, hidden, _, _ = arguments(batch=1, seed=3)
    cells = torch.where(torch.rand(cells.shape, generator=torch.Generator().manual_seed(1)) < 0.6, HOLD, cells)
    sounds, _ = features(cells, hidden)
    assert np.array_equal(sounds[0].numpy(), slow_features(cells[0].numpy(), hidden[0].numpy()))


def test_the_loss_counts_hidden_cells_only() -> None:
    cells, hidden, _, _ = arguments()
    logits = torch.zeros(2, VOICES, 32, CLASSES)
    logits[~hidden] = 100 * torch.randn(int((~hidden).sum()), CLASSES)
    assert torch.allclose(orderless_loss(logits, cells, hidden), torch.full((2,), float(np.log(CLASSES))))


def test_an_unknown_position_is_allowed(model: ARCNN) -> None:
    cells, hidden, position, edges = arguments()
    unknown = model(cells, hidden, torch.full_like(position, -1), edges)
    assert torch.isfinite(unknown).all()
    assert not torch.equal(unknown, model(cells, hidden, position, edges))
    assert int(position.max()) < POSITIONS


def test_it_learns_one_batch_by_heart(model: ARCNN) -> None:
    batch = arguments(steps=16, batch=2)
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.02)
    for _ in range(150):
        loss = orderless_loss(model(*batch), batch[0], batch[1]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
