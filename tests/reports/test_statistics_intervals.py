"""Intervals of means: other formulas, and how often they hold the true mean."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from reports.intervals import (
    EQUAL,
    HALL,
    STUDENT,
    TIED,
    Estimate,
    estimate_mean,
    mean_band,
    resampling_weights,
)
from reports.statistics.skewed_t import FEWEST, Moments

Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]

POPULATIONS: dict[str, tuple[Draw, float]] = {
    "normal": (lambda rng, shape: rng.normal(90.0, 2.0, shape), 90.0),
    "uniform": (lambda rng, shape: rng.random(shape), 0.5),
    "skewed": (lambda rng, shape: 94.0 - rng.exponential(1.0, shape), 93.0),
    "lognormal": (lambda rng, shape: -rng.lognormal(0.0, 0.5, shape), -float(np.exp(0.125))),
    "ceiling": (
        # Three searches in four at the best, the others one to four steps below it.
        lambda rng, shape: -np.maximum(rng.geometric(0.5, shape) - 2.0, 0.0).clip(max=4.0),
        -float(sum(0.5 ** (k + 1) * min(max(k - 1.0, 0.0), 4.0) for k in range(1, 60))),
    ),
}


def share_covered(draw: Draw, mean: float, n: int, samples: int, seed: int) -> float:
    """How many of the intervals of samples of `n` hold the true mean; many samples at once."""
    values = draw(np.random.default_rng(seed), (n, samples))
    low, high = Moments.of(values).ends(0.95)
    return float(((low <= mean) & (mean <= high)).mean())


# --- other formulas --------------------------------------------------------------------------


@pytest.mark.parametrize("n", [2, 3, 10, FEWEST - 1])
def test_few_values_have_students_interval(n: int) -> None:
    values = np.random.default_rng(n).exponential(1.0, n)
    found = estimate_mean(values)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.95)
    assert found.method == STUDENT
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_symmetric_values_have_students_interval() -> None:
    half = np.random.default_rng(0).normal(size=15)
    values = np.concatenate([half, -half])
    found = estimate_mean(values, level=0.9)
    expected = stats.ttest_1samp(values, 0.0).confidence_interval(0.9)
    assert found.method == HALL
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_halls_interval_by_solving_for_its_ends() -> None:
    values = np.random.default_rng(1).exponential(1.0, 40)
    n, skewness = len(values), stats.skew(values)

    def transformed(mean: float) -> float:
        t = (values.mean() - mean) / stats.sem(values)
        cubic = t + skewness * t**2 / (3 * n**0.5) + skewness**2 * t**3 / (27 * n)
        return float(cubic + skewness / (6 * n**0.5))

    t = stats.t.ppf(0.975, n - 1)
    ends = [optimize.brentq(lambda m, y=y: transformed(m) - y, -20, 20) for y in (t, -t)]
    found = estimate_mean(values)
    assert (found.low, found.high) == pytest.approx(tuple(ends))
    moments = Moments.of(values)
    assert moments.p_at_most(0.9) == pytest.approx(stats.t.sf(transformed(0.9), n - 1))
    assert moments.p_at_least(1.2) == pytest.approx(stats.t.cdf(transformed(1.2), n - 1))


@pytest.mark.parametrize(("same", "method"), [(6, HALL), (7, TIED), (29, TIED), (30, EQUAL)])
def test_intervals_of_many_equal_values_promise_nothing(same: int, method: str) -> None:
    values = np.concatenate([np.full(same, 94.37), np.arange(30 - same) + 60.0])
    assert estimate_mean(values).method == method


@settings(deadline=None)
@given(
    st.lists(st.integers(0, 9), min_size=2, max_size=40).filter(lambda v: len(set(v)) > 1),
    st.sampled_from([0.5, 0.9, 0.95, 0.99]),
    st.floats(-1e3, 1e3),
    st.floats(0.01, 100.0),
)
def test_intervals_move_with_their_values(
    values: list[int], level: float, shift: float, scale: float
) -> None:
    """Ordered, and equivariant under change of origin, unit and direction."""
    x = np.array(values, dtype=float)
    found = estimate_mean(x, level)
    assert found.low is not None and found.high is not None and found.mean is not None
    assert found.low < found.mean < found.high or found.method in (HALL, TIED)
    assert found.low < found.high
    moved = estimate_mean(shift - scale * x, level)
    expected = [shift - scale * v for v in (found.high, found.low)]
    assert (moved.low, moved.high) == pytest.approx(tuple(expected), rel=1e-6, abs=1e-6)
    wider = estimate_mean(x, (1.0 + level) / 2.0)
    assert wider.low is not None and wider.high is not None
    assert wider.low <= found.low and found.high <= wider.high


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], Estimate(None, None, None)),
        ([np.nan], Estimate(None, None, None)),
        ([3.0, np.nan], Estimate(3.0, None, None)),
        ([2.0, 2.0, np.nan], Estimate(2.0, 2.0, 2.0, EQUAL)),
    ],
)
def test_intervals_of_hardly_any_values(values: list[float], expected: Estimate) -> None:
    assert estimate_mean(np.array(values)) == expected


def test_equal_values_have_no_width_though_their_mean_is_rounded() -> None:
    values = np.full(37, 0.1) + 91.3
    found = estimate_mean(values)
    assert found.method == EQUAL and found.low == found.high


def test_an_estimate_moves_and_stays_in_bounds() -> None:
    found = Estimate(0.9, 0.7, 1.1, STUDENT)
    assert found.clipped(0.0, 1.0) == Estimate(0.9, 0.7, 1.0, STUDENT)
    assert found.shifted(0.5).method == STUDENT
    assert Estimate(0.5, None, None).clipped(0.0, 1.0) == Estimate(0.5, None, None)


def test_a_band_is_an_interval_at_each_point() -> None:
    rng = np.random.default_rng(2)
    values = rng.exponential(1.0, (30, 5))
    values[:12, 1] = np.nan
    values[:16, 2] = np.nan
    values[:29, 3] = np.nan
    band = mean_band(values, least=0.0)
    for place in range(5):
        expected = estimate_mean(values[:, place])
        assert band.mean[place] == pytest.approx(expected.mean)
        assert band.low[place] == (None if place == 3 else pytest.approx(expected.low))
        assert band.high[place] == (None if place == 3 else pytest.approx(expected.high))
    # Fewer than half of the searches.
    assert mean_band(values).mean[2] is None and mean_band(values).low[2] is None
    assert mean_band(values).mean[1] is not None


def test_bands_of_nothing_and_of_one_search() -> None:
    assert mean_band(np.full((4, 2), np.nan)).mean == (None, None)
    one = mean_band(np.array([[1.0, np.nan]]))
    assert one.mean == (1.0, None) and one.low == (None, None)


def test_resamples_draw_as_many_searches_as_there_are() -> None:
    weights = resampling_weights(7)
    assert weights.shape == (1_000, 7) and (weights.sum(axis=1) == 7).all()
    # Each search is drawn once on average.
    assert weights.mean(axis=0) == pytest.approx(np.ones(7), abs=0.15)


# --- coverage --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [20, 30, 100])
@pytest.mark.parametrize("name", ["normal", "uniform", "skewed", "lognormal"])
def test_95_percent_intervals_cover_93_to_97_percent(name: str, n: int) -> None:
    draw, mean = POPULATIONS[name]
    # 8,000 samples: a standard error of a quarter of a point, of which two are allowed for.
    assert 0.925 <= share_covered(draw, mean, n, 8_000, seed=n) <= 0.975


def test_students_interval_would_not() -> None:
    """The correction is needed: without it one interval in twelve misses a skewed mean."""
    rng = np.random.default_rng(4)
    values = rng.exponential(1.0, (20, 8_000))
    covered = np.abs(values.mean(axis=0) - 1.0) <= stats.t.ppf(0.975, 19) * stats.sem(values)
    assert covered.mean() < 0.925


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 25, 30, 50, 100, 500])
@pytest.mark.parametrize("name", ["normal", "uniform", "skewed", "lognormal"])
def test_coverage_in_full(name: str, n: int) -> None:
    draw, mean = POPULATIONS[name]
    assert 0.93 <= share_covered(draw, mean, n, 4_000_000 // (n + 150), seed=n) <= 0.97


@pytest.mark.slow
@pytest.mark.parametrize("n", [50, 100, 500])
def test_coverage_of_results_that_are_mostly_the_best(n: int) -> None:
    """Nearly constant results: intervals are longer than need be rather than too short."""
    draw, mean = POPULATIONS["ceiling"]
    assert 0.93 <= share_covered(draw, mean, n, 10_000, seed=n) <= 0.995


@pytest.mark.data
@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize(
    ("search", "report"),
    [
        ("c10v_val_ep12", "c10_test_ep200_mean"),
        ("c10v_val_ep200_mean", "c10_test_ep200_mean"),
        ("c100_val_ep200_run", "c100_test_ep200_mean"),
        ("in16_val_ep12", "in16_test_ep200_mean"),
    ],
)
def test_coverage_of_real_final_results(data_dir: Path, search: str, report: str, n: int) -> None:
    """The best of 200 architectures of NAS-Bench-201, its ties and all."""
    table = pd.read_csv(data_dir / "nasbench201" / "nb201_main.csv.gz", usecols=[search, report])
    order = np.argsort(table[search].to_numpy(), kind="stable")
    result = table[report].to_numpy()[order]
    size = len(result)
    # The rank of the best of 200 draws, exactly: its distribution function is (rank / size)^200.
    weights = np.diff((np.arange(size + 1) / size) ** 200)
    mean = float(weights @ result)

    def draw(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
        ranks = np.ceil(rng.random(shape) ** (1.0 / 200.0) * size).astype(int) - 1
        return result[np.maximum(ranks, 0)]

    assert 0.93 <= share_covered(draw, mean, n, 12_000, seed=n) <= 0.97
