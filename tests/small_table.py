"""A table of 24 architectures whose numbers a test can look up by itself."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks import TableBenchmark
from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.protocol import CostTerm, Measure, Protocol
from harness.spaces import CategoricalSpace

SPACE = CategoricalSpace("small", [["a", "b", "c"], ["x", "y"], ["p", "q", "r", "s"]])
CELLS: list[tuple[int, ...]] = [(i, j, k) for i in range(3) for j in range(2) for k in range(4)]
SEEDS = (7, 8, 9)
EPOCHS = (1, 2, 4)
VALID, TEST, MIXED = "d/valid_accuracy", "d/test_accuracy", "d/mixed_accuracy"
PER_EPOCH, ONCE = "d/epoch_seconds", "d/evaluation_seconds"
COLUMNS = (
    Column(VALID, "%", "valid", SEEDS, EPOCHS, dtype="float64"),
    Column(TEST, "%", "test", SEEDS, EPOCHS, dtype="float64"),
    Column(MIXED, "%", "valid+test", SEEDS, EPOCHS, dtype="float64"),
    Column(PER_EPOCH, "s", "", SEEDS, EPOCHS, dtype="float64"),
    Column(ONCE, "s", "", dtype="float64"),
)
COST = (CostTerm(PER_EPOCH, epoch=4), CostTerm(ONCE, "evaluation"))


def protocol(**changes: Any) -> Protocol:
    """Search a random seed's last validation accuracy, report the mean test accuracy."""
    fields: dict[str, Any] = {
        "name": "plain",
        "search": Measure(VALID, 4, "random"),
        "report": Measure(TEST, 4, "mean"),
        "cost": COST,
    }
    return Protocol(**(fields | changes))


@dataclass(frozen=True)
class SmallTable:
    """A packed table and the numbers that it was made from.

    Attributes:
        table: The table, opened.
        cells: The architectures that it holds.
        row_of: Row of each of them.
        values: Column -> [rows, seeds, epochs].
    """

    table: PackedTable
    cells: list[tuple[int, ...]]
    row_of: list[int]
    values: dict[str, np.ndarray]

    def benchmark(self, **changes: Any) -> TableBenchmark:
        """The table under `protocol` with some of its fields changed."""
        return TableBenchmark(self.table, None, protocol(**changes))

    def row(self, cell: tuple[int, ...]) -> int:
        """An architecture's row."""
        return self.row_of[self.cells.index(cell)]


def small_table(
    path: Path,
    *,
    seed: int = 0,
    space: CategoricalSpace = SPACE,
    cells: list[tuple[int, ...]] | None = None,
    row_of: list[int] | None = None,
    whole_seconds: bool = False,
    failing: int = 2,
) -> SmallTable:
    """Write a table of random numbers.

    Args:
        path: Where to.
        seed: Of the numbers.
        space: What it is about.
        cells: The architectures that it holds; all by default.
        row_of: Row of each; by default one of its own.
        whole_seconds: Small whole numbers of seconds, so that evaluations end together.
        failing: How many rows have no accuracies at all.
    """
    rng = np.random.default_rng(seed)
    cells = CELLS if cells is None else cells
    row_of = list(range(len(cells))) if row_of is None else row_of
    rows = max(row_of) + 1
    values = {}
    for column in COLUMNS:
        shape = (rows, len(column.seeds), len(column.epochs))
        if column.unit == "s":
            drawn = rng.integers(1, 4, shape) if whole_seconds else rng.uniform(0.1, 9, shape)
            values[column.name] = drawn.astype(float)
        else:
            values[column.name] = rng.uniform(0, 100, shape)
    if whole_seconds:
        values[PER_EPOCH][:] = values[PER_EPOCH][:, :1, :1]
    # Every row has the first seed, two in three rows the second, one in three the third.
    has = np.arange(rows) % 3
    order = rng.permutation(rows)
    for name in (VALID, TEST, MIXED):
        values[name][has < 1, 1] = np.nan
        values[name][has < 2, 2] = np.nan
        values[name][order[:failing]] = np.nan
    header = TableHeader(
        name="small",
        space={"name": space.name, "options": [list(names) for names in space.options]},
        columns=COLUMNS,
        protocols={"d": {"plain": protocol().to_dict()}},
        defaults={"d": "plain"},
        default_dataset="d",
    )
    write_table(path, header, np.array(cells, np.uint8), np.array(row_of), values)
    return SmallTable(PackedTable(path), cells, row_of, values)
