"""Random-search-equivalent budget: how many times the evaluations would random search need?

After e evaluations a strategy's mean reported result is m. Random search's expectation first
reaches m after n evaluations; the strategy is worth k = n / e times its evaluations. The exact
curve has no error of its own and the step from m to n keeps the order, so that the ends of the
interval of m become those of k. Where exact random search is not available the sampled one takes
its place, whose error then counts too: searches of both are resampled by their places.

Evaluations are not worth the same where a budget limits image passes, epochs or seconds: a
strategy that trains for few epochs makes more of them. There e counts full trainings, which a
search's own evaluations amount to, and a strategy's curve ends where its own searches end, however
many evaluations the others make.

Random search's reported result need not rise for ever: with more evaluations it is more often
deceived by noise. Where its exact curve passes a value more than once, so that the first and the
last time differ by more than `UNCLEAR`, evaluations cannot be counted in it, and there is no k.
The sampled curve also falls by chance: there the first time counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from reports.incumbents import Incumbents
from reports.intervals import LEVEL, Band, Estimate, mean_band, resampling_weights
from reports.random_search import RandomSearch

BEYOND = 100
"""Exact random search is followed to so many times the longest search."""

UNCLEAR = 1.1
"""Ratio of the last to the first number of evaluations with a value that is still one number."""

_STEPS = 14
"""Points of the exact curve after the end of the longest search, enough for k within 2%."""


@dataclass(frozen=True)
class EquivalentBudget:
    """A strategy's evaluations, counted in those of random search.

    Attributes:
        searcher: The strategy's label.
        reference: "exact" or "sampled" random search.
        known: Evaluations up to which random search's curve is known. A multiple of known / x
            (`most`, at the end) says only that it is that or more; one of 1 / x only that it is
            that or less.
        x: Charged evaluations of the strategy up to the end of its own searches, mean over them;
            or the full trainings that these amount to.
        times: Multiples k: random search needs k * x evaluations for the same mean. None where
            the strategy has no mean, or random search that mean, or an end of its interval, at
            several numbers.
        median: The same after the last evaluation for medians; None without exact random search.
    """

    searcher: str
    reference: str
    known: float
    x: tuple[float, ...]
    times: Band
    median: Estimate | None

    @property
    def final(self) -> Estimate:
        """The multiple after the last evaluation."""
        return Estimate(self.times.mean[-1], self.times.low[-1], self.times.high[-1])

    @property
    def most(self) -> float:
        """The largest multiple that could be told after the last evaluation."""
        return self.known / self.x[-1]


def equivalent_budgets(
    followed: Mapping[str, Incumbents],
    grid: np.ndarray,
    search: RandomSearch | None,
    random_search: str | None,
    *,
    maximize: bool,
    in_trainings: bool = False,
) -> tuple[EquivalentBudget, ...]:
    """Every strategy beside random search, exact where that is known; () without any.

    Where exact random search draws cells and the sampled one encodings, of which a cell has
    several, the sampled one counts, as in comparisons.

    Args:
        followed: Label -> incumbents.
        grid: Numbers of evaluations, ascending, ending with those of the longest search.
        search: Exact random search.
        random_search: Label of the sampled random search, which is left out.
        maximize: Whether larger reported results are better.
        in_trainings: Whether the searches' evaluations count as the full trainings that they
            amount to; otherwise as one each.
    """
    strategies = {label: f for label, f in followed.items() if label != random_search}
    sampled = random_search is not None and random_search in followed
    if search is not None and (search.outcomes.per_encoding or not sampled):
        return _by_exact(strategies, grid, search, maximize=maximize, in_trainings=in_trainings)
    if random_search is None or not sampled:
        return ()
    reference = followed[random_search]
    return tuple(
        _by_sampled(label, f, reference, grid, maximize=maximize, in_trainings=in_trainings)
        for label, f in strategies.items()
    )


def _spent(followed: Incumbents, grid: np.ndarray, *, in_trainings: bool) -> _Spent:
    """Where on a grid a strategy's own searches are under way, and what they have spent there."""
    counts = np.minimum(grid, followed.lengths[:, None]).astype(np.float64)
    places = np.minimum(grid, followed.seconds.shape[1]) - 1
    mean = (followed.trainings[:, places] if in_trainings else counts).mean(axis=0)
    under_way = np.diff(mean, prepend=0.0) > 0.0
    if not under_way.any():  # Nothing was evaluated: there is no result, either.
        return _Spent(places[:1], np.ones(1))
    return _Spent(places[under_way], mean[under_way])


class _Spent(NamedTuple):
    """Places of charged evaluations, int64 [points]; what they amount to, float64 [points]."""

    places: np.ndarray
    x: np.ndarray


def evaluations_needed(grid: np.ndarray, curve: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where a curve reaches values, interpolated over the logarithm of evaluations.

    Args:
        grid: [g], evaluations, ascending.
        curve: float64 [g], what is reached there, larger being better; NaN where nothing is.
        values: float64 of any shape.

    Returns:
        float64 of that shape, within the grid's ends; NaN for NaN, and where the curve falls and
        passes the value again much later.
    """
    curve = np.where(np.isnan(curve), -np.inf, curve)
    first = _crossing(grid, curve, values, np.maximum.accumulate(curve))
    # From there on it is never below the value.
    last = _crossing(grid, curve, values, np.minimum.accumulate(curve[::-1])[::-1])
    return np.where(last <= UNCLEAR * first, first, np.nan)


def _crossing(
    grid: np.ndarray, curve: np.ndarray, values: np.ndarray, envelope: np.ndarray
) -> np.ndarray:
    """Where a curve reaches values after the last point at which an envelope is below them.

    The envelope, which never falls, is below a value where the curve always was (the running
    maximum), or where it is going to be (the minimum of what follows).
    """
    last = len(grid) - 1
    after = np.minimum(np.searchsorted(envelope, values), last)
    before = np.maximum(after - 1, 0)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (values - curve[before]) / (curve[after] - curve[before])
    # Without a finite point before, or a rise from it: the point itself.
    share = np.where(np.isfinite(share), np.clip(share, 0.0, 1.0), 1.0)
    # Beyond the curve, whose last point may be below another one.
    share = np.where(values > envelope[-1], 1.0, share)
    logs = np.log(grid)
    found = np.exp(logs[before] + share * (logs[after] - logs[before]))
    return np.where(np.isnan(values), np.nan, found)


def longer(grid: np.ndarray, search: RandomSearch) -> np.ndarray:
    """The numbers of evaluations at which exact random search is looked at, float64 [g]."""
    last, architectures = int(grid[-1]), search.outcomes.architectures
    # Drawing on when all is seen changes nothing, and little with replacement.
    limit = min(BEYOND * last, 10 * architectures if search.replacement else architectures)
    if limit <= last:
        return grid
    steps = np.rint(np.geomspace(last, limit, _STEPS + 1)[1:]).astype(np.int64)
    return np.unique(np.concatenate([grid, steps]))


def _by_exact(
    strategies: Mapping[str, Incumbents],
    grid: np.ndarray,
    search: RandomSearch,
    *,
    maximize: bool,
    in_trainings: bool,
) -> tuple[EquivalentBudget, ...]:
    sign = 1.0 if maximize else -1.0
    ns = longer(grid, search)
    expected = sign * np.array(search.curve(ns).report, dtype=np.float64)
    medians = [_median(f.final("report"), sign) for f in strategies.values()]
    levels = sign * np.array(medians).reshape(-1)
    reaching = search.reaching(ns, levels, maximize=maximize).reshape(len(ns), -1, 3)
    found = []
    for place, (label, followed) in enumerate(strategies.items()):
        places, x = _spent(followed, grid, in_trainings=in_trainings)
        band = mean_band(sign * followed.values["report"][:, places])
        ends = np.array([band.mean, band.low, band.high], dtype=np.float64)
        needed = evaluations_needed(ns, expected, ends) / x
        # Where one end has no number, the mean has one by luck.
        unclear = (np.isnan(needed) & ~np.isnan(ends)).any(axis=0)
        times = Band(*(_listed(v) for v in np.where(unclear, np.nan, needed)))
        # A median reaches a level where the chance of a result so good reaches one half.
        halves = [evaluations_needed(ns, r, np.array(0.5)) for r in reaching[:, place].T]
        known = np.isfinite(medians[place])
        middle, low, high = _listed(np.where(known, np.array(halves) / x[-1], np.nan))
        found.append(
            EquivalentBudget(
                searcher=label,
                reference="exact",
                known=float(ns[-1]),
                x=tuple(x.tolist()),
                times=times,
                median=Estimate(middle, low, high),
            )
        )
    return tuple(found)


def _by_sampled(
    label: str,
    strategy: Incumbents,
    reference: Incumbents,
    grid: np.ndarray,
    *,
    maximize: bool,
    in_trainings: bool,
) -> EquivalentBudget:
    sign = 1.0 if maximize else -1.0
    own, known = (_spent(f, grid, in_trainings=in_trainings) for f in (strategy, reference))
    x = own.x
    ours = sign * strategy.values["report"][:, own.places]
    theirs = sign * reference.values["report"][:, known.places]
    mean = _first(known.x, _mean(theirs), _mean(ours)) / x
    tail = (1.0 - LEVEL) / 2.0
    low = high = np.full(len(x), np.nan)
    if min(len(ours), len(theirs)) > 1:
        pairs = zip(_resampled(ours), _resampled(theirs), strict=True)
        times = np.array([_first(known.x, r, s) / x for s, r in pairs])
        low, high = np.quantile(times, [tail, 1.0 - tail], axis=0)
    band = Band(_listed(mean), _listed(low), _listed(high))
    return EquivalentBudget(label, "sampled", float(known.x[-1]), tuple(x.tolist()), band, None)


def _first(grid: np.ndarray, curve: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Where a sampled curve first reaches values."""
    curve = np.where(np.isnan(curve), -np.inf, curve)
    return _crossing(grid, curve, values, np.maximum.accumulate(curve))


def _mean(values: np.ndarray) -> np.ndarray:
    """Means over searches that have a result; NaN where fewer than half have one."""
    present = ~np.isnan(values)
    total = np.where(present, values, 0.0).sum(axis=0)
    count = present.sum(axis=0)
    return np.where(count >= len(values) / 2, total / np.maximum(count, 1), np.nan)


def _resampled(values: np.ndarray) -> np.ndarray:
    """Means of resamples of the searches, [resamples, points]."""
    present = ~np.isnan(values)
    weights = resampling_weights(len(values))
    total = weights @ np.where(present, values, 0.0)
    count = weights @ present.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(present.mean(axis=0) >= 0.5, total / np.maximum(count, 1.0), np.nan)


def _median(results: np.ndarray, sign: float) -> tuple[float, float, float]:
    """The median of [n] results times `sign`, with the interval of its order statistics.

    Searches without a result count as worst. NaN for what does not exist.
    """
    from scipy.stats import quantile_test

    if not results.size:
        return (np.nan, np.nan, np.nan)
    oriented = np.where(np.isnan(results), -np.inf, sign * results)
    interval = quantile_test(oriented, p=0.5).confidence_interval(LEVEL)
    return float(np.quantile(oriented, 0.5, method="higher")), interval.low, interval.high


def _listed(values: np.ndarray) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(v) else v for v in values.tolist())
