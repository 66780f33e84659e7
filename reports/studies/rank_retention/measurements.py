"""Measurements: which numbers of a table are compared, one for each architecture."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import row_means
from harness.errors import UserError, unknown
from harness.protocol import LeakError, Protocol, audit

RANDOM, OTHER, AGAIN, MEAN = "random", "other", "again", "mean"
DRAWS = (RANDOM, OTHER, AGAIN, MEAN)
MOST_EPOCHS = 8
"""Epochs of one column that stand in a matrix."""

_SEED = 20_220_901
_SINGLE_RUN = re.compile(r"(?P<stem>.+)_run[A-Z]?")


@dataclass(frozen=True)
class Measurement:
    """One number for each row of a table.

    Attributes:
        column: The table's column.
        epoch: One of its epochs.
        seeds: Where a row was trained several times: "random" draws one of its trainings,
            "other" draws another one than "random" did, "again" draws once more and may get the
            same, "mean" averages all. A number names one training seed. The draws of a row are
            the same at every epoch and in every column with the same seeds.
    """

    column: str
    epoch: int
    seeds: str | int = RANDOM


@dataclass(frozen=True)
class Question:
    """What is compared with what.

    Attributes:
        name: The data set, or "" where measurements were named one by one.
        proxies: What might guide a search.
        reference: What architectures are worth in the end.
        smaller: Columns in which smaller is better.
    """

    name: str
    proxies: tuple[Measurement, ...]
    reference: Measurement
    smaller: frozenset[str] = frozenset()


def values_of(table: PackedTable, measurement: Measurement) -> np.ndarray:
    """A measurement of every row, float64 [rows]; NaN where there is none."""
    values = table.values(measurement.column, epoch=measurement.epoch)
    if isinstance(measurement.seeds, int):
        place = table.columns[measurement.column].seeds.index(measurement.seeds)
        return values[:, place]
    if measurement.seeds == MEAN:
        # Equal numbers in another order must stay equal.
        return np.round(row_means(values), 9)
    if values.shape[1] == 1:
        return values[:, 0] if measurement.seeds != OTHER else np.full(len(values), np.nan)
    run = drawn_runs(table, measurement.column, measurement.seeds)
    drawn = np.take_along_axis(values, np.maximum(run, 0)[:, None], axis=1)[:, 0]
    return np.where(run >= 0, drawn, np.nan)


def drawn_runs(table: PackedTable, column: str, draw: str) -> np.ndarray:
    """The place of the training that a draw takes from each row, int [rows]; -1 for none."""
    # A training that diverged in the end still was one.
    present = ~np.isnan(table.values(column)).all(axis=2)
    rows, seeds = present.shape
    rng = np.random.default_rng([_SEED, rows, seeds])
    order = np.argsort(np.where(present, rng.random((rows, seeds)), 2.0), axis=1)
    count = present.sum(axis=1)
    place = np.zeros(rows, dtype=np.int64)
    if draw == OTHER:
        place += 1
    elif draw == AGAIN:
        place += (rng.random(rows) * count).astype(np.int64)
    run = np.take_along_axis(order, np.minimum(place, seeds - 1)[:, None], axis=1)[:, 0]
    return np.where(place < count, run, -1)


def parse(text: str, table: PackedTable) -> Measurement:
    """A measurement from ``column[@epoch][:seeds]``.

    Epoch and seeds default to the column's last epoch and to "random".

    Raises:
        UserError: If there is no such column, epoch or seed.
    """
    rest, colon, seeds = text.rpartition(":")
    if not colon:
        rest, seeds = text, RANDOM
    column, at, epoch = rest.partition("@")
    if column not in table.columns:
        raise unknown(f"column of {table.header.name}", column, table.columns)
    known = table.columns[column]
    chosen: str | int = int(seeds) if seeds.isdecimal() else seeds
    if chosen not in (*DRAWS, *known.seeds):
        names = ", ".join((*DRAWS, *map(str, known.seeds)))
        raise UserError(f"measure '{text}': seeds are one of {names}, not '{seeds}'")
    if at and (not epoch.isdecimal() or int(epoch) not in known.epochs):
        epochs = ", ".join(map(str, known.epochs))
        raise UserError(f"measure '{text}': the column has epochs {epochs}, not '{epoch}'")
    return Measurement(column, int(epoch) if at else known.epochs[-1], chosen)


def questions(table: PackedTable, datasets: Sequence[str]) -> list[Question]:
    """What the protocols of data sets search on, against what their default one reports.

    Protocols that search on test images are left out. Columns of learning curves are thinned to
    `MOST_EPOCHS` epochs. Where a row has several trainings, a second one at the last epoch stands
    beside the first: its order shows how far a training's luck alone changes ranks.

    Raises:
        UserError: If a data set does not exist.
    """
    header = table.header
    found = []
    for dataset in datasets or header.protocols:
        if dataset not in header.protocols:
            raise unknown(f"data set of {header.name}", dataset, header.protocols)
        protocols = {n: Protocol.from_dict(p) for n, p in header.protocols[dataset].items()}
        report = protocols[header.defaults[dataset]].report
        reference = _measurement(table, report.column, report.epoch, report.seeds)
        proxies: list[Measurement] = []
        for protocol in protocols.values():
            if _leaks(protocol, table):
                continue
            search = protocol.search
            for epoch in thinned({*protocol.fidelities, search.epoch}, MOST_EPOCHS):
                proxies.append(_measurement(table, search.column, epoch, search.seeds))
            if len(table.columns[search.column].seeds) > 1:
                proxies.append(Measurement(search.column, search.epoch, OTHER))
        distinct = sorted({*proxies} - {reference}, key=_order)
        smaller = {p.search.column for p in protocols.values() if not p.maximize} | {
            p.report.column for p in protocols.values() if not p.larger_report_is_better
        }
        if distinct:
            found.append(Question(dataset, tuple(distinct), reference, frozenset(smaller)))
    if not found:
        raise UserError(
            f"table '{header.name}' has no protocols to compare: name columns by --measure"
        )
    return found


def _order(measurement: Measurement) -> tuple[str, bool, str, int]:
    """Column by column: the epochs of one training, then other ways to take several."""
    seeds = measurement.seeds
    return measurement.column, seeds != RANDOM, str(seeds), measurement.epoch


def _leaks(protocol: Protocol, table: PackedTable) -> bool:
    """Whether a protocol is guided by test images, which no proxy may be."""
    try:
        return bool(audit(protocol, table.columns))
    except LeakError:
        return True


def _measurement(table: PackedTable, column: str, epoch: int, seeds: Any) -> Measurement:
    # Of one training any statement about seeds says the same.
    return Measurement(column, epoch, seeds if len(table.columns[column].seeds) > 1 else RANDOM)


def thinned(epochs: Iterable[int], most: int) -> list[int]:
    """At most so many of some epochs, spaced like logarithms; the first and the last are in."""
    every = np.array(sorted(set(epochs)))
    if len(every) <= most:
        return [int(e) for e in every]
    wanted = np.geomspace(max(int(every[0]), 1), every[-1], most)
    nearest = {int(every[np.abs(every - w).argmin()]) for w in wanted}
    return sorted(nearest | {int(every[0]), int(every[-1])})


def single_runs(table: PackedTable) -> list[tuple[str, str]]:
    """Pairs of columns that hold single trainings of the same kind: ``x_run``, ``x_runB``, ...

    Tables whose files do not say which seed a training had store them so.
    """
    kinds: dict[tuple[str, str, str, tuple[int, ...]], list[str]] = {}
    for name, column in table.columns.items():
        run = _SINGLE_RUN.fullmatch(name)
        if run and column.aggregate == "run":
            kind = (run["stem"], column.unit, column.split, column.epochs)
            kinds.setdefault(kind, []).append(name)
    return [
        (first, second)
        for names in kinds.values()
        for place, first in enumerate(names)
        for second in names[place + 1 :]
    ]


def labels(table: PackedTable, measurements: Sequence[Measurement]) -> dict[Measurement, str]:
    """A short, distinct name for each: column, epoch and seeds, as far as they tell it apart."""
    columns = [m.column.split("/") for m in measurements]
    shared = 0
    while all(len(c) > shared + 1 and c[shared] == columns[0][shared] for c in columns):
        shared += 1
    found = {}
    for measurement in measurements:
        known = table.columns[measurement.column]
        name = "/".join(measurement.column.split("/")[shared:])
        epoch = (
            f"@{measurement.epoch}"
            if len(known.epochs) > 1 or f"ep{measurement.epoch}" not in (name.split("/"))
            else ""
        )
        seeds = "" if len(known.seeds) == 1 else f":{measurement.seeds}"
        found[measurement] = f"{name}{epoch}{seeds}"
    return found
