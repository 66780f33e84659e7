"""A packed table of any columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from harness.benchmarks.packed import Column, PackedTable, TableHeader, write_table
from harness.protocol import Protocol


def table_of(path: Path, columns: dict[Column, np.ndarray], *protocols: Protocol) -> PackedTable:
    """A table of a one-decision space with the given columns, [rows, seeds, epochs] each."""
    rows = len(next(iter(columns.values())))
    high, low = np.divmod(np.arange(rows), 256)
    options = [[str(i) for i in range(256)]] * 2
    header = TableHeader(
        name="made",
        space={"name": "made", "options": options},
        columns=tuple(columns),
        protocols={"d": {p.name: p.to_dict() for p in protocols}} if protocols else {},
        defaults={"d": protocols[0].name} if protocols else {},
        default_dataset="d" if protocols else "",
    )
    keys = np.stack([high, low], axis=1).astype(np.uint8)
    write_table(path, header, keys, np.arange(rows), {c.name: v for c, v in columns.items()})
    return PackedTable(path)
