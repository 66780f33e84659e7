"""The Monte-Carlo study: what the genetic algorithm finds on a function seen with noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal

import numpy as np

from harness.benchmarks.rastrigin import HIGH, rastrigin
from harness.errors import UserError
from reports.intervals import Band, Estimate, estimate_mean, mean_band
from reports.studies.noise.calibration import Calibrated, calibrated, check
from reports.studies.noise.fields import Law, cells_of
from reports.studies.noise.genetic import GeneticAlgorithm, evolve
from reports.studies.noise.landscape import range_gap, top_fraction

Metric = Literal["range_gap", "top_fraction"]
METRICS: tuple[Metric, ...] = ("range_gap", "top_fraction")
TRUTH = 1.0
"""The tau of a search that sees the true function."""

SNAPSHOTS = (1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000, 10_000)
"""Generations at which runs are looked at on their way, for curves and equal costs."""


@dataclass(frozen=True)
class Settings:
    """What is simulated.

    Attributes:
        dimensions: Numbers of dimensions.
        taus: Kendall's tau between true and noisy values; 1 for no noise.
        generations: When to look at the best of the population.
        repeats: Runs of each.
        law: The noise's distribution.
        frozen: Whether all repeats see one noise field; else each draws its own.
        seed: Of everything.

    Raises:
        UserError: If something is out of range.
    """

    dimensions: tuple[int, ...] = (2, 3, 4)
    taus: tuple[float, ...] = (TRUTH, 0.95, 0.85, 0.75, 0.65)
    generations: tuple[int, ...] = (10, 100, 1000)
    repeats: int = 1000
    law: Law = "uniform"
    frozen: bool = False
    seed: int = 0

    def __post_init__(self) -> None:
        if self.repeats < 2:
            raise UserError(f"{self.repeats} repeats: at least 2, for an interval")
        if not self.generations or min(self.generations) < 1:
            raise UserError(f"generations {self.generations}: at least 1")
        if not self.dimensions or not self.taus:
            raise UserError("give at least one number of dimensions and one tau")
        for dimensions in self.dimensions:
            for tau in self.taus:
                check(dimensions, tau)
        if self.seed < 0:
            raise UserError(f"seed {self.seed}: 0 or more")


@dataclass(frozen=True)
class Measured:
    """One measure of the points that the runs of a cell found, lower is better.

    Attributes:
        mean: With its 95% interval.
        error: Standard error of the mean.
        low: 2.5% quantile of single runs.
        high: 97.5% quantile.
    """

    mean: Estimate
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Cell:
    """The runs at one number of dimensions, tau and number of generations.

    Attributes:
        dimensions: Of the function.
        tau: Of the noise.
        generations: Of the genetic algorithm.
        evaluations: That they take.
        range_gap: The true value of the point found, as a share of the function's range.
        top_fraction: The share of the space that is truly better.
    """

    dimensions: int
    tau: float
    generations: int
    evaluations: int
    range_gap: Measured
    top_fraction: Measured


@dataclass(frozen=True)
class Progression:
    """Mean range gaps of one number of dimensions and one tau on the way.

    Attributes:
        dimensions: Of the function.
        tau: Of the noise.
        evaluations: Where.
        range_gap: There.
    """

    dimensions: int
    tau: float
    evaluations: tuple[int, ...]
    range_gap: Band


@dataclass(frozen=True)
class Simulation:
    """All cells, in the order of dimensions, generations, taus.

    Attributes:
        settings: What was simulated.
        noises: Amplitudes, in the order of dimensions and taus.
        cells: The results.
        progressions: In the order of `noises`.
    """

    settings: Settings
    noises: tuple[Calibrated, ...]
    cells: tuple[Cell, ...]
    progressions: tuple[Progression, ...]

    def cell(self, dimensions: int, tau: float, generations: int) -> Cell:
        """One cell's results."""
        wanted = (dimensions, tau, generations)
        return next(c for c in self.cells if (c.dimensions, c.tau, c.generations) == wanted)


@dataclass(frozen=True, eq=False)
class Runs:
    """True values of the points that single runs found.

    Attributes:
        noise: What they saw.
        found: Generations (those asked for, and `SNAPSHOTS`) -> float64 [repeats]. Repeats of one
            number start from the same population, and see the same field, whatever the tau.
    """

    noise: Calibrated
    found: dict[int, np.ndarray]


def simulate(settings: Settings, progress: Callable[[int, int], None] | None = None) -> Simulation:
    """Simulate and summarise.

    Args:
        settings: What.
        progress: Called with (noise levels done, in all).
    """
    noises: list[Calibrated] = []
    cells: list[Cell] = []
    progressions: list[Progression] = []
    total = len(settings.dimensions) * len(settings.taus)
    for dimensions in settings.dimensions:
        levels: list[Runs] = []
        for tau in settings.taus:
            levels.append(simulated_runs(settings, dimensions, tau))
            if progress is not None:
                progress(len(noises) + len(levels), total)
        noises += [runs.noise for runs in levels]
        cells += [
            _cell(runs, generations) for generations in settings.generations for runs in levels
        ]
        progressions += map(_progression, levels)
    return Simulation(settings, tuple(noises), tuple(cells), tuple(progressions))


def simulated_runs(settings: Settings, dimensions: int, tau: float) -> Runs:
    """The runs of one number of dimensions and one tau; they do not depend on the others."""
    return _runs(replace(settings, dimensions=(dimensions,), taus=(tau,)))


@dataclass(frozen=True, eq=False)
class Vision:
    """What the runs of one cell see.

    Attributes:
        noise: The noise.
        fields: uint64 [repeats], each run's field.
    """

    noise: Calibrated
    fields: np.ndarray

    def evaluate(self, points: np.ndarray, repeats: np.ndarray) -> np.ndarray:
        """The function with noise, for points [k, d] of the repeats [k]."""
        noise = self.noise.noise.of(self.fields[repeats], cells_of(points))
        return np.asarray(rastrigin(points) + noise)


def vision(settings: Settings, dimensions: int, tau: float) -> Vision:
    """What the runs see; their fields depend on nothing but the seed and their number."""
    noise = calibrated(dimensions, tau, settings.law, settings.seed if settings.frozen else None)
    if settings.frozen:
        fields = np.full(settings.repeats, settings.seed, dtype=np.uint64)
    else:
        rng = np.random.default_rng([settings.seed, dimensions, 0])
        fields = rng.integers(0, 1 << 64, settings.repeats, dtype=np.uint64)
    return Vision(noise, fields)


@lru_cache(maxsize=64)
def _runs(settings: Settings) -> Runs:
    (dimensions,), (tau,) = settings.dimensions, settings.taus
    seen = vision(settings, dimensions, tau)
    rng = np.random.default_rng([settings.seed, dimensions])
    options = GeneticAlgorithm()
    first = rng.uniform(-HIGH, HIGH, (settings.repeats, options.population, dimensions))
    last = max(settings.generations)
    looks = {*settings.generations, *(g for g in SNAPSHOTS if g <= last)}
    best = evolve(seen.evaluate, first, looks, HIGH, rng, options)
    return Runs(seen.noise, {g: rastrigin(points) for g, points in sorted(best.items())})


def _cell(runs: Runs, generations: int) -> Cell:
    dimensions = runs.noise.dimensions
    values = runs.found[generations]
    return Cell(
        dimensions,
        runs.noise.target,
        generations,
        GeneticAlgorithm().evaluations(generations),
        measured(range_gap(values, dimensions)),
        measured(top_fraction(values, dimensions)),
    )


def _progression(runs: Runs) -> Progression:
    values = range_gap(np.stack(list(runs.found.values()), axis=1), runs.noise.dimensions)
    evaluations = tuple(map(GeneticAlgorithm().evaluations, runs.found))
    return Progression(runs.noise.dimensions, runs.noise.target, evaluations, mean_band(values))


def measured(values: np.ndarray) -> Measured:
    """Summarise one measure [repeats]."""
    low, high = np.quantile(values, [0.025, 0.975])
    error = float(values.std(ddof=1) / np.sqrt(len(values)))
    return Measured(estimate_mean(values), error, float(low), float(high))
