"""The last step of an import: write the table, and look at what was written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.benchmarks.importers import ImportReport, Optimum
from harness.benchmarks.packed import PackedTable, TableHeader, write_table
from harness.benchmarks.table import TableBenchmark, space_of
from harness.errors import HarnessError, UserError
from harness.protocol import LeakError
from harness.spaces import SearchSpace


def write_examined(
    out: Path,
    header: TableHeader,
    keys: np.ndarray,
    values: Mapping[str, np.ndarray],
    warnings: Sequence[str] = (),
    space_size: int | None = None,
) -> ImportReport:
    """Write a table with a row for every architecture, and examine it.

    Args:
        out: Where to; nothing stays there if the table turns out to be unusable.
        header: As `write_table` takes it, and so `keys` and `values`.
        keys: uint8 [rows, key length].
        values: Column name -> array [rows, seeds, epochs].
        warnings: As `examine` takes them, and so `space_size`.
        space_size: Number of distinct architectures of the space.

    Raises:
        UserError: If the table cannot be written, or one of its protocols not be served.
        HarnessError: If the file differs from what was written.
    """
    try:
        write_table(out, header, keys, np.arange(len(keys)), values)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from None
    try:
        return examine(out, warnings, space_size)
    except HarnessError:
        out.unlink(missing_ok=True)
        raise


def examine(
    path: Path, warnings: Sequence[str] = (), space_size: int | None = None
) -> ImportReport:
    """Check a table in full and say what it holds.

    Args:
        path: The packed table.
        warnings: What the import has to say.
        space_size: Number of distinct architectures of the space; default: its length.

    Raises:
        HarnessError: If the file differs from what was written.
        UserError: If one of its protocols cannot be served.
    """
    table = PackedTable(path)
    table.verify()
    header = table.header
    space = space_of(table)
    size = space_size or len(space)
    n = len(table.keys)
    found = list(warnings)
    if n < size:
        found.insert(0, f"the table covers {n:,} of the {size:,} architectures of its space")
    best = optima(table)
    served = {(optimum.dataset, optimum.protocol) for optimum in best}
    for dataset, protocols in header.protocols.items():
        for name in protocols:
            label = f"protocol '{name}' of {dataset}"
            try:
                benchmark = TableBenchmark(table, dataset, name)
            except LeakError as error:
                found.append(str(error))
                continue
            if n < size and benchmark.protocol.missing == "refuse":
                found.append(
                    f"{label} refuses architectures that the table lacks"
                    " (missing=resample or missing=fail would go on)"
                )
            found += [f"{label}: {leak}" for leak in benchmark.leaks]
            if (dataset, name) not in served:
                found.append(f"{label}: no row has the reported measure")
    return ImportReport(
        Path(path),
        table.checksum,
        n,
        max(size - n, 0),
        tuple(found),
        best,
        table.n_rows,
    )


def optima(table: PackedTable) -> tuple[Optimum, ...]:
    """The best reported result under every protocol that the leak auditor lets pass."""
    space = space_of(table)
    found = []
    for dataset, protocols in table.header.protocols.items():
        for name in protocols:
            try:
                optimum = _optimum(TableBenchmark(table, dataset, name), space)
            except LeakError:
                continue
            if optimum is not None:
                found.append(optimum)
    return tuple(found)


def _optimum(benchmark: TableBenchmark, space: SearchSpace) -> Optimum | None:
    table, measure = benchmark.table, benchmark.protocol.report
    values = benchmark.means(measure)
    if np.isnan(values).all():
        return None
    larger = benchmark.protocol.larger_report_is_better
    row = int(np.nanargmax(values) if larger else np.nanargmin(values))
    key = table.keys[int(np.flatnonzero(table.row_of == row)[0])]
    decisions = tuple(key.tolist())
    # A key of a fixed-length space is the architecture itself, unless the space hashes it.
    plain = decisions in space and space.key(decisions) == bytes(key)
    return Optimum(
        benchmark.dataset,
        benchmark.protocol.name,
        space.to_string(decisions) if plain else bytes(key).hex(),
        float(values[row]),
        table.columns[measure.column].unit,
    )
