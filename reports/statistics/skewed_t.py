"""Student's t for means of skewed values: Hall's transformation.

Final results pile up below a table's best, so that their mean is skewed and T = (mean - true mean)
/ standard error is skewed the other way. P. Hall ("On the removal of skewness by transformation",
J. R. Statist. Soc. B 54, 1992) removes it by a monotone cubic with the sample skewness g,

    G(T) = T + g T^2 / (3 sqrt n) + g^2 T^3 / (27 n) + g / (6 sqrt n),

which is compared with Student's t. Where g = 0 this is the t test. Nothing is resampled.

Below `FEWEST` values g says too little, and plain Student's t is used, which assumes values that
are about normal.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

FEWEST = 20
"""Least number of values for which skewness is corrected for."""

_SYMMETRIC = 1e-6


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of means, float64 of one shape (scalars for a single mean).

    Attributes:
        count: Values.
        mean: Their mean; NaN if there are none.
        error: Its standard error; NaN for fewer than two values.
        skewness: Their skewness where it is corrected for, else 0.
    """

    count: Any
    mean: Any
    error: Any
    skewness: Any

    @classmethod
    def of(cls, values: np.ndarray) -> Moments:
        """Of the first axis of values [n, ...]; NaNs are left out."""
        present = ~np.isnan(values)
        count = present.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(present, values, 0.0).sum(axis=0) / count
            centred = np.where(present, values - mean, 0.0)
            second = (centred**2).sum(axis=0)
            # Equal values differ from their mean by its rounding.
            second = np.where(second <= count * (1e-14 * mean) ** 2, 0.0, second)
            error = np.sqrt(second / (count - 1) / count)
            skewness = (centred**3).sum(axis=0) * np.sqrt(count) / second**1.5
        corrected = (count >= FEWEST) & (second > 0)
        error = np.where(count > 1, error, np.nan)
        return cls(count, mean, error, np.where(corrected, skewness, 0.0))

    def ends(self, level: float) -> tuple[Any, Any]:
        """Both ends of the interval that holds the true mean with probability `level`."""
        from scipy.special import stdtrit

        t = stdtrit(np.maximum(self.count - 1, 1), 0.5 + level / 2.0)
        return (
            self.mean - self.error * self._inverse(t),
            self.mean - self.error * self._inverse(-t),
        )

    def p_at_most(self, bound: float) -> Any:
        """One-sided p value of "the true mean is at most `bound`"."""
        from scipy.special import stdtr

        return stdtr(np.maximum(self.count - 1, 1), -self._transformed(bound))

    def p_at_least(self, bound: float) -> Any:
        """One-sided p value of "the true mean is at least `bound`"."""
        from scipy.special import stdtr

        return stdtr(np.maximum(self.count - 1, 1), self._transformed(bound))

    def _transformed(self, bound: float) -> Any:
        """G(T) for a true mean of `bound`."""
        t = (self.mean - bound) / self.error
        a = self.skewness / np.sqrt(self.count)
        return t + a * t**2 / 3.0 + a**2 * t**3 / 27.0 + a / 6.0

    def _inverse(self, y: Any) -> Any:
        """The T with G(T) = y."""
        a = self.skewness / np.sqrt(np.maximum(self.count, 1))
        skewed = np.abs(a) > _SYMMETRIC
        a = np.where(skewed, a, 1.0)
        return np.where(skewed, 3.0 / a * (np.cbrt(1.0 + a * (y - a / 6.0)) - 1.0), y)
