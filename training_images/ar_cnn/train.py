"""Trains the AR-CNN on four-part chorales: python -m training_images.ar_cnn.train

Input channel `train`: chorales.npz (see service.music.chorales). The model folder receives config.json and
model.safetensors: the moving average of the weights that had the lowest validation loss. Hyperparameters are the
`training` rows of service.algorithms.AR_CNN.

Metrics: step, train:nll, validation:nll (orderless, nats per cell), learning:rate, cpu:seconds.
"""

import copy
import math
import sys
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from service.algorithms import AR_CNN
from service.music.chorales import Chorale, read_chorales
from service.nn import checkpoint
from service.nn.ar_cnn import ARCNN, Config, orderless_loss
from service.nn.ar_cnn_likelihood import orderless_nll
from training_images.ar_cnn.batches import Batches
from training_images.runtime import AlgorithmError, Job, Stopped, run
from training_images.runtime.state import load_state, save_state

CHANNEL = "train"
DATA_FILE = "chorales.npz"

BETAS = (0.9, 0.98)
WEIGHT_DECAY = 0.05
GRADIENT_NORM = 1.0
WARM_UP = 0.01  # of the steps
AVERAGE = 0.999  # decay of the moving average of the weights
VALIDATION_MASKS = (1000, 1001)  # seeds


class Training:
    """Everything that changes while learning; `state` holds what a resumed job needs to go on as if never stopped."""

    def __init__(self, chorales: list[Chorale], given: dict[str, Any]):
        torch.manual_seed(given["seed"])
        self.given = given
        self.model = ARCNN(Config(dropout=given["dropout"]))
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=given["learningRate"], betas=BETAS, weight_decay=WEIGHT_DECAY
        )
        self.rng = np.random.default_rng(given["seed"])
        self.batches = Batches(chorales, self.rng)
        self.steps_done = 0
        self.best = math.inf

    def step(self) -> float:
        """Learns from one batch; the loss in nats per cell."""
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        cells, hidden, position, edges = self.batches.draw(self.given["batchSize"])
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=_has_bfloat16()):
            logits = self.model(cells, hidden, position, edges)
        loss = orderless_loss(logits, cells, hidden).mean()
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM)
        self.optimizer.step()
        self.steps_done += 1
        self._follow()
        return loss.item()

    @property
    def learning_rate(self) -> float:
        """Rises linearly, then falls to zero along a half cosine."""
        steps = self.given["steps"]
        rise = min(1.0, (self.steps_done + 1) / max(1.0, WARM_UP * steps))
        return self.given["learningRate"] * rise * 0.5 * (1 + math.cos(math.pi * self.steps_done / steps))

    @torch.no_grad()
    def _follow(self) -> None:
        decay = min(AVERAGE, (1 + self.steps_done) / (10 + self.steps_done))
        for average, parameter in zip(self.average.parameters(), self.model.parameters(), strict=True):
            average.lerp_(parameter, 1 - decay)


def _has_bfloat16() -> bool:
    """Whether 16-bit floats are faster here than 32-bit ones; without the instructions they are far slower."""
    return torch.cpu._is_avx512_bf16_supported()


def train(job: Job) -> None:
    given = job.hyperparameters(AR_CNN.training)
    learn_from, validate_on = read_data(job)
    training = Training(learn_from, given)
    load_state(job.checkpoint_directory, training)
    started, losses = time.process_time(), []
    try:
        while training.steps_done < given["steps"]:
            job.check_stop()
            losses.append(training.step())
            if training.steps_done % given["evaluationInterval"] == 0 or training.steps_done == given["steps"]:
                validation = orderless_nll(training.average, validate_on, VALIDATION_MASKS).nll
                job.metrics(
                    step=training.steps_done,
                    train__nll=float(np.mean(losses)),
                    validation__nll=validation,
                    learning__rate=training.learning_rate,
                    cpu__seconds=time.process_time() - started,
                )
                losses.clear()
                if validation < training.best:
                    training.best = validation
                    checkpoint.save(training.average, job.model_directory)
                save_state(job.checkpoint_directory, training)
    except Stopped:
        if math.isinf(training.best):
            checkpoint.save(training.average, job.model_directory)
        save_state(job.checkpoint_directory, training)
        raise


def read_data(job: Job) -> tuple[list[Chorale], list[Chorale]]:
    """The pieces to learn from and those to validate on. Raises AlgorithmError when the channel does not hold both."""
    path = job.channel(CHANNEL) / DATA_FILE
    try:
        chorales = read_chorales(path)
    except (OSError, ValueError, KeyError) as error:
        raise AlgorithmError(f"The channel {CHANNEL} holds no readable {DATA_FILE}: {error}.") from error
    parts = {name: [piece for piece in chorales if piece.split == name] for name in ("train", "valid")}
    for name, pieces in parts.items():
        if not pieces:
            raise AlgorithmError(f"{DATA_FILE} has no pieces of the split {name}.")
    return parts["train"], parts["valid"]


if __name__ == "__main__":
    sys.exit(run(train))
