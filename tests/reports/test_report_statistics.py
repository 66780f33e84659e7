"""Curves, final results and comparisons against plain computations."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from reports.anytime import by_evaluations, by_seconds, evaluation_grid, seconds_grid
from reports.catching_up import catching_up
from reports.comparison import (
    BETTER,
    UNDECIDED,
    WORSE,
    Comparison,
    against_exact,
    against_sampled,
    judged,
)
from reports.finals import BOX_LEVELS, final_results, spread_of, spread_of_sample
from reports.incumbents import Incumbents
from reports.intervals import EQUAL, Estimate
from reports.random_search import Distribution


def incumbents_of(report: np.ndarray, seconds: np.ndarray | None = None) -> Incumbents:
    """Incumbents whose values in every role derive from the reported ones."""
    count, length = report.shape
    if seconds is None:
        seconds = np.tile(np.arange(1.0, length + 1.0), (count, 1))
    values = {"selection": report + 2.0, "true": report + 1.0, "report": report}
    return Incumbents(np.arange(count), np.isfinite(seconds).sum(axis=1), values, seconds)


# --- curves ----------------------------------------------------------------------------------


@settings(deadline=None)
@given(st.integers(1, 5_000))
def test_a_grid_goes_from_the_first_evaluation_to_the_last(longest: int) -> None:
    grid = evaluation_grid(longest)
    assert grid[0] == 1 and grid[-1] == longest and (np.diff(grid) > 0).all()
    assert len(grid) <= 48


@settings(deadline=None)
@given(
    arrays(np.float64, (3, 4), elements=st.integers(0, 9)),
    arrays(np.float64, (3, 4), elements=st.integers(1, 5)),
    st.lists(st.integers(0, 4), min_size=3, max_size=3),
)
def test_curves_equal_plain_loops(
    report: np.ndarray, costs: np.ndarray, lengths: list[int]
) -> None:
    seconds = np.cumsum(costs, axis=1)
    for place, length in enumerate(lengths):
        seconds[place, length:] = np.inf
        report[place, max(length, 1) :] = report[place, max(length, 1) - 1]
    followed = incumbents_of(report, seconds)
    curve = by_evaluations("s", followed, np.array([1, 4]))
    assert curve.report.mean == pytest.approx(tuple(report[:, [0, 3]].mean(axis=0)))
    assert curve.optimism.mean == pytest.approx((1.0, 1.0))
    grid = seconds_grid([followed])
    if not len(grid):
        assert max(lengths) == 0
        return
    timed = by_seconds("s", followed, grid)
    for x, count, mean in zip(timed.x, timed.count, timed.report.mean, strict=True):
        held = [r[(s <= x).sum() - 1] for r, s in zip(report, seconds, strict=True) if s[0] <= x]
        assert count == len(held)
        assert mean == (pytest.approx(np.mean(held)) if len(held) >= 1.5 else None)
    finite = seconds[np.isfinite(seconds)]
    assert (timed.x[0], timed.x[-1]) == pytest.approx((finite.min(), finite.max()))


def test_a_grid_of_seconds_where_the_first_evaluation_costs_nothing() -> None:
    seconds = np.array([[0.0, 3.0, 9.0]])
    grid = seconds_grid([incumbents_of(np.zeros((1, 3)), seconds)])
    assert grid[0] == pytest.approx(3.0) and grid[-1] == 9.0


# --- final results ---------------------------------------------------------------------------


def test_final_results() -> None:
    report = np.array([[1.0, 5.0], [2.0, 7.0], [np.nan, np.nan]])
    found = final_results("s", incumbents_of(report), 10.0, maximize=True)
    assert (found.n, found.without) == (3, 1)
    assert (found.selection, found.true, found.report.mean) == (8.0, 7.0, 6.0)
    assert found.optimism == Estimate(1.0, 1.0, 1.0, EQUAL)
    assert found.regret == 4.0
    assert found.spread is not None and found.spread.sd == pytest.approx(2.0**0.5)
    below = final_results("s", incumbents_of(report), 1.0, maximize=False)
    assert below.regret == 5.0
    nothing = final_results("s", incumbents_of(np.full((2, 1), np.nan)), None, maximize=True)
    assert nothing.spread is None and nothing.regret is None


def test_a_spread_has_the_quantiles_of_the_distribution_function() -> None:
    values = np.random.default_rng(3).normal(size=57)
    spread = spread_of_sample(values)
    assert spread is not None
    expected = np.quantile(values, BOX_LEVELS, method="inverted_cdf")
    assert spread.box == pytest.approx(tuple(expected))
    assert spread.steps[-1] == values.max()
    certain = spread_of(Distribution.of(np.array([4.0]), np.array([1.0])))
    assert set(certain.steps) == {4.0} and certain.sd == 0.0


# --- comparisons -----------------------------------------------------------------------------

REFERENCE = Distribution.of(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.1, 0.2, 0.3, 0.4]))


def test_against_exact_equals_its_definition() -> None:
    results = np.array([2.0, 3.0, 3.0, 4.0, 5.0, np.nan])
    found = against_exact("s", "b", results, REFERENCE, True)
    placements = [
        sum(
            w * ((x > v) + 0.5 * (x == v))
            for v, w in zip(REFERENCE.values, REFERENCE.weights, strict=True)
        )
        for x in results[:5]
    ]
    assert found.n == 5
    assert found.difference.mean == pytest.approx(3.4 - 3.0)
    assert found.superiority.mean == pytest.approx(np.mean(placements))
    assert found.p == pytest.approx(stats.ttest_1samp(placements, 0.5).pvalue)


def test_against_exact_is_the_limit_of_brunner_munzel() -> None:
    rng = np.random.default_rng(4)
    results = rng.choice(REFERENCE.values, 40, p=[0.05, 0.15, 0.3, 0.5])
    sampled = np.repeat(REFERENCE.values, [10_000, 20_000, 30_000, 40_000])
    found = against_exact("s", "b", results, REFERENCE, True)
    assert found.p == pytest.approx(stats.brunnermunzel(sampled, results).pvalue, rel=0.01)


def test_against_exact_where_all_results_are_equal() -> None:
    found = against_exact("s", "b", np.full(20, 4.0), REFERENCE, True)
    assert found.superiority.mean == pytest.approx(0.8)
    assert found.p is not None and found.p < 0.01
    assert judged([found], [True])[0].verdict == BETTER
    assert "same rank" in found.remark
    certain = Distribution.of(np.array([4.0]), np.array([1.0]))
    assert against_exact("s", "b", np.full(20, 4.0), certain, True).p is None


def test_against_sampled_equals_enumeration() -> None:
    results = np.array([5.0, 3.0, 4.5, 8.0, 2.5, 9.0, np.nan])
    reference = np.array([1.0, 2.0, 5.0, 4.0, 1.0, 3.0, 1.0])
    found = against_sampled("s", "b", results, reference, True)
    gain = (results - reference)[:6]
    ranks = stats.rankdata(np.abs(gain))
    observed = abs(ranks[gain > 0].sum() - ranks.sum() / 2)
    sums = [abs(float(np.array(s) @ ranks) - ranks.sum() / 2) for s in product((0, 1), repeat=6)]
    assert found.n == 6
    assert found.p == pytest.approx(np.mean([s >= observed - 1e-9 for s in sums]))
    assert found.superiority.mean == pytest.approx(5 / 6)
    assert found.difference.mean == pytest.approx(gain.mean())
    assert found.correlation == pytest.approx(stats.pearsonr(results[:6], reference[:6])[0])


def test_pairing_sees_what_it_removes() -> None:
    rng = np.random.default_rng(5)
    luck = rng.normal(0.0, 5.0, 30)
    found = against_sampled("s", "b", luck + 0.5 + rng.normal(0.0, 0.2, 30), luck, True)
    assert judged([found], [True])[0].verdict == BETTER
    assert found.correlation is not None and found.correlation > 0.99


@pytest.mark.parametrize(
    ("results", "reference", "remark"),
    [
        ([], [], "at least two"),
        ([1.0], [2.0], "at least two"),
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "same results"),
        ([2.0, 3.0, 5.0], [1.0, 2.0, 3.0], "3 seeds cannot"),
    ],
)
def test_hardly_any_pairs(results: list[float], reference: list[float], remark: str) -> None:
    found = against_sampled("s", "b", np.array(results), np.array(reference), True)
    assert remark in found.remark
    assert judged([found], [True])[0].verdict == UNDECIDED


@pytest.mark.parametrize("n", [0, 1])
def test_hardly_any_results(n: int) -> None:
    found = against_exact("s", "b", np.full(n, 4.0), REFERENCE, True)
    assert "at least two" in found.remark
    assert judged([found], [True])[0].verdict == UNDECIDED


@pytest.mark.parametrize("maximize", [True, False])
def test_verdicts_follow_the_direction(maximize: bool) -> None:
    rng = np.random.default_rng(6)
    up = rng.choice(REFERENCE.values, 60, p=[0.0, 0.05, 0.15, 0.8])
    down = rng.choice(REFERENCE.values, 60, p=[0.6, 0.3, 0.1, 0.0])
    same = rng.choice(REFERENCE.values, 60, p=REFERENCE.weights)
    found = [against_exact("s", "b", r, REFERENCE, maximize) for r in (up, down, same)]
    verdicts = [c.verdict for c in judged(found, [maximize] * 3)]
    assert verdicts == [BETTER if maximize else WORSE, WORSE if maximize else BETTER, UNDECIDED]
    pairs = against_sampled("s", "b", up, down, maximize)
    assert judged([pairs], [maximize])[0].verdict == (BETTER if maximize else WORSE)


def comparison(p: float | None, **changes: Any) -> Comparison:
    """A comparison with a clear difference and a given p value."""
    fields: dict[str, Any] = {
        "searcher": "s",
        "benchmark": "b",
        "reference": "exact",
        "n": 9,
        "difference": Estimate(1.0, 0.5, 1.5),
        "superiority": Estimate(0.8, 0.7, 0.9),
        "test": "",
        "p": p,
        "p_holm": None,
        "correlation": None,
        "verdict": UNDECIDED,
        "remark": "",
    }
    return Comparison(**(fields | changes))


@settings(deadline=None, max_examples=25)
@given(st.lists(st.none() | st.floats(0.0, 1.0), max_size=6))
def test_holm_by_its_definition(values: list[float | None]) -> None:
    found = judged([comparison(p) for p in values], [True] * len(values))
    tested = sorted(p for p in values if p is not None)
    for p, result in zip(values, found, strict=True):
        if p is None:
            assert result.p_holm is None and result.verdict == UNDECIDED
            continue
        steps = [(len(tested) - i) * q for i, q in enumerate(tested) if q <= p]
        assert result.p_holm == pytest.approx(min(1.0, max(steps)))
        assert result.verdict == (BETTER if result.p_holm < 0.05 else UNDECIDED)


@pytest.mark.parametrize(
    "changes",
    [
        {"difference": Estimate(1.0, -0.1, 2.0)},
        {"difference": Estimate(1.0, None, None)},
        {"superiority": Estimate(0.4, 0.3, 0.6)},
    ],
)
def test_a_verdict_needs_test_interval_and_superiority_to_agree(changes: dict[str, Any]) -> None:
    assert judged([comparison(1e-6)], [True])[0].verdict == BETTER
    assert judged([comparison(1e-6, **changes)], [True])[0].verdict == UNDECIDED


def test_false_verdicts_are_rare() -> None:
    """Random search against its own exact distribution."""
    rng = np.random.default_rng(7)
    wrong = 0
    for _ in range(100):
        results = rng.choice(REFERENCE.values, 15, p=REFERENCE.weights)
        found = against_exact("s", "b", results, REFERENCE, True)
        wrong += found.p is not None and found.p < 0.05
    assert wrong <= 12


# --- catching up with random search ------------------------------------------------------------


def test_catching_up() -> None:
    """By hand: means of two searches, of which one has its first result at 2 s."""
    chance = incumbents_of(np.array([[1.0, 2.0, 3.0, 4.0]] * 2))
    early = incumbents_of(
        np.array([[4.0, 4.0, 9.0, 9.0], [5.0, 3.0, 5.0, 5.0]]),
        np.array([[1.0, 1.5, 2.0, 10.0], [1.0, 1.2, 2.5, 10.0]]),
    )
    never = incumbents_of(np.array([[1.0, 1.0, 1.0, 3.9]] * 2))
    found = catching_up({"r": chance, "e": early, "n": never}, "r", maximize=True)
    assert [(c.searcher, c.target, c.seconds) for c in found] == [
        ("r", 4.0, 10.0),
        ("e", 4.0, 10.0),
        ("n", 4.0, 10.0),
    ]
    assert found[0].share == 0.4  # random search's own last step
    # At 1 s the mean is 4.5, at 1.2 s it falls to 3.5, at 2 s it is 6 and stays above.
    assert found[1].share == 0.2
    assert found[2].share is None
    assert catching_up({"r": chance, "e": early}, None, maximize=True) == ()
    assert catching_up({"r": chance}, "r", maximize=True) == ()
    at_once = catching_up({"r": chance, "s": chance}, "r", maximize=False)
    assert at_once[1].share == 0.25  # smaller is better: its first result is enough


def test_catching_up_without_results() -> None:
    nothing = incumbents_of(np.full((2, 1), np.nan))
    assert catching_up({"r": nothing, "s": nothing}, "r", maximize=True) == ()
