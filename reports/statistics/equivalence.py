"""Equivalence: is the mean difference shown to be too small to matter?

Two one-sided tests (TOST; D. J. Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987): the difference
is shown to lie within a margin if it is shown to be above the lower end, and below the upper one,
each at 5%. This is so where the 90% interval lies within the margin. "No difference shown" is no
such evidence: it may be due to few seeds.

The tests are those of the intervals (`reports.statistics.skewed_t`): Student's t below 20 seeds,
from there on with its correction for skewness.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from reports.intervals import Estimate, estimate_mean
from reports.statistics.holm import holm
from reports.statistics.skewed_t import Moments

ALPHA = 0.05
MARGIN = 0.1
"""Default margin: percentage points where results are in percent, else a share of the spread."""


@dataclass(frozen=True)
class Equivalence:
    """Whether a mean difference is shown to be smaller than a margin.

    Attributes:
        margin: The margin, in units of the result, above zero.
        difference: Mean of the strategy's results minus random search's with its 90% interval.
        p: The larger p value of the two one-sided tests; None without spread.
        p_holm: The same, adjusted by Holm's method over all such tests of the report.
        shown: Whether `p_holm` is below 0.05.
    """

    margin: float
    difference: Estimate
    p: float | None
    p_holm: float | None
    shown: bool


def default_margin(unit: str, spread: float | None) -> float | None:
    """0.1 percentage points, or a tenth of the spread of random search's results.

    Args:
        unit: Unit of the results.
        spread: Standard deviation of random search's results; None if it is not known.

    Returns:
        The margin; None if the results are not in percent and have no spread.
    """
    if unit == "%":
        return MARGIN
    return MARGIN * spread if spread else None


def equivalence(differences: np.ndarray, margin: float) -> Equivalence:
    """Test whether the mean of differences [n] lies within plus or minus `margin`."""
    estimate = estimate_mean(differences, level=1.0 - 2.0 * ALPHA)
    p = None
    if len(differences) > 1:
        moments = Moments.of(differences)
        if moments.error > 0.0:
            p = max(float(moments.p_at_most(-margin)), float(moments.p_at_least(margin)))
    return Equivalence(margin, estimate, p, None, False)


def adjusted(family: Sequence[Equivalence]) -> list[Equivalence]:
    """The tests with p values adjusted over all of them."""
    p_holm = holm([e.p for e in family])
    return [
        replace(e, p_holm=p, shown=p is not None and p < ALPHA)
        for e, p in zip(family, p_holm, strict=True)
    ]
