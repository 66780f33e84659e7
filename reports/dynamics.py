"""What searches evaluated as they went on: scatter over time, cumulative and trailing means.

The views of Lundberg ("Evolution of Residual Architectures", 2020, figures 4 and 5): an incumbent
says what a search found, its evaluations say whether it learnt where to look. All values are those
that the search selects by, as measured. Failed evaluations have none and are left out; where
searches measure at several numbers of epochs, only those at the most epochs count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from harness.benchmarks.base import MICROSECONDS
from reports.incumbents import charged_places
from reports.intervals import Band, mean_band
from reports.records import Cell

WINDOW = 50
"""Evaluations of the trailing mean (Lundberg 2020, figure 5c)."""

TIMES, LEVELS = 24, 12
"""Bins of the scatter."""

_LOWEST = 0.1
"""Share of all evaluations that may lie below the scatter's lower edge, in its first bin."""


@dataclass(frozen=True)
class Scatter:
    """All evaluations of one searcher, counted.

    Attributes:
        searcher: Its label.
        counts: For each bin of time, from early to late, the number of evaluations in each bin
            of values, from low to high.
    """

    searcher: str
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True)
class Course:
    """Means of one searcher's evaluations.

    Attributes:
        searcher: Its label.
        cumulative: Mean over searches of the mean of all evaluations so far.
        trailing: Mean over searches of the mean of the last `WINDOW` evaluations, before that of
            those that there are.
    """

    searcher: str
    cumulative: Band
    trailing: Band


@dataclass(frozen=True)
class Dynamics:
    """What all searchers evaluated on one benchmark.

    Attributes:
        seconds: Edges of the scatter's bins of virtual time.
        values: Edges of its bins of values; those outside are counted in the outer bins.
        x: Numbers of charged evaluations of the means.
        scatters: One a searcher.
        courses: One a searcher.
    """

    seconds: tuple[float, ...]
    values: tuple[float, ...]
    x: tuple[float, ...]
    scatters: tuple[Scatter, ...]
    courses: tuple[Course, ...]


def dynamics(
    cells: Mapping[str, Cell], grid: np.ndarray, *, missing_charged: bool = True
) -> Dynamics | None:
    """Count and average all evaluations; None where none has a value.

    Args:
        cells: Label -> searches, of strategies that evaluate.
        grid: Numbers of evaluations of the means, ascending.
        missing_charged: Whether architectures that the table lacks were charged.
    """
    if not cells:
        return None
    most = max(int(cell.columns["epochs"].max()) for cell in cells.values())
    measured = {
        label: _measured(cell, most, missing_charged=missing_charged)
        for label, cell in cells.items()
    }
    present = {label: ~np.isnan(values) for label, (values, _) in measured.items()}
    known = [values[present[label]] for label, (values, _) in measured.items()]
    everything = np.concatenate(known)
    if not everything.size:
        return None
    ends = [seconds[present[label]] for label, (_, seconds) in measured.items()]
    last = max(float(s.max()) for s in ends if s.size)
    time_edges = np.linspace(0.0, last if last > 0.0 else 1.0, TIMES + 1)
    value_edges = _value_edges(everything, maximize=_maximize(cells))
    return Dynamics(
        seconds=tuple(time_edges.tolist()),
        values=tuple(value_edges.tolist()),
        x=tuple(grid.astype(float).tolist()),
        scatters=tuple(
            Scatter(label, _counts(seconds, values, time_edges, value_edges))
            for label, seconds, values in zip(cells, ends, known, strict=True)
        ),
        courses=tuple(_course(label, values, grid) for label, (values, _) in measured.items()),
    )


def _maximize(cells: Mapping[str, Cell]) -> bool:
    return next(iter(cells.values())).question.protocol.maximize


def _measured(cell: Cell, epochs: int, *, missing_charged: bool) -> tuple[np.ndarray, np.ndarray]:
    """Values and ends of the charged evaluations, float64 [searches, evaluations]; NaN."""
    places, lengths = charged_places(cell, missing_charged=missing_charged)
    values = np.take_along_axis(cell.columns["selection"], places, axis=1)
    ends = np.take_along_axis(cell.columns["end"], places, axis=1) / MICROSECONDS
    over = np.arange(places.shape[1]) >= lengths[:, None]
    if cell.question.protocol.fidelities:
        over = over | (np.take_along_axis(cell.columns["epochs"], places, axis=1) < epochs)
    return np.where(over, np.nan, values), ends


def _value_edges(values: np.ndarray, *, maximize: bool) -> np.ndarray:
    """From the best value to the quantile that few are worse than."""
    low, high = (_LOWEST, 1.0) if maximize else (0.0, 1.0 - _LOWEST)
    # Quantiles of a hundred thousand values are near enough, and the choice is a fixed one.
    some = values[:: max(1, len(values) // 100_000)]
    edges = np.quantile(some, [low, high])
    edges[1 if maximize else 0] = values.max() if maximize else values.min()
    if edges[0] == edges[1]:
        edges += (-0.5, 0.5)
    return np.linspace(edges[0], edges[1], LEVELS + 1)


def _counts(
    seconds: np.ndarray, values: np.ndarray, times: np.ndarray, levels: np.ndarray
) -> tuple[tuple[int, ...], ...]:
    row = _bin(seconds, times)
    column = _bin(values, levels)
    counts = np.bincount(row * LEVELS + column, minlength=TIMES * LEVELS)
    return tuple(map(tuple, counts.reshape(TIMES, LEVELS).tolist()))


def _bin(values: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """The bin of each value among evenly spaced edges; outside, the nearest."""
    places = (values - edges[0]) * ((len(edges) - 1) / (edges[-1] - edges[0]))
    return np.asarray(np.clip(places.astype(np.int64), 0, len(edges) - 2))


def _course(searcher: str, values: np.ndarray, grid: np.ndarray) -> Course:
    """The means of values [searches, evaluations] after each number of evaluations.

    Searches that ended early keep their last ones.
    """
    present = ~np.isnan(values)
    nothing = np.zeros((len(values), 1))
    totals = np.concatenate([nothing, np.where(present, values, 0.0).cumsum(axis=1)], axis=1)
    counts = np.concatenate([nothing, present.cumsum(axis=1)], axis=1)
    # A search is over with its last evaluation, not with the longest search's.
    ended = present.shape[1] - np.argmax(present[:, ::-1], axis=1)
    last = np.where(present.any(axis=1), ended, 0)[:, None]
    upto = np.minimum(grid[None, :], last)
    before = np.maximum(upto - WINDOW, 0)
    return Course(searcher, _mean(totals, counts, upto), _mean(totals, counts, upto, before))


def _mean(
    totals: np.ndarray, counts: np.ndarray, upto: np.ndarray, before: np.ndarray | None = None
) -> Band:
    total = np.take_along_axis(totals, upto, axis=1)
    count = np.take_along_axis(counts, upto, axis=1)
    if before is not None:
        total = total - np.take_along_axis(totals, before, axis=1)
        count = count - np.take_along_axis(counts, before, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return mean_band(np.where(count > 0, total / count, np.nan))
