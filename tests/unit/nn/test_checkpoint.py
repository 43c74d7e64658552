"""Saving and loading networks."""

import json
from pathlib import Path

import pytest
import torch

from service.nn import checkpoint
from service.nn.ar_cnn import ARCNN, CLASSES, Config

SMALL = Config(widths=(8, 8, 8), blocks=(1, 1, 1), told=8, mixed=2, heads=2)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    checkpoint.save(ARCNN(SMALL), tmp_path / "model")
    return tmp_path / "model"


def test_a_loaded_network_is_the_one_that_was_saved(saved: Path, tmp_path: Path) -> None:
    first = checkpoint.load(saved)
    checkpoint.save(first, tmp_path / "again")
    second = checkpoint.load(tmp_path / "again")
    cells = torch.randint(0, CLASSES, (1, 4, 16))
    told = (torch.rand(1, 4, 16) < 0.5, torch.zeros(1, 16, dtype=torch.long), torch.zeros(1, 16, 3, dtype=torch.bool))
    assert isinstance(first, ARCNN)
    assert first.config == SMALL
    assert torch.equal(first(cells, *told), second(cells, *told))


def test_weights_are_stored_in_16_bits(saved: Path) -> None:
    count = sum(parameter.numel() for parameter in ARCNN(SMALL).parameters())
    size = (saved / "model.safetensors").stat().st_size
    assert 2 * count <= size < 2 * count + 8000


def test_a_loaded_network_is_ready_for_inference(saved: Path) -> None:
    model = checkpoint.load(saved)
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def edit_config(directory: Path, **changes: object) -> None:
    description = json.loads((directory / "config.json").read_text())
    (directory / "config.json").write_text(json.dumps(description | changes))


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(checkpoint.CheckpointError, match="no readable model"):
        checkpoint.load(tmp_path)


def test_an_unknown_architecture_is_refused(saved: Path) -> None:
    edit_config(saved, architecture="lstm")
    with pytest.raises(checkpoint.CheckpointError, match="lstm"):
        checkpoint.load(saved)


def test_weights_that_do_not_fit_the_config_are_refused(saved: Path) -> None:
    edit_config(saved, config={"widths": [16, 8, 8]})
    with pytest.raises(checkpoint.CheckpointError):
        checkpoint.load(saved)


def test_an_unknown_setting_is_refused(saved: Path) -> None:
    edit_config(saved, config={"colour": "blue"})
    with pytest.raises(checkpoint.CheckpointError, match="colour"):
        checkpoint.load(saved)


def test_damaged_weights_are_refused(saved: Path) -> None:
    (saved / "model.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(checkpoint.CheckpointError, match="no readable model"):
        checkpoint.load(saved)
