"""The phase diagram of strategies on the noisy Rastrigin function's lattice."""

from __future__ import annotations

from collections.abc import Sequence

from harness.benchmarks.rastrigin import POINTS, noisy_rastrigin
from reports.comparison import against_sampled
from reports.intervals import estimate_mean
from reports.studies.noise.calibration import calibrated
from reports.studies.noise.fields import Law
from reports.studies.noise.landscape import range_gap
from reports.studies.noise.phases import (
    FUNCTION,
    Level,
    PhaseDiagram,
    Progress,
    Trial,
    judged_phases,
)
from reports.studies.noise.searches import checked, reported

RANDOM_SEARCH = "random_search"


def lattice_phases(
    dimensions: int,
    searchers: Sequence[str],
    *,
    taus: Sequence[float],
    budgets: Sequence[int],
    seeds: int,
    law: Law = "uniform",
    frozen: bool = False,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Strategies against random search on the noisy Rastrigin function's lattice.

    Results are range gaps. Amplitudes are calibrated as for the genetic algorithm.

    Args:
        dimensions: Of the function.
        searchers: As in ``"local_search"``; random search is added.
        taus: Kendall's tau of the noise.
        budgets: Evaluations.
        seeds: Searches of each.
        law: Of the noise.
        frozen: Whether all searches see the same noise.
        progress: Called with (pairs of strategy and tau done, in all).

    Raises:
        UserError: If a name is unknown or a number out of range.
    """
    specs, budgets = checked([RANDOM_SEARCH, *searchers], budgets, seeds)
    levels: list[Level] = []
    trials: list[Trial] = []
    total = len(specs) * len(set(taus))
    for tau in sorted(set(taus), reverse=True):
        noise = calibrated(dimensions, tau, law)
        noisy = noisy_rastrigin(dimensions, law, noise.noise.amplitude, frozen=frozen)
        name = f"{tau:g}"
        levels.append(Level(name, noise.noise.amplitude, noise.noise.deviation, noise.measured))
        gaps = {}
        for spec in specs:
            values = reported(noisy, spec, range(seeds), budgets).T
            gaps[spec.label] = range_gap(values, dimensions)
            if progress is not None:
                progress((len(levels) - 1) * len(specs) + len(gaps), total)
        chances = gaps.pop(RANDOM_SEARCH)
        for label, results in gaps.items():
            for budget, ours, chance in zip(budgets, results, chances, strict=True):
                comparison = against_sampled(label, name, ours, chance, maximize=False)
                mean = float(chance.mean())
                trials.append(Trial(comparison, budget, estimate_mean(ours), mean))
    labels = tuple(spec.label for spec in specs[1:])
    return PhaseDiagram(
        benchmark=f"Rastrigin's function, {dimensions} dimensions, {POINTS} points an axis",
        checksum=noisy_rastrigin(dimensions, law, 0.0).checksum,
        protocol=noisy.protocol.name,
        leaks=(),
        unit="",
        maximize=False,
        noise=FUNCTION,
        reference="sampled",
        seeds=seeds,
        searchers=labels,
        budgets=tuple(budgets),
        levels=tuple(levels),
        phases=judged_phases(trials, labels, maximize=False),
    )
