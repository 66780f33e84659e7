"""All views of one benchmark beside curves and comparisons, each computed by its own module."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.benchmarks import TableBenchmark
from reports.depth_bias import DepthBiases, depth_biases
from reports.dynamics import Dynamics, dynamics
from reports.enumerated import Enumerated
from reports.equivalent_budget import EquivalentBudget, equivalent_budgets
from reports.incumbents import Incumbents
from reports.landscape import Landscape, landscape
from reports.percentile import Percentiles, percentiles
from reports.records import Cell
from reports.resemblance import Resemblances, resemblances
from reports.targets import Runtimes, runtimes

if TYPE_CHECKING:
    # A baseline is part of a summary, as the views are.
    from reports.baseline import Baseline


@dataclass(frozen=True)
class Views:
    """Further views of one benchmark's searches.

    Attributes:
        equivalent_budgets: How many times the evaluations random search needs; () where there is
            no random search.
        runtimes: Share of targets held over evaluations and seconds; None without results.
        percentiles: Where what was found stands among all architectures; None without a table.
        landscape: The space; None without a table.
        dynamics: What was evaluated over time; None where nothing has a value.
        resemblances: Winners beside the best initial samples; None where architectures are no
            lists of decisions or no strategy has an initial design.
        depth_biases: Depths of winners against uniform sampling; None where all architectures
            are equally deep or the benchmark was not found.
    """

    equivalent_budgets: tuple[EquivalentBudget, ...] = ()
    runtimes: Runtimes | None = None
    percentiles: Percentiles | None = None
    landscape: Landscape | None = None
    dynamics: Dynamics | None = None
    resemblances: Resemblances | None = None
    depth_biases: DepthBiases | None = None


def views_of(
    cells: Sequence[Cell],
    followed: Mapping[str, Incumbents],
    baseline: Baseline,
    searchers: Sequence[Mapping[str, Any]],
    random_search: str | None,
    grid: np.ndarray,
    times: np.ndarray,
    *,
    counted: bool,
) -> Views:
    """Compute all views.

    Args:
        cells: The searches, one cell a searcher.
        followed: Label -> incumbents, of the same searchers.
        baseline: The benchmark and exact random search on it.
        searchers: Label, strategy and options of the experiment's searchers.
        random_search: Label of the sampled random search.
        grid: Numbers of evaluations of the curves.
        times: Virtual seconds of the curves.
        counted: Whether the budget counts evaluations, so that architectures that the table lacks
            were charged, and a short training like a full one.
    """
    labelled = {cell.searcher: cell for cell in cells}
    # A one-shot method evaluates nothing on its way.
    evaluating = {label: cell for label, cell in labelled.items() if cell.one_shot is None}
    options = {s["searcher"]: s["options"] for s in searchers}
    maximize = cells[0].question.protocol.larger_report_is_better
    benchmark, search, n = baseline.benchmark, baseline.search, baseline.n
    table = benchmark if isinstance(benchmark, TableBenchmark) else None
    space = None if table is None else Enumerated.of(table)
    return Views(
        equivalent_budgets=equivalent_budgets(
            followed,
            grid,
            search,
            random_search,
            maximize=maximize,
            in_trainings=not counted,
        ),
        runtimes=runtimes(followed, grid, times, space, search, maximize=maximize),
        percentiles=None if space is None else percentiles(labelled, space, search, n),
        landscape=None if table is None or space is None else landscape(table, space, search, n),
        dynamics=dynamics(evaluating, grid, missing_charged=counted),
        resemblances=None
        if benchmark is None
        else resemblances(evaluating, options, benchmark, random_search),
        depth_biases=None
        if benchmark is None
        else depth_biases(labelled, benchmark, space, search, n),
    )
