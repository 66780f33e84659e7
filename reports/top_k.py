"""What the k best items by one measurement are by another one, ties broken at random, exactly."""

from __future__ import annotations

import numpy as np


def top_chances(values: np.ndarray, k: int) -> np.ndarray:
    """The chance of each item [n] to be among the k with the largest values.

    Items that tie on the last place share it equally.
    """
    last = np.partition(values, len(values) - k)[len(values) - k]
    above, tied = values > last, values == last
    chances: np.ndarray = above + tied * ((k - above.sum()) / tied.sum())
    return chances


def top_overlap(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """The expected share of the k best by x that are among the k best by y.

    Chance alone gives k / n.
    """
    return float((top_chances(x, k) * top_chances(y, k)).sum() / k)


def top_regret(x: np.ndarray, y: np.ndarray, k: int) -> float:
    """How far the best y among the k best by x is expected to stay below the best y of all.

    It is what is lost by measuring y for the k best by x only.
    """
    chances = top_chances(x, k)
    sure, tied = chances == 1.0, (chances > 0.0) & (chances < 1.0)
    floor = float(y[sure].max(initial=-np.inf))
    if not tied.any():
        return float(y.max()) - floor
    # k - |sure| of the tied items are drawn. From the best of them on: the chance that none of
    # those before was drawn, times the chance that this one is.
    candidates = np.sort(y[tied])[::-1]
    t, m = len(candidates), k - int(sure.sum())
    places = np.arange(t)
    drawn = np.minimum(1.0, m / np.maximum(t - places, 1))
    before = np.concatenate([[1.0], np.cumprod(1.0 - drawn)[:-1]])
    expected = float((before * drawn * np.maximum(candidates, floor)).sum())
    # Rounding must not make it better than the best.
    return max(float(y.max()) - expected, 0.0)
