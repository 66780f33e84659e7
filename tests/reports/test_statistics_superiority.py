"""Superiority, paired and unpaired tests, against scipy and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.comparison import SIGNED_RANK, UNPAIRED, against_exact, against_sampled
from reports.random_search import Distribution
from reports.statistics.superiority import (
    BRUNNER_MUNZEL,
    UNCORRELATED,
    WILSON,
    brunner_munzel,
    of_pairs,
    of_placements,
    unpaired_suffices,
)


def correlated(
    rng: np.random.Generator, n: int, r: float, step: float = 0.2
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of equally distributed skewed values with ties."""
    a = rng.normal(size=n)
    b = r * a + np.sqrt(1.0 - r * r) * rng.normal(size=n)
    first, second = (94.0 - np.round(np.exp(0.4 * z) / step) * step for z in (a, b))
    return first, second


@pytest.mark.parametrize("seed", range(5))
def test_brunner_munzel_equals_scipy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    results, chance = rng.integers(2, 9, 25).astype(float), rng.integers(0, 7, 40).astype(float)
    found = brunner_munzel(results, chance)
    assert found is not None
    estimate, p = found
    assert p == pytest.approx(stats.brunnermunzel(chance, results).pvalue)
    wins = (results[:, None] > chance).mean() + (results[:, None] == chance).mean() / 2.0
    assert estimate.mean == pytest.approx(wins) and estimate.method == BRUNNER_MUNZEL
    # The interval is the test turned round: it holds one half just where p is above 5%.
    assert estimate.low is not None and estimate.high is not None
    assert (estimate.low <= 0.5 <= estimate.high) == (p >= 0.05)


def test_samples_that_do_not_overlap_have_no_brunner_munzel_test() -> None:
    assert brunner_munzel(np.arange(9.0) + 10.0, np.arange(9.0)) is None
    found = against_sampled("s", "b", np.arange(30.0) + 99.0, np.tile([1.0, 2.0], 15), True)
    assert found.test == SIGNED_RANK and found.p is not None and found.p < 1e-5


@pytest.mark.parametrize(("better", "ties", "n"), [(12, 3, 20), (20, 0, 20), (0, 0, 7), (1, 1, 2)])
def test_pairs_have_wilsons_interval(better: int, ties: int, n: int) -> None:
    gains = np.array([1.0] * better + [0.0] * ties + [-1.0] * (n - better - ties))
    found = of_pairs(gains)
    share, z = (better + ties / 2.0) / n, stats.norm.ppf(0.975)
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    assert found.method == WILSON and found.mean == pytest.approx(share)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=1e-9)


def test_hardly_any_pairs_and_placements() -> None:
    assert of_pairs(np.zeros(0)).mean is None
    assert of_pairs(np.ones(1)).low is None
    same = of_placements(np.full(20, 0.9))
    assert same.method == WILSON and same.low is not None and same.high is not None
    assert same.low < 0.9 < same.high <= 1.0
    assert of_placements(np.array([0.5])).low is None
    spread = of_placements(np.array([1.0] * 25 + [0.1]))
    assert spread.high == 1.0


@pytest.mark.parametrize(
    ("correlation", "n", "expected"),
    [
        (0.0, 20, True),
        (UNCORRELATED, 50, False),
        (-0.05, 50, True),
        (-0.3, 50, False),
        (0.0, 19, False),
        (None, 50, False),
    ],
)
def test_pairs_count_unless_nearly_uncorrelated(
    correlation: float | None, n: int, expected: bool
) -> None:
    assert unpaired_suffices(correlation, n) is expected


def test_the_test_follows_the_correlation() -> None:
    rng = np.random.default_rng(0)
    seen = set()
    for r in (0.0, 0.0, 0.8):
        results, chance = correlated(rng, 60, r)
        found = against_sampled("s", "b", results, chance, True)
        assert found.correlation is not None
        near = abs(found.correlation) < UNCORRELATED
        assert found.test == (UNPAIRED if near else SIGNED_RANK)
        if near:
            assert found.p == pytest.approx(stats.brunnermunzel(chance, results).pvalue)
        else:
            differences = results - chance
            expected = stats.wilcoxon(differences, zero_method="pratt").pvalue
            assert found.p == pytest.approx(expected)
        seen.add(found.test)
    assert seen == {SIGNED_RANK, UNPAIRED}


@pytest.mark.parametrize("maximize", [True, False])
def test_superiority_follows_the_direction(maximize: bool) -> None:
    rng = np.random.default_rng(3)
    results, chance = rng.normal(0.8, 1.0, 80), rng.normal(0.0, 1.0, 80)
    # Without any correlation.
    chance -= np.polynomial.Polynomial.fit(results, chance, 1)(results)
    found = against_sampled("s", "b", results, chance, maximize)
    assert found.test == UNPAIRED
    assert found.superiority.mean is not None
    assert (found.superiority.mean > 0.5) is maximize


def rejections(n: int, r: float, samples: int) -> tuple[float, float]:
    """How often equal strategies are told apart, and the interval of superiority holds 1/2."""
    rng = np.random.default_rng([n, round(100 * (r + 1))])
    rejected = covered = 0
    for _ in range(samples):
        found = against_sampled("s", "b", *correlated(rng, n, r), True)
        rejected += found.p is not None and found.p < 0.05
        low, high = found.superiority.low, found.superiority.high
        covered += low is not None and high is not None and low <= 0.5 <= high
    return rejected / samples, covered / samples


def test_equal_strategies_are_rarely_told_apart() -> None:
    rejected, covered = rejections(30, 0.0, 150)
    # 5% of 150 within three standard errors: choosing the test by the data does not spoil it.
    assert rejected <= 0.105 and covered >= 0.895


@pytest.mark.slow
@pytest.mark.parametrize("n", [15, 20, 60])
@pytest.mark.parametrize("r", [-0.3, 0.0, 0.1, 0.4, 0.8])
def test_the_level_holds_at_every_correlation(n: int, r: float) -> None:
    rejected, covered = rejections(n, r, 500)
    # 5% and three standard errors.
    assert rejected <= 0.08 and covered >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 60])
def test_the_level_holds_against_the_exact_distribution(n: int) -> None:
    rng = np.random.default_rng(n)
    reference = Distribution.of(np.arange(40.0), rng.dirichlet(np.ones(40)))
    rejected = covered = 0
    for _ in range(600):
        results = rng.choice(reference.values, n, p=reference.weights)
        found = against_exact("s", "b", results, reference, True)
        rejected += found.p is not None and found.p < 0.05
        low, high = found.superiority.low, found.superiority.high
        covered += low is not None and high is not None and low <= 0.5 <= high
    # 5% of 600 and three standard errors.
    assert 14 <= rejected <= 46 and 554 <= covered <= 586
