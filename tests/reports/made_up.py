"""Cells and benchmarks made up for tests of views."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.base import OK, REPEAT
from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.benchmarks.table import TableBenchmark
from harness.protocol import Measure, Protocol
from reports.records import Cell, Question

TESTED = Protocol("p", search=Measure("valid", seeds="random"), report=Measure("test"))


def question(protocol: Protocol = TESTED) -> Question:
    """A question that asks nothing but what its protocol says."""
    return Question("b", "b", "b", "", "d", protocol, (), {}, {})


def cell(
    selection: Sequence[Sequence[float]],
    *,
    protocol: Protocol = TESTED,
    architectures: Sequence[Sequence[str]] | None = None,
    **columns: Sequence[Sequence[int]],
) -> Cell:
    """A cell of searches given by the selection values of their evaluations.

    Evaluations succeed and take a second each where the columns do not say otherwise.
    """
    lengths = np.array([len(search) for search in selection])
    longest = int(lengths.max())

    def padded(rows: Sequence[Sequence[Any]], empty: Any) -> np.ndarray:
        return np.array([[*row, *[empty] * (longest - len(row))] for row in rows])

    plain: dict[str, tuple[Sequence[Sequence[Any]], Any]] = {
        "status": ([[OK] * n for n in lengths], REPEAT),
        "epochs": ([[1] * n for n in lengths], 0),
        "end": ([[1_000_000 * (i + 1) for i in range(n)] for n in lengths], 0),
        "row": ([[0] * n for n in lengths], -1),
    }
    plain |= {name: (rows, plain[name][1]) for name, rows in columns.items()}
    named = architectures if architectures is not None else [["a"] * n for n in lengths]
    codes: dict[str, int] = {}
    coded = [[codes.setdefault(a, len(codes)) for a in search] for search in named]
    values = padded(selection, np.nan).astype(np.float64)
    return Cell(
        searcher="s",
        question=question(protocol),
        seeds=np.arange(len(lengths)),
        lengths=lengths,
        columns={name: padded(rows, empty) for name, (rows, empty) in plain.items()}
        | {"architecture": padded(coded, 0)}
        | dict.fromkeys(("selection", "true", "report"), values),
        stopped={},
        digest="",
        architectures=tuple(codes),
    )


def table_benchmark(
    path: Path,
    valid: np.ndarray,
    test: np.ndarray,
    *,
    options: str | Sequence[Sequence[str]],
    architectures: Sequence[Sequence[int]] | None = None,
    row_of: Sequence[int] | None = None,
    unit: str = "%",
    protocol: Protocol = TESTED,
) -> TableBenchmark:
    """A packed table of measured values [rows, seeds], opened.

    Args:
        path: Where it goes.
        valid: The search's and selection's measure.
        test: The reported one.
        options: Of each decision, or the name of a space.
        architectures: Those in the table, as places of options; all rows' in order by default,
            for one decision.
        row_of: The row of each; each its own by default.
        unit: Of both measures.
        protocol: The question.
    """
    if architectures is None:
        architectures = [(i,) for i in range(len(valid))]
    space: str | dict[str, Any] = (
        options
        if isinstance(options, str)
        else {"name": "made-up", "options": [list(names) for names in options]}
    )
    header = TableHeader(
        name="made-up",
        space=space,
        columns=(
            Column("valid", unit, "valid", seeds=tuple(range(valid.shape[1])), dtype="float64"),
            Column("test", unit, "test", seeds=tuple(range(test.shape[1])), dtype="float64"),
        ),
        protocols={"d": {"p": protocol.to_dict()}},
        defaults={"d": "p"},
        default_dataset="d",
        provenance={},
    )
    write_table(
        path,
        header,
        np.array(architectures, dtype=np.uint8),
        np.array(row_of if row_of is not None else range(len(valid))),
        {"valid": valid[:, :, None], "test": test[:, :, None]},
    )
    return TableBenchmark(PackedTable(path))
