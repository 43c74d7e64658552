"""A training's state on disk, so that an interrupted job goes on where it stood. Nothing is pickled."""

import json
import os
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

STATE_FILE = "state.safetensors"


class Resumable(Protocol):
    """What is kept: a model, the moving average of its weights, its optimizer, and where the random numbers stand."""

    @property
    def model(self) -> nn.Module: ...
    @property
    def average(self) -> nn.Module: ...
    @property
    def optimizer(self) -> torch.optim.Optimizer: ...

    rng: np.random.Generator
    steps_done: int
    best: float


def save_state(directory: Path, training: Resumable) -> None:
    """Replaces the state in the folder; whoever reads sees the old one or the new one, whole."""
    directory.mkdir(parents=True, exist_ok=True)
    tensors = {"torch_rng": torch.get_rng_state()}
    tensors |= _prefixed("model.", training.model.state_dict())
    tensors |= _prefixed("average.", training.average.state_dict())
    for index, values in training.optimizer.state_dict()["state"].items():
        tensors |= _prefixed(f"optimizer.{index}.", values)
    facts = {
        "steps_done": training.steps_done,
        "best": training.best,
        "numpy_rng": training.rng.bit_generator.state,
    }
    temporary = directory / (STATE_FILE + ".new")
    # Facts and tensors in one file cannot come from different moments.
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, temporary, {"facts": json.dumps(facts)})
    os.replace(temporary, directory / STATE_FILE)


def load_state(directory: Path, training: Resumable) -> bool:
    """Takes up the state in the folder; False when there is none."""
    path = directory / STATE_FILE
    if not path.exists():
        return False
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["facts"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    training.model.load_state_dict(_unprefixed("model.", tensors))
    training.average.load_state_dict(_unprefixed("average.", tensors))
    state = training.optimizer.state_dict()
    by_index: dict[int, dict[str, Tensor]] = {}
    for name, tensor in _unprefixed("optimizer.", tensors).items():
        index, key = name.split(".", 1)
        by_index.setdefault(int(index), {})[key] = tensor
    training.optimizer.load_state_dict({**state, "state": by_index})
    training.rng.bit_generator.state = facts["numpy_rng"]
    torch.set_rng_state(tensors["torch_rng"])
    training.steps_done, training.best = facts["steps_done"], facts["best"]
    return True


def _prefixed(prefix: str, tensors: dict[str, Any]) -> dict[str, Tensor]:
    return {prefix + name: tensor for name, tensor in tensors.items()}


def _unprefixed(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
