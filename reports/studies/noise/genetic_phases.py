"""The phase diagram of the genetic algorithm: against random search in the same box and noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.benchmarks.rastrigin import HIGH, rastrigin
from reports.comparison import against_sampled
from reports.intervals import estimate_mean
from reports.studies.noise.genetic import GeneticAlgorithm
from reports.studies.noise.landscape import range_gap
from reports.studies.noise.phases import FUNCTION, Level, PhaseDiagram, Trial, judged_phases
from reports.studies.noise.simulation import Settings, Vision, simulated_runs, vision

NAME = "genetic algorithm"

MOST_REPEATS = 100
"""So many of the genetic algorithm's runs are compared: random search has no shortcuts."""

_AT_ONCE = 100


def genetic_phases(settings: Settings, dimensions: int) -> PhaseDiagram:
    """The genetic algorithm against as many uniform points, as seen with the same noise.

    Both keep the point that looks best. Results are range gaps.

    Args:
        settings: The simulation's.
        dimensions: One of its numbers of dimensions.
    """
    budgets = [GeneticAlgorithm().evaluations(g) for g in sorted(settings.generations)]
    repeats = min(settings.repeats, MOST_REPEATS)
    levels: list[Level] = []
    trials: list[Trial] = []
    for tau in sorted(set(settings.taus), reverse=True):
        runs = simulated_runs(settings, dimensions, tau)
        noise = runs.noise
        name = f"{tau:g}"
        levels.append(Level(name, noise.noise.amplitude, noise.noise.deviation, noise.measured))
        chance = random_points(vision(settings, dimensions, tau), repeats, budgets, settings.seed)
        for generations, budget, values in zip(
            sorted(settings.generations), budgets, chance, strict=True
        ):
            ours = range_gap(runs.found[generations][:repeats], dimensions)
            theirs = range_gap(values, dimensions)
            comparison = against_sampled(NAME, name, ours, theirs, maximize=False)
            trials.append(Trial(comparison, budget, estimate_mean(ours), float(theirs.mean())))
    return PhaseDiagram(
        benchmark=f"Rastrigin's function, {dimensions} dimensions",
        checksum="",
        protocol="frozen noise" if settings.frozen else "noise redrawn for every run",
        leaks=(),
        unit="",
        maximize=False,
        noise=FUNCTION,
        reference="sampled",
        seeds=repeats,
        searchers=(NAME,),
        budgets=tuple(budgets),
        levels=tuple(levels),
        phases=judged_phases(trials, (NAME,), maximize=False),
    )


def random_points(seen: Vision, repeats: int, budgets: Sequence[int], seed: int) -> np.ndarray:
    """True values of the uniform points that look best, float64 [budgets, repeats].

    Args:
        seen: What runs see.
        repeats: How many of them.
        budgets: Numbers of points, ascending; a longer run contains the shorter ones.
        seed: Of the points.
    """
    d = seen.noise.dimensions
    rng = np.random.default_rng([seed, d, 1])
    best = np.full(repeats, np.inf)
    holder = np.zeros((repeats, d))
    found = []
    drawn = 0
    for budget in budgets:
        while drawn < budget:
            n = min(_AT_ONCE, budget - drawn)
            points = rng.uniform(-HIGH, HIGH, (repeats, n, d))
            rows = np.repeat(np.arange(repeats), n)
            values = seen.evaluate(points.reshape(-1, d), rows).reshape(repeats, n)
            first = values.argmin(axis=1)
            least = values[np.arange(repeats), first]
            better = least < best
            best[better] = least[better]
            holder[better] = points[better, first[better]]
            drawn += n
        found.append(rastrigin(holder))
    return np.stack(found)
