"""A fast benchmark that is computed, for tests: named ``tests.function_benchmark:Slopes``."""

from __future__ import annotations

from math import nan
from random import Random
from typing import Any, ClassVar

from harness.benchmarks.function import FunctionBenchmark
from harness.spaces import Architecture, CategoricalSpace, SearchSpace

NAME = "tests.function_benchmark:Slopes"


class Slopes(FunctionBenchmark):
    """The sum of the decisions, less what too few epochs cost, with noise; all zeros diverge."""

    name = "slopes"
    epochs = 9
    levels = (1, 3)
    promotion = "continue"
    parameters: ClassVar[dict[str, Any]] = {"noise": 0.5}

    def make_space(self) -> SearchSpace:
        return CategoricalSpace("slopes", [[str(v) for v in range(5)]] * 4, [True] * 4)

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        if not any(architecture):  # type: ignore[call-overload]
            return nan
        luck = rng.random() - 0.5
        return self.mean(architecture, epochs) + self.parameters["noise"] * luck

    def mean(self, architecture: Architecture, epochs: int) -> float:
        return sum(architecture) - 3.0 / epochs  # type: ignore[call-overload,no-any-return]

    def report(self, architecture: Architecture) -> float:
        return float(sum(architecture))  # type: ignore[call-overload]

    def seconds(self, architecture: Architecture, epochs: int) -> float:
        return epochs * (1.0 + 0.25 * architecture[0])  # type: ignore[index]
