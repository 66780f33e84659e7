"""The trainings of a tabulation: batches of cells, and where they are trained."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from harness.errors import UserError
from harness.optimizers import Optimizer
from harness.recipes import Recipe
from harness.tabulation.cells import Cell

Row = dict[str, Any]
"""One training: cell, seed, status, reason, and a list with one entry an epoch for each of
valid_correct, test_correct, train_seconds, evaluate_seconds, train_loss (see
`harness.training.Curve`); params and flops, for one image, where the network could be built; and
the optimizer's name where it was not the recipe's."""


@dataclass(frozen=True)
class Batch:
    """Some cells to train; what a worker process receives.

    Attributes:
        cells: Architectures, as tuples of option indices.
        seeds: Training seeds.
        dataset: A name known to `harness.datasets`.
        recipe: How to train.
        optimizer: Instead of the recipe's; see `harness.training.train`.
        space: Name of the search space.
    """

    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    dataset: str
    recipe: Recipe
    optimizer: Optimizer | None = None
    space: str = "tss"

    @property
    def side_by_side(self) -> bool:
        """Whether a cell's seeds are trained together, as copies in one network."""
        return side_by_side(self.space, self.dataset)


Executor = Callable[[Sequence[Batch]], Iterable[list[Row]]]
"""Runs `train_batch` on every batch somewhere, and yields the results as they come. A cell's rows
do not depend on its batch, nor on the executor."""


def side_by_side(space: str, dataset: str) -> bool:
    """Whether the seeds of a cell are trained together.

    Small networks on small images spend most of their time on starting layers, so that two
    together take hardly longer than one. Larger ones gain nothing, and would take more memory.
    """
    return (space, dataset) == ("tss", "digits")


def train_batch(batch: Batch) -> list[Row]:
    """Train all cells of a batch in this process; one row a cell and seed."""
    from harness.tabulation.training import train_alone, train_together

    train = train_together if batch.side_by_side else train_alone
    named = {"optimizer": batch.optimizer.name} if batch.optimizer else {}
    rows = []
    for cell in batch.cells:
        for seed, (curve, counts) in zip(batch.seeds, train(batch, cell), strict=True):
            rows.append({"cell": list(cell), "seed": seed, **named, **counts, **asdict(curve)})
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


def torch_version() -> str:
    """The version of PyTorch that trains.

    Raises:
        UserError: If there is none.
    """
    try:
        return version("torch")
    except PackageNotFoundError:
        raise UserError("training needs torch: pip install 'nas-harness[live]'") from None
