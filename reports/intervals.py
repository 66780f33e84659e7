"""Means over searches with bootstrap intervals, from a seeded generator."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

LEVEL = 0.95
CURVE_RESAMPLES = 1_000
RESAMPLES = 9_999
_SEED = 20_190_807


@dataclass(frozen=True)
class Estimate:
    """A mean with its 95% interval.

    Attributes:
        mean: The mean; None if there are no values.
        low: Lower end; None if it cannot be estimated (fewer than two values).
        high: Upper end.
    """

    mean: float | None
    low: float | None
    high: float | None

    def shifted(self, by: float) -> Estimate:
        """The estimate of the mean minus a constant."""
        return Estimate(*(None if v is None else v - by for v in (self.mean, self.low, self.high)))


@dataclass(frozen=True)
class Band:
    """Estimates along a curve: three sequences of one length."""

    mean: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]


def plain_mean(values: np.ndarray) -> float | None:
    """The mean of [n] values, NaNs left out; None if nothing is left."""
    values = values[~np.isnan(values)]
    return float(values.mean()) if values.size else None


def estimate_mean(values: np.ndarray) -> Estimate:
    """The mean of [n] values with a bias-corrected and accelerated bootstrap interval.

    NaNs are left out. The interval has no width where all values are equal.
    """
    from scipy.stats import bootstrap

    values = values[~np.isnan(values)]
    if not values.size:
        return Estimate(None, None, None)
    mean = float(values.mean())
    if values.size < 2:
        return Estimate(mean, None, None)
    if np.ptp(values) == 0:
        return Estimate(mean, mean, mean)
    with warnings.catch_warnings():
        # With hardly any distinct values the BCa interval is undefined; answered below.
        warnings.simplefilter("ignore")
        interval = bootstrap(
            (values,),
            np.mean,
            confidence_level=LEVEL,
            n_resamples=RESAMPLES,
            batch=500,
            method="BCa",
            rng=np.random.default_rng(_SEED),
        ).confidence_interval
    low, high = float(interval.low), float(interval.high)
    if np.isnan(low) or np.isnan(high):
        return Estimate(mean, None, None)
    return Estimate(mean, low, high)


@lru_cache(maxsize=4)
def resampling_weights(n: int) -> np.ndarray:
    """Bootstrap weights [resamples, n]: how often each of n searches is in a resample.

    They depend on n alone, so that curves over the same seeds are resampled together.
    """
    rng = np.random.default_rng([_SEED, n])
    return rng.multinomial(n, np.full(n, 1.0 / n), size=CURVE_RESAMPLES).astype(np.float64)


def mean_band(values: np.ndarray, least: float = 0.5) -> Band:
    """Means of each column of [searches, points] with percentile bootstrap intervals.

    NaNs are left out. Points where fewer than the share `least` of the searches have a value get
    None, for a mean over the few early ones would mislead.
    """
    n = len(values)
    present = ~np.isnan(values)
    enough = present.mean(axis=0) >= least
    totals = np.where(present, values, 0.0)
    # Centred, so that sums of nearly equal numbers keep their digits.
    centre = totals.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
    centred = np.where(present, values - centre, 0.0)
    if n < 2:
        return Band(_listed(centre, enough), (None,) * len(enough), (None,) * len(enough))
    weights = resampling_weights(n)
    counts = float(n) if present.all() else weights @ present.astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = (weights @ centred) / counts
    tail = (1.0 - LEVEL) / 2.0
    ends = np.full((2, len(enough)), np.nan)
    if enough.any():
        # Only a resample of searches that all lack a value has no mean.
        quantile = np.nanquantile if np.isnan(means[:, enough]).any() else np.quantile
        ends[:, enough] = quantile(means[:, enough], [tail, 1.0 - tail], axis=0)
    low, high = centre + ends
    return Band(_listed(centre, enough), _listed(low, enough), _listed(high, enough))


def _listed(values: np.ndarray, valid: np.ndarray) -> tuple[float | None, ...]:
    return tuple(v if ok else None for v, ok in zip(values.tolist(), valid.tolist(), strict=True))
