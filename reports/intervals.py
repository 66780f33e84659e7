"""Means over searches with 95% intervals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from reports.statistics.skewed_t import FEWEST, Moments

LEVEL = 0.95
RESAMPLES = 1_000
STUDENT, HALL, EQUAL = "Student's t", "Hall's t", "all values equal"
TIED = "Hall's t, many equal values"
"""Methods of intervals of means: below and from `FEWEST` values on, without any spread, and where
more than a fifth of the values are the same."""

UNPROMISED = (EQUAL, TIED)
"""Methods whose intervals may hold the true mean much less or more often than they say: what
distinguishes nearly constant results is rare, and a sample may lack it."""

_MANY = 0.2

_SEED = 20_190_807


@dataclass(frozen=True)
class Estimate:
    """A mean with its interval, one of 95% where nothing else is said.

    Attributes:
        mean: The mean; None if there are no values.
        low: Lower end; None if it cannot be estimated (fewer than two values).
        high: Upper end.
        method: How the interval was computed; "" if it is not said or there is none.
    """

    mean: float | None
    low: float | None
    high: float | None
    method: str = ""

    def shifted(self, by: float) -> Estimate:
        """The estimate of the mean minus a constant."""
        mean, low, high = (None if v is None else v - by for v in (self.mean, self.low, self.high))
        return Estimate(mean, low, high, self.method)

    def clipped(self, low: float, high: float) -> Estimate:
        """The estimate of something that cannot be below `low` or above `high`."""
        if self.low is None or self.high is None:
            return self
        return replace(self, low=max(self.low, low), high=min(self.high, high))


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


def estimate_mean(values: np.ndarray, level: float = LEVEL) -> Estimate:
    """The mean of [n] values with its interval: see `reports.statistics.skewed_t`.

    NaNs are left out. The interval has no width where all values are equal, and promises nothing
    where many are (`UNPROMISED`).

    Args:
        values: float64 [n].
        level: How often such intervals hold the true mean.
    """
    values = values[~np.isnan(values)]
    if values.size < 2:
        return Estimate(plain_mean(values), None, None)
    moments = Moments.of(values)
    mean = float(moments.mean)
    if moments.error == 0.0:
        return Estimate(mean, mean, mean, EQUAL)
    low, high = moments.ends(level)
    return Estimate(mean, float(low), float(high), _method(values))


def _method(values: np.ndarray) -> str:
    if values.size < FEWEST:
        return STUDENT
    most = np.unique(values, return_counts=True)[1].max()
    return TIED if most > _MANY * values.size else HALL


@lru_cache(maxsize=4)
def resampling_weights(n: int) -> np.ndarray:
    """Bootstrap weights [resamples, n]: how often each of n searches is in a resample.

    They depend on n alone, so that what is computed over the same seeds is resampled together.
    """
    rng = np.random.default_rng([_SEED, n])
    return rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(np.float64)


def mean_band(values: np.ndarray, least: float = 0.5) -> Band:
    """Means of each column of [searches, points] with the intervals of `estimate_mean`.

    NaNs are left out. Points where fewer than the share `least` of the searches have a value get
    None, for a mean over the few early ones would mislead.
    """
    moments = Moments.of(values)
    low, high = moments.ends(LEVEL)
    enough = moments.count >= max(least * len(values), 1)
    several = enough & (moments.count > 1)
    return Band(_listed(moments.mean, enough), _listed(low, several), _listed(high, several))


def _listed(values: np.ndarray, valid: np.ndarray) -> tuple[float | None, ...]:
    return tuple(v if ok else None for v, ok in zip(values.tolist(), valid.tolist(), strict=True))
