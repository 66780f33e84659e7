"""The space and the places of what was found in it, against scipy and plain counting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from harness.benchmarks.table import TableBenchmark
from reports.enumerated import Enumerated
from reports.landscape import landscape
from reports.percentile import percentiles
from reports.random_search import exact_baseline
from tests.reports.made_up import TESTED, cell, table_benchmark

VALUES = st.lists(
    st.tuples(st.one_of(st.integers(0, 4), st.none()), st.integers(1, 3)), min_size=1, max_size=10
)


def names(n: int) -> list[list[str]]:
    return [[f"a{i}" for i in range(n)]]


def benchmark_of(
    path: Path, valid: np.ndarray, test: np.ndarray, **more: object
) -> TableBenchmark:
    """One decision, one architecture a row."""
    return table_benchmark(
        path / "t.table",
        valid,
        test,
        options=names(len(valid)),
        **more,  # type: ignore[arg-type]
    )


# --- places among all architectures ----------------------------------------------------------


@given(VALUES, st.booleans())
@settings(max_examples=80, deadline=None)
def test_percentiles_and_ranks_equal_scipy(rows: list[tuple[int | None, int]], up: bool) -> None:
    report = np.array([np.nan if v is None else float(v) for v, _ in rows])
    size = np.array([s for _, s in rows])
    space = Enumerated(size, report, report, maximize=up, complete=True)
    each = np.repeat(np.where(np.isnan(report), -9.0, report if up else 10.0 - report), size)
    for row, value in enumerate(np.where(np.isnan(report), -9.0, report if up else 10.0 - report)):
        assert space.percentile[row] == pytest.approx(
            stats.percentileofscore(each, value, kind="mean")
        )
    ranks = stats.rankdata(-each, method="average")
    assert np.repeat(space.rank, size) == pytest.approx(ranks)
    best = np.repeat(space.among(0.3), size)
    level = np.sort(each)[-max(1, int(np.ceil(0.3 * len(each) - 1e-9)))]
    assert (best == ((each >= level) & (each > -9.0))).all()
    # Averaged over the space, one is in its middle.
    assert np.average(space.percentile, weights=size) == pytest.approx(50.0)


def test_places_of_what_searches_returned(tmp_path: Path) -> None:
    test = np.arange(100.0)[:, None]
    benchmark = benchmark_of(tmp_path, test, test)
    # The second evaluation is the incumbent of the first search; the second search fails.
    found = cell(
        [[1.0, 5.0, 5.0], [np.nan], [2.0]],
        row=[[3, 98, 7], [0], [49]],
        status=[[0, 0, 0], [1], [0]],
    )
    search = exact_baseline(benchmark)
    places = percentiles({"s": found}, Enumerated.of(benchmark), search, 1)
    (one,) = places.found
    assert (places.architectures, places.complete, one.n) == (100, True, 2)
    assert (one.least, one.most) == (49.5, 98.5)
    assert one.percentile.mean == pytest.approx(74.0)
    assert one.median_rank == pytest.approx((51 + 2) / 2)
    # One uniform draw is in the middle.
    assert places.random_search == pytest.approx(50.0)
    nothing = cell([[np.nan]], status=[[1]])
    assert percentiles({"s": nothing}, Enumerated.of(benchmark)).found == ()


def test_the_best_of_many_draws_has_the_expected_place(tmp_path: Path) -> None:
    test = np.random.default_rng(0).permutation(40).astype(float)[:, None]
    benchmark = benchmark_of(tmp_path, test, test)
    places = percentiles({}, Enumerated.of(benchmark), exact_baseline(benchmark), 5)
    # E[max of n uniform draws of 0 .. N-1], and the half of itself.
    most = sum(1 - (k / 40) ** 5 for k in range(1, 40))
    assert places.random_search == pytest.approx(100 * (most + 0.5) / 40)


# --- the space -------------------------------------------------------------------------------


def test_the_space_equals_plain_numbers(tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    quality = rng.uniform(60, 90, 200)
    valid = quality[:, None] + rng.normal(0, 1.0, (200, 3))
    test = quality[:, None] + rng.normal(0, 0.5, (200, 2))
    valid[:20, 2] = np.nan
    benchmark = benchmark_of(tmp_path, valid, test)
    search = exact_baseline(benchmark)
    found = landscape(benchmark, Enumerated.of(benchmark), search, 20)
    assert found is not None and found.headroom is not None
    true, report = np.nanmean(valid, axis=1), test.mean(axis=1)
    assert found.best == pytest.approx(report.max())
    assert found.oracle == pytest.approx(report[true.argmax()])
    assert found.true.mean == pytest.approx(true.mean())
    assert found.report.box[2] == pytest.approx(np.quantile(report, 0.5, method="inverted_cdf"))
    assert [near.architectures for near in found.near] == [
        int((report >= report.max() - margin).sum()) for margin in (0.1, 0.5, 1.0)
    ]
    assert found.spearman == pytest.approx(stats.spearmanr(true, report).statistic)
    assert found.tau == pytest.approx(stats.kendalltau(true, report).statistic)
    assert found.spearman_run == pytest.approx(stats.spearmanr(valid[:, 0], report).statistic)
    selection, reported = found.noise
    variances = np.concatenate([np.full(20, 2), np.full(180, 3)])
    within = np.nanvar(valid, axis=1, ddof=1)
    assert selection.sd == pytest.approx(np.average(within, weights=variances - 1) ** 0.5)
    assert selection.sd == pytest.approx(1.0, abs=0.1)
    best = np.argsort(report)[-2:]
    assert reported.sd_best == pytest.approx(test[best].var(axis=1, ddof=1).mean() ** 0.5)
    room = found.headroom
    expected = search.reported(20).mean
    assert room.random_search == pytest.approx(expected)
    assert room.to_best == pytest.approx(report.max() - expected)
    assert room.to_oracle == pytest.approx(found.oracle - expected)
    middle = found.report.box[2]
    assert room.closed == pytest.approx((expected - middle) / (report.max() - middle))
    for distance, share in found.tail:
        assert share == pytest.approx(np.mean(report >= report.max() - distance - 1e-9))
    assert found.tail[0] == (0.0, 1 / 200) and found.tail[-1][1] == 1.0


def test_what_the_noise_of_one_seed_is(tmp_path: Path) -> None:
    values = np.arange(10.0)[:, None]
    benchmark = benchmark_of(tmp_path, values, values)
    found = landscape(benchmark, Enumerated.of(benchmark))
    assert found is not None
    assert found.noise == () and found.headroom is None


def test_architectures_that_share_a_row_count_each(tmp_path: Path) -> None:
    values = np.array([[1.0], [2.0]])
    benchmark = table_benchmark(
        tmp_path / "t.table",
        values,
        values,
        options=names(4),
        architectures=[(0,), (1,), (2,)],
        row_of=[0, 0, 1],
        unit="",
    )
    found = landscape(benchmark, Enumerated.of(benchmark))
    assert found is not None
    assert (found.architectures, found.measured, found.complete) == (3, 3, False)
    assert found.report.mean == pytest.approx(4 / 3)
    # Without a percentage, margins are parts of the distance from the median to the best.
    assert [near.margin for near in found.near] == pytest.approx([0.01, 0.05, 0.1])
    assert found.near[0].share == pytest.approx(1 / 3)


def test_smaller_may_be_better_in_both_roles(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    values = rng.uniform(1, 3, (50, 1))
    test = values + rng.normal(0, 0.1, (50, 1))
    low = replace(TESTED, maximize=False, maximize_report=False)
    down = benchmark_of(tmp_path, values, test, protocol=low)
    found = landscape(down, Enumerated.of(down), exact_baseline(down), 10)
    assert found is not None and found.headroom is not None
    assert found.best == test.min()
    assert found.oracle == test[values.argmin(), 0]
    assert found.headroom.to_best > 0
    assert found.spearman == pytest.approx(stats.spearmanr(values[:, 0], test[:, 0]).statistic)


def test_nothing_measured_is_no_space(tmp_path: Path) -> None:
    values = np.full((3, 1), np.nan)
    benchmark = benchmark_of(tmp_path, np.arange(3.0)[:, None], values)
    assert landscape(benchmark, Enumerated.of(benchmark)) is None


@pytest.mark.data
def test_the_real_nas_bench_201(data_dir: Path, tmp_path: Path) -> None:
    from harness.benchmarks import open_benchmark
    from harness.benchmarks.importers.tabular import import_csv

    table = tmp_path / "nb201.table"
    import_csv(data_dir / "nasbench201" / "nb201_main.csv.gz", "nasbench201", table)
    benchmark = open_benchmark(f"{table}#cifar10", "val200-test200")
    assert isinstance(benchmark, TableBenchmark)
    found = landscape(benchmark, Enumerated.of(benchmark))
    assert found is not None and found.complete is True
    # Dong and Yang (2020): the best test accuracy on CIFAR-10 is 94.37%.
    assert found.best == pytest.approx(94.37, abs=0.005)
    means = benchmark.means(benchmark.protocol.report)
    assert found.near[1].architectures == int((means >= means.max() - 0.5).sum())
