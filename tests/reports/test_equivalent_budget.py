"""Random-search-equivalent budgets against exact expectations and plain inversions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.equivalent_budget import (
    UNCLEAR,
    EquivalentBudget,
    equivalent_budgets,
    evaluations_needed,
    longer,
)
from reports.incumbents import Incumbents
from reports.intervals import Estimate
from reports.random_search import RandomSearch
from tests.reports.brute_force import TinyTable
from tests.reports.test_report_statistics import incumbents_of

GRID = np.arange(1, 11)


def distinct_search(values: int = 40, *, replacement: bool = True) -> RandomSearch:
    """Random search on architectures that are worth 0, 1, ... and report 100 more."""
    table = TinyTable([[float(v)] for v in range(values)], [1] * values)
    return RandomSearch(table.outcomes(), replacement=replacement)


def constant(results: list[float], length: int = 10) -> Incumbents:
    """Searches that hold one result each from their first evaluation on."""
    return incumbents_of(np.tile(np.array(results)[:, None], (1, length)))


def only(found: tuple[EquivalentBudget, ...]) -> EquivalentBudget:
    (budget,) = found
    return budget


# --- where a curve reaches a value -----------------------------------------------------------


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_a_rising_curve_is_inverted(seed: int) -> None:
    rng = np.random.default_rng(seed)
    grid = np.unique(rng.integers(1, 10_000, 12))
    curve = np.sort(rng.normal(size=len(grid)))
    inside = np.interp(rng.uniform(np.log(grid[0]), np.log(grid[-1]), 20), np.log(grid), curve)
    found = evaluations_needed(grid, curve, inside)
    assert np.interp(np.log(found), np.log(grid), curve) == pytest.approx(inside)
    # What is beyond the curve is where it ends.
    assert evaluations_needed(grid, curve, np.array(9.9e9)) == pytest.approx(grid[-1])
    assert evaluations_needed(grid, curve, np.array(-9.9e9)) == pytest.approx(grid[0])


def test_a_value_at_a_point_of_the_curve_needs_just_that() -> None:
    curve = np.array([np.nan, 1.0, 1.0, 2.0])
    grid = np.array([1, 2, 4, 8])
    assert evaluations_needed(grid, curve, np.array([1.0, 2.0])) == pytest.approx([2.0, 8.0])
    assert np.isnan(evaluations_needed(grid, curve, np.array(np.nan)))
    # Between nothing and something there is nothing to interpolate.
    assert evaluations_needed(grid, curve, np.array(0.5)) == 2.0


def test_a_value_that_is_passed_several_times_has_no_number() -> None:
    grid = np.array([1, 10, 100, 1_000])
    curve = np.array([0.0, 2.0, 1.0, 3.0])
    found = evaluations_needed(grid, curve, np.array([0.5, 1.5, 2.5, 3.5]))
    assert np.isnan(found).tolist() == [False, True, False, False]
    assert found[2] == pytest.approx(10 ** (2 + 1.5 / 2))
    # A dip so short that both ends are one number for a reader.
    grid = np.array([100, 101, 102, 103])
    assert UNCLEAR > 103 / 100
    assert evaluations_needed(grid, curve, np.array(1.5)) == pytest.approx(100.75, abs=0.01)


# --- beside the exact curve ------------------------------------------------------------------


def test_random_search_needs_its_own_number_of_evaluations() -> None:
    search = distinct_search()
    expected = np.array([search.reported(n).mean for n in GRID.tolist()])
    runs = incumbents_of(np.tile(expected, (5, 1)))
    budget = only(equivalent_budgets({"s": runs}, GRID, search, None, maximize=True))
    assert budget.reference == "exact"
    assert budget.times.mean == pytest.approx([1.0] * 10)
    assert budget.final.mean == pytest.approx(1.0)
    # All searches are alike, so that the interval has no width.
    assert (budget.final.low, budget.final.high) == pytest.approx((1.0, 1.0))


@pytest.mark.parametrize("target", [23, 57, 180])
def test_a_mean_that_random_search_has_later(target: int) -> None:
    search = distinct_search(400)
    runs = constant([search.reported(target).mean + d for d in (-0.5, 0.0, 0.5)])
    budget = only(equivalent_budgets({"s": runs}, GRID, search, None, maximize=True))
    assert budget.final.mean == pytest.approx(target / 10, rel=0.02)
    assert budget.final.low is not None and budget.final.high is not None
    assert budget.final.low < target / 10 < budget.final.high
    assert budget.times.mean[4] == pytest.approx(target / 5, rel=0.02)


def test_beyond_what_random_search_reaches() -> None:
    search = distinct_search()
    runs = constant([1_000.0] * 4)
    budget = only(equivalent_budgets({"s": runs}, GRID, search, None, maximize=True))
    # Ten times the architectures, and less than a hundred times the evaluations.
    assert budget.known == 400.0
    assert budget.most == pytest.approx(40.0)
    assert budget.final.mean == pytest.approx(budget.most)
    assert budget.median is not None and budget.median.mean == pytest.approx(budget.most)


def test_worse_than_one_evaluation() -> None:
    runs = constant([0.0] * 4)
    budget = only(equivalent_budgets({"s": runs}, GRID, distinct_search(), None, maximize=True))
    assert budget.times.mean == pytest.approx(1.0 / GRID)


def test_without_replacement_all_is_seen_in_the_end() -> None:
    search = distinct_search(replacement=False)
    assert longer(GRID, search)[-1] == 40
    runs = constant([search.reported(30).mean] * 3)
    budget = only(equivalent_budgets({"s": runs}, GRID, search, None, maximize=True))
    assert budget.final.mean == pytest.approx(3.0, rel=0.01)


def test_smaller_may_be_better() -> None:
    search = distinct_search()
    table = TinyTable([[float(v)] for v in range(40)], [1] * 40)
    outcomes = table.outcomes()
    mirrored = RandomSearch(type(outcomes)(**{**outcomes.__dict__, "report": -outcomes.report}))
    runs = np.random.default_rng(1).uniform(120, 139, (6, 10))
    up = only(equivalent_budgets({"s": incumbents_of(runs)}, GRID, search, None, maximize=True))
    down = only(
        equivalent_budgets({"s": incumbents_of(-runs)}, GRID, mirrored, None, maximize=False)
    )
    assert up.times.mean == pytest.approx(down.times.mean)
    assert up.times.low == pytest.approx(down.times.low)
    assert up.median is not None and down.median is not None
    # The median of six is the third or the fourth, by the direction in which one looks.
    assert up.median.high == pytest.approx(down.median.high)


def test_the_median_is_compared_with_the_exact_median() -> None:
    search = distinct_search()
    results = np.random.default_rng(3).integers(120, 139, 9).astype(float)
    budget = only(
        equivalent_budgets({"s": constant(results.tolist())}, GRID, search, None, maximize=True)
    )
    assert budget.median is not None and budget.median.mean is not None

    def first(level: float) -> int:
        """The first number of evaluations after which every second search is so good."""
        return next(
            n
            for n in range(1, 400)
            if search.reported(n).placement(np.array([level - 0.5]))[0] <= 0.5
        )

    assert abs(budget.median.mean * 10 - first(float(np.median(results)))) <= 1.0
    interval = stats.quantile_test(results, p=0.5).confidence_interval(0.95)
    assert budget.median.low is not None and budget.median.high is not None
    assert abs(budget.median.low * 10 - first(interval.low)) <= 1.0
    assert abs(budget.median.high * 10 - first(interval.high)) <= 1.0


def test_a_curve_that_falls_gives_no_number() -> None:
    # One architecture looks best and reports worst: random search finds it in the end.
    values = [[float(v)] for v in range(30)]
    outcomes = TinyTable(values, [1] * 30).outcomes()
    report = np.where(outcomes.row == 29, 0.0, outcomes.report)
    search = RandomSearch(type(outcomes)(**{**outcomes.__dict__, "report": report}))
    expected = [search.reported(n).mean for n in range(1, 100)]
    peak = int(np.argmax(expected)) + 1
    assert 1 < peak < 50
    runs = constant([(expected[0] + expected[peak - 1]) / 2] * 3)
    budget = only(equivalent_budgets({"s": runs}, GRID, search, None, maximize=True))
    assert budget.times.mean == (None,) * 10
    above = constant([max(expected) + 1.0] * 3)
    budget = only(equivalent_budgets({"s": above}, GRID, search, None, maximize=True))
    assert budget.final.mean == pytest.approx(budget.most)
    # A mean above the peak whose interval reaches below it has none either.
    spread = constant([max(expected) + 1.0 + off for off in (-3.0, 0.0, 3.0)])
    budget = only(equivalent_budgets({"s": spread}, GRID, search, None, maximize=True))
    assert budget.final == Estimate(None, None, None)


# --- beside sampled random search ------------------------------------------------------------


def test_the_sampled_curve_takes_the_exact_one_s_place() -> None:
    slow = incumbents_of(np.tile(np.arange(1.0, 11.0), (6, 1)))
    fast = incumbents_of(np.tile(np.minimum(2.0 * np.arange(1.0, 11.0), 10.0), (6, 1)))
    found = equivalent_budgets({"r": slow, "s": fast}, GRID, None, "r", maximize=True)
    budget = only(found)
    assert (budget.searcher, budget.reference, budget.known) == ("s", "sampled", 10.0)
    assert budget.times.mean[:5] == pytest.approx([2.0] * 5)
    assert budget.times.low[:5] == pytest.approx([2.0] * 5)
    # From there on only "that or more" can be told.
    assert budget.times.mean[5:] == pytest.approx(10.0 / GRID[5:])
    assert budget.median is None


def test_the_sampled_interval_is_a_bootstrap_of_both() -> None:
    from reports.intervals import resampling_weights

    rng = np.random.default_rng(5)
    slow, fast = (
        np.maximum.accumulate(rng.normal(size=(12, 10)) + shift, axis=1) for shift in (0.0, 0.3)
    )
    followed = {"r": incumbents_of(slow), "s": incumbents_of(fast)}
    budget = only(equivalent_budgets(followed, GRID, None, "r", maximize=True))
    weights = resampling_weights(12) / 12
    plain = []
    for w in weights:
        curve, value = w @ slow, (w @ fast)[4]
        logs = np.interp(value, curve, np.log(GRID)) if value > curve[0] else 0.0
        plain.append(np.exp(logs) / 5)
    low, high = np.quantile(plain, [0.025, 0.975])
    assert budget.times.low[4] == pytest.approx(low)
    assert budget.times.high[4] == pytest.approx(high)


def test_there_may_be_nothing_to_compare_with() -> None:
    assert equivalent_budgets({"s": constant([1.0])}, GRID, None, None, maximize=True) == ()
    one = only(
        equivalent_budgets(
            {"s": constant([1.0]), "r": constant([1.0])}, GRID, None, "r", maximize=True
        )
    )
    assert one.final.low is None
    none = constant([np.nan, np.nan])
    budget = only(equivalent_budgets({"s": none}, GRID, distinct_search(), None, maximize=True))
    assert budget.final.mean is None
    assert budget.median is not None and budget.median.mean is None


# --- searches of different lengths -----------------------------------------------------------


@pytest.mark.parametrize("reference", [None, "r"])
def test_longer_searches_of_others_change_no_multiple(reference: str | None) -> None:
    rng = np.random.default_rng(3)
    runs = {
        label: incumbents_of(np.maximum.accumulate(rng.integers(0, 38, (6, 10)).astype(float), 1))
        for label in ("r", "s")
    }
    search = distinct_search() if reference is None else None
    alone = equivalent_budgets(runs, GRID, search, reference, maximize=True)
    # 40 evaluations, a quarter of a training each, cost what 10 trainings do.
    many = incumbents_of(np.maximum.accumulate(rng.integers(0, 38, (6, 40)).astype(float), 1))
    quarters = np.tile(np.arange(1, 41) / 4, (6, 1))
    short = Incumbents(many.seeds, many.lengths, many.values, many.seconds, quarters)
    beside = equivalent_budgets(
        {**runs, "short": short},
        np.arange(1, 41),
        search,
        reference,
        maximize=True,
        in_trainings=True,
    )
    for before, after in zip(alone, beside[:-1], strict=True):
        assert after.x == before.x == tuple(map(float, GRID))
        assert after.times.mean == pytest.approx(before.times.mean, rel=0.02)
        if before.median is not None and before.median.mean is not None:
            assert after.median is not None
            assert after.median.mean == pytest.approx(before.median.mean, rel=0.02)
    assert beside[-1].searcher == "short"
    assert beside[-1].x == tuple(quarters[0].tolist())
    # In a budget of evaluations they count one each: a quarter of that multiple.
    counted = equivalent_budgets(
        {**runs, "short": short}, np.arange(1, 41), search, reference, maximize=True
    )[-1]
    last = beside[-1].final.mean
    assert last is not None
    assert counted.final.mean == pytest.approx(last / 4)


def test_a_search_is_followed_to_its_own_end() -> None:
    ends = np.where(np.arange(10) < np.array([[4], [6]]), 1.0, np.inf)
    values = np.tile(20.0, (2, 10))
    runs = Incumbents(np.arange(2), np.array([4, 6]), {"report": values}, ends)
    budget = only(equivalent_budgets({"s": runs}, GRID, distinct_search(), None, maximize=True))
    assert budget.x == (1.0, 2.0, 3.0, 4.0, 4.5, 5.0)
