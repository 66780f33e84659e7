"""Strategies of the harness at several budgets, in this process."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.benchmarks import Benchmark
from harness.errors import UserError
from harness.loop import Budget
from harness.spec import SearcherSpec
from reports.incumbents import incumbents
from reports.records import cell_of
from reports.studies.traced import question_of, run_searches


def reported(
    benchmark: Benchmark, spec: SearcherSpec, seeds: Sequence[int], budgets: Sequence[int]
) -> np.ndarray:
    """Reported results of the winners at each budget, float64 [seeds, budgets]."""
    traces = run_searches(benchmark, spec, seeds, Budget(evaluations=max(budgets)))
    followed = incumbents(cell_of(question_of(benchmark), traces))
    reports = followed.values["report"]
    places = np.minimum(np.array(budgets), reports.shape[1]) - 1
    return np.asarray(reports[:, places])


def checked(
    searchers: Sequence[str], budgets: Sequence[int], seeds: int
) -> tuple[list[SearcherSpec], list[int]]:
    specs = [SearcherSpec.parse(text) for text in dict.fromkeys(searchers)]
    if seeds < 2:
        raise UserError(f"{seeds} seeds: at least 2, for an interval")
    if not specs or not budgets or min(budgets) < 1:
        raise UserError("give at least one searcher and one budget of at least one evaluation")
    return specs, sorted(set(budgets))
