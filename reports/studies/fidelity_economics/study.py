"""The study: exact random search and sampled strategies at every level of one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from harness.benchmarks import TableBenchmark
from harness.errors import UserError
from harness.experiment import as_searcher
from harness.spec import SearcherSpec
from reports.charts import EXACT
from reports.intervals import Estimate
from reports.random_search import ExactUnavailable
from reports.studies.fidelity_economics.exact import random_curves
from reports.studies.fidelity_economics.levels import LevelBenchmark, levels_of
from reports.studies.fidelity_economics.result import (
    Best,
    FidelityEconomics,
    Level,
    RandomCurve,
)
from reports.studies.fidelity_economics.sampled import Sampled, best_sampled, run_sampled
from reports.studies.traced import question_of

BUDGET = 256
SEEDS = 20


def fidelity_economics(
    source: str,
    protocols: Sequence[str] = (),
    *,
    epochs: Sequence[int] = (),
    searchers: Sequence[str | SearcherSpec] = (),
    budget: int = BUDGET,
    seeds: int = SEEDS,
    final_training: bool = True,
) -> FidelityEconomics:
    """Compare the fidelities of a table at equal virtual time.

    Args:
        source: The table, as for `harness.benchmarks.open_benchmark`.
        protocols: Either one protocol with several fidelities, or several that report the same
            measure; (): the table's only protocol with several fidelities.
        epochs: Which of the one protocol's fidelities; (): all, or eight evenly spaced.
        searchers: Strategies to run at every level besides exact random search.
        budget: Largest budget in full evaluations of mean cost, at least 2.
        seeds: Searches of each strategy at each level.
        final_training: Whether the budget of a cheaper level pays for one full training of the
            winner.

    Raises:
        UserError: If something is unknown, or nothing can be compared.
    """
    if budget < 2:
        raise UserError(f"budget={budget}; at least 2 full evaluations")
    if searchers and seeds < 1:
        raise UserError(f"seeds={seeds}; at least 1")
    levels = levels_of(source, protocols, epochs)
    full = levels[-1]
    benchmark = full.benchmark
    maximize = benchmark.protocol.larger_report_is_better
    budgets = _budgets(budget)
    missing = ""
    curves: tuple[RandomCurve, ...] = ()
    try:
        curves = random_curves(levels, budgets, final_training=final_training)
    except ExactUnavailable as error:
        missing = str(error)
    sampled = [
        run_sampled(
            spec, levels, _many(levels), budgets, seeds=seeds, final_training=final_training
        )
        for spec in map(as_searcher, searchers)
    ]
    question = question_of(benchmark)
    outcomes = None if missing else full.search.outcomes
    return FidelityEconomics(
        benchmark=benchmark.name,
        checksum=benchmark.checksum,
        protocol=", ".join(protocols) or benchmark.protocol.name,
        protocols={level.name: level.benchmark.protocol.hash for level in levels},
        split=question.split,
        unit=question.units["report"],
        maximize=maximize,
        leaks=tuple(dict.fromkeys(leak for lv in levels for leak in lv.benchmark.leaks)),
        optimum=benchmark.optimum,
        architectures=len(benchmark.table.row_of) if outcomes is None else outcomes.architectures,
        per_encoding=outcomes is not None and outcomes.per_encoding,
        final_training=final_training,
        full=full.name,
        budgets=budgets,
        levels=tuple(_level(level, full, curves, budgets, maximize) for level in levels),
        random=curves,
        exact_missing=missing,
        sampled=tuple(found.curve() for group in sampled for found in group),
        best=(
            *_best_random(curves, budgets, full.name, maximize),
            *_best_of_all(sampled, budgets, full.name, maximize),
        ),
        seeds=seeds if searchers else 0,
        options={spec.label: spec.identity for spec in map(as_searcher, searchers)},
    )


def _budgets(largest: int) -> tuple[float, ...]:
    """1, the square root of 2, 2, ... up to the largest."""
    powers = range(2 * largest.bit_length())
    return tuple(2.0 ** (k / 2) for k in powers if 2.0 ** (k / 2) <= largest)


def _many(levels: Sequence[LevelBenchmark]) -> TableBenchmark | None:
    """The benchmark that offers the levels as fidelities; None if they are several columns."""
    last = levels[-1].benchmark
    measures = {replace(level.benchmark.protocol.search, epoch=0) for level in levels}
    if len(measures) > 1:
        return None
    curve = last.table.columns[last.protocol.search.column].schedule == "curve"
    protocol = replace(
        last.protocol,
        fidelities=tuple(level.epochs for level in levels),
        promotion="continue" if curve else "restart",
    )
    return TableBenchmark(last.table, last.dataset, protocol)


def _level(
    level: LevelBenchmark,
    full: LevelBenchmark,
    curves: Sequence[RandomCurve],
    budgets: Sequence[float],
    maximize: bool,
) -> Level:
    reports = {curve.level: curve.report for curve in curves}
    gains = []
    if level is not full and curves:
        for budget, ours, theirs in zip(
            budgets, reports[level.name], reports[full.name], strict=True
        ):
            if ours is not None and theirs is not None and (ours > theirs) == maximize:
                gains.append(budget)
    return Level(
        name=level.name,
        epochs=level.epochs,
        seconds=level.seconds,
        speedup=full.seconds / level.seconds,
        tau=level.agreement(),
        saturated=level.saturated(),
        largest_gain=max(gains, default=None),
    )


def _best_random(
    curves: Sequence[RandomCurve], budgets: Sequence[float], full: str, maximize: bool
) -> list[Best]:
    found = []
    for place, budget in enumerate(budgets):
        known = {
            curve.level: report for curve in curves if (report := curve.report[place]) is not None
        }
        if not float(budget).is_integer() or not known:
            continue
        level = (max if maximize else min)(known, key=lambda name: known[name])
        gain = abs(known[level] - known[full]) if full in known else None
        found.append(
            Best(
                searcher=EXACT,
                budget=float(budget),
                level=level,
                report=Estimate(known[level], None, None),
                full=known.get(full),
                gain=Estimate(gain, None, None),
                shares={},
            )
        )
    return found


def _best_of_all(
    sampled: Sequence[Sequence[Sampled]], budgets: Sequence[float], full: str, maximize: bool
) -> list[Best]:
    return [
        best for group in sampled for best in best_sampled(group, budgets, full, maximize=maximize)
    ]
