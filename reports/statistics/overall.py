"""One verdict a strategy over all benchmarks, by a bootstrap over spaces, data sets and seeds.

The difference from random search is averaged over the data sets of a space, and over spaces: every
space counts the same, however many data sets it has. Two intervals say two things:

* *here*: on these very benchmarks, with other seeds. Each seed's mean over the benchmarks is one
  value, for searches under one seed share their luck across data sets.
* *beyond*: on other spaces (data sets, if there is but one space) of which these are a random
  sample. Spaces are resampled, within each its data sets, and seeds, the same for all benchmarks.
  With k units on top the bootstrap's standard error is too small by sqrt((k - 1) / k) and not
  normal: it is divided by that, and the interval is Student's with k - 1 degrees of freedom. With
  two or three units it is wide, as it must be.

Benchmarks that people publish are no random sample of those that people meet. The second interval
is a lower bound on what is not known.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from reports.intervals import LEVEL, Estimate, estimate_mean, resampling_weights
from reports.statistics.contest import Contest

SPREADS = "standard deviations of random search"
"""Unit of differences where benchmarks report in different units."""

_SEED = 20_260_101


@dataclass(frozen=True)
class Place:
    """Where a contest took place.

    Attributes:
        space: The search space.
        dataset: The data set.
        unit: Unit of the results.
    """

    space: str
    dataset: str
    unit: str


@dataclass(frozen=True)
class Overall:
    """A strategy over all benchmarks on which it was compared.

    Attributes:
        searcher: The strategy's label.
        benchmarks: How many those are.
        better: On how many the verdict is "better than random search".
        worse: On how many it is "worse".
        equivalent: On how many equivalence within the margin is shown.
        spaces: Search spaces.
        datasets: Data sets, counted within each space.
        seeds: Seeds with results on all benchmarks.
        unit: Unit of the differences.
        here: Mean difference, positive if the strategy is better, on these benchmarks.
        beyond: The same with the interval for others like them; None for one data set.
        resampled: What `beyond` resamples besides seeds: "search spaces" or "data sets"; "".
    """

    searcher: str
    benchmarks: int
    better: int
    worse: int
    equivalent: int
    spaces: tuple[str, ...]
    datasets: int
    seeds: int
    unit: str
    here: Estimate
    beyond: Estimate | None
    resampled: str


@dataclass(frozen=True, eq=False)
class _Table:
    """Gains [benchmarks, seeds], and which benchmarks make a data set and a space."""

    gains: np.ndarray
    spaces: list[list[list[int]]]

    def mean(self, values: np.ndarray) -> np.ndarray:
        """Means over spaces of means over data sets of values [benchmarks, ...]."""
        return np.asarray(np.mean([self._space(values, space) for space in self.spaces], axis=0))

    @staticmethod
    def _space(values: np.ndarray, space: list[list[int]]) -> np.ndarray:
        return np.asarray(np.mean([values[rows].mean(axis=0) for rows in space], axis=0))


def overall(
    contests: Sequence[Contest],
    places: Sequence[Place],
    verdicts: tuple[int, int, int],
) -> Overall:
    """Join a strategy's contests.

    Args:
        contests: At least one, all of one strategy.
        places: Where each took place.
        verdicts: On how many it is better, worse, and equivalent.
    """
    units = {place.unit for place in places}
    table, seeds = _table(contests, places, scaled=len(units) > 1)
    complete = ~np.isnan(table.gains).any(axis=0)
    here = estimate_mean(table.mean(table.gains[:, complete]))
    datasets = sum(map(len, table.spaces))
    several = len(table.spaces) > 1 or datasets > 1
    beyond = None
    if several and here.mean is not None and len(seeds) > 1:
        beyond = _beyond(table, here.mean)
    better, worse, equivalent = verdicts
    return Overall(
        searcher=contests[0].searcher,
        benchmarks=len(contests),
        better=better,
        worse=worse,
        equivalent=equivalent,
        spaces=tuple(sorted({place.space for place in places})),
        datasets=datasets,
        seeds=int(complete.sum()),
        unit=units.pop() if len(units) == 1 else SPREADS,
        here=here,
        beyond=beyond,
        resampled="" if not several else "search spaces" if len(table.spaces) > 1 else "data sets",
    )


def _table(
    contests: Sequence[Contest], places: Sequence[Place], *, scaled: bool
) -> tuple[_Table, np.ndarray]:
    seeds = np.unique(np.concatenate([c.seeds[c.used] for c in contests]))
    gains = np.full((len(contests), len(seeds)), np.nan)
    for row, contest in zip(gains, contests, strict=True):
        scale = contest.reference_sd if scaled else 1.0
        if scale > 0.0:
            row[np.searchsorted(seeds, contest.seeds[contest.used])] = contest.gains / scale
    spaces: dict[str, dict[str, list[int]]] = {}
    for i, place in enumerate(places):
        spaces.setdefault(place.space, {}).setdefault(place.dataset, []).append(i)
    return _Table(gains, [list(datasets.values()) for datasets in spaces.values()]), seeds


def _beyond(table: _Table, mean: float) -> Estimate:
    """The interval for other units of the highest level of which there are several."""
    present = ~np.isnan(table.gains)
    weights = resampling_weights(table.gains.shape[1])
    counts = np.maximum(weights @ present.T, 1.0)
    # [resamples, benchmarks]: means over resampled seeds.
    means = weights @ np.where(present, table.gains, 0.0).T / counts
    rng = np.random.default_rng([_SEED, len(means)])
    spaces = np.stack([_resampled_datasets(means, space, rng) for space in table.spaces], axis=1)
    k = len(table.spaces) if len(table.spaces) > 1 else len(table.spaces[0])
    drawn = rng.integers(0, len(table.spaces), (len(means), len(table.spaces)))
    resamples = np.take_along_axis(spaces, drawn, axis=1).mean(axis=1)
    error = float(resamples.std(ddof=1)) * math.sqrt(k / (k - 1))
    half = float(stdtrit(k - 1, 0.5 + LEVEL / 2.0)) * error
    return Estimate(mean, mean - half, mean + half, "hierarchical bootstrap")


def _resampled_datasets(
    means: np.ndarray, space: list[list[int]], rng: np.random.Generator
) -> np.ndarray:
    """A space's mean [resamples] over its data sets, drawn again with replacement."""
    datasets = np.stack([means[:, rows].mean(axis=1) for rows in space], axis=1)
    drawn = rng.integers(0, len(space), (len(means), len(space)))
    return np.asarray(np.take_along_axis(datasets, drawn, axis=1).mean(axis=1))
