"""The trainings of a tabulation: batches of cells, and where they are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from typing import Any

from harness.errors import UserError
from harness.optimizers import Optimizer
from harness.recipes import Recipe
from harness.spaces.tss import TopologySpace
from harness.streams import shuffled, stream

Row = dict[str, Any]
"""One training: cell, seed, status, reason, and a list with one entry an epoch for each of
valid_correct, test_correct, train_seconds, evaluate_seconds (see `harness.training.Curve`); and
the optimizer's name where it was not the recipe's."""


@dataclass(frozen=True)
class Batch:
    """Some cells to train; what a worker process receives.

    Attributes:
        cells: Operation numbers of each cell.
        seeds: Training seeds; a cell's seeds are trained side by side in one network.
        dataset: A name known to `harness.datasets`.
        recipe: How to train.
        optimizer: Instead of the recipe's; see `harness.training.train`.
    """

    cells: tuple[tuple[int, ...], ...]
    seeds: tuple[int, ...]
    dataset: str
    recipe: Recipe
    optimizer: Optimizer | None = None


Executor = Callable[[Sequence[Batch]], Iterable[list[Row]]]
"""Runs `train_batch` on every batch somewhere, and yields the results as they come. A cell's rows
do not depend on its batch, nor on the executor."""


def train_batch(batch: Batch) -> list[Row]:
    """Train all cells of a batch in this process; one row a cell and seed."""
    from harness.training import train_cell

    named = {"optimizer": batch.optimizer.name} if batch.optimizer else {}
    rows = []
    for cell in batch.cells:
        curves = train_cell(
            cell, batch.dataset, batch.recipe, batch.seeds, optimizer=batch.optimizer
        )
        for seed, curve in zip(batch.seeds, curves, strict=True):
            rows.append({"cell": list(cell), "seed": seed, **named, **asdict(curve)})
    return rows


def in_this_process(batches: Sequence[Batch]) -> Iterator[list[Row]]:
    """The simplest executor: one batch after the other, here."""
    yield from map(train_batch, batches)


def on_processes(workers: int) -> Executor:
    """An executor on processes of this machine, without Ray.

    Args:
        workers: Number of processes.
    """

    def run(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor, as_completed

        # Forked children of a process that has started threads can hang, so: fresh ones.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            for future in as_completed([pool.submit(train_batch, batch) for batch in batches]):
                yield future.result()

    return run


def distinct_cells(space: TopologySpace) -> list[tuple[int, ...]]:
    """One representative of every set of cells that train as the same network.

    The order is shuffled, always in the same way, so that an unfinished tabulation is a fair
    sample of the space.
    """
    everything = product(*(range(size) for size in space.sizes))
    cells = sorted({space.functional(cell) for cell in everything})
    return shuffled(stream(0, "tabulate", space.name), cells)


def torch_version() -> str:
    """The version of PyTorch that trains.

    Raises:
        UserError: If there is none.
    """
    try:
        return version("torch")
    except PackageNotFoundError:
        raise UserError("training needs torch: pip install 'nas-harness[live]'") from None
