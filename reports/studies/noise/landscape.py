"""How good a point is on the true Rastrigin function: two measures, both 0 at the minimum."""

from __future__ import annotations

from functools import cache

import numpy as np

from harness.benchmarks.rastrigin import HIGH, rastrigin

RANGE = 40.353
"""Greatest value a dimension, at |x| = 4.523; the least is 0."""

_BINS = 1 << 15
_SAMPLES = 1 << 20


def range_gap(values: np.ndarray, dimensions: int) -> np.ndarray:
    """The function's values as shares of its range, 0 to 1."""
    return np.asarray(values / (RANGE * dimensions))


def top_fraction(values: np.ndarray, dimensions: int) -> np.ndarray:
    """The share of the space, by volume, where the true function is lower; 0 to 1.

    The function is a sum over dimensions, so that the distribution of its value at a uniform point
    is a convolution; it is computed on a grid of 40.353 / 2**15, to which each term is rounded.
    Results are off by less than 0.0001.
    """
    share, width = _distribution(dimensions)
    # What is rounded to k widths lies below k + 1/2 of them; nothing lies below 0.
    ends = np.maximum(np.arange(len(share)) - 0.5, 0.0)
    return np.asarray(np.interp(values / width, ends, share))


@cache
def _distribution(dimensions: int) -> tuple[np.ndarray, float]:
    """Shares of the space whose rounded value is below 0, 1, 2, ... widths, and the width."""
    width = RANGE / _BINS
    middles = (np.arange(_SAMPLES) + 0.5) / _SAMPLES * 2.0 * HIGH - HIGH
    rounded = np.rint(rastrigin(middles[:, None]) / width).astype(np.int64)
    one = np.bincount(rounded) / _SAMPLES
    length = dimensions * (len(one) - 1) + 1
    size = 1 << (length - 1).bit_length()
    density = np.fft.irfft(np.fft.rfft(one, size) ** dimensions, size)[:length]
    return np.concatenate([[0.0], np.cumsum(np.maximum(density, 0.0))]), width
