"""The parameters of inference as a shape, made of the rows in service.algorithms.

The shape holds the parameters of all algorithms; which of them a model takes, its algorithm's rows say.
"""

from typing import Any

from pydantic import Field, create_model

from service.algorithms import ALGORITHMS, Hyperparameter
from service.api.shape import RequestShape


def _members() -> dict[str, Any]:
    rows: dict[str, list[Hyperparameter]] = {}
    for algorithm in ALGORITHMS.values():
        for row in algorithm.inference:
            rows.setdefault(row.name, []).append(row)
    return {name: _member(found) for name, found in rows.items()}


def _member(rows: list[Hyperparameter]) -> tuple[Any, Any]:
    """The type and field of one parameter, wide enough for every algorithm that has it."""
    whole = all(row.integer for row in rows)
    number = int if whole else float
    lowest = number(min(row.minimum for row in rows))
    highest = number(max(row.maximum for row in rows))
    meaning = rows[0].meaning
    if rows[0].default is not None:
        meaning = f"{meaning} {rows[0].default:g} when not given."
    type_ = int | None if whole else float | None
    return type_, Field(default=None, ge=lowest, le=highest, allow_inf_nan=False, description=meaning)


InferenceHyperParameters: type[RequestShape] = create_model(
    "InferenceHyperParameters",
    __base__=RequestShape,
    __doc__="How the model is to compose. What is not given has its default.",
    **_members(),
)
