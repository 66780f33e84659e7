"""Import of official NATS-Bench directories, topology and size: one file an architecture.

The official distribution is a directory such as ``NATS-tss-v1_0-3ffb9-simple`` with an index
(``meta.pickle.pbz2``) and a file ``NNNNNN.pickle.pbz2`` an architecture. `nats_records` says what
they hold, `nats_protocols` what may be asked of them, `unpickle` why reading them is safe.
The ``-full`` distribution also holds trained weights, which are not plain data and are refused.

Each file is read once, into arrays; at any time one record exists as Python objects.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.nats_records import (
    Quantity,
    RecordError,
    measurements,
)
from harness.benchmarks.importers.unpickle import load_plain
from harness.benchmarks.packed import write_table
from harness.errors import UserError

META = "meta.pickle.pbz2"
_RECORD = re.compile(r"(\d{1,6})\.pickle\.pbz2")
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
        UserError: If the directory, its index or a record is not an official one.
    """
    directory = Path(directory)
    space, architectures = _read_meta(directory)
    records = _find_records(directory, len(architectures))
    keys = np.empty((len(records), len(space.sizes)), np.uint8)
    arrays: dict[Quantity, _Array] = {}
    notes: Counter[str] = Counter()
    for row, (index, path) in enumerate(records):
        keys[row] = np.frombuffer(space.key(_parse(space, architectures[index])), np.uint8)
        try:
            record = load_plain(path)
            for found in measurements(record, space.name, index, architectures[index], notes):
                array = arrays.setdefault(found.quantity, _Array(found.quantity, len(records)))
                array.put(row, found)
        except RecordError as error:
            raise UserError(
                f"{path} is no official record: it has {error}; download it again"
            ) from None
        if progress is not None:
            progress(row + 1, len(records))
    missing = len(architectures) - len(records)
    warnings = [f"{count:,} {note}" for note, count in sorted(notes.items())]
    if missing:
        warnings.insert(
            0,
            f"{missing:,} of {len(architectures):,} architectures are missing in"
            f" {directory.name}; the table has the other {len(records):,}",
        )
    columns = {quantity.name: array.column() for quantity, array in sorted(arrays.items())}
    values = {quantity.name: arrays.pop(quantity).stacked() for quantity in sorted(arrays)}
    header = _header(space.name, directory.name, columns, len(records), missing, warnings)
    checksum = write_table(out, header, keys, np.arange(len(records)), values)
    return ImportReport(Path(out), checksum, len(records), missing, tuple(warnings))
