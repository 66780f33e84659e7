"""What a training costs, freed of what else ran on the machine."""

from __future__ import annotations

import numpy as np

from harness.networks.edges import live_edges
from harness.spaces.tss import OPERATIONS

_COMPUTED = range(1, len(OPERATIONS))  # all but 'none'; a skip costs an addition
_QUANTILE = 0.25
"""Other work on the machine only ever adds time, so the fit leans to the lower measurements."""


def least(seconds: np.ndarray) -> np.ndarray:
    """A cell's least seconds an epoch, [rows], from [rows, seeds, epochs].

    Every epoch is the same work, and whatever else runs on the machine can only add to it.
    """
    result: np.ndarray = np.fmin.reduce(seconds, axis=(1, 2))
    return result


def additive(seconds: np.ndarray, cells: list[tuple[int, ...]]) -> np.ndarray:
    """Seconds as a constant plus a term for each operation that the cell computes.

    A network is computed operation by operation, so its time is a sum over them. The terms are
    fitted to all cells at once (quantile regression, which outliers do not move), so equal
    networks cost the same and a busy hour of the machine is in no cell's cost.

    Args:
        seconds: Measured seconds of each cell, NaN where there are none.
        cells: The cells.
    """
    from sklearn.linear_model import QuantileRegressor

    counts = np.array(
        [
            [sum(cell[edge] == operation for edge in live_edges(cell)) for operation in _COMPUTED]
            for cell in cells
        ]
    )
    known = ~np.isnan(seconds)
    if not known.any():
        return seconds
    model = QuantileRegressor(quantile=_QUANTILE, alpha=0.0, solver="highs")
    model.fit(counts[known], seconds[known])
    fitted: np.ndarray = np.maximum(model.predict(counts), seconds[known].min())
    return fitted
