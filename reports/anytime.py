"""Any-time curves: what the incumbent is worth after so many evaluations or virtual seconds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from reports.incumbents import ROLES, Incumbents
from reports.intervals import Band, mean_band

POINTS = 48


@dataclass(frozen=True)
class AnytimeCurve:
    """Means over a cell's searches along one axis.

    Attributes:
        searcher: The searcher's label.
        axis: "evaluations" (charged ones) or "seconds" (virtual ones).
        x: Positions, ascending.
        count: Searches that have an incumbent there.
        selection: The value that the incumbent was selected by.
        true: The mean of that measure over all training seeds.
        report: The incumbent's reported result.
        optimism: Selection minus true, search by search: the winner's curse.
    """

    searcher: str
    axis: str
    x: tuple[float, ...]
    count: tuple[int, ...]
    selection: Band
    true: Band
    report: Band
    optimism: Band


def evaluation_grid(longest: int) -> np.ndarray:
    """Evaluation counts from 1 to `longest`, all or `POINTS` evenly spaced logarithms, rounded."""
    if longest <= POINTS:
        return np.arange(1, longest + 1)
    return np.unique(np.rint(np.geomspace(1, longest, POINTS)).astype(np.int64))


def seconds_grid(followed: Iterable[Incumbents]) -> np.ndarray:
    """Virtual seconds from the first finished evaluation to the last, evenly spaced logarithms."""
    ends = [f.seconds[np.isfinite(f.seconds)] for f in followed]
    ends = [e for e in ends if e.size]
    if not ends:
        return np.zeros(0)
    first = min(float(e.min()) for e in ends)
    last = max(float(e.max()) for e in ends)
    if first <= 0.0:
        positive = [e[e > 0] for e in ends if (e > 0).any()]
        first = min((float(e.min()) for e in positive), default=last)
    grid = np.geomspace(first, last, POINTS) if 0.0 < first < last else np.array([last])
    # Rounding must not put the end before the last evaluation.
    grid[-1] = last
    return grid


def by_evaluations(searcher: str, followed: Incumbents, grid: np.ndarray) -> AnytimeCurve:
    """The curve after each number of charged evaluations.

    Searches that ended early keep their last incumbent.
    """
    places = np.minimum(grid, followed.seconds.shape[1]) - 1
    values = {role: followed.values[role][:, places] for role in ROLES}
    return _curve(searcher, "evaluations", grid, values)


def by_seconds(searcher: str, followed: Incumbents, grid: np.ndarray) -> AnytimeCurve:
    """The curve at each virtual time.

    An evaluation counts from its end on; searches that ended early keep their last incumbent.
    """
    # How many evaluations each search has finished at each time.
    done = np.stack([np.searchsorted(ends, grid, side="right") for ends in followed.seconds])
    values = {}
    for role in ROLES:
        before_any = np.full((len(followed.seeds), 1), np.nan)
        held = np.concatenate([before_any, followed.values[role]], axis=1)
        values[role] = np.take_along_axis(held, done, axis=1)
    return _curve(searcher, "seconds", grid, values)


def _curve(
    searcher: str, axis: str, grid: np.ndarray, values: dict[str, np.ndarray]
) -> AnytimeCurve:
    count = (~np.isnan(values["selection"])).sum(axis=0)
    values = values | {"optimism": values["selection"] - values["true"]}
    bands = {role: mean_band(v) for role, v in values.items()}
    return AnytimeCurve(searcher, axis, tuple(map(float, grid)), tuple(count.tolist()), **bands)
