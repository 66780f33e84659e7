"""First-order stochastic dominance: is a strategy at least as good at every level of results?

A strategy dominates random search if, whatever result x one asks for, its chance to reach x is at
least as large. With distribution functions F (strategy) and R (random search), larger results
being better, that is F(x) <= R(x) everywhere. The largest violation is the supremum of F - R, the
largest advantage that of R - F. Neither needs means or a scale.

Samples of distributions that are equal cross, and so does a sample of one that dominates, so that
violations up to `SLACK` are let pass. "Dominates" needs a violation of at most that in 95% of
bootstrap resamples of the seeds, and a larger advantage in 95% of them. A bootstrap knows nothing
of failures that it has not seen. Those of one search in twenty are seen, with probability 95%,
only in `FEWEST` searches, below which there is no verdict.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from reports.intervals import resampling_weights
from reports.random_search import Distribution
from reports.statistics.contest import EXACT, Contest

SLACK = 0.05
"""Violation that is let pass, a probability."""
CONFIDENCE = 0.95
FEWEST = math.ceil(math.log(1.0 - CONFIDENCE) / math.log(1.0 - SLACK))
"""Searches that a verdict needs."""
POINTS = 100
DOMINATES, DOMINATED = "dominates random search", "is dominated by it"
ALIKE, UNDECIDED = "as good at every level", "not shown"
TOO_FEW = "too few searches"

_HAIR = 1e-9


@dataclass(frozen=True)
class Dominance:
    """A strategy's distribution of final results beside random search's.

    Attributes:
        reference: "exact" or "sampled".
        n: Searches (or pairs of searches).
        ahead: Share of the quantile levels at which the strategy's result is better.
        behind: Share at which it is worse; the rest are equal.
        advantage: Most by which the strategy's chance to reach a result exceeds random search's,
            in 0 .. 1.
        advantage_at: The result where it does; None if it never does.
        violation: Most by which random search's chance to exceed a result is the larger one.
        violation_at: The result where it is; None if it never is.
        dominates: Share of bootstrap resamples in which the violation is at most `SLACK`.
        dominated: Share in which the advantage is at most `SLACK`.
        verdict: `DOMINATES`, `DOMINATED`, `ALIKE`, `UNDECIDED` or `TOO_FEW`.
        at: Results, at most `POINTS`, for the figure.
        gap: Chance of the strategy to reach each of them, minus random search's.
    """

    reference: str
    n: int
    ahead: float
    behind: float
    advantage: float
    advantage_at: float | None
    violation: float
    violation_at: float | None
    dominates: float
    dominated: float
    verdict: str
    at: tuple[float, ...]
    gap: tuple[float, ...]


def dominance(contest: Contest) -> Dominance | None:
    """Compare the distribution functions of a contest; None for fewer than two searches."""
    # Larger is better from here on.
    sign = 1.0 if contest.maximize else -1.0
    used = contest.used
    ours = sign * contest.results[used]
    n = len(ours)
    if n < 2:
        return None
    own = Distribution.of(ours, np.ones(n))
    if contest.reference == EXACT and contest.exact is not None:
        other = Distribution.of(sign * contest.exact.values, contest.exact.weights)
        random = None
    else:
        assert contest.sampled is not None
        random = sign * contest.sampled[used]
        other = Distribution.of(random, np.ones(n))
    x = own.values
    # To reach x: the advantage is largest at a result of the strategy. To exceed x: so is the
    # violation.
    reaching = other.below(x) - own.below(x)
    exceeding = other.at_most(x) - own.at_most(x)
    weights = resampling_weights(n) / n
    least = _resampled(ours, random, x, weights, other.at_most(x), exceeding=True).min(axis=1)
    most = _resampled(ours, random, x, weights, other.below(x), exceeding=False).max(axis=1)
    # A hair above, for shares are sums of n-ths.
    dominates = float((least >= -SLACK - _HAIR).mean())
    dominated = float((most <= SLACK + _HAIR).mean())
    best, worst = int(reaching.argmax()), int(exceeding.argmin())
    ahead, behind = _levels(own, other)
    at = _points(own, other, best)
    return Dominance(
        reference=contest.reference,
        n=n,
        ahead=ahead,
        behind=behind,
        advantage=float(reaching[best]) if reaching[best] > _HAIR else 0.0,
        advantage_at=float(sign * x[best]) if reaching[best] > _HAIR else None,
        violation=-float(exceeding[worst]) if exceeding[worst] < -_HAIR else 0.0,
        violation_at=float(sign * x[worst]) if exceeding[worst] < -_HAIR else None,
        dominates=dominates,
        dominated=dominated,
        verdict=_verdict(n, dominates, dominated),
        at=tuple((sign * at).tolist()),
        gap=tuple((other.below(at) - own.below(at)).tolist()),
    )


def _resampled(
    ours: np.ndarray,
    random: np.ndarray | None,
    x: np.ndarray,
    weights: np.ndarray,
    known: np.ndarray,
    *,
    exceeding: bool,
) -> np.ndarray:
    """The strategy's chance to exceed (or reach) each x minus random search's, [resamples, x].

    Pairs stay together; what random search's chances are `known` to be is not resampled.
    """
    compare = np.less_equal if exceeding else np.less
    below = compare.outer(ours, x).astype(np.float64)
    if random is None:
        return np.asarray(known - weights @ below)
    return np.asarray(weights @ (compare.outer(random, x) - below))


def _levels(own: Distribution, other: Distribution) -> tuple[float, float]:
    """Shares of the quantile levels at which the strategy's result is better, and worse."""
    edges = np.concatenate([[0.0], np.cumsum(own.weights), np.cumsum(other.weights)])
    edges = np.unique(np.minimum(edges, 1.0))
    middle, width = (edges[1:] + edges[:-1]) / 2.0, np.diff(edges)
    ours, theirs = own.quantiles(middle), other.quantiles(middle)
    tie = _HAIR * np.maximum(np.abs(ours), np.abs(theirs))
    ahead, behind = ours - theirs > tie, theirs - ours > tie
    return float(width[ahead].sum()), float(width[behind].sum())


def _points(own: Distribution, other: Distribution, best: int) -> np.ndarray:
    """Where to draw the gap: results of both, evenly thinned, and the largest advantage."""
    levels = np.arange(1, POINTS // 2) / (POINTS // 2)
    places = np.linspace(0, len(own.values) - 1, min(len(own.values), POINTS // 2))
    mine = own.values[np.rint(places).astype(int)]
    return np.unique(np.concatenate([mine, other.quantiles(levels), own.values[[best]]]))


def _verdict(n: int, dominates: float, dominated: float) -> str:
    if n < FEWEST:
        return TOO_FEW
    if min(dominates, dominated) >= CONFIDENCE:
        return ALIKE
    if dominates >= CONFIDENCE and dominated <= 1.0 - CONFIDENCE:
        return DOMINATES
    if dominated >= CONFIDENCE and dominates <= 1.0 - CONFIDENCE:
        return DOMINATED
    return UNDECIDED
