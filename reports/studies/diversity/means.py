"""Mean distances within and between groups, with intervals over searches."""

from __future__ import annotations

import numpy as np

from reports.intervals import Estimate, resampling_weights

METHOD = "percentile bootstrap over searches"


def within(distance: np.ndarray) -> Estimate:
    """The mean distance [n, n] between two different searches of one group.

    Searches, not pairs, are resampled; a search and its own copy are no pair.
    """
    n = len(distance)
    if n < 2:
        return Estimate(None, None, None)
    mean = float(distance.sum() / (n * (n - 1)))
    if n < 3:
        return Estimate(mean, None, None)
    weights = resampling_weights(n)
    pairs = weights.sum(axis=1) ** 2 - (weights**2).sum(axis=1)
    kept = pairs > 0
    means = np.einsum("bi,ij,bj->b", weights, distance, weights, optimize=True)[kept] / pairs[kept]
    return _interval(mean, means)


def between(distance: np.ndarray, *, paired: bool) -> Estimate:
    """The mean distance [n, m] between a search of one group and one of another.

    Args:
        distance: Rows are searches of the one, columns of the other.
        paired: Whether row i and column i have one seed: they are then resampled together.
    """
    n, m = distance.shape
    mean = float(distance.mean())
    if min(n, m) < 2:
        return Estimate(mean, None, None)
    rows = resampling_weights(n)
    # Other resamples of as many searches, where they are others.
    columns = rows if paired else np.roll(resampling_weights(m), 1, axis=0)
    return _interval(
        mean, np.einsum("bi,ij,bj->b", rows, distance, columns, optimize=True) / n / m
    )


def _interval(mean: float, means: np.ndarray) -> Estimate:
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(mean, float(low), float(high), METHOD)
