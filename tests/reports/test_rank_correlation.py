"""Rank correlations and their bootstrap against scipy, brute force and published matrices."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.diagnostic import lilliefors

from reports.rank_correlation import (
    agreement,
    resample_counts,
    spearman,
    tau_b,
    weighted_tau,
)
from reports.resampled_tau import resampled_tau
from reports.top_k import top_chances, top_overlap, top_regret


def repeated(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    return np.repeat(values, counts.astype(int))


def drawn(rng: np.random.Generator, n: int, resamples: int) -> np.ndarray:
    return np.stack(
        [np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples)], axis=1
    )


# --- tau-b of resamples ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("n", "x_levels", "y_levels"),
    [
        (2, 2, 2), (5, 3, 3), (60, 5, 60), (400, 1000, 3), (401, 30, 500), (401, 2, 401),
        (1500, 10**6, 10**6), (3000, 2, 3000), (3000, 10**6, 40), (5000, 40, 7),
    ],
)  # fmt: skip
def test_resampled_tau_is_that_of_scipy(n: int, x_levels: int, y_levels: int) -> None:
    rng = np.random.default_rng([n, x_levels, y_levels])
    x = rng.integers(0, x_levels, n) / 7.0
    y = 0.3 * x + rng.integers(0, y_levels, n)
    counts = drawn(rng, n, 6)
    counts[:, 5] = 1
    found = resampled_tau(x, y, counts)
    for place in range(6):
        w = counts[:, place]
        expected = stats.kendalltau(repeated(x, w), repeated(y, w)).statistic
        np.testing.assert_allclose(found[place], expected, rtol=0, atol=1e-12)


def test_most_items_at_one_value() -> None:
    """A level with more items than a block holds, among others of one item each."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(2000) < 0.7, 0.5, rng.random(2000))
    y = np.where(rng.random(2000) < 0.6, 0.2, x + rng.random(2000))
    counts = drawn(rng, 2000, 3)
    for place, found in enumerate(resampled_tau(x, y, counts)):
        w = counts[:, place]
        expected = stats.kendalltau(repeated(x, w), repeated(y, w)).statistic
        assert found == pytest.approx(expected, abs=1e-12)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3)), min_size=1))
@settings(deadline=None, max_examples=60)
def test_resampled_tau_is_the_definition(items: list[tuple[int, int, int]]) -> None:
    values = [(x, y) for x, y, count in items for _ in range(count)]
    concordance = x_untied = y_untied = 0
    for (a, b), (c, d) in combinations(values, 2):
        concordance += int(np.sign(a - c) * np.sign(b - d))
        x_untied += a != c
        y_untied += b != d
    x, y, counts = (np.array(column, dtype=float) for column in zip(*items))
    (found,) = resampled_tau(x, y, counts[:, None])
    if x_untied and y_untied:
        assert found == pytest.approx(concordance / np.sqrt(x_untied * y_untied), abs=1e-12)
    else:
        assert np.isnan(found)


# --- the bootstrap ---------------------------------------------------------------------------


def test_the_bootstrap_is_that_of_resampled_items() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=50)
    y = np.round(x + rng.normal(size=50), 1)
    found = tau_b(x, y, 300)
    counts = resample_counts(50, 300)
    assert counts.sum(axis=0).tolist() == [50] * 300
    taus = [
        stats.kendalltau(repeated(x, w), repeated(y, w)).statistic for w in counts.T.astype(int)
    ]
    assert found.value == stats.kendalltau(x, y).statistic
    assert found.mean == pytest.approx(np.mean(taus), abs=1e-12)
    assert found.error == pytest.approx(np.std(taus, ddof=1), abs=1e-12)
    np.testing.assert_allclose([found.low, found.high], np.quantile(taus, [0.025, 0.975]))
    assert found.p_normal == pytest.approx(lilliefors(np.array(taus))[1], abs=1e-9)
    assert tau_b(x, y, 300) == found


def test_the_draws_of_items_are_even() -> None:
    counts = resample_counts(40, 2000).astype(float)
    assert counts.mean(axis=1) == pytest.approx(np.ones(40), abs=0.12)
    # Each is Binomial(40, 1/40).
    assert counts.var(axis=1) == pytest.approx(np.full(40, 39 / 40), abs=0.2)


def test_intervals_cover_as_often_as_they_say() -> None:
    """Bivariate normal: tau = 2/pi asin(rho), so that rho = sin(pi/4) has tau = 1/2."""
    rng = np.random.default_rng(5)
    rho = np.sin(np.pi / 4.0)
    covered, errors, values = 0, [], []
    for _ in range(250):
        x = rng.normal(size=80)
        y = rho * x + np.sqrt(1.0 - rho**2) * rng.normal(size=80)
        found = tau_b(x, y, 400)
        assert found.low is not None and found.high is not None and found.error is not None
        covered += found.low <= 0.5 <= found.high
        errors.append(found.error)
        values.append(found.value)
    assert 0.90 <= covered / 250 <= 0.985
    # The standard error is the spread that tau has from sample to sample.
    assert np.mean(errors) == pytest.approx(np.std(values), rel=0.15)


def test_constant_measurements_have_no_tau() -> None:
    constant, other = np.ones(5), np.arange(5.0)
    assert tau_b(constant, other).value is None
    assert spearman(constant, other) is None
    assert weighted_tau(other, constant) is None
    found = agreement(np.array([1.0, np.nan]), np.array([np.nan, 2.0]), percent=True)
    assert (found.n, found.tau.value, found.top_overlap) == (0, None, None)


# --- agreement -------------------------------------------------------------------------------


def test_agreement_leaves_out_what_is_missing_and_rounds() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(60, 65, 300)
    y = x + rng.normal(size=300)
    x[::10], y[5::10] = np.nan, np.nan
    kept = ~np.isnan(x + y)
    found = agreement(x, y, percent=True, resamples=0)
    assert found.n == kept.sum() == 240
    assert found.tau.value == stats.kendalltau(x[kept], y[kept]).statistic
    assert (found.tau.low, found.tau.error) == (None, None)
    rounded = stats.kendalltau(np.rint(x[kept]), np.rint(y[kept])).statistic
    assert found.rounded is not None and found.rounded.value == rounded
    assert found.spearman == pytest.approx(stats.spearmanr(x[kept], y[kept]).statistic)
    assert found.weighted_tau == pytest.approx(stats.weightedtau(x[kept], y[kept]).statistic)
    assert found.top == 24
    assert agreement(x, y, percent=False, resamples=0).rounded is None


def test_weighted_tau_weighs_exchanges_among_the_best() -> None:
    x = np.arange(10.0)
    best, worst = x.copy(), x.copy()
    best[[8, 9]] = best[[9, 8]]
    worst[[0, 1]] = worst[[1, 0]]
    assert tau_b(x, best, 0) == tau_b(x, worst, 0)
    low, high = weighted_tau(x, best), weighted_tau(x, worst)
    assert low is not None and high is not None and low < high


# --- the best --------------------------------------------------------------------------------

FEW = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=7)


@given(FEW, st.data())
@settings(deadline=None, max_examples=80)
def test_the_best_against_all_orders_of_ties(
    items: list[tuple[int, int]], data: st.DataObject
) -> None:
    x, y = (np.array(column, dtype=float) for column in zip(*items))
    n = len(x)
    k = data.draw(st.integers(1, n))
    by_x, by_y = tops(x, k), tops(y, k)
    chances = [np.mean([i in chosen for chosen in by_x]) for i in range(n)]
    np.testing.assert_allclose(top_chances(x, k), chances, atol=1e-12)
    overlaps = [len(a & b) / k for a in by_x for b in by_y]
    assert top_overlap(x, y, k) == pytest.approx(np.mean(overlaps), abs=1e-12)
    lost = [y.max() - max(y[i] for i in chosen) for chosen in by_x]
    assert top_regret(x, y, k) == pytest.approx(np.mean(lost), abs=1e-12)


def tops(values: np.ndarray, k: int) -> list[set[int]]:
    """All sets of k items that no other item beats, equally likely under random ties."""
    sets = [set(chosen) for chosen in combinations(range(len(values)), k)]
    best = max(sum(values[i] for i in chosen) for chosen in sets)
    return [chosen for chosen in sets if sum(values[i] for i in chosen) == best]


# --- published matrices (ERA, tables 3 to 9) --------------------------------------------------

WIDTH = np.array(
    [
        [72.7, 70.7, 56.0, 45.3],
        [77.6, 79.5, 78.0, 63.8],
        [81.9, 85.0, 86.3, 80.3],
        [85.2, 87.1, 88.8, 87.5],
        [89.1, 90.7, 92.3, 92.0],
    ]
)
"""Table 3: ResNet-56 with 8, 16, 32, 64 filters after 5, 10, 20, 50, 100 epochs."""
DEPTH = np.array(
    [
        [75.9, 75.0, 70.7, 49.3, 10.0],
        [80.4, 80.9, 79.5, 71.4, 10.0],
        [82.4, 85.1, 85.0, 83.5, 10.0],
        [84.0, 86.1, 87.1, 86.3, 76.4],
        [87.9, 89.9, 90.7, 91.1, 89.8],
    ]
)
"""Table 6: 14, 32, 56, 110, 602 layers with 16 filters."""
IN_SPACE = np.hstack([WIDTH[:, :3], DEPTH[:, [0, 1, 3]]])
"""Table 9 is about six networks; ResNet-56 with 16 filters stands in both tables."""


def upper(accuracies: np.ndarray, statistic: str) -> list[float]:
    """All pairs of epochs, in the order of the thesis' triangles, with its two digits."""
    found = []
    for a, b in combinations(accuracies, 2):
        value = spearman(a, b) if statistic == "spearman" else tau_b(a, b, 0).value
        assert value is not None
        found.append(round(value, 2) + 0.0)
    return found


def test_era_spearman_matrices() -> None:
    assert upper(DEPTH, "spearman") == [0.9, 0.4, 0.1, -0.4, 0.7, 0.2, -0.2, 0.7, 0.5, 0.8]
    assert upper(IN_SPACE, "spearman") == [
        0.77, -0.31, -0.77, -0.89, 0.31, -0.26, -0.43, 0.77, 0.71, 0.94,
    ]  # fmt: skip
    # Tables 5 and 8 drop the network outside of the space.
    assert spearman(WIDTH[2, :3], WIDTH[4, :3]) == pytest.approx(1.0)
    assert spearman(DEPTH[2, :4], DEPTH[4, :4]) == pytest.approx(0.2)


def test_era_kendall_matrices() -> None:
    assert upper(WIDTH, "tau") == [0.33, 0.0, -0.67, -0.67, 0.67, 0.0, 0.0, 0.33, 0.33, 1.0]
    assert upper(DEPTH, "tau") == [0.8, 0.4, 0.0, -0.4, 0.6, 0.2, -0.2, 0.6, 0.2, 0.6]
    assert upper(IN_SPACE, "tau") == [
        0.6, -0.2, -0.6, -0.73, 0.2, -0.2, -0.33, 0.6, 0.47, 0.87,
    ]  # fmt: skip
    assert tau_b(DEPTH[2, :4], DEPTH[4, :4], 0).value == pytest.approx(0.0)


def test_era_table_4_is_not_that_of_table_3() -> None:
    """The printed one results if 64 filters beat 32 after 100 epochs; the accuracies say not."""
    printed = [0.4, 0.2, -0.8, -1.0, 0.8, 0.0, -0.4, 0.4, -0.2, 0.8]
    computed = upper(WIDTH, "spearman")
    assert computed == [0.4, 0.2, -0.8, -0.8, 0.8, 0.0, 0.0, 0.4, 0.4, 1.0]
    exchanged = WIDTH.copy()
    exchanged[4, [2, 3]] = exchanged[4, [3, 2]]
    assert upper(exchanged, "spearman") == printed


def test_one_discordant_pair_of_eleven() -> None:
    """Kyriakides' tau of .964 needs eleven networks; ten give .956 or 1."""
    for n, expected in ((11, 0.964), (10, 0.956)):
        order = np.arange(n, dtype=float)
        swapped = order.copy()
        swapped[[0, 1]] = swapped[[1, 0]]
        value = tau_b(order, swapped, 0).value
        assert value is not None and round(value, 3) == expected
