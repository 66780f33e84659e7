"""Strategies under a budget of virtual seconds, by searches at every level."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from harness.benchmarks import TableBenchmark
from harness.errors import UserError
from harness.loop import Budget
from harness.searcher import MultiFidelitySearcher
from harness.spec import SearcherSpec, searcher_class
from reports.incumbents import incumbents
from reports.intervals import (
    Band,
    Estimate,
    estimate_mean,
    mean_band,
    plain_mean,
    resampling_weights,
)
from reports.records import cell_of
from reports.studies.fidelity_economics.levels import LevelBenchmark
from reports.studies.fidelity_economics.result import ADAPTIVE, Best, SampledCurve
from reports.studies.traced import of_incumbents, padded, question_of, run_searches


@dataclass(frozen=True, eq=False)
class Sampled:
    """A strategy's searches at one level.

    Attributes:
        searcher: The strategy's label.
        level: Label of the level.
        evaluations: Mean number of evaluations.
        report: float64 [searches, budgets], the winner's reported result; NaN where the budget
            pays for none.
    """

    searcher: str
    level: str
    evaluations: float
    report: np.ndarray

    def curve(self) -> SampledCurve:
        """Means with bands."""
        # A mean over searches that were cheap enough would favour those.
        band: Band = mean_band(self.report, least=1.0)
        return SampledCurve(self.searcher, self.level, len(self.report), self.evaluations, band)


def run_sampled(
    spec: SearcherSpec,
    levels: Sequence[LevelBenchmark],
    many: TableBenchmark | None,
    budgets: Sequence[float],
    *,
    seeds: int,
    final_training: bool,
) -> list[Sampled]:
    """Run a strategy at every level, or one that chooses its fidelities on all of them.

    Args:
        spec: The strategy.
        levels: By cost; the last is the full one.
        many: The benchmark that offers all levels as fidelities, if there is one.
        budgets: In full evaluations.
        seeds: Number of searches of each.
        final_training: Whether the budget pays for a full training of the winner.

    Raises:
        UserError: If the strategy chooses fidelities and there is no such benchmark.
    """
    full = levels[-1]
    seconds = np.array(budgets) * full.seconds
    choosing = issubclass(searcher_class(spec.name), MultiFidelitySearcher)
    if choosing and many is None:
        raise UserError(
            f"{spec.label} chooses the fidelity of each evaluation: give one protocol with"
            " several fidelities"
        )
    places = [(level.name, level.benchmark) for level in levels]
    if choosing and many is not None:
        places = [(ADAPTIVE, many)]
    price = full.costs if final_training else np.zeros_like(full.costs)
    return [
        _at_level(spec, name, benchmark, price, seconds, seeds, full.epochs)
        for name, benchmark in places
    ]


def _at_level(
    spec: SearcherSpec,
    name: str,
    benchmark: TableBenchmark,
    price: np.ndarray,
    seconds: np.ndarray,
    seeds: int,
    full_epochs: int,
) -> Sampled:
    traces = run_searches(benchmark, spec, range(seeds), Budget(seconds=float(seconds[-1])))
    cell = cell_of(question_of(benchmark), traces)
    followed = incumbents(cell, missing_charged=False)
    # What is fully trained already costs nothing more.
    prices = [
        np.where(trace.columns["epochs"] < full_epochs, price[trace.columns["row"]], 0.0)
        for trace in traces
    ]
    owed = of_incumbents(cell, padded(cell, prices), missing_charged=False)
    # A search stops before the first evaluation that would leave too little for its winner.
    needed = np.maximum.accumulate(followed.seconds + np.nan_to_num(owed), axis=1)
    before_any = np.full((len(followed.seeds), 1), np.nan)
    held = np.concatenate([before_any, followed.values["report"]], axis=1)
    fitting = np.stack(
        [np.searchsorted(row, seconds * (1 + 1e-12), side="right") for row in needed]
    )
    report = np.take_along_axis(held, fitting, axis=1)
    return Sampled(spec.label, name, float(followed.lengths.mean()), report)


def best_sampled(
    found: Sequence[Sampled], budgets: Sequence[float], full: str, *, maximize: bool
) -> list[Best]:
    """The best level of one strategy at every whole power of two of the budgets.

    Args:
        found: One strategy at several levels, over the same seeds.
        budgets: In full evaluations.
        full: Label of the full level.
        maximize: Whether larger reported results are better.
    """
    # Of equally good levels the full one is the best: the cheaper ones gain nothing.
    found = sorted(found, key=lambda sampled: sampled.level != full)
    names = [sampled.level for sampled in found]
    best = []
    for place, budget in enumerate(budgets):
        reports = np.stack([sampled.report[:, place] for sampled in found], axis=1)
        usable = ~np.isnan(reports).any(axis=0)
        if not float(budget).is_integer() or not usable.any():
            continue
        oriented = np.where(usable, reports if maximize else -reports, -np.inf)
        winner = int(np.argmax(oriented.mean(axis=0)))
        by_name: Mapping[str, np.ndarray] = dict(zip(names, reports.T, strict=True))
        full_values = by_name.get(full)
        gain = Estimate(None, None, None)
        if names[winner] == full:
            gain = Estimate(0.0, None, None)
        elif full_values is not None and not np.isnan(full_values).any():
            difference = reports[:, winner] - full_values
            gain = estimate_mean(difference if maximize else -difference)
        best.append(
            Best(
                searcher=found[0].searcher,
                budget=float(budget),
                level=names[winner],
                report=estimate_mean(reports[:, winner]),
                full=None if full_values is None else plain_mean(full_values),
                gain=gain,
                shares=_shares(oriented, names) if len(names) > 1 else {},
            )
        )
    return best


def _shares(oriented: np.ndarray, names: Sequence[str]) -> dict[str, float]:
    """How often each level [searches, levels] has the best mean in resamples of the seeds."""
    if len(oriented) < 2:
        return {}
    usable = np.isfinite(oriented).all(axis=0)
    means = resampling_weights(len(oriented)) @ np.where(usable, oriented, 0.0)
    means[:, ~usable] = -np.inf
    winners = np.bincount(np.argmax(means, axis=1), minlength=len(names))
    return {name: float(n) / len(means) for name, n in zip(names, winners.tolist(), strict=True)}
