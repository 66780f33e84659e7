"""Subsets of a table's rows on which ranks are compared: the best, the largest, groups by size."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import row_means, space_of
from harness.errors import UserError, unknown
from harness.networks.edges import live_edges
from harness.spaces.tss import OPERATIONS, TopologySpace

ALL = "all"
_GROUPS = 4
_WEIGHTS = {"nor_conv_1x1": 1, "nor_conv_3x3": 9}


@dataclass(frozen=True, eq=False)
class Subset:
    """Some rows of a table.

    Attributes:
        name: Short and distinct.
        members: bool [rows].
    """

    name: str
    members: np.ndarray


@dataclass(frozen=True, eq=False)
class Sizes:
    """How large each row's network is.

    Attributes:
        what: What is counted.
        values: float64 [rows].
    """

    what: str
    values: np.ndarray


def sizes_of(table: PackedTable, column: str | None) -> Sizes | None:
    """Sizes from a column, or from what the table has; None if it says nothing of size.

    Args:
        table: The table.
        column: A column; default: one named ``params``, and in the topology space the weights of
            a cell's convolutions, counted from its operations.

    Raises:
        UserError: If there is no such column, or it holds no number for some row.
    """
    if column is None:
        named = [name for name in table.columns if name.rpartition("/")[2] == "params"]
        if not named:
            return _cell_weights(table) if isinstance(space_of(table), TopologySpace) else None
        column = named[0]
    if column not in table.columns:
        raise unknown(f"column of {table.header.name}", column, table.columns)
    values = row_means(table.values(column, epoch=table.columns[column].epochs[-1]))
    if np.isnan(values).any():
        raise UserError(f"column '{column}' lacks the size of some architectures: name another")
    return Sizes(column, values)


def _cell_weights(table: PackedTable) -> Sizes:
    """Weights of the convolutions on live edges of each row's first cell, in squared channels."""
    weights = np.array([_WEIGHTS.get(name, 0) for name in OPERATIONS])
    rows, first = np.unique(table.row_of, return_index=True)
    values = np.zeros(len(rows))
    for row, place in zip(rows, first, strict=True):
        cell = tuple(table.keys[place].tolist())
        values[row] = sum(weights[cell[edge]] for edge in live_edges(cell))
    return Sizes("weights of a cell's convolutions", values)


def size_subsets(sizes: Sizes) -> list[Subset]:
    """The larger half, and groups of about equal numbers by size; equal sizes stay together."""
    values = sizes.values
    found = [Subset("larger half", values > np.median(values))]
    edges = np.unique(np.quantile(values, np.linspace(0.0, 1.0, _GROUPS + 1)))
    for place, (low, high) in enumerate(pairwise(edges.tolist())):
        lowest = place == 0
        name = f"size ≤ {high:.4g}" if lowest else f"{low:.4g} < size ≤ {high:.4g}"
        found.append(Subset(name, (values <= high) & (lowest | (values > low))))
    return [subset for subset in found if subset.members.sum() > 2]


def top_subset(reference: np.ndarray, share: float) -> Subset:
    """The best rows by the reference; those that tie on the last place are all in.

    Args:
        reference: float64 [rows], larger is better; NaN is never among the best.
        share: How many of those that have a value.
    """
    present = np.sort(reference[~np.isnan(reference)])[::-1]
    last = present[max(1, round(share * len(present))) - 1] if len(present) else np.inf
    return Subset(f"best {share:.0%}", reference >= last)
