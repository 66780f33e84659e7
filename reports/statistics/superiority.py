"""The probability of superiority: how often a strategy's search beats a random search.

Ties count half, and 50% means no better. Three designs:

* against the exact distribution each result has a placement in it, the probability to beat a
  random search; their mean is the estimate;
* searches under one seed, as pairs: the share of seeds under which the strategy is the better one,
  with Wilson's interval, which needs no normal approximation of a share near 0 or 1;
* all searches against all: Brunner and Munzel's test (Biometrical Journal 42, 2000), for results
  of any distribution, with different spreads and ties.
"""

from __future__ import annotations

import numpy as np

from reports.intervals import LEVEL, Estimate, estimate_mean
from reports.statistics.skewed_t import FEWEST

UNCORRELATED = 0.1
"""Correlation of pairs that is near zero.

Pairing changes the variance of a difference by the factor 1 - r, below it thus by less than a
tenth and an interval by less than 5%: there is nothing to gain, and nothing is lost by comparing
all searches with all.
"""

WILSON, BRUNNER_MUNZEL = "Wilson", "Brunner-Munzel"


def unpaired_suffices(correlation: float | None, n: int) -> bool:
    """Whether pairs are to be compared as independent samples.

    Below `FEWEST` pairs a correlation is hardly known (its standard error is about 1 / sqrt n),
    and the t approximation of Brunner and Munzel's test is too liberal.
    """
    return n >= FEWEST and correlation is not None and abs(correlation) < UNCORRELATED


def of_placements(placements: np.ndarray) -> Estimate:
    """From the placements [n] in a known distribution, each in 0 .. 1."""
    if len(placements) > 1 and np.ptp(placements) == 0.0:
        # Of all variables in 0 .. 1 with this mean the one of zeros and ones varies most.
        return _wilson(float(placements.sum()), len(placements))
    return estimate_mean(placements).clipped(0.0, 1.0)


def of_pairs(gains: np.ndarray) -> Estimate:
    """From the gains [n] under the same seeds."""
    if not len(gains):
        return Estimate(None, None, None)
    return _wilson(float((gains > 0).sum() + (gains == 0).sum() / 2.0), len(gains))


def brunner_munzel(results: np.ndarray, reference: np.ndarray) -> tuple[Estimate, float] | None:
    """Probability that a result is larger than one of the reference, with the test's p value.

    Returns:
        None if the samples do not overlap, so that the variance cannot be estimated.
    """
    from statsmodels.stats.nonparametric import rank_compare_2indep

    with np.errstate(divide="ignore", invalid="ignore"):
        found = rank_compare_2indep(results, reference, use_t=True)
    if not found.var > 0.0:
        return None
    low, high = found.conf_int(alpha=1.0 - LEVEL)
    estimate = Estimate(float(found.prob1), float(low), float(high), BRUNNER_MUNZEL)
    return estimate.clipped(0.0, 1.0), float(found.pvalue)


def _wilson(successes: float, n: int) -> Estimate:
    from statsmodels.stats.proportion import proportion_confint

    share = successes / n
    if n < 2:
        return Estimate(share, None, None)
    low, high = proportion_confint(successes, n, alpha=1.0 - LEVEL, method="wilson")
    return Estimate(share, float(low), float(high), WILSON)
