"""PURE. Figures taken over time, and whether they grow: the first third of the time is compared with the last."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

Statistic = Callable[[Sequence[float]], float]


def p95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]


@dataclass(frozen=True)
class Bound:
    """What a figure may grow to in the last third: `factor` times the first third's, and `slack` of its unit."""

    factor: float
    slack: float
    statistic: Statistic = median


@dataclass
class Figure:
    """A figure with its unit, and its samples: seconds since the beginning, and the value then."""

    name: str
    unit: str
    bound: Bound
    samples: list[tuple[float, float]] = field(default_factory=list)

    def add(self, moment: float, value: float) -> None:
        self.samples.append((moment, value))

    def thirds(self) -> tuple[float, float]:
        """The statistic over the first and over the last third of the time."""
        start = min(moment for moment, _ in self.samples)
        third = (max(moment for moment, _ in self.samples) - start) / 3
        first = [value for moment, value in self.samples if moment <= start + third]
        last = [value for moment, value in self.samples if moment >= start + 2 * third]
        return self.bound.statistic(first), self.bound.statistic(last)

    @property
    def grows(self) -> bool:
        first, last = self.thirds()
        return last > first * self.bound.factor + self.bound.slack

    def __str__(self) -> str:
        first, last = self.thirds()
        return f"{self.name}: {first:.1f} {self.unit} in the first third, {last:.1f} {self.unit} in the last"
