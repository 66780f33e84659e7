"""Power: how many seeds would show a difference of a given size?

From the spread that was seen, for two-sided t tests at 5% that find a true difference with
probability 80%. Two budgets of seeds are given: for one comparison alone, and for the most that
Holm's method can ask of one of many (5% divided by their number). The signed-rank and the
Brunner-Munzel test need about 5% more searches than the t test where results are normal, and fewer
where they have heavy tails.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reports.statistics.contest import Contest

ALPHA = 0.05
POWER = 0.8

_LARGEST_EFFECT = 5.0
"""Standard deviations; what is larger needs no more seeds than the fewest that a test takes."""


@dataclass(frozen=True)
class Design:
    """One way to compare a strategy with random search.

    Attributes:
        name: "against exact", "paired" (searches of the same seeds) or "unpaired".
        sd: Standard deviation of a search's contribution to the difference: of the results, of
            the pairs' differences, or the root mean square of both strategies' results.
        seeds: Seeds (of each strategy) that show `difference` with probability `POWER`; None
            without spread.
        seeds_holm: The same if it is one of `family` comparisons, at worst.
        detectable: Difference that the seeds of this report show with probability `POWER`, in
            one comparison alone.
    """

    name: str
    sd: float
    seeds: int | None
    seeds_holm: int | None
    detectable: float | None


@dataclass(frozen=True)
class Power:
    """How many seeds it takes.

    Attributes:
        difference: The difference to be shown, in units of the result, above zero.
        n: Searches of this report.
        family: Comparisons that Holm's method adjusts for.
        designs: The ways to compare that this experiment allows.
    """

    difference: float
    n: int
    family: int
    designs: tuple[Design, ...]


def power(contest: Contest, difference: float, family: int = 1) -> Power:
    """Seeds that show a difference, by each design that the contest allows.

    Args:
        contest: The contest.
        difference: The difference to be shown, above zero.
        family: Comparisons that Holm's method adjusts for, at least 1.
    """
    n = int(contest.used.sum())
    spreads = {}
    if contest.exact is not None:
        spreads["against exact"] = _sd(contest.results)
    if contest.sampled is not None and contest.paired.sum() > 1:
        ours, random = contest.results[contest.paired], contest.sampled[contest.paired]
        spreads["paired"] = _sd(ours - random)
        spreads["unpaired"] = math.sqrt((_sd(ours) ** 2 + _sd(random) ** 2) / 2.0)
    designs = tuple(
        Design(
            name=name,
            sd=sd,
            seeds=seeds(name, sd, difference, ALPHA),
            seeds_holm=seeds(name, sd, difference, ALPHA / family),
            detectable=detectable(name, sd, n),
        )
        for name, sd in spreads.items()
    )
    return Power(difference, n, family, designs)


def seeds(design: str, sd: float, difference: float, alpha: float) -> int | None:
    """Least number of seeds with which a t test shows a difference; None without spread.

    Args:
        design: A design's name.
        sd: Its standard deviation.
        difference: The true difference.
        alpha: Level of the two-sided test.
    """
    if not sd > 0.0:
        return None
    effect = min(difference / sd, _LARGEST_EFFECT)
    solved = _test(design).solve_power(effect, alpha=alpha, power=POWER)
    return math.ceil(float(np.squeeze(solved)))


def detectable(design: str, sd: float, n: int) -> float | None:
    """The true difference that a t test at `ALPHA` shows with `n` seeds; None without spread."""
    if n < 2 or not sd > 0.0:
        return None
    size = {"nobs1" if design == "unpaired" else "nobs": n}
    effect = _test(design).solve_power(alpha=ALPHA, power=POWER, **size)
    return sd * float(np.squeeze(effect))


def _test(design: str) -> Any:
    from statsmodels.stats.power import TTestIndPower, TTestPower

    return TTestIndPower() if design == "unpaired" else TTestPower()


def _sd(values: np.ndarray) -> float:
    return float(values.std(ddof=1)) if len(values) > 1 else 0.0
