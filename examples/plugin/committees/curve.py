"""A computed benchmark: a formula for how well a committee predicts after so many epochs."""
# A benchmark is asked for architectures of its own space alone.
# mypy: disable-error-code=override

from __future__ import annotations

from math import nan
from random import Random
from typing import Any, ClassVar

from committees.space import Committees, Widths
from harness.benchmarks.function import FunctionBenchmark


class CommitteeCurve(FunctionBenchmark):
    """Made-up learning curves of committees.

    Narrow members learn little, wide ones slowly, and the errors of many members cancel out. A
    training can be paused after 1, 3 or 9 epochs and continued; one in fifty diverges.
    """

    name = "committee-curve"
    version = 1  # raise it whenever the numbers change: it is part of the checksum
    epochs = 27
    levels = (1, 3, 9)
    promotion = "continue"
    unit = "%"
    parameters: ClassVar[dict[str, Any]] = {"noise": 2.0, "diverging": 0.02}

    def make_space(self) -> Committees:
        return Committees()

    def mean(self, architecture: Widths, epochs: int) -> float:
        # Equal networks must have equal values: sums in another order may differ.
        members = sorted(architecture)
        narrow = sum(30.0 / width for width in members) / len(members)
        unlearnt = sum(40.0 * width / (width + 4 * epochs) for width in members) / len(members)
        return 100.0 - narrow - unlearnt - 20.0 / len(members)

    def value(self, architecture: Widths, epochs: int, rng: Random) -> float:
        diverges = rng.random() < self.parameters["diverging"]
        luck = self.parameters["noise"] * (2.0 * rng.random() - 1.0)
        return nan if diverges else self.mean(architecture, epochs) + luck

    def report(self, architecture: Widths) -> float:
        """Other images: members that learnt more by heart lose more."""
        return self.mean(architecture, self.epochs) - 1.0 - 0.1 * sum(architecture)

    def seconds(self, architecture: Widths, epochs: int) -> float:
        return epochs * (0.2 + 0.01 * sum(architecture))
