"""The same networks trained by several optimizers, as a packed table.

Learning rates are constant, so that one training gives the accuracy after every number of epochs.
"""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from harness import recipes
from harness.benchmarks.packed import Column, TableHeader, write_table
from harness.errors import UserError
from harness.optimizers import OPTIMIZERS, Optimizer
from harness.protocol import CostTerm, Measure, Protocol
from harness.recipes import Recipe
from harness.spaces.tss import TopologySpace
from harness.tabulation.cells import distinct_cells
from harness.tabulation.journal import Journal, Question
from harness.tabulation.times import least
from harness.tabulation.work import Batch, Executor, torch_version

DATASET = "digits"
_CELLS_A_BATCH = 4
_OWN = ("learning_rate", "momentum", "nesterov")
"""Fields of a recipe in whose place an optimizer has its own."""


def tabulate_optimizers(
    out: Path,
    *,
    networks: int,
    seeds: int,
    executor: Executor,
    epochs: int | None = None,
    recipe: str | Recipe = "digits",
    optimizers: Sequence[Optimizer] = OPTIMIZERS,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Train random distinct cells of the topology space by every optimizer, on digits.

    Finished trainings are kept in ``<out>.trainings``, one journal an optimizer and its settings;
    the same call goes on from there.

    Args:
        out: The table's file.
        networks: How many cells, the first ones of one fixed shuffle.
        seeds: Trainings of each network by each optimizer.
        executor: Where to train.
        epochs: Epochs of each training; default: the recipe's.
        recipe: Images, network, batch size and weight decay; its optimizer does not count.
        optimizers: What to train with.
        progress: Called with the numbers of finished and of all networks, each optimizer's
            counted.

    Returns:
        The table's checksum.

    Raises:
        UserError: If a number is out of range, torch is missing, or the directory holds other
            trainings.
    """
    cells = distinct_cells(TopologySpace())
    if not 2 <= networks <= len(cells) or seeds < 1 or (epochs is not None and epochs < 1):
        raise UserError(
            f"{networks} networks, {seeds} seeds, {epochs} epochs: give 2 to {len(cells):,}"
            " networks, one seed or more and one epoch or more"
        )
    cells = sorted(cells[:networks])
    settings = recipes.load(recipe) if isinstance(recipe, str) else recipe
    settings = replace(settings, epochs=epochs or settings.epochs)
    question = Question("tss", DATASET, settings, tuple(range(seeds)), torch_version())
    folder = out.with_name(f"{out.name}.trainings")
    journals = {o.name: Journal(folder / o.described, question) for o in optimizers}
    batches = []
    for optimizer in optimizers:
        finished = journals[optimizer.name].finished()
        missing = [cell for cell in cells if cell not in finished]
        for start in range(0, len(missing), _CELLS_A_BATCH):
            some = tuple(missing[start : start + _CELLS_A_BATCH])
            batches.append(Batch(some, question.seeds, DATASET, settings, optimizer))
    total = len(cells) * len(optimizers)
    done = total - sum(len(batch.cells) for batch in batches)
    for rows in executor(batches) if batches else ():
        journals[rows[0]["optimizer"]].append(rows)
        done += len(rows) // seeds
        if progress is not None:
            progress(done, total)
    return _pack(out, question, cells, optimizers, journals)


def column_of(optimizer: Optimizer, what: str) -> str:
    """The name of an optimizer's column."""
    return f"{DATASET}/{optimizer.name}/{what}"


def _pack(
    out: Path,
    question: Question,
    cells: Sequence[tuple[int, ...]],
    optimizers: Sequence[Optimizer],
    journals: dict[str, Journal],
) -> str:
    recipe = question.recipe
    epochs = tuple(range(1, recipe.epochs + 1))
    row_of = {cell: row for row, cell in enumerate(cells)}
    columns: list[Column] = []
    values: dict[str, np.ndarray] = {}
    protocols = []
    for optimizer in optimizers:
        for split, images in zip(("valid", "test"), question.images, strict=True):
            column = Column(
                name=column_of(optimizer, f"{split}_accuracy"),
                split=split,
                seeds=question.seeds,
                epochs=epochs,
                scale=100 / images,
                dtype="uint16",
            )
            columns.append(column)
            counts = _curves(journals[optimizer.name], question, row_of, f"{split}_correct")
            values[column.name] = 100 * counts / images
        times = _curves(journals[optimizer.name], question, row_of, "train_seconds")
        seconds = Column(column_of(optimizer, "train_seconds"), "s", "", aggregate="mean")
        columns.append(seconds)
        values[seconds.name] = least(times)[:, None, None]
        valid, test = columns[-3].name, columns[-2].name
        protocols.append(
            Protocol(
                name=optimizer.name,
                search=Measure(valid, epochs[-1], "random"),
                report=Measure(test, epochs[-1], "mean"),
                fidelities=epochs,
                promotion="continue",
                cost=(CostTerm(seconds.name),),
                missing="resample",
                note=f"trained by {optimizer.described}, at a constant rate",
            )
        )
    header = TableHeader(
        name=out.stem,
        space="tss",
        columns=tuple(columns),
        protocols={DATASET: {p.name: p.to_dict() for p in protocols}},
        defaults={DATASET: protocols[0].name},
        default_dataset=DATASET,
        provenance={
            "source": "trained by this project (harness.tabulation.optimizers)",
            "optimizers": "; ".join(optimizer.described for optimizer in optimizers),
            "recipe": ", ".join(f"{n}={v}" for n, v in recipe.values().items() if n not in _OWN),
            "torch": question.torch,
            "machine": f"{platform.machine()}, one CPU thread a training",
            "seconds": "of one epoch: the least that was measured",
        },
    )
    keys = np.array(cells, dtype=np.uint8)
    return write_table(out, header, keys, np.arange(len(cells)), values)


def _curves(
    journal: Journal, question: Question, row_of: dict[tuple[int, ...], int], what: str
) -> np.ndarray:
    """One kind of record as [cells, seeds, epochs]; NaN from where a training diverged."""
    found = np.full((len(row_of), len(question.seeds), question.recipe.epochs), np.nan)
    for row in journal.rows():
        place = row_of.get(tuple(row["cell"]))
        if place is not None:
            found[place, question.seeds.index(row["seed"]), : len(row[what])] = row[what]
    return found
