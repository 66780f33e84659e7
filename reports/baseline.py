"""Exact random search for one benchmark of an experiment, and the sampled one beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.benchmarks import Benchmark, open_benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import HarnessError
from reports.finals import FinalResults, spread_of
from reports.random_search import Distribution, ExactUnavailable, RandomSearch, exact_baseline
from reports.records import Question
from reports.summary import ExactBaseline, SampledCheck

AGREEMENT = 3.0
"""Standard errors within which the sampled random search agrees with the exact one."""


@dataclass(frozen=True, eq=False)
class Baseline:
    """What a benchmark's table says about random search.

    Attributes:
        optimum: Best mean reported result; None if the table was not found.
        search: Exact random search; None if there is none.
        n: Evaluations of a whole search; None if the budget does not fix their number.
        final: Distribution of its reported result.
        missing: Why `search` or `final` is not there; "" if both are.
        benchmark: The benchmark that the searches were run on; None if it was not found.
    """

    optimum: float | None
    search: RandomSearch | None
    n: int | None
    final: Distribution | None
    missing: str
    benchmark: Benchmark | None = None

    def summary(self, grid: np.ndarray, sampled: FinalResults | None) -> ExactBaseline | None:
        """The part of the report about exact random search.

        Args:
            grid: Numbers of evaluations of the curve.
            sampled: Final results of the sampled random search.
        """
        if self.search is None:
            return None
        outcomes = self.search.outcomes
        return ExactBaseline(
            replacement=self.search.replacement,
            shared=self.search.shared,
            same_as_sampled=outcomes.per_encoding,
            architectures=outcomes.architectures,
            curve=self.search.curve(grid),
            n=self.n,
            final=None if self.final is None else spread_of(self.final),
            check=None if self.final is None else _check(self.final, sampled),
        )


def baseline_of(
    question: Question,
    budget: Mapping[str, float | None],
    *,
    replacement: bool,
    tables: Mapping[str, Benchmark],
) -> Baseline:
    """Open a benchmark's table and compute random search on it.

    Args:
        question: The benchmark and its protocol.
        budget: The experiment's budget.
        replacement: Whether random search may draw an architecture twice.
        tables: Benchmark name -> opened benchmark, instead of looking for the table.
    """
    try:
        benchmark = tables.get(question.name) or open_benchmark(question.source, question.protocol)
    except HarnessError as error:
        return Baseline(None, None, None, None, f"table not found ({error})")
    if isinstance(benchmark, LiveBenchmark):
        # Its checksum would need the images, which a report does not.
        missing = "every evaluation is a training, and most architectures are never trained"
        return Baseline(None, None, None, None, missing, benchmark)
    found = (benchmark.checksum, benchmark.protocol.hash)
    if found != (question.checksum, question.protocol.hash):
        missing = f"the table {question.source} has changed since the searches ran"
        return Baseline(None, None, None, None, missing)
    optimum = benchmark.optimum
    try:
        search = exact_baseline(benchmark, replacement=replacement)
    except ExactUnavailable as error:
        return Baseline(optimum, None, None, None, str(error), benchmark)
    n = _evaluations(question, budget, search)
    if n is None:
        missing = "the budget limits time or epochs, so that the number of evaluations varies"
        return Baseline(optimum, search, None, None, missing, benchmark)
    return Baseline(optimum, search, n, search.reported(n), "", benchmark)


def _evaluations(
    question: Question, budget: Mapping[str, float | None], search: RandomSearch
) -> int | None:
    """Evaluations of a whole search; None if the budget does not fix their number."""
    if any(budget.get(limit) is not None for limit in ("seconds", "epochs")):
        return None
    counts = []
    if budget.get("evaluations") is not None:
        counts.append(int(budget["evaluations"] or 0))
    passes, images = budget.get("image_passes"), question.images_per_epoch
    if passes is not None:
        # Failed and missing architectures do not use up the image passes of a training.
        epochs = question.protocol.search.epoch
        if not images or not epochs or search.outcomes.failing:
            return None
        counts.append(int(passes) // images // epochs)
    return min(counts, default=None) or None


def _check(exact: Distribution, sampled: FinalResults | None) -> SampledCheck | None:
    if sampled is None or sampled.report.mean is None:
        return None
    n = sampled.n - sampled.without
    off = sampled.report.mean - exact.mean
    error = exact.sd / np.sqrt(n)
    z = float(off / error) if error > 1e-12 else None
    agrees = abs(z) < AGREEMENT if z is not None else abs(off) < 1e-9
    return SampledCheck(sampled.searcher, n, sampled.report.mean, z, bool(agrees))
