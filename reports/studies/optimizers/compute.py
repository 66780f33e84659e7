"""From a table of trainings by several optimizers to `OptimizerRanks`."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import row_means
from harness.errors import UserError
from harness.optimizers import OPTIMIZERS, Optimizer
from harness.tabulation.optimizers import column_of
from reports.intervals import estimate_mean, plain_mean
from reports.rank_correlation import RESAMPLES, Agreement, agreement
from reports.studies.optimizers.result import Level, OptimizerRanks, Retention, Typical
from reports.studies.rank_retention.measurements import thinned
from reports.studies.rank_retention.subsets import ALL, size_subsets, sizes_of

LEVELS = 5
"""Numbers of epochs that are compared, as in the thesis."""


def optimizer_ranks(
    table: PackedTable,
    *,
    optimizers: Sequence[Optimizer] = OPTIMIZERS,
    resamples: int = RESAMPLES,
) -> OptimizerRanks:
    """Rank the networks of a table by every optimizer after several numbers of epochs.

    Rankings are by validation accuracy; test accuracies are not read. Levels are the first
    trainings of the networks, references are the second ones where there are any: then a level
    and its reference share no luck, and an optimizer's full training against itself is its noise
    ceiling.

    Args:
        table: As `harness.tabulation.optimizers` makes it.
        optimizers: Those that the table has.
        resamples: Bootstrap resamples of each tau.

    Raises:
        UserError: If the table has not been made by these optimizers.
    """
    valid = {o.name: column_of(o, "valid_accuracy") for o in optimizers}
    if not set(valid.values()) <= set(table.columns):
        raise UserError(
            f"table '{table.header.name}' does not hold trainings by"
            f" {', '.join(valid)}: make one by `nas-harness study optimizers`"
        )
    first = table.columns[next(iter(valid.values()))]
    epochs = tuple(thinned(first.epochs, LEVELS))
    last, second = epochs[-1], first.seeds[min(1, len(first.seeds) - 1)]

    def accuracies(optimizer: str, epoch: int, seed: int) -> np.ndarray:
        return table.values(valid[optimizer], seeds=[seed], epoch=epoch)[:, 0]

    groups = {ALL: np.ones(table.n_rows, dtype=bool)}
    sizes = sizes_of(table, None)
    if sizes is not None:
        half = next((s for s in size_subsets(sizes) if s.name == "larger half"), None)
        if half is not None:
            groups[half.name] = half.members

    def compare(members: np.ndarray, name: str, epoch: int, reference: str) -> Agreement:
        x = accuracies(name, epoch, first.seeds[0])[members]
        y = accuracies(reference, last, second)[members]
        return agreement(x, y, percent=True, resamples=resamples)

    retention = tuple(
        Retention(subset, name, epoch, reference, compare(members, name, epoch, reference))
        for subset, members in groups.items()
        for name in valid
        for epoch in epochs
        for reference in valid
    )
    return OptimizerRanks(
        table=table.header.name,
        checksum=table.checksum,
        settings={o.name: o.described for o in optimizers},
        recipe=str(table.header.provenance.get("recipe", "")),
        networks=table.n_rows,
        epochs=epochs,
        retrained=second != first.seeds[0],
        resamples=resamples,
        levels=tuple(
            _level(table, o, epoch, accuracies(o.name, epoch, first.seeds[0]))
            for o in optimizers
            for epoch in epochs
        ),
        retention=retention,
        typical=tuple(_typical(retention, epoch) for epoch in epochs),
    )


def _typical(retention: Sequence[Retention], epochs: int) -> Typical:
    found: dict[bool, list[float]] = {True: [], False: []}
    for r in retention:
        if r.subset == ALL and r.epochs == epochs and r.agreement.tau.value is not None:
            found[r.optimizer == r.reference].append(r.agreement.tau.value)
    own, others = (float(np.median(taus)) if taus else None for taus in found.values())
    return Typical(epochs, own, others)


def _level(table: PackedTable, optimizer: Optimizer, epochs: int, values: np.ndarray) -> Level:
    present = values[~np.isnan(values)]
    seconds = plain_mean(row_means(table.values(column_of(optimizer, "train_seconds"), epoch=0)))
    return Level(
        optimizer=optimizer.name,
        epochs=epochs,
        accuracy=estimate_mean(values),
        sd=float(present.std(ddof=1)) if len(present) > 1 else None,
        seconds=None if seconds is None else epochs * seconds,
    )
