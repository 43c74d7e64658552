"""The SageMaker training contract: where a job's inputs lie, and how it tells what became of it."""

from training_images.runtime.environment import Environment
from training_images.runtime.errors import AlgorithmError, Stopped
from training_images.runtime.job import Job, run
from training_images.runtime.metrics import metric_line

__all__ = ["AlgorithmError", "Environment", "Job", "Stopped", "metric_line", "run"]
