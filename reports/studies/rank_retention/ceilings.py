"""Noise ceilings: which two trainings of the same architectures are compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from harness.benchmarks.packed import PackedTable
from reports.studies.rank_retention.measurements import (
    AGAIN,
    OTHER,
    RANDOM,
    Measurement,
    drawn_runs,
    single_runs,
)

APART = "two different trainings"
DIFFERENT = "different numbers"
MOST_SEEDS = 4
"""Of so many training seeds all pairs are compared."""

Values = Callable[[Measurement], np.ndarray]


@dataclass(frozen=True, eq=False)
class TwoTrainings:
    """Two trainings of each architecture.

    Attributes:
        first: What was measured after the one.
        second: After the other.
        draw: Which two, in words.
        same: Share of rows where both are one training; None if no row has both.
        members: bool [rows]: on which rows; None for all.
    """

    first: Measurement
    second: Measurement
    draw: str
    same: float | None
    members: np.ndarray | None = None


def two_trainings(
    table: PackedTable, measurements: Sequence[Measurement], values: Values
) -> list[TwoTrainings]:
    """Ways to take two trainings, at the last compared epoch of every column that has them.

    Args:
        table: The table.
        measurements: What is compared in it.
        values: A measurement of every row.
    """
    last: dict[str, Measurement] = {}
    for m in measurements:
        if m.column not in last or m.epoch > last[m.column].epoch:
            last[m.column] = m
    found = [pair for m in last.values() for pair in _of_seeds(table, m.column, m.epoch)]
    folders = {column.partition("/")[0] for column in last}
    for one, other in single_runs(table):
        if one.partition("/")[0] in folders:
            found += _of_runs(table, one, other, values)
    return found


def _of_seeds(table: PackedTable, column: str, epoch: int) -> Iterator[TwoTrainings]:
    """Of a column with training seeds: every two of them, and two drawn for each row."""
    seeds = table.columns[column].seeds
    if len(seeds) < 2:
        return
    if len(seeds) <= MOST_SEEDS:
        for one, other in combinations(seeds, 2):
            first, second = (Measurement(column, epoch, seed) for seed in (one, other))
            yield TwoTrainings(first, second, f"seeds {one} and {other}", 0.0)
    first = Measurement(column, epoch, RANDOM)
    runs = drawn_runs(table, column, RANDOM)
    for draw, said in ((OTHER, APART), (AGAIN, "two draws, the same training included")):
        others = drawn_runs(table, column, draw)
        both = (runs >= 0) & (others >= 0)
        same = float((runs == others)[both].mean()) if both.any() else None
        yield TwoTrainings(first, Measurement(column, epoch, draw), said, same)


def _of_runs(table: PackedTable, one: str, other: str, values: Values) -> Iterator[TwoTrainings]:
    """Of two columns of single runs whose seeds are unknown: equal numbers in, and left out."""
    epoch = table.columns[one].epochs[-1]
    first, second = Measurement(one, epoch), Measurement(other, epoch)
    x, y = values(first), values(second)
    both = ~np.isnan(x + y)
    if both.any():
        runs = f"{run_of(one)} and {run_of(other)}"
        same = float((x == y)[both].mean())
        yield TwoTrainings(first, second, f"{runs}, the same training included", same)
        yield TwoTrainings(first, second, f"{runs}, {DIFFERENT}", 0.0, x != y)


def run_of(column: str) -> str:
    """Which single run a column holds: "run", "runB", ..."""
    return column.rpartition("_")[2]
