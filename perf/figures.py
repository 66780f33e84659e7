"""What a measurement gives: samples, and rows that set them beside peers and a bar."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True)
class Sample:
    """Repeated measurements of one thing; at least one."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Sequence[float], factor: float = 1.0) -> Sample:
        """A sample in another unit: each value times a factor."""
        return cls(tuple([value * factor for value in values]))

    @property
    def median(self) -> float:
        """The median of the repetitions."""
        return median(self.values)

    def __str__(self) -> str:
        text = number(self.median)
        if len(self.values) > 1:
            text += f" [{number(min(self.values))} … {number(max(self.values))}]"
        return f"{text}, n={len(self.values)}"


@dataclass(frozen=True)
class Bar:
    """What a median must keep: at least, or at most, a limit."""

    limit: float
    at_least: bool

    def met(self, sample: Sample) -> bool:
        """Whether a sample's median keeps it."""
        reached = sample.median >= self.limit
        return reached if self.at_least else sample.median <= self.limit

    def __str__(self) -> str:
        return f"{'≥' if self.at_least else '≤'} {number(self.limit)}"


@dataclass(frozen=True)
class Row:
    """One line of the results.

    Attributes:
        what: What was measured, in a few words.
        unit: Of our and the peers' samples.
        ours: Our sample, or one line that says why there is none.
        peers: (name and version, its sample or why there is none).
        bar: What our median must keep, if anything.
        note: How it was measured.
    """

    what: str
    unit: str
    ours: Sample | str
    peers: tuple[tuple[str, Sample | str], ...] = ()
    bar: Bar | None = None
    note: str = ""


def number(value: float) -> str:
    """A number with about three significant digits."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def cpu_rates(work: Callable[[], int], repeats: int) -> list[float]:
    """Things done a CPU-second of this process, once a repetition.

    Args:
        work: Does some things and says how many. Called once more before the first repetition,
            so that nobody is charged for first imports and empty caches.
        repeats: Number of repetitions.
    """
    work()
    rates = []
    for _ in range(repeats):
        began = time.process_time()
        done = work()
        rates.append(done / (time.process_time() - began))
    return rates
