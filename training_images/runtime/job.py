"""`run(train)`: one training job from its inputs to its exit code, as SageMaker expects it.

exit 0   done; the model folder holds the model. Also when the platform asked to stop: what was saved until then.
exit 1   failed; the failure file says why, and its text becomes the job's FailureReason
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from service.algorithms import Hyperparameter
from training_images.runtime.environment import Environment
from training_images.runtime.errors import AlgorithmError, Stopped
from training_images.runtime.metrics import metric_line

FAILURE_LIMIT = 1024  # characters that DescribeTrainingJob shows


@dataclass
class Job:
    """What a training script is given."""

    environment: Environment
    stop_requested: bool = False

    @property
    def model_directory(self) -> Path:
        return self.environment.model_directory

    @property
    def checkpoint_directory(self) -> Path:
        return self.environment.checkpoint_directory

    def channel(self, name: str) -> Path:
        """The folder of an input channel. Raises AlgorithmError when the job has none of this name."""
        directory = self.environment.channels.get(name)
        if directory is None or not directory.is_dir():
            raise AlgorithmError(f"The training job has no input channel named {name}.")
        return directory

    def hyperparameters(self, rows: Iterable[Hyperparameter]) -> dict[str, Any]:
        """The job's hyperparameters, given as text, by these rows.

        Raises AlgorithmError naming the first that is unknown, not a number, or out of bounds.
        """
        known = {row.name: row for row in rows}
        values = {name: row.default for name, row in known.items()}
        for name, text in self.environment.hyperparameters.items():
            if name.startswith("sagemaker_"):  # the SDK's own
                continue
            if name not in known:
                raise AlgorithmError(f"There is no hyperparameter {name}; there are {', '.join(known)}.")
            values[name] = _parse(known[name], text)
        return values

    def metrics(self, **values: float) -> None:
        """Prints a metric line."""
        print(metric_line(**values), flush=True)

    def check_stop(self) -> None:
        """Raises Stopped when the platform has asked the job to stop."""
        if self.stop_requested:
            raise Stopped


def _parse(row: Hyperparameter, text: str) -> int | float:
    try:
        value = float(text)
    except (TypeError, ValueError):
        raise AlgorithmError(f"Hyperparameter {row.name} must be a number, not {text!r}.") from None
    if problem := row.problem(value):
        raise AlgorithmError(f"Hyperparameter {row.name} {problem}, not {text}.")
    return int(value) if row.integer else value


def run(train: Callable[[Job], None], variables: Mapping[str, str] | None = None) -> int:
    """Runs a training script's `train` and answers the exit code. `train` saves what it has when Stopped is raised."""
    job = Job(Environment.of(os.environ if variables is None else variables))
    _on_sigterm(job)
    try:
        train(job)
    except Stopped:
        print("Stopped on request.", flush=True)
    except AlgorithmError as error:
        return _fail(job.environment.failure_file, f"AlgorithmError: {error}")
    except Exception as error:
        cause = f"AlgorithmError: {type(error).__name__}: {error}"
        return _fail(job.environment.failure_file, f"{cause}\n{traceback.format_exc()}")
    return 0


def _on_sigterm(job: Job) -> None:
    def request_stop(signal_number: int, frame: FrameType | None) -> None:
        job.stop_requested = True

    signal.signal(signal.SIGTERM, request_stop)


def _fail(failure_file: Path, reason: str) -> int:
    """Tells the reason, unless an earlier cause stands in the failure file already."""
    print(reason, file=sys.stderr, flush=True)
    failure_file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with failure_file.open("x") as file:
            file.write(reason[:FAILURE_LIMIT])
    except FileExistsError:
        pass
    return 1
