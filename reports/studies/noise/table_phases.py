"""The phase diagram of a real table, whose own noise is turned up and down."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.benchmarks import TableBenchmark, open_benchmark
from harness.errors import UserError
from reports.comparison import against_exact
from reports.intervals import estimate_mean
from reports.random_search import exact_baseline
from reports.studies.noise.phases import Level, PhaseDiagram, Progress, Trial, judged_phases
from reports.studies.noise.scaled import ScaledNoise
from reports.studies.noise.searches import checked, reported


def table_phases(
    benchmark: str,
    searchers: Sequence[str],
    *,
    factors: Sequence[float],
    budgets: Sequence[int],
    seeds: int,
    protocol: str | None = None,
    options: Mapping[str, Any] | None = None,
    progress: Progress | None = None,
) -> PhaseDiagram:
    """Strategies against exact random search, with a real table's noise multiplied.

    Searches do not know their budget, so that smaller budgets are read off the longest searches.

    Args:
        benchmark: Name or path of a table.
        searchers: As in ``"regularized_evolution:population_size=20"``.
        factors: Of the noise.
        budgets: Evaluations.
        seeds: Searches of each.
        protocol: One of the table's; default: its default.
        options: Fields of it to replace, such as ``{"missing": "resample"}``.
        progress: Called with (pairs of strategy and factor done, in all).

    Raises:
        UserError: If a name is unknown, a number out of range, or there is no noise to scale.
    """
    specs, budgets = checked(searchers, budgets, seeds)
    opened = open_benchmark(benchmark, protocol, options)
    if not isinstance(opened, TableBenchmark):
        raise UserError(f"{benchmark} is computed: give a table, whose noise can be scaled")
    if not factors:
        raise UserError("give at least one factor of the noise")
    maximize = opened.protocol.larger_report_is_better
    levels: list[Level] = []
    trials: list[Trial] = []
    for factor in sorted(set(factors)):
        noisy = ScaledNoise(opened.table, opened.dataset, opened.protocol, factor)
        name = f"{factor:g}"
        levels.append(Level(name, factor, factor * noisy.deviation, noisy.tau()))
        exact = exact_baseline(noisy)
        chances = [exact.reported(budget) for budget in budgets]
        for spec in specs:
            results = reported(noisy, spec, range(seeds), budgets).T
            for budget, ours, chance in zip(budgets, results, chances, strict=True):
                comparison = against_exact(spec.label, name, ours, chance, maximize)
                trials.append(Trial(comparison, budget, estimate_mean(ours), chance.mean))
            if progress is not None:
                progress(len(trials) // len(budgets), len(specs) * len(set(factors)))
    labels = tuple(spec.label for spec in specs)
    return PhaseDiagram(
        benchmark=opened.name,
        checksum=opened.checksum,
        protocol=f"{opened.protocol.name}, {opened.protocol.hash}",
        leaks=tuple(opened.leaks),
        unit=opened.unit_of(opened.protocol.report),
        maximize=maximize,
        noise=noisy.kind,
        reference="exact",
        seeds=seeds,
        searchers=labels,
        budgets=tuple(budgets),
        levels=tuple(levels),
        phases=judged_phases(trials, labels, maximize=maximize),
    )
