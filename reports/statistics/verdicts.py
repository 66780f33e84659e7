"""From the contests of an experiment to the verdicts of its summary."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from harness.errors import UserError
from reports.comparison import BETTER, WORSE
from reports.incumbents import Incumbents
from reports.random_search import Distribution
from reports.statistics.contest import Contest
from reports.statistics.equivalence import default_margin
from reports.statistics.evidence import Evidence, evidence, joined
from reports.statistics.overall import Overall, Place, overall
from reports.statistics.ranks import Ranks, ranks
from reports.summary import BenchmarkSummary, Summary


def contests(
    benchmark: BenchmarkSummary,
    followed: Mapping[str, Incumbents],
    random_search: str | None,
    exact: Distribution | None,
) -> list[Contest]:
    """One contest a strategy that is compared with random search on a benchmark.

    Args:
        benchmark: The benchmark with its comparisons.
        followed: Label -> incumbents.
        random_search: Label of the sampled random search; None if there is none.
        exact: Exact distribution of random search's result; None if there is none.
    """
    found = []
    chance = followed.get(random_search) if random_search else None
    for label, strategy in followed.items():
        comparison = benchmark.headline(label)
        if comparison is None:
            continue
        results = strategy.final("report")
        successful = ~np.isnan(results)
        seeds = strategy.seeds[successful]
        found.append(
            Contest(
                searcher=label,
                benchmark=benchmark.name,
                maximize=benchmark.maximize,
                seeds=seeds,
                results=results[successful],
                exact=exact,
                sampled=None if chance is None else _of_seeds(chance, seeds),
                reference=comparison.reference,
            )
        )
    return found


def check_margin(margin: float | None) -> None:
    """Refuse what is no margin.

    Raises:
        UserError: If the margin is not a number above zero.
    """
    if margin is not None and not 0.0 < margin < math.inf:
        raise UserError(f"margin {margin:g}: give a difference above zero, as 0.1")


def with_verdicts(
    summary: Summary, found: Sequence[Sequence[Contest]], margin: float | None = None
) -> Summary:
    """The summary with evidence on each benchmark, and verdicts over all of them.

    Args:
        summary: The summary, comparisons judged.
        found: The contests of each of its benchmarks.
        margin: Difference that matters, in units of the result; None: 0.1 percentage points, or
            a tenth of random search's standard deviation where results are not in percent.
    """
    each = [
        evidence(
            contest,
            _margin(benchmark, contest, margin),
            max(summary.family.get(contest.reference, 1), 1),
        )
        for benchmark, contests_here in zip(summary.benchmarks, found, strict=True)
        for contest in contests_here
    ]
    rest = iter(joined(each))
    benchmarks = tuple(
        replace(benchmark, evidence=tuple(next(rest) for _ in contests_here))
        for benchmark, contests_here in zip(summary.benchmarks, found, strict=True)
    )
    summary = replace(summary, benchmarks=benchmarks)
    return replace(
        summary,
        overall=tuple(_overall(summary, found)),
        ranks=_ranks(summary) if any(map(len, found)) else None,
    )


def _of_seeds(chance: Incumbents, seeds: np.ndarray) -> np.ndarray:
    """Random search's final results under each of the seeds, NaN where it has none."""
    results = np.full(len(seeds), np.nan)
    _, ours, theirs = np.intersect1d(seeds, chance.seeds, return_indices=True)
    results[ours] = chance.final("report")[theirs]
    return results


def _margin(benchmark: BenchmarkSummary, contest: Contest, margin: float | None) -> float | None:
    return margin or default_margin(benchmark.units["report"], contest.reference_sd)


def _overall(summary: Summary, found: Sequence[Sequence[Contest]]) -> list[Overall]:
    """One a strategy, in the order of the summary."""
    joint = []
    for searcher in summary.searchers:
        label = searcher["searcher"]
        theirs = [
            (benchmark, contest, _evidence(benchmark, label))
            for benchmark, contests_here in zip(summary.benchmarks, found, strict=True)
            for contest in contests_here
            if contest.searcher == label and contest.used.any()
        ]
        if not theirs:
            continue
        verdicts = [c.verdict for b, _, _ in theirs if (c := b.headline(label)) is not None]
        equivalent = sum(e.equivalence is not None and e.equivalence.shown for *_, e in theirs)
        joint.append(
            overall(
                [contest for _, contest, _ in theirs],
                [Place(space_of(b), b.dataset, b.units["report"]) for b, _, _ in theirs],
                (verdicts.count(BETTER), verdicts.count(WORSE), equivalent),
            )
        )
    return joint


def _evidence(benchmark: BenchmarkSummary, searcher: str) -> Evidence:
    return next(e for e in benchmark.evidence if e.searcher == searcher)


def _ranks(summary: Summary) -> Ranks:
    """Ranks of all searchers, random search too, by their mean results."""
    gains: dict[tuple[str, str], dict[str, float]] = {}
    for benchmark in summary.benchmarks:
        sign = 1.0 if benchmark.maximize else -1.0
        gains[space_of(benchmark), benchmark.name] = {
            f.searcher: sign * f.report.mean for f in benchmark.finals if f.report.mean is not None
        }
    return ranks(gains)


def space_of(benchmark: BenchmarkSummary) -> str:
    """A benchmark's search space; its table's name where the table was not found."""
    return benchmark.space or benchmark.name.partition("#")[0]
