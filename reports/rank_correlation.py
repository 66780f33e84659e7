"""How far two measurements agree on the order of the same architectures.

Kendall's tau-b is the chance that two architectures are in the same order by both measurements,
minus the chance that they are in opposite order, corrected for ties. Its uncertainty comes from a
bootstrap over architectures (Kyriakides 2022, chapter 5, with 800 resamples).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from reports.intervals import LEVEL
from reports.resampled_tau import resampled_tau
from reports.top_k import top_overlap, top_regret

RESAMPLES = 800
TOP_SHARE = 0.1
NORMAL = 0.05
"""Lilliefors p below which resamples are said not to look normal."""

_SEED = 20_220_705
_AT_ONCE = 40_000_000
"""Counts of items in resamples that are worked on at once, so that memory stays small."""


@dataclass(frozen=True)
class Tau:
    """Kendall's tau-b with its bootstrap.

    Attributes:
        value: Tau-b, in -1 .. 1; None if one measurement is the same for all architectures.
        mean: Mean over the resamples.
        error: Their standard deviation, which estimates the standard error.
        low: 2.5% quantile of the resamples: lower end of the percentile interval.
        high: 97.5% quantile.
        p_normal: p of Lilliefors' test that the resamples are normal, read from a table: within
            0.001 and 0.99. Small: do not read 1.96 `error` as half an interval.
    """

    value: float | None
    mean: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None
    p_normal: float | None = None


@dataclass(frozen=True)
class Agreement:
    """How far two measurements agree on n architectures.

    Attributes:
        n: Architectures that have both.
        tau: Tau-b of the values as they are.
        rounded: Tau-b of the values rounded to whole percents; None unless both are percentages.
        spearman: Spearman's rho, ties with mean ranks; None if a measurement is constant.
        weighted_tau: Weighted tau of Vigna (2015) with hyperbolic weights, mean over both
            rankings: exchanges among the best count most.
        top: Number of the best that the following two are about.
        top_overlap: Expected share of the `top` best by the first measurement that are among the
            `top` best by the second; ties are broken at random.
        top_regret: How far the best of the `top` best by the first is below the best of all, by
            the second and in its unit.
    """

    n: int
    tau: Tau
    rounded: Tau | None
    spearman: float | None
    weighted_tau: float | None
    top: int
    top_overlap: float | None
    top_regret: float | None


def agreement(
    x: np.ndarray,
    y: np.ndarray,
    *,
    percent: bool,
    resamples: int = RESAMPLES,
    top_share: float = TOP_SHARE,
) -> Agreement:
    """Compare two measurements of the same architectures; larger is better in both.

    Args:
        x: The first [n]; NaN where there is none.
        y: The second [n]; likewise.
        percent: Whether both are percentages, so that rounding them means something.
        resamples: Bootstrap resamples of the architectures; 0 for none.
        top_share: Share of the architectures that counts as the best ones.
    """
    present = ~(np.isnan(x) | np.isnan(y))
    x, y = x[present], y[present]
    n = len(x)
    if n < 2:
        return Agreement(n, Tau(None), Tau(None) if percent else None, None, None, 0, None, None)
    top = max(1, round(top_share * n))
    return Agreement(
        n=n,
        tau=tau_b(x, y, resamples),
        rounded=tau_b(np.rint(x), np.rint(y), resamples) if percent else None,
        spearman=spearman(x, y),
        weighted_tau=weighted_tau(x, y),
        top=top,
        top_overlap=top_overlap(x, y, top),
        top_regret=top_regret(x, y, top),
    )


def tau_b(x: np.ndarray, y: np.ndarray, resamples: int = RESAMPLES) -> Tau:
    """Kendall's tau-b of values [n] and [n] without NaN, with a bootstrap over the items.

    A resample that draws items with one value only has no tau and is left out.
    """
    from scipy.stats import kendalltau

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return Tau(None)
    value = float(kendalltau(x, y).statistic)
    if resamples < 2:
        return Tau(value)
    counts = resample_counts(len(x), resamples)
    step = max(1, _AT_ONCE // len(x))
    chunks = range(0, resamples, step)
    taus = np.concatenate([resampled_tau(x, y, counts[:, at : at + step]) for at in chunks])
    taus = taus[~np.isnan(taus)]
    if len(taus) < 2:
        return Tau(value)
    tail = (1.0 - LEVEL) / 2.0
    low, high = np.quantile(taus, [tail, 1.0 - tail])
    return Tau(
        value=value,
        mean=float(taus.mean()),
        error=float(taus.std(ddof=1)),
        low=float(low),
        high=float(high),
        p_normal=_lilliefors(taus),
    )


@lru_cache(maxsize=4)
def resample_counts(n: int, resamples: int) -> np.ndarray:
    """How often each of n items is in each resample, uint8 [n, resamples].

    They depend on the two numbers alone, so that pairs of measurements are resampled together.
    """
    rng = np.random.default_rng([_SEED, n])
    counts = np.empty((n, resamples), dtype=np.uint8)
    for place in range(resamples):
        counts[:, place] = np.bincount(rng.integers(0, n, n), minlength=n)
    counts.flags.writeable = False
    return counts


def spearman(x: np.ndarray, y: np.ndarray) -> float | None:
    """Spearman's rho of values [n] and [n]; None where one of them is constant."""
    from scipy.stats import spearmanr

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(spearmanr(x, y).statistic)


def weighted_tau(x: np.ndarray, y: np.ndarray) -> float | None:
    """Weighted tau of values [n] and [n], larger ones weighing more; None if it has no value."""
    from scipy.stats import weightedtau

    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    value = float(weightedtau(x, y).statistic)
    return value if math.isfinite(value) else None


def _lilliefors(values: np.ndarray) -> float | None:
    from statsmodels.stats.diagnostic import lilliefors

    # The test needs four numbers, and some spread.
    if len(values) < 4 or np.ptp(values) < 1e-12:
        return None
    return float(lilliefors(values, dist="norm", pvalmethod="table")[1])
