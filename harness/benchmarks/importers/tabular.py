"""CSV or Parquet with a short YAML description -> packed table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.architectures import columns_of, read_keys
from harness.benchmarks.importers.description import (
    Array,
    ColumnSource,
    Description,
    InlineSpace,
)
from harness.benchmarks.importers.description_file import load_description
from harness.benchmarks.importers.place import check_place
from harness.benchmarks.importers.report import write_examined
from harness.benchmarks.importers.source_file import ArrayFile, SourceFile
from harness.benchmarks.packed import Column, TableHeader
from harness.errors import UserError
from harness.protocol import audit
from harness.spaces import CategoricalSpace, SearchSpace, get_space


def import_csv(path: str | Path, spec: str | Path, out: str | Path) -> ImportReport:
    """Turn a CSV or Parquet file into a packed table.

    Args:
        path: The file: .csv (also .csv.gz, .bz2, .xz) or .parquet.
        spec: Its description: a YAML file, or the name of a shipped one
            (`harness.benchmarks.importers.description`).
        out: Where the table goes; it appears whole or not at all, and replaces a file of the
            name only then.

    Returns:
        Coverage, optima and what a reader of results must know.

    Raises:
        UserError: If the file, the description or the place is not as it must be.
    """
    path, out = Path(path), Path(out)
    check_place(out, path)
    description, spec_hash = load_description(spec)
    space = _space(description)
    columns = tuple(_column(name, source) for name, source in description.columns.items())
    _audit(description, columns)
    facts = description.file
    file = SourceFile(path, _needed(description), delimiter=facts.delimiter, sha256=facts.sha256)
    if facts.rows is not None and file.rows != facts.rows:
        raise UserError(f"{path.name} has {file.rows:,} rows, expected {facts.rows:,}: truncated?")

    sidecars = _sidecars(file, description)
    rows, warnings = _rows(file, description)
    keys = read_keys(file, description.architecture, space, rows.tolist())
    values = {}
    for column, source in zip(columns, description.columns.values(), strict=True):
        values[column.name] = _values(file, sidecars, column, source, rows)
        warnings += _doubts(column, values[column.name])

    header = TableHeader(
        name=description.name,
        space=_described(description),
        columns=columns,
        protocols={
            name: {key: protocol.to_dict() for key, protocol in dataset.protocols.items()}
            for name, dataset in description.datasets.items()
        },
        defaults={name: dataset.default for name, dataset in description.datasets.items()},
        default_dataset=description.default_dataset or next(iter(description.datasets)),
        provenance={
            "source": description.source,
            "licence": description.licence,
            "notes": description.notes,
            "description_sha256": spec_hash,
            "files": {
                path.name: file.sha256,
                **{sidecar.path.name: sidecar.sha256 for sidecar in sidecars.values()},
            },
        },
    )
    said = [*description.notes, *warnings]
    return write_examined(out, header, keys, values, said, description.space_size)


def _space(description: Description) -> SearchSpace:
    described = description.space
    if isinstance(described, InlineSpace):
        return CategoricalSpace(described.name, described.options, described.ordinal)
    return get_space(described)


def _described(description: Description) -> str | dict[str, Any]:
    space = description.space
    return space.model_dump() if isinstance(space, InlineSpace) else space


def _column(name: str, source: ColumnSource) -> Column:
    return Column(
        name,
        unit=source.unit,
        split=source.split,
        seeds=source.seeds(),
        epochs=source.levels(),
        schedule=source.schedule,
        scale=source.scale,
        dtype=source.dtype,
        aggregate=source.aggregate,
    )


def _audit(description: Description, columns: Sequence[Column]) -> None:
    """Refuse protocols that do not fit the columns, or leak, before any work."""
    by_name = {column.name: column for column in columns}
    for name, dataset in description.datasets.items():
        for protocol in dataset.protocols.values():
            try:
                audit(protocol, by_name)
            except UserError as error:
                raise type(error)(f"data set '{name}': {error}") from None


def _needed(description: Description) -> list[str]:
    """The file's columns that the description mentions, each once."""
    names = columns_of(description.architecture)
    for source in description.columns.values():
        names += [cell.column for cell in source.cells()]
    for sidecar in description.sidecars.values():
        names += sidecar.match
    if description.only is not None:
        names.append(description.only.column)
    return list(dict.fromkeys(names))


def _rows(file: SourceFile, description: Description) -> tuple[np.ndarray, list[str]]:
    """Positions of the rows to take, and what to say about the others."""
    only = description.only
    if only is None:
        return np.arange(file.rows), []
    taken = np.flatnonzero(file.numbers(only.column) == only.equals)
    if not taken.size:
        raise UserError(f"{file.path.name}: no row has {only.equals:g} in '{only.column}'")
    left = file.rows - len(taken)
    if not left:
        return taken, []
    return taken, [
        f"{left:,} rows are left out, because their '{only.column}' is not {only.equals:g}:"
        f" {only.reason}"
    ]


def _sidecars(file: SourceFile, description: Description) -> dict[str, ArrayFile]:
    opened = {}
    for name, sidecar in description.sidecars.items():
        arrays = ArrayFile(file.path.parent / sidecar.file, file.rows, sidecar.sha256)
        for column, array in sidecar.match.items():
            differs = np.flatnonzero(file.numbers(column) != arrays.array(array))
            if differs.size:
                raise UserError(
                    f"{file.at(int(differs[0]), column)}: differs from '{array}' of"
                    f" {sidecar.file}, so the rows do not belong together"
                )
        opened[name] = arrays
    return opened


def _values(
    file: SourceFile,
    sidecars: Mapping[str, ArrayFile],
    column: Column,
    source: ColumnSource,
    rows: np.ndarray,
) -> np.ndarray:
    """A column's values, float64 [rows, seeds, epochs].

    Raises:
        UserError: If a value is missing where the description does not allow that.
    """
    if source.array is not None:
        where = f"{sidecars[source.array.sidecar].path.name}, array '{source.array.name}'"
        values = _curves(sidecars[source.array.sidecar], source.array)[rows][:, None]
    else:
        where = f"{file.path.name}"
        values = np.empty((len(rows), len(column.seeds), len(column.epochs)))
        for seed, epoch, name in source.cells():
            place = column.seeds.index(seed), column.epochs.index(epoch)
            values[:, *place] = file.numbers(name)[rows]
    absent = np.argwhere(np.isnan(values))
    if absent.size and not source.allow_missing:
        row, seed, epoch = (int(i) for i in absent[0])
        if source.array is None:
            name = next(
                cell.column
                for cell in source.cells()
                if (cell.seed, cell.epoch) == (column.seeds[seed], column.epochs[epoch])
            )
            where = file.at(int(rows[row]), name)
        else:
            where = f"{where}, row {rows[row] + 1}, epoch {column.epochs[epoch]}"
        raise UserError(f"{where}: no value (allow_missing: true would take it as failed)")
    with np.errstate(over="ignore"):
        scaled: np.ndarray = values * source.factor
        # As they will be stored: float32 holds less than a double.
        huge = np.isinf(scaled.astype(column.dtype) if column.dtype == "float32" else scaled)
    if huge.any():
        raise UserError(f"column '{column.name}': a value does not fit {column.dtype}")
    return scaled


def _curves(sidecar: ArrayFile, array: Array) -> np.ndarray:
    """Learning curves, float64 [rows of the file, epochs]."""
    stored = sidecar.array(array.name, len(array.epochs))[:, : len(array.epochs)]
    curves = stored.astype(np.float64)
    if array.missing is not None:
        curves[stored == array.missing] = np.nan
    if np.isinf(curves).any():
        raise UserError(f"{sidecar.path.name}, array '{array.name}': holds infinite numbers")
    return curves


def _doubts(column: Column, values: np.ndarray) -> list[str]:
    """What looks like a mistake in a column, or must be known of it."""
    present = values[~np.isnan(values)]
    said = []
    if present.size < values.size:
        lost = values.size - present.size
        said.append(f"column '{column.name}': {lost:,} of {values.size:,} values are missing")
    if column.unit == "%" and present.size:
        low, high = present.min(), present.max()
        if low < 0 or high > 100:
            said.append(f"column '{column.name}': {low:g} to {high:g} %; is the factor right?")
        elif high <= 1:
            said.append(f"column '{column.name}': no value above 1 %; fractions need factor: 100")
    return said
