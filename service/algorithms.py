"""One row per algorithm: its hyperparameters with type, bounds, default and meaning, and its data sets.

The API validates by these rows, the compose function reads its defaults here, the documentation prints them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.errors import FieldError


@dataclass(frozen=True, slots=True)
class Hyperparameter:
    """A number a caller may set. `integer` parameters refuse fractions; bounds are inclusive."""

    name: str
    integer: bool
    minimum: float
    maximum: float
    default: float | None
    meaning: str

    def problem(self, value: Any) -> str | None:
        """The rule that a value breaks, or None."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            return "must be a whole number" if self.integer else "must be a number"
        if not math.isfinite(value):
            return "must be a finite number"
        if self.integer and int(value) != value:
            return "must be a whole number"
        if not self.minimum <= value <= self.maximum:
            return f"must be between {self.minimum:g} and {self.maximum:g}"
        return None


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A generative technique.

    `inference` are the parameters CreateComposition takes for its models, `training` those of its training script.
    """

    name: str
    technique: str
    description: str
    data_sets: tuple[str, ...]
    inference: tuple[Hyperparameter, ...]
    training: tuple[Hyperparameter, ...] = ()

    def problems(self, given: Mapping[str, Any], prefix: str = "inferenceHyperParameters") -> list[FieldError]:
        """What is wrong with the given inference parameters, field by field."""
        rows = {row.name: row for row in self.inference}
        found = []
        for name, value in given.items():
            field = f"{prefix}.{name}"
            if name not in rows:
                known = ", ".join(rows)
                found.append(FieldError(field, f"is not a parameter of {self.name}, which takes {known}"))
            elif problem := rows[name].problem(value):
                found.append(FieldError(field, problem))
        return found

    def complete(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The given parameters with every default filled in; whole numbers as int."""
        values = {row.name: row.default for row in self.inference if row.default is not None} | dict(given)
        whole = {row.name for row in self.inference if row.integer}
        return {name: int(value) if name in whole else float(value) for name, value in values.items()}


MAX_SEED = 2**53 - 1  # what a JSON number carries exactly everywhere

SEED = Hyperparameter(
    "seed",
    integer=True,
    minimum=0,
    maximum=MAX_SEED,
    default=None,
    meaning="The same seed, input, model and parameters give the same composition. Chosen and reported when not given.",
)

AR_CNN = Algorithm(
    name="AR-CNN",
    technique="Autoregressive convolutional neural network",
    description="Edits the melody: removes notes that sound out of place and adds notes that sound missing.",
    data_sets=("bach",),
    inference=(
        Hyperparameter(
            "maxPercentageOfInitialNotesRemoved",
            integer=True,
            minimum=0,
            maximum=100,
            default=100,
            meaning="The share of the input's notes, in percent, that may be removed.",
        ),
        Hyperparameter(
            "maxNotesAdded",
            integer=True,
            minimum=50,
            maximum=1000,
            default=500,
            meaning="How many notes may be added to the input.",
        ),
        Hyperparameter(
            "samplingIterations",
            integer=True,
            minimum=0,
            maximum=100,
            default=100,
            meaning="How many times the music passes through the model; each pass adds or removes one note.",
        ),
        Hyperparameter(
            "temperature",
            integer=False,
            minimum=0.5,
            maximum=6,
            default=1,
            meaning="Creative risk: how far the choice of the next change may stray from the likeliest ones.",
        ),
        Hyperparameter(
            "maxInputBars",
            integer=True,
            minimum=1,
            maximum=64,
            default=8,
            meaning="How many bars of the input are used, from its first; the original service used 8.",
        ),
        SEED,
    ),
    training=(
        Hyperparameter(
            "steps",
            integer=True,
            minimum=1,
            maximum=1_000_000,
            default=6000,
            meaning="How many batches the network learns from. The learning rate falls to zero over them.",
        ),
        Hyperparameter(
            "batchSize",
            integer=True,
            minimum=1,
            maximum=1024,
            default=16,
            meaning="How many windows of eight bars are in a batch.",
        ),
        Hyperparameter(
            "learningRate",
            integer=False,
            minimum=1e-6,
            maximum=0.1,
            default=0.003,
            meaning="The highest learning rate, reached after the first hundredth of the steps.",
        ),
        Hyperparameter(
            "dropout",
            integer=False,
            minimum=0,
            maximum=0.9,
            default=0.1,
            meaning="The share of channels that are silenced at random while learning.",
        ),
        Hyperparameter(
            "evaluationInterval",
            integer=True,
            minimum=1,
            maximum=1_000_000,
            default=500,
            meaning="After how many steps the network is validated and a checkpoint is written.",
        ),
        Hyperparameter(
            "seed",
            integer=True,
            minimum=0,
            maximum=MAX_SEED,
            default=0,
            meaning="Determines the first weights, the order of the music, its transpositions and what is hidden.",
        ),
    ),
)

ALGORITHMS = {row.name: row for row in (AR_CNN,)}
