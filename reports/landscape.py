"""The space itself: how its architectures are distributed, and what random search leaves to gain.

A strategy can only be as much better than random search as the space and the noise allow. What
is left is split at the *oracle*: the reported result of the architecture with the best true
selection value, which is what a search without noise and without end would return. Beyond it no
strategy gets by searching longer, for selection and report do not agree on the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.benchmarks.table import TableBenchmark
from harness.protocol import Measure
from reports.enumerated import Enumerated
from reports.finals import Spread, spread_of
from reports.random_search import Distribution, RandomSearch
from reports.rank_correlation import spearman, tau_b

MARGINS = (0.1, 0.5, 1.0)
"""Distances from the best reported result: percentage points where results are percentages."""

RELATIVE_MARGINS = (0.01, 0.05, 0.1)
"""The same elsewhere: parts of the distance between the median and the best."""

TAIL = 60
"""Points of the distribution of distances from the best, evenly spaced logarithms of shares."""

BEST = 0.01
"""Share of the architectures that count as the best ones, by their report, with ties."""


@dataclass(frozen=True)
class Near:
    """How many architectures are close to the best.

    Attributes:
        margin: Distance from the best reported result.
        architectures: Number of architectures within it, the best among them.
        share: The same as a share of all.
    """

    margin: float
    architectures: int
    share: float


@dataclass(frozen=True)
class Noise:
    """What training seeds change.

    Attributes:
        role: "selection" or "report".
        rows: Trained networks with at least two seeds.
        sd: Standard deviation over the seeds of one network, pooled over networks.
        sd_best: The same over the best networks (`BEST`); None if none has two seeds.
        share: Part of the variance of single runs that the seeds make: 1 minus the reliability of
            one run.
    """

    role: str
    rows: int
    sd: float
    sd_best: float | None
    share: float | None


@dataclass(frozen=True)
class Headroom:
    """What random search leaves to gain after a whole search.

    Attributes:
        n: Evaluations.
        random_search: Expected reported result of exact random search.
        to_oracle: How much better the oracle is; negative where noise or luck serve better.
        to_best: How much better the best is.
        closed: Part of the distance from the space's median to its best that random search has
            come; None if there is none.
    """

    n: int
    random_search: float
    to_oracle: float
    to_best: float
    closed: float | None


@dataclass(frozen=True)
class Landscape:
    """A table's architectures under a protocol.

    Attributes:
        architectures: How many there are.
        measured: How many have a reported result.
        complete: Whether these are all of the space; None where that cannot be told.
        true: Distribution of the selection's measure, mean over seeds; None if nothing has one.
        report: Distribution of the reported result, mean over seeds.
        best: The best reported result.
        oracle: Reported result of the architecture with the best true selection value; of equal
            ones the mean.
        near: Architectures close to the best.
        tail: Pairs of a distance from the best reported result and the share of the architectures
            that are at most so far from it, from near to far.
        spearman: Rank correlation of the true selection value with the report.
        tau: Kendall's tau-b of the same.
        spearman_run: Rank correlation of one run's selection value (each network's first stored
            one) with the report, which is what a strategy has to go by.
        noise: What training seeds change; one for each role with several seeds.
        headroom: What random search leaves; None without exact random search.
    """

    architectures: int
    measured: int
    complete: bool | None
    true: Spread
    report: Spread
    best: float
    oracle: float
    near: tuple[Near, ...]
    tail: tuple[tuple[float, float], ...]
    spearman: float | None
    tau: float | None
    spearman_run: float | None
    noise: tuple[Noise, ...]
    headroom: Headroom | None


def landscape(
    benchmark: TableBenchmark,
    space: Enumerated,
    search: RandomSearch | None = None,
    n: int | None = None,
) -> Landscape | None:
    """Describe a tabular benchmark's space; None if no architecture has both values.

    Args:
        benchmark: The benchmark.
        space: Its architectures.
        search: Exact random search.
        n: Evaluations of a whole search.
    """
    protocol = benchmark.protocol
    known = ~(np.isnan(space.report) | np.isnan(space.true)) & (space.size > 0)
    if not known.any():
        return None
    report, true, size = space.report[known], space.true[known], space.size[known]
    up = 1.0 if space.maximize else -1.0
    distribution = Distribution.of(report, size.astype(np.float64))
    best = float(report.max() if space.maximize else report.min())
    middle = float(distribution.quantiles(np.array([0.5]))[0])
    better = true if protocol.maximize else -true
    chosen = better == better.max()
    oracle = float(np.average(report[chosen], weights=size[chosen]))
    first = _first(_runs(benchmark, protocol.selection))[known] * (
        1.0 if protocol.maximize else -1.0
    )
    each = np.repeat(np.arange(len(size)), size)
    x, run, y = better[each], first[each], up * report[each]
    return Landscape(
        architectures=space.architectures,
        measured=int(size.sum()),
        complete=space.complete,
        true=spread_of(Distribution.of(true, size.astype(np.float64))),
        report=spread_of(distribution),
        best=best,
        oracle=oracle,
        tail=_tail(up * (best - report), size, space.architectures),
        near=_near(report, size, space, best, _margins(benchmark, abs(best - middle))),
        spearman=spearman(x, y),
        tau=tau_b(x, y, 0).value,
        spearman_run=spearman(run, y),
        noise=_noises(benchmark, space),
        headroom=None
        if search is None or n is None
        else _headroom(search.reported(n).mean, n, best, oracle, middle, up),
    )


def _margins(benchmark: TableBenchmark, distance: float) -> tuple[float, ...]:
    if benchmark.unit_of(benchmark.protocol.report) == "%":
        return MARGINS
    return tuple(part * distance for part in RELATIVE_MARGINS)


def _near(
    report: np.ndarray,
    size: np.ndarray,
    space: Enumerated,
    best: float,
    margins: tuple[float, ...],
) -> tuple[Near, ...]:
    # 94.37 - 94.27 is not quite 0.1.
    slack = 1e-9 * abs(best)
    counts = [int(size[np.abs(report - best) <= margin + slack].sum()) for margin in margins]
    return tuple(
        Near(margin, count, count / space.architectures)
        for margin, count in zip(margins, counts, strict=True)
    )


def _tail(distance: np.ndarray, size: np.ndarray, total: int) -> tuple[tuple[float, float], ...]:
    order = np.argsort(distance, kind="stable")
    near, share = distance[order], np.cumsum(size[order]) / total
    shares = np.geomspace(share[0], share[-1], TAIL)
    places = np.searchsorted(share, shares * (1.0 - 1e-12))
    # Architectures that tie are reached together.
    places = np.searchsorted(near, near[places], side="right") - 1
    return tuple((float(near[p]), float(share[p])) for p in np.unique(places))


def _headroom(
    expected: float, n: int, best: float, oracle: float, middle: float, up: float
) -> Headroom:
    whole = up * (best - middle)
    closed = 1.0 - up * (best - expected) / whole if whole > 0.0 else None
    return Headroom(n, expected, up * (oracle - expected), up * (best - expected), closed)


def _runs(benchmark: TableBenchmark, measure: Measure) -> np.ndarray:
    """Every stored run of a measure, float64 [rows, seeds]."""
    return benchmark.table.values(measure.column, epoch=measure.epoch)


def _first(runs: np.ndarray) -> np.ndarray:
    """The first run that each row has, float64 [rows]; NaN where there is none."""
    place = np.argmax(~np.isnan(runs), axis=1)
    return np.asarray(runs[np.arange(len(runs)), place])


def _noises(benchmark: TableBenchmark, space: Enumerated) -> tuple[Noise, ...]:
    protocol = benchmark.protocol
    best = space.among(BEST)
    roles = (("selection", protocol.selection), ("report", protocol.report))
    found = (_noise(role, _runs(benchmark, measure), best) for role, measure in roles)
    return tuple(noise for noise in found if noise is not None)


def _noise(role: str, runs: np.ndarray, best: np.ndarray) -> Noise | None:
    present = ~np.isnan(runs)
    count = present.sum(axis=1)
    several = count > 1
    if not several.any():
        return None
    mean = np.where(present, runs, 0.0).sum(axis=1) / np.maximum(count, 1)
    squares = np.where(present, (runs - mean[:, None]) ** 2, 0.0).sum(axis=1)

    def pooled(of: np.ndarray) -> float:
        return float(squares[of].sum() / (count[of] - 1).sum())

    whole = float(runs[several][present[several]].var(ddof=1))
    best = best & several
    return Noise(
        role=role,
        rows=int(several.sum()),
        sd=pooled(several) ** 0.5,
        sd_best=pooled(best) ** 0.5 if best.any() else None,
        share=min(pooled(several) / whole, 1.0) if whole > 0.0 else None,
    )
