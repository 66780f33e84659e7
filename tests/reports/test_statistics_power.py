"""Equivalence and power against statsmodels and by simulation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestIndPower, TTestPower
from statsmodels.stats.weightstats import DescrStatsW

from reports.random_search import Distribution
from reports.statistics.contest import EXACT, SAMPLED, Contest
from reports.statistics.equivalence import adjusted, default_margin, equivalence
from reports.statistics.power import ALPHA, POWER, detectable, power, seeds

# --- equivalence -----------------------------------------------------------------------------


@pytest.mark.parametrize("n", [3, 10, 19])
def test_few_seeds_have_the_plain_tost(n: int) -> None:
    values = np.random.default_rng(n).normal(0.02, 0.1, n)
    found = equivalence(values, 0.1)
    described = DescrStatsW(values)
    assert found.p == pytest.approx(described.ttost_mean(-0.1, 0.1)[0])
    low, high = described.tconfint_mean(0.1)
    assert (found.difference.low, found.difference.high) == pytest.approx((low, high))


def test_symmetric_differences_have_the_plain_tost_too() -> None:
    half = np.random.default_rng(0).normal(0.0, 0.3, 20)
    values = 0.01 + np.concatenate([half, -half])
    assert equivalence(values, 0.1).p == pytest.approx(
        DescrStatsW(values).ttost_mean(-0.1, 0.1)[0]
    )


@pytest.mark.parametrize("mean", [-0.09, -0.05, 0.0, 0.05, 0.08, 0.11])
def test_equivalence_is_an_interval_within_the_margin(mean: float) -> None:
    values = mean + 0.05 - np.random.default_rng(1).exponential(0.05, 40)
    found = adjusted([equivalence(values, 0.1)])[0]
    low, high = found.difference.low, found.difference.high
    assert low is not None and high is not None and found.p == found.p_holm
    assert found.shown == (low > -0.1 and high < 0.1)


def test_equivalence_without_spread_or_results_is_not_shown() -> None:
    for values in (np.zeros(0), np.zeros(1), np.zeros(30)):
        found = adjusted([equivalence(values, 0.1)])[0]
        assert found.p is None and not found.shown


def test_equivalence_is_adjusted_over_all_tests() -> None:
    values = np.random.default_rng(2).normal(0.0, 0.25, 25)
    alone = equivalence(values, 0.1)
    hopeless = equivalence(values + 5.0, 0.1)
    assert alone.p is not None and 0.01 < alone.p < 0.05
    assert adjusted([alone])[0].shown
    found = adjusted([hopeless, alone, hopeless, hopeless, hopeless])
    assert found[1].p_holm == pytest.approx(5.0 * alone.p) and not found[1].shown


def test_the_default_margin() -> None:
    assert default_margin("%", None) == 0.1
    assert default_margin("", 3.0) == pytest.approx(0.3)
    assert default_margin("", None) is None and default_margin("", 0.0) is None


@pytest.mark.parametrize("n", [12, 30])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_differences_at_the_margin_are_rarely_called_equivalent(n: int, side: float) -> None:
    rng = np.random.default_rng(n)
    samples = rng.normal(side * 0.1, 0.05, (600, n))
    p = np.array([equivalence(sample, 0.1).p for sample in samples], dtype=float)
    shown = (p < 0.05).sum()
    # 5% of 600 within three standard errors.
    assert 14 <= shown <= 46


@pytest.mark.slow
@pytest.mark.parametrize("n", [20, 50, 200])
@pytest.mark.parametrize("side", [-1.0, 1.0])
def test_the_level_of_equivalence_with_skewed_differences(n: int, side: float) -> None:
    rng = np.random.default_rng(n)
    samples = side * 0.1 + 0.1 * (1.0 - rng.exponential(1.0, (4_000, n)))
    p = np.array([equivalence(s, 0.1).p for s in samples], dtype=float)
    assert (p < 0.05).mean() <= 0.07


# --- power -----------------------------------------------------------------------------------


def chance_to_show(design: str, effect: float, n: int, alpha: float) -> float:
    """Power of the two-sided t test by the noncentral t distribution."""
    df, shift = (n - 1, np.sqrt(n)) if design != "unpaired" else (2 * n - 2, np.sqrt(n / 2.0))
    t = stats.t.ppf(1.0 - alpha / 2.0, df)
    return float(stats.nct.sf(t, df, effect * shift) + stats.nct.cdf(-t, df, effect * shift))


@pytest.mark.parametrize("design", ["against exact", "paired", "unpaired"])
@pytest.mark.parametrize("effect", [0.02, 0.1, 0.35, 1.0, 2.0])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 12])
def test_the_least_number_of_seeds(design: str, effect: float, alpha: float) -> None:
    n = seeds(design, 2.0, 2.0 * effect, alpha)
    assert n is not None
    assert chance_to_show(design, effect, n, alpha) >= POWER - 1e-6
    assert n == 2 or chance_to_show(design, effect, n - 1, alpha) < POWER


@pytest.mark.parametrize("design", ["paired", "unpaired"])
def test_what_seeds_show_is_the_inverse(design: str) -> None:
    for n in (5, 40, 500):
        found = detectable(design, 3.0, n)
        assert found is not None
        assert chance_to_show(design, found / 3.0, n, ALPHA) == pytest.approx(POWER, abs=1e-6)
        kind = TTestIndPower() if design == "unpaired" else TTestPower()
        assert kind.power(found / 3.0, n, ALPHA) == pytest.approx(POWER, abs=1e-6)


def test_extreme_spreads() -> None:
    assert seeds("paired", 0.0, 0.1, ALPHA) is None
    assert detectable("paired", 0.0, 20) is None and detectable("paired", 1.0, 1) is None
    few = seeds("paired", 1e-6, 0.1, ALPHA)
    many = seeds("paired", 100.0, 0.1, ALPHA)
    assert few is not None and 2 <= few <= 4
    # (1.960 + 0.842)^2 variances over the squared difference.
    assert many is not None and many == pytest.approx(7.849e6, rel=1e-3)


def test_designs_of_a_contest() -> None:
    rng = np.random.default_rng(4)
    chance = rng.normal(90.0, 1.0, 40)
    results = 0.8 * chance + rng.normal(19.0, 0.5, 40)
    exact = Distribution.of(chance, np.ones(40))
    sampled = chance.copy()
    sampled[30:] = np.nan
    both = Contest("s", "b", True, np.arange(40), results, exact, sampled, EXACT)
    found = power(both, 0.1, family=6)
    assert [d.name for d in found.designs] == ["against exact", "paired", "unpaired"]
    assert (found.n, found.family) == (40, 6)
    spreads = {d.name: d.sd for d in found.designs}
    assert spreads["against exact"] == pytest.approx(results.std(ddof=1))
    assert spreads["paired"] == pytest.approx((results - chance)[:30].std(ddof=1))
    pooled = (results[:30].var(ddof=1) + chance[:30].var(ddof=1)) / 2.0
    assert spreads["unpaired"] == pytest.approx(pooled**0.5)
    for design in found.designs:
        assert design.seeds == seeds(design.name, design.sd, 0.1, 0.05)
        assert design.seeds_holm == seeds(design.name, design.sd, 0.1, 0.05 / 6)
    # Correlated pairs save seeds.
    assert found.designs[1].seeds < found.designs[2].seeds  # type: ignore[operator]
    alone = Contest("s", "b", True, np.arange(40), results, None, sampled, SAMPLED)
    assert [d.name for d in power(alone, 0.1).designs] == ["paired", "unpaired"]
    assert power(alone, 0.1).n == 30


@pytest.mark.slow
def test_so_many_seeds_show_the_difference() -> None:
    """Simulated searches: pairs with a correlation, compared by the tests of the report."""
    rng = np.random.default_rng(5)

    def drawn(n: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
        luck = rng.normal(0.0, 0.5, (runs, n))
        chance = 90.0 + luck + rng.normal(0.0, 0.5, (runs, n))
        return chance + 0.1 + rng.normal(0.0, 0.3, (runs, n)), chance

    pilot = drawn(4_000, 1)
    contest = Contest("s", "b", True, np.arange(4_000), pilot[0][0], None, pilot[1][0], SAMPLED)
    paired = power(contest, 0.1).designs[0]
    assert paired.name == "paired" and paired.seeds is not None
    results, chance = drawn(paired.seeds, 1_500)
    t = stats.ttest_rel(results, chance, axis=1).pvalue < 0.05
    ranks = stats.wilcoxon(results, chance, axis=1).pvalue < 0.05
    assert t.mean() == pytest.approx(POWER, abs=0.035)
    # The signed-rank test needs about 5% more where differences are normal.
    assert POWER - 0.06 <= ranks.mean() <= POWER + 0.03
