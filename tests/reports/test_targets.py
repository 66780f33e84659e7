"""Runtime distributions against plain loops and enumeration."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.enumerated import Enumerated
from reports.intervals import resampling_weights
from reports.random_search import RandomSearch
from reports.targets import QUANTILES, SHARES, Runtimes, runtimes
from tests.reports.brute_force import TinyTable
from tests.reports.test_report_statistics import incumbents_of

TIMES = np.array([0.5, 1.0, 2.5, 4.0, 8.0])


def space_of(report: list[float], size: list[int] | None = None, up: bool = True) -> Enumerated:
    values = np.array(report)
    return Enumerated(
        np.array(size or [1] * len(values)), values.copy(), values, maximize=up, complete=True
    )


def found_of(report: np.ndarray, space: Enumerated, **options: bool) -> Runtimes:
    followed = {"s": incumbents_of(report)}
    grid = np.arange(1, report.shape[1] + 1)
    maximize = options.get("maximize", True)
    found = runtimes(followed, grid, TIMES, space, None, maximize=maximize)
    assert found is not None
    return found


# --- targets ---------------------------------------------------------------------------------


def test_targets_are_results_that_so_many_architectures_have() -> None:
    space = space_of([float(v) for v in range(1, 1_001)])
    found = found_of(np.zeros((2, 3)), space)
    assert [t.share for t in found.targets] == pytest.approx(list(SHARES))
    # 1,000 architectures: the best 0.1% is one of them.
    assert [t.value for t in found.targets] == [801, 901, 951, 981, 991, 996, 999, 1000]


@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=12),
    st.floats(0.01, 1.0),
    st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_top_is_the_best_result_with_its_share(values: list[int], share: float, up: bool) -> None:
    space = space_of([float(v) for v in values], up=up)
    (value,) = space.top([share]).tolist()

    def as_good(level: float) -> float:
        return float(np.mean([(v >= level) if up else (v <= level) for v in values]))

    assert as_good(value) >= share - 1e-9
    better = [v for v in set(values) if (v > value if up else v < value)]
    assert all(as_good(v) < share for v in better)


def test_equal_targets_are_one() -> None:
    found = found_of(np.zeros((2, 3)), space_of([1.0, 2.0, 3.0]))
    (target,) = found.targets
    assert target.value == 3.0
    assert target.share == pytest.approx(1 / 3)


def test_architectures_without_a_result_are_no_target() -> None:
    space = space_of([1.0] + [np.nan] * 99)
    found = found_of(np.zeros((2, 3)), space)
    # The only result is that of one per cent; 20% of the architectures have none in common.
    assert [(t.value, t.share) for t in found.targets] == [(1.0, 0.01)]


def test_without_a_table_targets_are_quantiles_of_final_results() -> None:
    report = np.tile(np.arange(1.0, 11.0)[:, None], (1, 3))
    followed = {"s": incumbents_of(report)}
    found = runtimes(followed, np.arange(1, 4), TIMES, None, None, maximize=True)
    assert found is not None and found.kind == "results"
    assert [t.value for t in found.targets] == list(range(1, 10))
    assert [t.share for t in found.targets] == list(QUANTILES)
    down = runtimes(followed, np.arange(1, 4), TIMES, None, None, maximize=False)
    assert down is not None
    assert [t.value for t in down.targets] == list(range(10, 1, -1))
    nothing = {"s": incumbents_of(np.full((2, 3), np.nan))}
    assert runtimes(nothing, np.arange(1, 4), TIMES, None, None, maximize=True) is None


# --- shares and runtimes ---------------------------------------------------------------------


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=40, deadline=None)
def test_shares_and_runtimes_equal_a_plain_loop(seed: int, up: bool) -> None:
    rng = np.random.default_rng(seed)
    searches, length = 4, 6
    space = space_of(rng.integers(0, 12, 30).astype(float).tolist(), up=up)
    report = rng.integers(0, 12, (searches, length)).astype(float)
    report[0, :2] = np.nan
    lengths = rng.integers(1, length + 1, searches)
    ends = np.cumsum(rng.uniform(0.2, 1.0, (searches, length)), axis=1)
    for s, n in enumerate(lengths.tolist()):
        ends[s, n:] = np.inf
        report[s, n:] = report[s, n - 1]
    followed = {"s": incumbents_of(report, ends)}
    grid = np.arange(1, length + 1)
    found = runtimes(followed, grid, TIMES, space, None, maximize=up)
    assert found is not None
    (one,) = found.searchers
    levels = [t.value for t in found.targets]

    def holds(value: float, level: float) -> bool:
        return value >= level if up else value <= level

    pairs = len(levels) * searches
    for e in range(length):
        held = sum(holds(report[s, e], k) for s in range(searches) for k in levels)
        assert one.evaluations.mean[e] == pytest.approx(held / pairs)
    for i, t in enumerate(TIMES.tolist()):
        held = 0
        for s in range(searches):
            done = int((ends[s] <= t).sum())
            held += sum(holds(report[s, done - 1], k) for k in levels) if done else 0
        assert one.seconds.mean[i] == pytest.approx(held / pairs)
    for k, level in enumerate(levels):
        final = [holds(report[s, -1], level) for s in range(searches)]
        spent = 0
        for s, n in enumerate(lengths.tolist()):
            spent += 1 + sum(not holds(report[s, e], level) for e in range(n - 1))
        assert one.held[k] == pytest.approx(np.mean(final))
        expected = one.expected[k].mean
        assert expected == (pytest.approx(spent / sum(final)) if any(final) else None)


def test_the_runtime_of_a_rising_search_is_the_evaluation_that_reaches() -> None:
    report = np.array([[0.0, 0.0, 3.0, 3.0], [3.0, 3.0, 3.0, 3.0], [0.0, 0.0, 0.0, 0.0]])
    found = found_of(report, space_of([1.0, 2.0, 3.0]))
    (one,) = found.searchers
    # COCO: (3 + 1 + 4) / 2.
    assert one.expected[0].mean == pytest.approx(4.0)
    assert one.held[0] == pytest.approx(2 / 3)


def test_the_interval_of_an_expected_runtime_is_a_bootstrap_of_the_ratio() -> None:
    rng = np.random.default_rng(2)
    reached = rng.integers(1, 12, 20)
    report = (np.arange(1, 9) >= reached[:, None]).astype(float)
    found = found_of(report, space_of([0.0] * 9 + [1.0]))
    (target,) = [k for k, t in enumerate(found.targets) if t.share == 0.1]
    spent, holds = np.minimum(reached, 8), reached <= 8
    w = resampling_weights(20)
    low, high = np.quantile((w @ spent) / (w @ holds), [0.025, 0.975], method="inverted_cdf")
    estimate = found.searchers[0].expected[target]
    assert (estimate.low, estimate.high) == pytest.approx((low, high))


# --- exact random search ---------------------------------------------------------------------


@pytest.mark.parametrize("replacement", [True, False])
def test_exact_shares_equal_enumeration(replacement: bool) -> None:
    tiny = TinyTable([[3.0], [1.0, 4.0], [2.0]], [1, 1, 2], failing=1)
    search = RandomSearch(tiny.outcomes(), replacement=replacement, shared=True)
    grid = np.arange(1, 4)
    levels = np.array([100.0, 101.0, 102.0])
    found = search.reaching(grid, levels, maximize=True)
    down = search.reaching(grid, levels, maximize=False)
    for i, n in enumerate(grid.tolist()):
        chance = tiny.best_of(n, replacement=replacement, shared=True)
        for j, level in enumerate(levels.tolist()):
            rows = {k: p for k, p in chance.items() if k is not None}
            good = sum(p for (_, row), p in rows.items() if 100 + row >= level)
            bad = sum(p for (_, row), p in rows.items() if 100 + row <= level)
            assert found[i, j] == pytest.approx(float(good), abs=1e-9)
            assert down[i, j] == pytest.approx(float(bad), abs=1e-9)


def test_exact_expected_runtime_is_geometric_without_an_end() -> None:
    # One architecture in four is the target, and the best: it is never lost again.
    tiny = TinyTable([[float(v)] for v in range(4)], [1] * 4)
    search = RandomSearch(tiny.outcomes())
    followed = {"s": incumbents_of(np.full((3, 60), 103.0))}
    grid = np.arange(1, 61)
    space = space_of([100.0, 101.0, 102.0, 103.0])
    found = runtimes(followed, grid, TIMES, space, search, maximize=True)
    assert found is not None and found.exact is not None
    assert found.exact.expected[-1].mean == pytest.approx(4.0, rel=1e-6)
    assert found.exact.held[-1] == pytest.approx(1 - 0.75**60)


def test_exact_expected_runtime_between_the_points_of_the_grid() -> None:
    values = np.random.default_rng(0).permutation(500)
    tiny = TinyTable([[float(v)] for v in values], [1] * 500)
    outcomes = tiny.outcomes()
    # Selection and report agree only roughly.
    noise = np.random.default_rng(1).normal(0, 40, 500)
    report = outcomes.selection + noise[outcomes.row]
    search = RandomSearch(type(outcomes)(**{**outcomes.__dict__, "report": report}))
    grid = np.unique(np.rint(np.geomspace(1, 200, 48)).astype(int))
    level = float(np.quantile(report, 0.99))
    space = space_of(report.tolist())
    followed = {"s": incumbents_of(np.zeros((2, 200)))}
    found = runtimes(followed, grid, TIMES, space, search, maximize=True)
    assert found is not None and found.exact is not None
    place = next(k for k, t in enumerate(found.targets) if t.share == 0.01)
    assert found.targets[place].value >= level
    every = search.reaching(
        np.arange(1, 201), np.array([found.targets[place].value]), maximize=True
    )[:, 0]
    plain = (1.0 + (1.0 - every[:-1]).sum()) / every[-1]
    assert found.exact.expected[place].mean == pytest.approx(plain, rel=1e-3)


def test_sampled_random_search_agrees_with_the_exact_one() -> None:
    rng = np.random.default_rng(4)
    draws = rng.integers(0, 50, (4_000, 30)).astype(float)
    report = 100.0 + np.maximum.accumulate(draws, axis=1)
    search = RandomSearch(TinyTable([[float(v)] for v in range(50)], [1] * 50).outcomes())
    space = space_of([100.0 + v for v in range(50)])
    followed = {"s": incumbents_of(report)}
    found = runtimes(followed, np.arange(1, 31), TIMES, space, search, maximize=True)
    assert found is not None and found.exact is not None
    (one,) = found.searchers
    assert one.evaluations.mean == pytest.approx(found.exact.evaluations.mean, abs=0.02)
    for sampled, exact in zip(one.expected, found.exact.expected, strict=True):
        assert sampled.low is not None and sampled.high is not None
        width = sampled.high - sampled.low
        assert sampled.low - width < exact.mean < sampled.high + width  # type: ignore[operator]
