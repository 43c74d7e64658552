"""Melody, model and parameters to new music: the one door to the networks."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from torch import nn

from service import compose_ar_cnn
from service.algorithms import ALGORITHMS, MAX_SEED
from service.music.score import Score
from service.nn import checkpoint

# By algorithm: (model, melody, completed parameters, locked notes) to new music and a report.
Composer = Callable[[nn.Module, Score, Mapping[str, Any], frozenset[tuple[int, int]]], tuple[Score, dict[str, Any]]]
COMPOSERS: dict[str, Composer] = {"AR-CNN": compose_ar_cnn.enhance}

MODELS_KEPT = 4  # in a process
# Composing is a sequence of passes too small to share out: with two threads on two cores they were hardly faster when
# nothing else ran, and up to ten times slower when anything did.
THREADS = 1


@dataclass(frozen=True)
class ComposeRequest:
    """What to compose. `parameters` are those of CreateComposition; missing ones take their defaults.

    `locked` names input notes, by start tick and pitch, that may not be touched.
    """

    melody: Score
    model_directory: Path
    algorithm: str
    parameters: Mapping[str, Any]
    locked: Sequence[tuple[int, int]] = ()


@dataclass(frozen=True)
class ComposeResult:
    """New music, and what was done; `report` always has `algorithm` and `seed`, with which it can be done again."""

    score: Score
    report: Mapping[str, Any]


def compose(request: ComposeRequest) -> ComposeResult:
    """Raises ValueError, in words for the caller, when the melody cannot be used or the model does not fit."""
    if request.algorithm not in COMPOSERS:
        raise ValueError(f"There is no algorithm {request.algorithm}; there are {', '.join(COMPOSERS)}.")
    parameters = ALGORITHMS[request.algorithm].complete(request.parameters)
    seed = parameters.setdefault("seed", secrets.randbelow(MAX_SEED + 1))
    torch.set_num_threads(THREADS)
    model = load_model(request.model_directory)
    locked = frozenset((int(start), int(pitch)) for start, pitch in request.locked)
    score, report = COMPOSERS[request.algorithm](model, request.melody, parameters, locked)
    return ComposeResult(score, {"algorithm": request.algorithm, "seed": seed, **report})


@lru_cache(maxsize=MODELS_KEPT)
def load_model(directory: Path) -> nn.Module:
    """The model in a folder, kept in this process. Raises service.nn.checkpoint.CheckpointError."""
    return checkpoint.load(directory)
