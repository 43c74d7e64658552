"""A SageMaker container's folders, in a temporary place, and training scripts as real processes in them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from service.music.chorales import Chorale, write_chorales

ROOT = Path(__file__).parents[3]


@dataclass
class Container:
    """/opt/ml of a job that has not started."""

    root: Path

    def __post_init__(self) -> None:
        (self.root / "input" / "config").mkdir(parents=True)
        (self.root / "input" / "data" / "train").mkdir(parents=True)
        self.configure("inputdataconfig", {"train": {"TrainingInputMode": "File"}})

    def configure(self, document: str, content: object) -> None:
        (self.root / "input" / "config" / f"{document}.json").write_text(json.dumps(content))

    @property
    def channel(self) -> Path:
        return self.root / "input" / "data" / "train"

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def failure(self) -> str | None:
        path = self.root / "output" / "failure"
        return path.read_text() if path.exists() else None

    @property
    def variables(self) -> dict[str, str]:
        return {**os.environ, "CHORALE_ML_ROOT": str(self.root), "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}

    def start(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-u", *command],
            env=self.variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str) -> tuple[int, str]:
        """The exit code and everything printed."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path / "ml")


@pytest.fixture
def write_data() -> Callable[[Path], None]:
    """Writes a few small chorales of each split into a channel."""

    def write(channel: Path) -> None:
        rng = np.random.default_rng(0)
        write_chorales(channel / "chorales.npz", [_chorale(rng, split) for split in ("train", "train", "valid")])

    return write


def _chorale(rng: np.random.Generator, split: str) -> Chorale:
    steps = 64
    onset = np.zeros((4, steps), bool)
    onset[:, ::4] = True
    scale = np.array([60, 62, 64, 65, 67, 69, 71, 72])
    pitch = np.repeat(rng.choice(scale, (4, steps // 4)), 4, axis=1) - np.array([[0], [4], [7], [12]])
    return Chorale(pitch, onset, np.arange(steps) % 16, np.full(steps, 16), split=split)
