"""Training the AR-CNN: as a job in a container's folders, and its steps."""

import re
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from service.algorithms import AR_CNN
from service.music.chorales import read_chorales
from service.nn import checkpoint
from service.nn.ar_cnn import ARCNN
from training_images.ar_cnn.batches import Batches
from training_images.ar_cnn.train import Training
from training_images.runtime.state import load_state, save_state

torch.set_num_threads(1)
MODULE = ("-m", "training_images.ar_cnn.train")
DEFAULTS = {row.name: row.default for row in AR_CNN.training}

WriteData = Callable[[Path], None]


def test_two_steps_leave_a_model_and_metric_lines(container: Any, write_data: WriteData) -> None:
    write_data(container.channel)
    container.configure("hyperparameters", {"steps": "2", "batchSize": "2", "evaluationInterval": "1"})
    code, output = container.run(*MODULE)
    assert code == 0, output
    pattern = r"^step=[12]; train:nll=[\d.]+; validation:nll=[\d.]+; learning:rate=[\d.e-]+; cpu:seconds=[\d.]+;$"
    assert len(re.findall(pattern, output, re.MULTILINE)) == 2
    assert isinstance(checkpoint.load(container.model), ARCNN)
    assert container.failure is None


def test_a_stopped_job_saves_its_model_and_is_taken_up_again(container: Any, write_data: WriteData) -> None:
    write_data(container.channel)
    container.configure("hyperparameters", {"steps": "100000", "batchSize": "1", "evaluationInterval": "3"})
    process = container.start(*MODULE)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("step=3;")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    assert isinstance(checkpoint.load(container.model), ARCNN)
    done = [3, *(int(step) for step in re.findall(r"step=(\d+);", output))][-1]

    container.configure("hyperparameters", {"steps": str(done + 2), "batchSize": "1", "evaluationInterval": "1"})
    code, output = container.run(*MODULE)
    assert code == 0, output
    first = re.search(r"step=(\d+);", output)
    assert first is not None
    assert int(first[1]) > done


@pytest.mark.parametrize(
    ("hyperparameters", "reason"),
    [
        ({"steps": "0"}, "Hyperparameter steps must be between 1 and"),
        ({"layers": "3"}, "There is no hyperparameter layers"),
    ],
)
def test_wrong_hyperparameters_fail_with_a_reason(
    container: Any, write_data: WriteData, hyperparameters: dict[str, str], reason: str
) -> None:
    write_data(container.channel)
    container.configure("hyperparameters", hyperparameters)
    code, _ = container.run(*MODULE)
    assert code == 1
    assert container.failure.startswith(f"AlgorithmError: {reason}")


def test_an_empty_channel_fails_with_a_reason(container: Any) -> None:
    container.configure("hyperparameters", {"steps": "1"})
    code, _ = container.run(*MODULE)
    assert code == 1
    assert container.failure.startswith("AlgorithmError: The channel train holds no readable chorales.npz")


@pytest.fixture
def training(tmp_path: Path, write_data: WriteData) -> Callable[[], Training]:
    write_data(tmp_path)
    chorales = read_chorales(tmp_path / "chorales.npz", "train")
    return lambda: Training(chorales, {**DEFAULTS, "steps": 10, "batchSize": 2})


def test_the_seed_determines_the_training(training: Callable[[], Training]) -> None:
    first, second = training(), training()
    torch.manual_seed(0)
    losses = [first.step() for _ in range(3)]
    torch.manual_seed(0)
    assert losses == [second.step() for _ in range(3)]


def test_a_resumed_training_goes_on_as_if_never_stopped(training: Callable[[], Training], tmp_path: Path) -> None:
    straight = training()
    straight.step()
    save_state(tmp_path / "state", straight)
    straight.step()

    resumed = training()
    assert load_state(tmp_path / "state", resumed)
    resumed.step()
    assert resumed.steps_done == straight.steps_done == 2
    for ours, theirs in zip(resumed.average.parameters(), straight.average.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_without_a_state_a_training_begins_at_its_beginning(training: Callable[[], Training], tmp_path: Path) -> None:
    assert load_state(tmp_path / "nothing", training()) is False


def test_the_learning_rate_rises_and_falls_to_zero(training: Callable[[], Training]) -> None:
    each = training()
    rates = []
    for step in range(11):
        each.steps_done = step
        rates.append(each.learning_rate)
    assert max(rates) == pytest.approx(DEFAULTS["learningRate"])
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] == pytest.approx(0)


def test_batches_hide_something_in_every_window(tmp_path: Path, write_data: WriteData) -> None:
    write_data(tmp_path)
    batches = Batches(read_chorales(tmp_path / "chorales.npz", "train"), np.random.default_rng(0))
    for _ in range(20):
        cells, hidden, position, edges = batches.draw(4)
        assert cells.shape == hidden.shape == (4, 4, 128)
        assert position.shape == (4, 128)
        assert edges.shape == (4, 128, 3)
        assert hidden.flatten(1).any(dim=1).all()
        assert not (hidden & edges[..., 2][:, None]).any()
