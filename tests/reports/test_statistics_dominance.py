"""Stochastic dominance against plain loops over distribution functions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.intervals import resampling_weights
from reports.random_search import Distribution
from reports.statistics.contest import EXACT, SAMPLED, Contest
from reports.statistics.dominance import (
    ALIKE,
    DOMINATED,
    DOMINATES,
    FEWEST,
    SLACK,
    TOO_FEW,
    UNDECIDED,
    Dominance,
    dominance,
)

UNIFORM = Distribution.of(np.arange(100.0), np.ones(100))


def against(
    results: np.ndarray, reference: Distribution | np.ndarray, maximize: bool = True
) -> Contest:
    """A contest with the exact distribution or with random searches of the same seeds."""
    exact = reference if isinstance(reference, Distribution) else None
    sampled = None if isinstance(reference, Distribution) else reference
    kind = SAMPLED if exact is None else EXACT
    return Contest("s", "b", maximize, np.arange(len(results)), results, exact, sampled, kind)


def compared(
    results: np.ndarray, reference: Distribution | np.ndarray, maximize: bool = True
) -> Dominance:
    found = dominance(against(results, reference, maximize))
    assert found is not None
    return found


few = st.lists(st.integers(0, 4), min_size=2, max_size=8)


@settings(deadline=None, max_examples=60)
@given(few, few, st.booleans())
def test_gaps_and_levels_by_loops(ours: list[int], theirs: list[int], maximize: bool) -> None:
    """Against the exact distribution of the values `theirs`."""
    results, values = np.array(ours, dtype=float), np.array(theirs, dtype=float)
    found = compared(results, Distribution.of(values, np.ones(len(values))), maximize)
    sign = 1.0 if maximize else -1.0
    points = sorted({*ours, *theirs})

    def chance(sample: np.ndarray, x: float, *, strictly: bool) -> float:
        better = sign * (sample - x)
        return float((better > 0).mean() if strictly else (better >= 0).mean())

    reach = {
        x: chance(results, x, strictly=False) - chance(values, x, strictly=False) for x in points
    }
    exceed = {
        x: chance(values, x, strictly=True) - chance(results, x, strictly=True) for x in points
    }
    assert found.advantage == pytest.approx(max(0.0, *reach.values()))
    assert found.violation == pytest.approx(max(0.0, *exceed.values()))
    if found.advantage_at is not None:
        assert reach[int(found.advantage_at)] == pytest.approx(found.advantage)
    else:
        assert found.advantage == 0.0
    if found.violation_at is not None:
        assert exceed[int(found.violation_at)] == pytest.approx(found.violation)
    # Quantiles at levels between all steps of both distribution functions.
    fine = len(ours) * len(theirs)
    a = np.repeat(np.sort(sign * results), fine // len(ours))
    b = np.repeat(np.sort(sign * values), fine // len(theirs))
    assert found.ahead == pytest.approx((a > b).mean())
    assert found.behind == pytest.approx((a < b).mean())
    for x, gap in zip(found.at, found.gap, strict=True):
        assert gap == pytest.approx(reach[int(x)])


@pytest.mark.parametrize("sampled", [True, False])
def test_confidence_by_resampling_one_by_one(sampled: bool) -> None:
    rng = np.random.default_rng(0)
    results = rng.integers(40, 110, 30).astype(float)
    chance = rng.integers(0, 100, 30).astype(float)
    found = compared(results, chance if sampled else UNIFORM)
    dominates = dominated = 0
    for weights in resampling_weights(30).astype(int):
        ours = np.repeat(results, weights)
        theirs = np.repeat(chance, weights) if sampled else UNIFORM.values
        gaps = [(ours >= x).mean() - (theirs >= x).mean() for x in {*results, *theirs}]
        dominates += min(gaps) >= -SLACK - 1e-9
        dominated += max(gaps) <= SLACK + 1e-9
    assert (found.dominates, found.dominated) == (dominates / 1_000, dominated / 1_000)


def test_verdicts() -> None:
    rng = np.random.default_rng(1)
    better = np.maximum(rng.integers(0, 100, 200), rng.integers(0, 100, 200)).astype(float)
    worse = 99.0 - better
    assert compared(better, UNIFORM).verdict == DOMINATES
    assert compared(better, UNIFORM, maximize=False).verdict == DOMINATED
    assert compared(worse, UNIFORM).verdict == DOMINATED
    assert compared(np.tile(UNIFORM.values, 60), UNIFORM).verdict == ALIKE
    narrow = rng.integers(40, 60, 200).astype(float)
    crossing = compared(narrow, UNIFORM)
    assert crossing.verdict == UNDECIDED
    assert crossing.advantage > 0.3 and crossing.violation > 0.3
    assert compared(better, worse).verdict == DOMINATES


def test_few_searches_have_no_verdict() -> None:
    """What one search in twenty does may not have been seen."""
    assert 0.95**FEWEST <= 0.05 < 0.95 ** (FEWEST - 1)
    best = np.full(FEWEST, 99.0)
    assert compared(best, UNIFORM).verdict == DOMINATES
    assert compared(best[1:], UNIFORM).verdict == TOO_FEW
    assert compared(best[1:], UNIFORM).dominates == 1.0
    assert dominance(against(best[:1], UNIFORM)) is None


def test_seeds_without_a_random_search_are_left_out() -> None:
    results, chance = np.array([5.0, 6.0, 0.0]), np.array([1.0, 2.0, np.nan])
    found = compared(results, chance)
    assert found.n == 2 and found.behind == 0.0 and found.ahead == 1.0


def verdicts(results: np.ndarray) -> Counter[str]:
    """Verdicts on samples [samples, n] against the uniform distribution."""
    return Counter(compared(sample, UNIFORM).verdict for sample in results)


def test_random_search_rarely_dominates_itself() -> None:
    results = np.random.default_rng(2).integers(0, 100, (60, 80)).astype(float)
    found = verdicts(results)
    # At 5% each, 8 of 60 have a chance below 1%.
    assert found[DOMINATES] + found[DOMINATED] <= 7


@pytest.mark.slow
@pytest.mark.parametrize("n", [59, 100, 300])
def test_violations_that_count_are_rarely_missed(n: int) -> None:
    """The worst case: one search in eighteen fails, and all others are far better."""
    rng = np.random.default_rng(n)
    results = np.where(rng.random((400, n)) < 1.0 / 18.0, -1.0, 99.0)
    # 5% of 400, and three standard errors.
    assert verdicts(results)[DOMINATES] <= 20 + 13
