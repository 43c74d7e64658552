"""What a benchmark answers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Result:
    """One figure: its unit, the line it is measured against, and what a reader needs to judge it."""

    name: str
    value: float
    unit: str
    target: str
    detail: str = ""
