"""The amplitude of a noise that leaves a given rank correlation with the truth.

Kendall's tau between true and noisy values over all cells is, in expectation over the noise, one
minus twice the probability that the noise turns a pair of cells around. For cells whose true
values differ by delta that probability is known: (1 - delta / 2a)^2 / 2 below 2a for uniform noise
on +-a, and Phi(-delta / (sigma sqrt 2)) for a Gaussian. So tau is a mean over pairs of cells, and
the amplitude its only root; no grid and no noise is drawn for that, whatever the dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from harness.benchmarks.rastrigin import rastrigin
from harness.errors import UserError
from reports.studies.noise.fields import CELLS, MOST_DIMENSIONS, Law, Noise, centres

TOLERANCE = 0.005
"""How far the measured tau may be from its target."""

GRID = 10_000
"""Most cells over which the tau of one field is measured: all in up to two dimensions."""

SAMPLES = 8
"""Fields, or where there are more than `GRID` cells samples of them, that a tau is measured on."""

_PAIRS = 1_000_000
_SEED = 20_220_705


@dataclass(frozen=True)
class Calibrated:
    """A noise and what it does to ranks.

    Attributes:
        dimensions: Of the function.
        target: Kendall's tau that was asked for; 1 for no noise.
        noise: What attains it.
        measured: Kendall's tau-b between true and noisy values over `cells` cells, mean over
            `SAMPLES` fields or samples.
        cells: All cells, or `GRID` drawn ones.
    """

    dimensions: int
    target: float
    noise: Noise
    measured: float
    cells: int


def calibrated(dimensions: int, target: float, law: Law, field: int | None = None) -> Calibrated:
    """The noise that leaves a target tau.

    Args:
        dimensions: Of the function, 1 to 8.
        target: Kendall's tau, above 0 and at most 1.
        law: Of the noise.
        field: Seed of the one field that is used (frozen noise). None (noise that is redrawn):
            the expectation over fields is brought to the target. One field's own tau differs
            from that only where there are few cells: there it is brought to the target itself.

    Raises:
        UserError: If a number is out of range.
    """
    check(dimensions, target)
    cells = min(CELLS**dimensions, GRID)
    if target == 1.0:
        return Calibrated(dimensions, 1.0, Noise(law, 0.0), 1.0, cells)
    all_cells = CELLS**dimensions <= GRID
    amplitude = _root(lambda noise: expected_tau(dimensions, noise) - target, law, 1e-3, 1e4)
    if field is not None and all_cells:
        # It counts pairs: a staircase, with steps far below the tolerance.
        low, high = 0.5 * amplitude, 2.0 * amplitude
        amplitude = _root(lambda n: measured_tau(dimensions, n, [field]) - target, law, low, high)
    noise = Noise(law, amplitude)
    if field is None:
        fields = list(range(SAMPLES))
    else:
        fields = [field] if all_cells else [field] * SAMPLES
    return Calibrated(dimensions, target, noise, measured_tau(dimensions, noise, fields), cells)


def check(dimensions: int, target: float) -> None:
    """Whether there is such a noise.

    Raises:
        UserError: If a number is out of range.
    """
    if not 1 <= dimensions <= MOST_DIMENSIONS:
        raise UserError(f"{dimensions} dimensions: 1 to {MOST_DIMENSIONS}")
    if not 0.0 < target <= 1.0:
        raise UserError(f"tau {target}: above 0 and at most 1")


def expected_tau(dimensions: int, noise: Noise) -> float:
    """Kendall's tau between true and noisy values of all cells, in expectation over the noise.

    The mean is over a million pairs of cells: its standard error is below 0.0005.
    """
    gaps, a = _gaps(dimensions), noise.amplitude
    if a == 0.0:
        return 1.0
    if noise.law == "uniform":
        return float(1.0 - np.mean(np.maximum(1.0 - gaps / (2.0 * a), 0.0) ** 2))
    from scipy.special import erf

    return float(np.mean(erf(gaps / (2.0 * a))))


def measured_tau(dimensions: int, noise: Noise, fields: Sequence[int]) -> float:
    """Mean over fields of Kendall's tau-b over all cells, or over `GRID` drawn anew for each."""
    from scipy.stats import kendalltau

    taus = []
    for place, field in enumerate(fields):
        cells = np.arange(CELLS**dimensions) if CELLS**dimensions <= GRID else None
        if cells is None:
            rng = np.random.default_rng([_SEED, dimensions, place])
            cells = rng.integers(0, CELLS**dimensions, GRID)
        true = rastrigin(centres(cells, dimensions))
        # Values that are equal by symmetry may differ in their last bits.
        true = np.round(true, 9)
        taus.append(kendalltau(true, true + noise.of(np.uint64(field), cells)).statistic)
    return float(np.mean(taus))


def _root(function: Callable[[Noise], float], law: Law, low: float, high: float) -> float:
    """The amplitude at which a falling function of the noise is 0."""
    from scipy.optimize import brentq

    return float(brentq(lambda a: function(Noise(law, a)), low, high, rtol=1e-4))


@cache
def _gaps(dimensions: int) -> np.ndarray:
    """Distances of true values in random pairs of cells."""
    rng = np.random.default_rng([_SEED, dimensions])
    axis = rastrigin(centres(np.arange(CELLS), 1))
    one, other = axis[rng.integers(0, CELLS, (2, dimensions, _PAIRS), dtype=np.int8)].sum(axis=1)
    return np.asarray(np.abs(one - other))
