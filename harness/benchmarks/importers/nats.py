"""Import of official NATS-Bench directories, topology and size: one file an architecture.

The official distribution is a directory such as ``NATS-tss-v1_0-3ffb9-simple`` with an index
(``meta.pickle.pbz2``) and a file ``NNNNNN.pickle.pbz2`` an architecture. `nats_records` says what
they hold, `nats_protocols` what may be asked of them, `unpickle` why reading them is safe.
The ``-full`` distribution also holds trained weights, which are not plain data and are refused.

Each file is read once, into arrays; at any time one record exists as Python objects. Some 35 ms a
topology record and 12 ms a size record make 6 to 11 minutes for a complete directory on one core;
the complete topology table is 0.64 GB, and the import needs about twice that.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.nats_protocols import protocols
from harness.benchmarks.importers.nats_records import (
    SCHEDULES,
    Measurement,
    Quantity,
    RecordError,
    measurements,
)
from harness.benchmarks.importers.place import check_place
from harness.benchmarks.importers.report import optima
from harness.benchmarks.importers.unpickle import load_plain
from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.errors import UserError
from harness.spaces import SearchSpace, get_space

META = "meta.pickle.pbz2"
_RECORD = re.compile(r"([0-9]{1,6})\.pickle\.pbz2")
_MAX_SEEDS = 16


def import_nats(
    directory: str | Path,
    out: str | Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Turn an official NATS-Bench directory into a packed table.

    Args:
        directory: The ``-simple`` directory; it need not be complete.
        out: Where to write the table. Nothing is written if anything is wrong.
        progress: Called after each record with the numbers of records done and of all.

    Returns:
        What was written. An incomplete directory gives a table of what is there, and a warning.

    Raises:
        UserError: If the directory, its index or a record is not an official one, or the table
            cannot be written.
        HarnessError: If the written table reads back differently.
    """
    directory, out = Path(directory), Path(out)
    check_place(out)
    space, names = _read_meta(directory)
    records = _find_records(directory, len(names))
    keys: list[bytes] = []
    arrays: dict[Quantity, _Array] = {}
    notes: Counter[str] = Counter()
    for row, (index, path) in enumerate(records.items()):
        keys.append(_key(space, names[index], directory / META))
        try:
            for found in measurements(_load(path), space.name, index, names[index], notes):
                array = arrays.setdefault(found.quantity, _Array(len(records)))
                array.put(row, found)
        except RecordError as error:
            raise UserError(f"{path} is no official record: {error}; download it again") from None
        if progress is not None:
            progress(row + 1, len(records))

    missing = len(names) - len(records)
    warnings = [f"{count:,} {note}" for note, count in sorted(notes.items())]
    if missing:
        partial = f"{missing:,} of the {len(names):,} architectures are not in {directory.name}"
        warnings.insert(0, f"{partial}; the table holds the other {len(records):,}")
    columns = {quantity.name: arrays[quantity].column(quantity) for quantity in sorted(arrays)}
    # Popped, so that each array is released once it is stacked.
    values = {quantity.name: arrays.pop(quantity).stacked() for quantity in sorted(arrays)}
    header = _header(space.name, directory.name, columns, missing, warnings)
    packed_keys = np.frombuffer(b"".join(keys), np.uint8).reshape(len(keys), -1)
    try:
        write_table(out, header, packed_keys, np.arange(len(keys)), values)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from None
    table = PackedTable(out)
    table.verify()
    return ImportReport(
        out, table.checksum, len(records), missing, tuple(warnings), optima(table), table.n_rows
    )


def _load(path: Path) -> Any:
    try:
        return load_plain(path)
    except UserError as error:
        full = path.parent.name.endswith("-full")
        hint = " (a -full directory holds trained weights: import the -simple one)" if full else ""
        raise UserError(f"{error}{hint}") from None


class _Array:
    """A column while it grows: its seeds and epochs become known as records are read."""

    def __init__(self, rows: int) -> None:
        self._rows = rows
        self._epochs: tuple[int, ...] = ()
        self._seeds: dict[int, np.ndarray] = {}  # each [rows, epochs], NaN where missing

    def put(self, row: int, found: Measurement) -> None:
        """Enter what one training of one architecture measured."""
        if not set(found.epochs) <= set(self._epochs):
            self._widen(tuple(sorted({*self._epochs, *found.epochs})))
        if found.seed not in self._seeds:
            if len(self._seeds) == _MAX_SEEDS:
                raise RecordError(f"more than {_MAX_SEEDS} training seeds in all")
            dtype = found.quantity.dtype
            self._seeds[found.seed] = np.full((self._rows, len(self._epochs)), np.nan, dtype)
        places = np.searchsorted(self._epochs, found.epochs)
        self._seeds[found.seed][row, places] = found.values

    def _widen(self, epochs: tuple[int, ...]) -> None:
        places = np.searchsorted(epochs, self._epochs)
        for seed, old in self._seeds.items():
            wide = np.full((self._rows, len(epochs)), np.nan, old.dtype)
            wide[:, places] = old
            self._seeds[seed] = wide
        self._epochs = epochs

    def column(self, quantity: Quantity) -> Column:
        """The description of what has been entered."""
        return quantity.column(tuple(sorted(self._seeds)), self._epochs)

    def stacked(self) -> np.ndarray:
        """What has been entered, [rows, seeds, epochs]."""
        return np.stack([self._seeds[seed] for seed in sorted(self._seeds)], axis=1)


def _header(
    space: str, source: str, columns: Mapping[str, Column], missing: int, warnings: list[str]
) -> TableHeader:
    asked = protocols(columns, tuple(SCHEDULES[space].values()))
    if not asked:
        raise UserError(f"{source} holds no validation and test accuracies to search and report")
    return TableHeader(
        name=f"nats-{space}",
        space=space,
        columns=tuple(columns.values()),
        protocols={
            dataset: {name: protocol.to_dict() for name, protocol in known.items()}
            for dataset, known in asked.items()
        },
        defaults={dataset: next(iter(known)) for dataset, known in asked.items()},
        default_dataset=next(iter(asked)),
        provenance={
            "source": f"NATS-Bench, directory {source}",
            "paper": "Dong et al., NATS-Bench (TPAMI 2021), doi 10.1109/TPAMI.2021.3054824",
            "licence": "MIT",
            "missing": missing,
            "warnings": warnings,
            "times": "imputed: one measurement an architecture, equal for all epochs and seeds",
        },
    )


def _read_meta(directory: Path) -> tuple[SearchSpace, list[str]]:
    """The space of a directory, and all official strings in the order of the official index."""
    if not directory.is_dir():
        kind = "is a file" if directory.exists() else "does not exist"
        raise UserError(f"{directory} {kind}: give the directory of an unpacked NATS-Bench tar")
    path = directory / META
    if not path.is_file():
        raise UserError(f"{directory} has no {META}: give a NATS-tss-... or NATS-sss-... one")
    meta = load_plain(path)
    names = meta.get("meta_archs") if isinstance(meta, dict) else None
    if not isinstance(names, list) or not names or any(type(name) is not str for name in names):
        raise UserError(f"{path} is no official index: it lists no architectures")
    space = get_space("tss" if names[0].startswith("|") else "sss")
    _key(space, names[0], path)
    if len(set(names)) != len(space) or len(names) != len(space):
        raise UserError(
            f"{path} is no official index: it lists {len(set(names)):,} architectures, the space"
            f" '{space.name}' has {len(space):,}"
        )
    stated = re.match("NATS-(tss|sss)-", directory.name)
    if stated and stated[1] != space.name:
        raise UserError(f"{path} is an index of the space '{space.name}', not '{stated[1]}'")
    return space, names


def _key(space: SearchSpace, name: str, path: Path) -> bytes:
    try:
        return space.key(space.from_string(name))
    except UserError as error:
        raise UserError(f"{path} is no official index: {error}") from None


def _find_records(directory: Path, total: int) -> dict[int, Path]:
    """Official index -> record file, ascending."""
    found: dict[int, Path] = {}
    try:
        entries = sorted(directory.iterdir())
    except OSError as error:
        raise UserError(f"cannot read {directory}: {error.strerror or error}") from None
    for path in entries:
        match = _RECORD.fullmatch(path.name)
        if match is None or not path.is_file():
            continue
        index = int(match[1])
        if index >= total:
            raise UserError(f"{path} is no record: the last architecture is {total - 1:06d}")
        # Both "000011" and "11" are official; the former comes first and is preferred.
        found.setdefault(index, path)
    if not found:
        raise UserError(f"{directory} has no record such as 000000.pickle.pbz2: unpack it again")
    return dict(sorted(found.items()))
