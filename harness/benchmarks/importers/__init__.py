"""Importers: other people's benchmark files become packed tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Optimum:
    """The best that a search under one protocol could find.

    Attributes:
        dataset: The protocol's data set.
        protocol: Its name.
        architecture: In the space's notation; the key in hexadecimal where that is a hash.
        value: The reported measure, the mean over its seeds.
        unit: Its unit.
    """

    dataset: str
    protocol: str
    architecture: str
    value: float
    unit: str


@dataclass(frozen=True)
class ImportReport:
    """What an import has written.

    Attributes:
        path: The packed table.
        checksum: Its content checksum (`PackedTable.checksum`).
        architectures: Architectures of the space that the table answers for (isomorphic ones
            that share a row count each).
        missing: Architectures of the space that it lacks.
        warnings: One sentence each for what a reader of results must know.
        optima: One for every protocol, if they were asked for (`report.examine`).
        rows: Distinct measurements; 0 if not counted.
    """

    path: Path
    checksum: str
    architectures: int
    missing: int
    warnings: tuple[str, ...] = ()
    optima: tuple[Optimum, ...] = ()
    rows: int = 0
