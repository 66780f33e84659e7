"""Noise fields: a number for every cell of the space, from a hash instead of a grid.

A field is a seed. The noise of a cell is a hash of seed and cell (SplitMix64's finaliser, as in
`harness.streams.uniform`), so that another field costs nothing and no grid is stored, whatever the
number of dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from harness.benchmarks.rastrigin import HIGH

Law = Literal["uniform", "gaussian"]

CELLS = 100
"""Cells of the noise an axis: those of the thesis's mesh of 100 x 100."""

MOST_DIMENSIONS = 8
"""So many that the number of a cell is an int64."""


@dataclass(frozen=True)
class Noise:
    """What is added to the function, independently in every cell.

    Attributes:
        law: "uniform" on +-amplitude, or "gaussian" with a standard deviation of amplitude.
        amplitude: In units of the function; 0 for none.
    """

    law: Law
    amplitude: float

    @property
    def deviation(self) -> float:
        """Its standard deviation."""
        return self.amplitude / 3.0**0.5 if self.law == "uniform" else self.amplitude

    def of(self, fields: np.ndarray | np.uint64, cells: np.ndarray) -> np.ndarray:
        """The noise of cells, float64.

        Args:
            fields: uint64, seeds of the fields; any shape that broadcasts with `cells`.
            cells: int64, numbers of cells.
        """
        if self.amplitude == 0.0:
            return np.zeros(cells.shape)
        return self.amplitude * standard(self.law, fields, cells)


def standard(law: Law, fields: np.ndarray | np.uint64, cells: np.ndarray) -> np.ndarray:
    """Noise of amplitude 1."""
    fractions = uniforms(fields, cells)
    if law == "uniform":
        return 2.0 * fractions - 1.0
    from scipy.special import ndtri

    # The least fraction is 0, whose quantile is infinite.
    return np.asarray(ndtri(np.maximum(fractions, 2.0**-54)))


def uniforms(fields: np.ndarray | np.uint64, cells: np.ndarray) -> np.ndarray:
    """Numbers in [0, 1) that depend on field and cell: the first visit of `streams.uniform`."""
    x = fields + cells.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(((x ^ (x >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53)


def cells_of(points: np.ndarray) -> np.ndarray:
    """Numbers of the cells in which points [..., d] lie, int64 [...]."""
    places = ((points + HIGH) * (CELLS / (2.0 * HIGH))).astype(np.int64)
    places = np.minimum(places, CELLS - 1)
    return np.asarray(places @ radix(points.shape[-1]))


def centres(cells: np.ndarray, dimensions: int) -> np.ndarray:
    """Middles of cells [n] by their numbers, float64 [n, dimensions]."""
    places = cells[:, None] // radix(dimensions) % CELLS
    return np.asarray((places + 0.5) * (2.0 * HIGH / CELLS) - HIGH)


def radix(dimensions: int) -> np.ndarray:
    """What a step along each axis adds to a cell's number."""
    return CELLS ** np.arange(dimensions - 1, -1, -1, dtype=np.int64)
