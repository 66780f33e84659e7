"""Searches with several sparsities, seed by seed, and how what they find depends on it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import pairwise

import numpy as np
from scipy import stats

from harness.api import search
from harness.benchmarks import Benchmark, TableBenchmark
from harness.errors import UserError
from harness.experiment import as_searcher
from harness.loop import Budget
from harness.one_shot.problem import Problem, problem_of
from harness.one_shot.recorded import start
from harness.spec import SearcherSpec, searcher_options
from harness.traces import Trace
from reports.incumbents import winners
from reports.intervals import Estimate, estimate_mean
from reports.records import cell_of
from reports.studies.sparsity.result import Found, Level, SparsityCurve, Step, Trend
from reports.studies.traced import question_of

SPARSITIES = (0.01, 0.03, 0.1)


def sparsity_curve(
    benchmark: Benchmark,
    searcher: str | SearcherSpec = "bayesnas",
    *,
    sparsities: Sequence[float] = SPARSITIES,
    seeds: int = 6,
    budget: Budget,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> SparsityCurve:
    """Search with every sparsity and seed, in this process.

    Args:
        benchmark: What judges the derived architectures.
        searcher: A one-shot method with the option ``sparsity``, and its other options.
        sparsities: Values of that option.
        seeds: Searches with each, the same seeds for all.
        budget: Of each search.
        progress: Told of searches done and in all.

    Raises:
        UserError: If the method has no such option, there are fewer than two different
            sparsities or one seed, or the benchmark's reports are no percentages.
    """
    spec = as_searcher(searcher)
    if not spec.one_shot or "sparsity" not in searcher_options(spec.name):
        raise UserError(f"study sparsity: '{spec.name}' has no option sparsity; bayesnas has")
    values = sorted(set(sparsities))
    if len(values) < 2 or seeds < 1:
        raise UserError("study sparsity: at least two different sparsities and one seed")
    if benchmark.unit_of(benchmark.protocol.report) != "%":
        raise UserError(f"study sparsity: '{benchmark.name}' reports no accuracy in percent")
    problem, total = problem_of(benchmark), len(values) * seeds
    levels: list[Level] = []
    for value in values:
        found = []
        for seed in range(seeds):
            progress(len(levels) * seeds + seed, total)
            options = {**spec.options, "sparsity": value}
            found.append(_found(replace(spec, options=options), benchmark, budget, seed))
        levels.append(_level(value, found))
    progress(total, total)
    return SparsityCurve(
        benchmark=benchmark.name,
        checksum=benchmark.checksum,
        protocol=benchmark.protocol.name,
        leaks=tuple(benchmark.leaks),
        searcher=spec.label,
        seeds=seeds,
        budget={name: limit for name, limit in asdict(budget).items() if limit is not None},
        levels=tuple(levels),
        steps=tuple(_step(a, b) for a, b in pairwise(levels)),
        trend=Trend(*(_trend(levels, name) for name in ("error", "parameters", "operations"))),
        random=_random(benchmark, problem, budget, seeds),
    )


def parameters(problem: Problem, text: str) -> int:
    """Parameters of an architecture's network of the problem's size."""
    import torch

    from harness.networks import build
    from harness.networks.counting import count

    architecture = problem.space.from_string(text)
    with torch.device("meta"):  # shapes without numbers
        network = build(problem.space, architecture, problem.task, options=problem.recipe.network)
    return count(network, problem.task.shape).parameters


def _found(spec: SearcherSpec, benchmark: Benchmark, budget: Budget, seed: int) -> Found:
    run = start(spec, benchmark, budget, seed)
    while not run.over:
        run.advance()
    trace = run.trace()
    left = sum(run.logs[-1]["operations"].values()) if run.logs else None
    return _told(benchmark, trace, run.method.problem, left)


def _told(
    benchmark: Benchmark, trace: Trace, problem: Problem, operations: int | None = None
) -> Found:
    """What a search found; nothing of one that diverged or has no result."""
    (row,) = winners(cell_of(question_of(benchmark), [trace])).tolist()
    report = math.nan if row < 0 else float(trace.columns["report"][row])
    if math.isnan(report):
        return Found(None, None, None)
    text = trace.architectures[row]
    error = 100 - report if benchmark.protocol.larger_report_is_better else report
    return Found(text, error, parameters(problem, text), operations)


def _random(benchmark: Benchmark, problem: Problem, budget: Budget, seeds: int) -> Level | None:
    """Random search under the same budget, what it selects by validation."""
    if not isinstance(benchmark, TableBenchmark):
        return None
    found = []
    for seed in range(seeds):
        trace = search(benchmark, "random_search", seed=seed, **asdict(budget))
        found.append(_told(benchmark, trace, problem))
    return _level(None, found)


def _level(sparsity: float | None, found: Sequence[Found]) -> Level:
    error, size, left = (
        estimate_mean(_values(found, name)) for name in ("error", "parameters", "operations")
    )
    sizes = size.clipped(0.0, math.inf)
    return Level(sparsity, error.clipped(0.0, 100.0), sizes, left, tuple(found))


def _values(found: Sequence[Found], name: str) -> np.ndarray:
    values = [getattr(one, name) for one in found]
    return np.array([math.nan if value is None else value for value in values], dtype=float)


def _step(before: Level, after: Level) -> Step:
    assert before.sparsity is not None and after.sparsity is not None
    grown = (
        estimate_mean(_values(after.found, name) - _values(before.found, name))
        for name in ("error", "parameters")
    )
    return Step(before.sparsity, after.sparsity, *grown)


def _trend(levels: Sequence[Level], name: str) -> Estimate:
    """Mean over seeds of tau-b; a seed whose searches all found the same has a tau of 0.

    Seeds with fewer than two searches that found something are left out.
    """
    sparsities = [level.sparsity for level in levels]
    taus = []
    for values in np.array([_values(level.found, name) for level in levels]).T:
        there = ~np.isnan(values)
        if there.sum() < 2:
            continue
        tau = stats.kendalltau(np.array(sparsities)[there], values[there]).statistic
        taus.append(0.0 if np.isnan(tau) else float(tau))
    return estimate_mean(np.array(taus)).clipped(-1.0, 1.0)
