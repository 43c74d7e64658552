"""Trained networks on disk: config.json says what to build, model.safetensors holds the weights. Nothing is pickled."""

import json
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import safetensors.torch
from torch import nn

from service.nn import ar_cnn

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"

# By the name in config.json: the Config and the network built from it.
ARCHITECTURES: dict[str, tuple[type, type[nn.Module]]] = {
    "ar-cnn": (ar_cnn.Config, ar_cnn.ARCNN),
}


class CheckpointError(ValueError):
    """A folder that does not hold a network this code can build, and why."""


def save(model: nn.Module, directory: Path) -> None:
    """Writes the network with its weights in 16-bit floats; makes the folder if need be."""
    architecture = next(name for name, (_, network) in ARCHITECTURES.items() if type(model) is network)
    directory.mkdir(parents=True, exist_ok=True)
    weights = {name: tensor.detach().cpu().half().contiguous() for name, tensor in model.state_dict().items()}
    (directory / WEIGHTS_FILE).write_bytes(safetensors.torch.save(weights))
    config: Any = model.config
    description = {"architecture": architecture, "config": asdict(config)}
    (directory / CONFIG_FILE).write_text(json.dumps(description, indent=2) + "\n")


def load(directory: Path) -> nn.Module:
    """The network in a folder, its weights in 32-bit floats, ready for inference.

    Raises CheckpointError when a file is missing, or the files do not fit each other or this code.
    """
    try:
        description = json.loads((directory / CONFIG_FILE).read_text())
        weights = safetensors.torch.load((directory / WEIGHTS_FILE).read_bytes())
    except (OSError, ValueError, safetensors.SafetensorError) as error:
        raise CheckpointError(f"{directory} holds no readable model: {error}") from error
    try:
        config_type, network = ARCHITECTURES[description["architecture"]]
        model = network(_config(config_type, description["config"]))
        model.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{directory} does not hold a model that this version can build: {error}") from error
    return model.eval().requires_grad_(False)


def _config(config_type: type, values: dict[str, Any]) -> Any:
    known = {field.name for field in fields(config_type)}
    if unknown := set(values) - known:
        raise KeyError(f"unknown settings {sorted(unknown)}")
    return config_type(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})
