"""Exact random search against enumeration, other formulas, and searches that were run."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks import TableBenchmark
from harness.benchmarks.covered import CoveredSpace
from harness.loop import Budget, Search, run_search
from harness.protocol import Measure
from harness.spec import SearcherSpec
from reports.outcomes import Outcomes, outcomes_of
from reports.random_search import Distribution, ExactUnavailable, RandomSearch, exact_baseline
from tests.reports.brute_force import TinyTable
from tests.small_table import CELLS, TEST, VALID, small_table

tiny_tables = st.builds(
    TinyTable,
    runs=st.lists(st.lists(st.integers(0, 3), min_size=1, max_size=2), min_size=2, max_size=2),
    size=st.lists(st.integers(1, 2), min_size=2, max_size=2),
    failing=st.integers(0, 1),
)


def by_value(found: dict[Any, Fraction]) -> dict[float | None, float]:
    """Probability of each selection value."""
    total: dict[float | None, float] = {}
    for key, chance in found.items():
        value = None if key is None else key[0]
        total[value] = total.get(value, 0.0) + float(chance)
    return total


@settings(max_examples=40, deadline=None)
@given(tiny_tables, st.integers(1, 3), st.booleans(), st.booleans())
def test_best_value_equals_enumeration(
    table: TinyTable, n: int, replacement: bool, shared: bool
) -> None:
    n = min(n, sum(table.size) + table.failing)
    exact = RandomSearch(table.outcomes(), replacement=replacement, shared=shared)
    at_most = exact.best_of(n)
    enumerated = by_value(table.best_of(n, replacement=replacement, shared=shared))
    assert at_most[0] == pytest.approx(enumerated.get(None, 0.0), abs=1e-12)
    for level, chance in zip(exact.outcomes.levels, np.diff(at_most), strict=True):
        assert chance == pytest.approx(enumerated.get(level, 0.0), abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(tiny_tables, st.integers(1, 3), st.booleans(), st.booleans())
def test_holder_equals_enumeration_where_ties_are_exact(
    table: TinyTable, n: int, replacement: bool, shared: bool
) -> None:
    n = min(n, sum(table.size) + table.failing)
    values = [set(runs) for runs in table.runs]
    certain = all(len(v) == 1 for v in values)
    # Where draws depend on each other, ties between rows are approximate.
    independent = replacement and not shared
    if not independent and not certain and len(values[0] | values[1]) < sum(map(len, table.runs)):
        n = 1
    exact = RandomSearch(table.outcomes(), replacement=replacement, shared=shared)
    holders = np.bincount(exact.outcomes.row, exact.holders(n), minlength=2)
    enumerated = table.best_of(n, replacement=replacement, shared=shared)
    for row in range(2):
        expected = sum(c for key, c in enumerated.items() if key is not None and key[1] == row)
        assert holders[row] == pytest.approx(float(expected), abs=1e-12)


@pytest.mark.parametrize("replacement", [True, False])
def test_many_rows_equal_the_distribution_of_their_number(replacement: bool) -> None:
    """E[S^n] and E[C(N S, n)] / C(N, n) by convolving the rows' Bernoulli variables."""
    rng = np.random.default_rng(3)
    size, runs = rng.integers(1, 5, 40), [rng.integers(0, 9, k) for k in rng.integers(1, 6, 40)]
    table = TinyTable([r.tolist() for r in runs], size.tolist(), failing=3)
    exact = RandomSearch(table.outcomes(), replacement=replacement)
    total = exact.outcomes.architectures
    for n in (1, 2, 7, 40, total - 1, total, 400):
        n = n if replacement else min(n, total)
        at_most = exact.best_of(n)
        for place, level in enumerate(exact.outcomes.levels):
            count = np.zeros(total + 1)
            count[3] = 1.0
            for row, m in zip(runs, size, strict=True):
                p = float(np.mean(row <= level))
                moved = np.concatenate([np.zeros(m), count[:-m]])
                count = (1.0 - p) * count + p * moved
            if replacement:
                drawn = (np.arange(total + 1) / total) ** n
            else:
                drawn = np.array([comb(g, n) / comb(total, n) for g in range(total + 1)])
            assert at_most[place + 1] == pytest.approx(float(count @ drawn), abs=1e-11)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.filterwarnings("error")
def test_many_more_draws_than_architectures(replacement: bool) -> None:
    """Rows so large that exp of their size at the saddle point is larger than any float."""
    rng = np.random.default_rng(4)
    runs = rng.integers(0, 9, (5, 2))
    table = TinyTable(runs.tolist(), [400] * 5)
    exact = RandomSearch(table.outcomes(), replacement=replacement)
    for n in (20_000, 100_000) if replacement else (1_900, 1_999, 2_000):
        at_most = exact.best_of(n)
        for place, level in enumerate(exact.outcomes.levels):
            expected = 0.0
            for draw in itertools.product((0, 1), repeat=5):
                good = int((runs[range(5), draw] <= level).sum()) * 400
                drawn = (good / 2_000) ** n if replacement else comb(good, n) / comb(2_000, n)
                expected += drawn / 2**5
            assert at_most[place + 1] == pytest.approx(expected, abs=1e-11)
        assert exact.holders(n).sum() == pytest.approx(1.0)


def test_ties_of_shared_draws_are_nearly_exact() -> None:
    """Rows that show few distinct values, where the split by probability alone would be off."""
    rng = np.random.default_rng(5)
    rows, n, searches = 150, 140, 20_000
    seeds = rng.integers(1, 4, rows)
    runs = [np.rint(rng.normal(0.0, 1.0, k)) for k in seeds]
    outcomes = TinyTable([r.tolist() for r in runs], [1] * rows).outcomes()
    # Reported is whether the row always shows the same: such rows hold the best value more often.
    steady = np.array([float(np.ptp(r) == 0.0) for r in runs])
    outcomes = Outcomes(**{**vars(outcomes), "report": steady[outcomes.row]})
    exact = RandomSearch(outcomes)
    # What splitting ties by probability alone would give.
    chance = np.diff(exact.best_of(n))[outcomes.level] * outcomes.mass
    naive = chance / np.bincount(outcomes.level, outcomes.mass)[outcomes.level]
    shown = np.stack([rng.choice(r, searches) for r in runs], axis=1)
    draws = rng.integers(0, rows, (searches, n))
    drawn = np.take_along_axis(shown, draws, axis=1)
    holder = draws[np.arange(searches), drawn.argmax(axis=1)]
    error = steady[holder].std() / np.sqrt(searches)
    found = steady[holder].mean()
    assert abs(exact.reported(n).mean - found) < 4.0 * error
    assert abs(float(naive @ outcomes.report) - found) > 6.0 * error


@pytest.mark.parametrize(
    ("changes", "replacement"),
    [
        ({}, True),
        ({"maximize": False}, False),
        ({"repeat": "fresh", "maximize": False}, True),
        ({"repeat": "fresh"}, False),
        ({"charge_repeats": False, "row_of": None}, True),
        ({"report": Measure(TEST, 4, "random")}, True),
        ({"select": Measure(VALID, 2, "random"), "repeat": "fresh"}, True),
        ({"search": Measure(VALID, 4, "mean")}, True),
        ({"search": Measure(VALID, 4, 8)}, True),
        ({"missing": "fail", "cells": CELLS[:17]}, True),
        ({"missing": "fail", "cells": CELLS[:17]}, False),
        ({"missing": "resample", "cells": CELLS[:17]}, False),
    ],
)
def test_agrees_with_searches_that_were_run(
    tmp_path: Path, changes: dict[str, Any], replacement: bool
) -> None:
    changes = dict(changes)
    cells = changes.pop("cells", CELLS)
    # Some architectures share a row, unless the case is about distinct ones.
    shared = [i % (len(cells) - 5) for i in range(len(cells))]
    row_of = changes.pop("row_of", shared)
    table = small_table(tmp_path / "t.table", cells=cells, row_of=row_of)
    benchmark = table.benchmark(**changes)
    n, searches = 6, 1_000
    exact = exact_baseline(benchmark, replacement=replacement)
    curve = exact.curve(np.array([1, n]))
    found = np.array([_run(benchmark, seed, n, replacement) for seed in range(searches)])
    assert exact.outcomes.per_encoding
    success = ~np.isnan(found[:, 0])
    assert success.mean() == pytest.approx(curve.success[1], abs=0.01)
    expected = (curve.selection[1], curve.true[1], curve.report[1])
    for values, expectation in zip(found.T, expected, strict=True):
        values = values[~np.isnan(values)]
        assert expectation is not None
        assert abs(values.mean() - expectation) < 4.0 * values.std() / np.sqrt(len(values))
    reported = exact.reported(n)
    assert reported.mean == pytest.approx(curve.report[1])
    assert reported.sd == pytest.approx(curve.report_sd[1])
    assert found[:, 2][success].std() == pytest.approx(reported.sd, rel=0.1)


def _run(
    benchmark: TableBenchmark, seed: int, n: int, replacement: bool
) -> tuple[float, float, float]:
    """Selection, true and report of the incumbent of one random search."""
    spec = SearcherSpec("random_search", {"replacement": replacement})
    space = benchmark.search_space()
    columns = run_search(
        Search(spec.build(space, seed), benchmark, Budget(n), seed, spec.identity)
    ).columns
    selection = columns["selection"]
    if np.isnan(selection).all():
        return np.nan, np.nan, np.nan
    best = np.nanargmax(selection if benchmark.protocol.maximize else -selection)
    return selection[best], columns["true"][best], columns["report"][best]


def test_uncharged_repeats_of_shared_rows_are_not_available(tmp_path: Path) -> None:
    table = small_table(tmp_path / "t.table", row_of=[i % 20 for i in range(24)])
    with pytest.raises(ExactUnavailable, match="share"):
        exact_baseline(table.benchmark(charge_repeats=False))


def test_nothing_can_succeed(tmp_path: Path) -> None:
    table = small_table(tmp_path / "t.table", failing=24)
    with pytest.raises(ExactUnavailable, match="no evaluation"):
        exact_baseline(table.benchmark())


def test_a_partial_table_is_uniform_over_what_it_covers(tmp_path: Path) -> None:
    table = small_table(tmp_path / "t.table", cells=CELLS[:10])
    refused = outcomes_of(table.benchmark())
    assert not refused.per_encoding
    assert refused.architectures == 10
    assert outcomes_of(table.benchmark(missing="fail")).architectures == 24
    resampled = outcomes_of(table.benchmark(missing="resample"))
    assert resampled.per_encoding and resampled.architectures == 10
    assert isinstance(table.benchmark(missing="resample").search_space(), CoveredSpace)


def test_a_distribution() -> None:
    values = np.array([3.0, 1.0, 3.0, np.nan, 2.0])
    distribution = Distribution.of(values, np.array([1.0, 2.0, 1.0, 9.0, 4.0]))
    assert distribution.values.tolist() == [1.0, 2.0, 3.0]
    assert distribution.weights.tolist() == [0.25, 0.5, 0.25]
    assert distribution.mean == 2.0
    assert distribution.sd == pytest.approx(0.5**0.5)
    assert distribution.quantiles(np.array([0.25, 0.26, 0.75, 0.99])).tolist() == [1, 2, 2, 3]
    placed = distribution.placement(np.array([0.0, 1.0, 1.5, 2.0, 3.0, 9.0, np.nan]))
    assert placed[:-1].tolist() == [0.0, 0.125, 0.25, 0.5, 0.875, 1.0]
    assert np.isnan(placed[-1])


@pytest.mark.data
def test_nas_bench_201_best_of_200(data_dir: Path) -> None:
    """Random search on CIFAR-10: 12-epoch validation selects, 200-epoch test is reported."""
    cells = pd.read_csv(data_dir / "nasbench201" / "nb201_main.csv.gz")
    selection = cells["c10v_val_ep12"].to_numpy()
    count = len(selection)
    outcomes = Outcomes(
        row=np.arange(count),
        chance=np.ones(count),
        selection=selection,
        true=selection,
        report=cells["c10_test_ep200_mean"].to_numpy(),
        size=np.ones(count, dtype=np.int64),
    )
    exact = RandomSearch(outcomes)
    assert count == 15_625
    assert exact.reported(200).mean == pytest.approx(93.880, abs=0.001)
    # By the definition: probability of each cell to be the best of 200, ties shared.
    order = np.sort(selection)
    upto = np.searchsorted(order, selection, side="right") / count
    below = np.searchsorted(order, selection, side="left") / count
    ties = count * (upto - below)
    chance = (upto**200 - below**200) / ties
    assert exact.reported(200).mean == pytest.approx(float(chance @ outcomes.report), abs=1e-9)
