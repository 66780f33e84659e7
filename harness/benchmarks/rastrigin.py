"""Rastrigin's function under noise: a landscape whose best point and whose noise are known.

Source: G. Kyriakides, "Parallel and Distributed Methods for Autonomous Design of Artificial Neural
Networks" (University of Macedonia, 2022), sections 4.2 and 5.2: what does a search find on the
true function if it sees a noisy one? `reports.studies.noise` is the study.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random
from statistics import NormalDist
from typing import Any, ClassVar

import numpy as np

from harness.benchmarks.function import VALUE, FunctionBenchmark
from harness.protocol import Measure, Protocol
from harness.spaces import Architecture, CategoricalSpace, SearchSpace

HIGH = 5.12
"""The function is defined on [-5.12, 5.12] in every dimension."""

POINTS = 101
"""Points an axis of the benchmark's lattice, 0.1024 apart; the middle one is the minimum."""


def rastrigin(points: np.ndarray) -> np.ndarray:
    """10 d + sum of x^2 - 10 cos(2 pi x), for points [..., d]; its minimum is 0 at the origin."""
    values = points * points + 10.0 * (1.0 - np.cos(2.0 * np.pi * points))
    return np.asarray(values.sum(axis=-1))


_AXIS = rastrigin(np.linspace(-HIGH, HIGH, POINTS)[:, None]).tolist()


class NoisyRastrigin(FunctionBenchmark):
    """Rastrigin's function on a lattice; searches minimise it with noise added to every point.

    A search draws the noise of a point once (`repeat: cached`), another seed draws it anew:
    noise *redrawn* from search to search. With the protocol's search seeds set to an integer it is
    *frozen*, the same for all searches; with `repeat: fresh` every visit draws it anew.

    `parameters` are the dimensions; the law, "uniform" on +-amplitude or "gaussian" with a
    standard deviation of amplitude; and the amplitude, in units of the function.
    """

    name = "rastrigin"
    maximize = False
    parameters: ClassVar[dict[str, Any]]

    @classmethod
    def default_protocol(cls) -> Protocol:
        """Noise is drawn once for each point and search."""
        return super().default_protocol().with_options(repeat="cached")

    @classmethod
    def frozen_protocol(cls, field: int = 0) -> Protocol:
        """Noise is drawn once for each point, and is the same for all searches.

        Args:
            field: Its seed.
        """
        return replace(cls.default_protocol(), name="frozen", search=Measure(VALUE, 1, field))

    def make_space(self) -> SearchSpace:
        """One ordered decision a dimension."""
        dimensions = self.parameters["dimensions"]
        axis = [f"{x:.4f}" for x in np.linspace(-HIGH, HIGH, POINTS)]
        return CategoricalSpace(
            f"rastrigin-{dimensions}d", [axis] * dimensions, [True] * dimensions
        )

    def value(self, architecture: Architecture, epochs: int, rng: Random) -> float:
        """The function plus the point's noise."""
        u = rng.random()
        amplitude = self.parameters["amplitude"]
        if self.parameters["law"] == "uniform":
            noise = amplitude * (2.0 * u - 1.0)
        else:
            noise = amplitude * NormalDist().inv_cdf(max(u, 1e-16)) if amplitude else 0.0
        return self.report(architecture) + float(noise)

    def mean(self, architecture: Architecture, epochs: int) -> float:
        """The function: both laws have the mean 0."""
        return self.report(architecture)

    def report(self, architecture: Architecture) -> float:
        """The function."""
        return float(sum(sorted(_AXIS[i] for i in architecture)))  # type: ignore[attr-defined]

    @property
    def optimum(self) -> float:
        """The minimum, which is a point of the lattice."""
        return 0.0


def noisy_rastrigin(
    dimensions: int, law: str, amplitude: float, *, frozen: bool = False
) -> NoisyRastrigin:
    """The benchmark with another noise than the registered ones', for use in this process.

    Args:
        dimensions: At least 1.
        law: "uniform" or "gaussian".
        amplitude: As in `NoisyRastrigin`; 0 for none.
        frozen: Whether all searches see the same noise.
    """
    parameters = {"dimensions": dimensions, "law": law, "amplitude": amplitude}
    kind: type[NoisyRastrigin] = type("Rastrigin", (NoisyRastrigin,), {"parameters": parameters})
    return kind(kind.frozen_protocol() if frozen else None)


class Rastrigin2(NoisyRastrigin):
    """Two dimensions, with uniform noise that leaves a Kendall tau of 0.75."""

    name = "rastrigin-2d"
    parameters: ClassVar[dict[str, Any]] = {"dimensions": 2, "law": "uniform", "amplitude": 10.2}


class Rastrigin3(NoisyRastrigin):
    """Three dimensions, with uniform noise that leaves a Kendall tau of 0.75."""

    name = "rastrigin-3d"
    parameters: ClassVar[dict[str, Any]] = {"dimensions": 3, "law": "uniform", "amplitude": 12.5}


class Rastrigin4(NoisyRastrigin):
    """Four dimensions, with uniform noise that leaves a Kendall tau of 0.75."""

    name = "rastrigin-4d"
    parameters: ClassVar[dict[str, Any]] = {"dimensions": 4, "law": "uniform", "amplitude": 14.3}
