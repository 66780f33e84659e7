"""Strategies over many search spaces: Friedman's test, Nemenyi's test, critical difference.

After J. Demsar, "Statistical comparisons of classifiers over multiple data sets", J. Mach. Learn.
Res. 7, 2006. A block is a search space. Data sets of one space share its architectures, and what
is good on one is mostly good on the others, so that they are no independent blocks: a strategy's
ranks on them are averaged, and those averages ranked again within the space.

Two strategies differ if their mean ranks are further apart than the critical difference
q sqrt(k (k + 1) / 6 N), with q the quantile of the studentized range over sqrt 2, k strategies and
N blocks. It is an approximation for many blocks, and not made for fewer than `NEEDED`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

import numpy as np

NEEDED = 6
"""Search spaces below which nothing is tested."""
FEWEST_SEARCHERS = 3
ALPHA = 0.05


@dataclass(frozen=True)
class RankedPair:
    """Two strategies.

    Attributes:
        first: The one with the better mean rank.
        second: The other.
        p: Nemenyi's p value, adjusted for all pairs.
    """

    first: str
    second: str
    p: float


@dataclass(frozen=True)
class Ranks:
    """Mean ranks over search spaces; 1 is the best.

    Attributes:
        spaces: The blocks.
        needed: Blocks that the tests need.
        searchers: Strategies that ran on all benchmarks, best mean rank first.
        mean_ranks: Of each, in 1 .. number of strategies.
        statistic: Friedman's chi-squared; None if nothing is tested.
        p: Its p value.
        critical_difference: Least difference of mean ranks that Nemenyi's test shows at 5%.
        pairs: All pairs.
        groups: Largest sets of neighbours between which no difference is shown.
        untested: Why nothing is tested; "" if it is.
    """

    spaces: tuple[str, ...]
    needed: int
    searchers: tuple[str, ...]
    mean_ranks: tuple[float, ...]
    statistic: float | None
    p: float | None
    critical_difference: float | None
    pairs: tuple[RankedPair, ...]
    groups: tuple[tuple[str, ...], ...]
    untested: str


def ranks(gains: Mapping[tuple[str, str], Mapping[str, float]]) -> Ranks:
    """Rank strategies over search spaces.

    Args:
        gains: (space, benchmark) -> strategy -> mean result, larger being better.
    """
    everyone = list(dict.fromkeys(label for row in gains.values() for label in row))
    labels = [label for label in everyone if all(label in row for row in gains.values())]
    spaces = sorted({space for space, _ in gains})
    if not labels:
        reason = "no strategy has results on all benchmarks"
        return Ranks(tuple(spaces), NEEDED, (), (), None, None, None, (), (), reason)
    blocks = np.array(
        [
            _ranked(
                np.mean(
                    [
                        _ranked([-row[label] for label in labels])
                        for (other, _), row in gains.items()
                        if other == space
                    ],
                    axis=0,
                )
            )
            for space in spaces
        ]
    )
    return _tested(labels, spaces, blocks)


def _tested(labels: list[str], spaces: list[str], blocks: np.ndarray) -> Ranks:
    """Friedman's and Nemenyi's test of ranks [spaces, strategies]."""
    from scipy.stats import friedmanchisquare

    means = blocks.mean(axis=0)
    order = np.argsort(means, kind="stable")
    searchers = tuple(labels[i] for i in order)
    mean_ranks = tuple(means[order].tolist())
    reason = _reason(len(spaces), len(labels), blocks)
    if reason:
        nothing = (None, None, None, (), ())
        return Ranks(tuple(spaces), NEEDED, searchers, mean_ranks, *nothing, reason)
    friedman = friedmanchisquare(*blocks.T)
    critical = critical_difference(len(labels), len(spaces))
    error = rank_error(len(labels), len(spaces))
    return Ranks(
        spaces=tuple(spaces),
        needed=NEEDED,
        searchers=searchers,
        mean_ranks=mean_ranks,
        statistic=float(friedman.statistic),
        p=float(friedman.pvalue),
        critical_difference=critical,
        pairs=tuple(
            RankedPair(a, b, _nemenyi((rank_b - rank_a) / error, len(labels)))
            for (a, rank_a), (b, rank_b) in combinations(
                zip(searchers, mean_ranks, strict=True), 2
            )
        ),
        groups=_groups(searchers, mean_ranks, critical),
        untested="",
    )


def _reason(spaces: int, labels: int, blocks: np.ndarray) -> str:
    if spaces < NEEDED:
        return f"too few: {spaces} of {NEEDED} search spaces"
    if labels < FEWEST_SEARCHERS:
        return f"too few: {labels} of {FEWEST_SEARCHERS} strategies"
    if not np.ptp(blocks, axis=1).any():
        return "all strategies have equal ranks"
    return ""


def rank_error(searchers: int, blocks: int) -> float:
    """Standard error of a mean rank's difference, over sqrt 2, if strategies are equal."""
    return float(np.sqrt(searchers * (searchers + 1) / (12.0 * blocks)))


def critical_difference(searchers: int, blocks: int, alpha: float = ALPHA) -> float:
    """Nemenyi's critical difference of mean ranks."""
    from scipy.stats import studentized_range

    q = float(studentized_range.ppf(1.0 - alpha, searchers, np.inf))
    return q * rank_error(searchers, blocks)


def _nemenyi(distance: float, searchers: int) -> float:
    from scipy.stats import studentized_range

    return float(studentized_range.sf(distance, searchers, np.inf))


def _groups(
    searchers: tuple[str, ...], mean_ranks: tuple[float, ...], critical: float
) -> tuple[tuple[str, ...], ...]:
    """Maximal runs of at least two neighbours whose ends are not further apart."""
    found: list[tuple[int, int]] = []
    for first, rank in enumerate(mean_ranks):
        last = max(i for i, other in enumerate(mean_ranks) if other - rank <= critical)
        if last > first and (not found or last > found[-1][1]):
            found.append((first, last))
    return tuple(searchers[a : b + 1] for a, b in found)


def _ranked(values: object) -> np.ndarray:
    """Ranks of values, the least being 1 and equal ones sharing their mean rank."""
    from scipy.stats import rankdata

    return np.asarray(rankdata(np.round(np.asarray(values, dtype=np.float64), 9)))
