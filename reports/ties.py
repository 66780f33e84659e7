"""Which of several rows that tie on the best value holds it, when draws are not independent.

With independent draws the holder is one of the tied entries in proportion to their probability.
Where a row shows one of its seeds throughout a search, rows that are less certain to show a value
this good are drawn more often *because* nothing better was seen. For entry e of row r (m_r
architectures; below the level with probability p, on it with probability c) the chance to be the
holder is

    m_r c  integral_0^1 E[ n (S_below + t S_level)^(n-1) | r on the level ] dt.

Up to a common factor the expectation without r cancels, and at the saddle point of the generating
function (see `random_search`), where one more architecture at most so good counts exp(theta),

    E[... | r on the level] ~ exp(theta t m_r)
                              / (1 - p - c + p exp(theta m_r) + c exp(theta t m_r)).

This is exact for n = 1; the correction is of the order of n / N, and its own error of 1 / N as
long as n < N.
"""

from __future__ import annotations

import numpy as np

from reports.outcomes import Outcomes, UnitGroups

# Gauss-Legendre nodes and weights on [0, 1].
_NODES, _WEIGHTS = (np.polynomial.legendre.leggauss(4)[i] * 0.5 + (0.5, 0.0)[i] for i in (0, 1))
_ITERATIONS = 3
_LARGE = 600.0
"""Larger exponents need care: exp of a few hundred more is larger than any float."""


def tied_shares(
    outcomes: Outcomes, units: UnitGroups, at_most: np.ndarray, n: int, *, replacement: bool
) -> np.ndarray:
    """Each entry's probability to hold the best value, given its level; float64 [entries].

    Args:
        outcomes: What one evaluation can give.
        units: Its rows, grouped.
        at_most: P(best of n is at most the level), with "no success" first.
        n: Number of evaluations.
        replacement: Whether an architecture can be drawn twice.
    """
    # One of the draws is the holder itself.
    others = n - 1
    counts = _counts(units, others, replacement=replacement)
    worse, best = at_most[:-1], at_most[1:]
    size = units.held_with
    weight = np.zeros(len(size))
    for node, node_weight in zip(_NODES, _WEIGHTS, strict=True):
        t = _position(worse, best, node, n)
        theta = _tilt(counts[:-1] + t * np.diff(counts), others, replacement=replacement)
        t, theta = t[outcomes.level], theta[outcomes.level]
        exponent, whole = theta * t * size, theta * size
        # Of a fraction whose terms would be larger than any float, both sides are divided.
        excess = np.where(outcomes.below > 0.0, whole, exponent) - _LARGE
        excess = np.maximum(excess, 0.0)
        on, below = np.exp(exponent - excess), np.exp(np.minimum(whole - excess, _LARGE))
        above = (1.0 - outcomes.below - outcomes.on_level) * np.exp(-excess)
        total = above + outcomes.below * below + outcomes.on_level * on
        weight += node_weight * on / total
    weight *= outcomes.size[outcomes.row] * outcomes.chance
    return np.asarray(weight / np.bincount(outcomes.level, weight)[outcomes.level])


def _tilt(count: np.ndarray, n: int, *, replacement: bool) -> np.ndarray:
    """The saddle point: log of what an architecture more counts among `count` good ones."""
    fraction = n / np.maximum(count, max(n, 1))
    if replacement:
        return np.asarray(fraction)
    # The last architectures are drawn with certainty.
    return np.asarray(-np.log1p(-np.minimum(fraction, 1.0 - 1e-6)))


def _counts(units: UnitGroups, n: int, *, replacement: bool) -> np.ndarray:
    """Expected architectures at most as good as each level, given that all n draws are."""
    count = units.certain + units.uncertain @ (units.size * units.chance)
    for _ in range(_ITERATIONS):
        theta = _tilt(count, n, replacement=replacement)
        exponents = np.minimum(np.multiply.outer(theta, units.size), _LARGE)
        odds = units.chance * np.exp(exponents)
        tilted = units.uncertain * units.size * odds / (1.0 - units.chance + odds)
        count = units.certain + tilted.sum(axis=1)
    return np.asarray(count)


def _position(worse: np.ndarray, best: np.ndarray, share: float, n: int) -> np.ndarray:
    """Where between two levels the distribution function has risen by a share of its step."""
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.log1p(share * (best / worse - 1.0)) / np.log(best / worse)
    return np.asarray(np.where(np.isfinite(t), t, share ** (1.0 / n)))
