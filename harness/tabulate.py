"""``nas-harness tabulate``: train every distinct architecture of a space, and pack a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from harness import datasets, recipes
from harness.errors import UserError
from harness.networks import NotBuildable, Task, build
from harness.recipes import Recipe
from harness.spaces import get_space
from harness.tabulation.cells import Cell, distinct_cells
from harness.tabulation.journal import Journal, Question
from harness.tabulation.table import pack
from harness.tabulation.work import Batch, Executor, side_by_side, torch_version

_CELLS_A_BATCH = 10
"""Of trainings side by side, which are short."""


def tabulate(
    space: str,
    dataset: str,
    recipe: str,
    seeds: Sequence[int],
    out: str | Path,
    *,
    sample: int | None = None,
    address: str | None = None,
    executor: Executor | None = None,
    cells: Iterable[Cell] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Measure a space by training, and write what came out as a packed table.

    Finished trainings are kept in the directory ``<out>.trainings``; the same call goes on from
    there, so a kill loses only the work in flight. A larger sample goes on from a smaller one.

    Args:
        space: Name of a space of a fixed number of decisions that has networks.
        dataset: A name or path that `harness.datasets` knows.
        recipe: Name of a recipe, or the path of a YAML file.
        seeds: Training seeds of every cell.
        out: The table's file; its stem is the table's name.
        sample: Train only so many architectures, drawn at random, always the same ones.
        address: Join this Ray cluster; default: start one on this machine.
        executor: Where to train; default: Ray tasks of one CPU each.
        cells: Train these instead; default: all distinct ones.
        progress: Called with the numbers of finished and of all distinct cells.

    Returns:
        The table's checksum.

    Raises:
        UserError: If a name or an option is unknown, the space is too large or has no networks,
            or the directory holds other trainings.
    """
    searched = get_space(space)
    if not searched.network:
        raise UserError(
            f"space '{space}' has no networks to train: name a builder in its 'network'"
        )
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError("a tabulation needs one or more distinct seeds: raise --seeds")
    wanted = sorted(set(cells)) if cells is not None else distinct_cells(searched, sample)
    settings, task = _counted(dataset, recipes.load(recipe))
    out = Path(out)
    question = Question(space, dataset, settings, tuple(seeds), torch_version())
    journal = Journal(out.with_name(f"{out.name}.trainings"), question)
    batches = _batches(wanted, question, journal.trained())
    total = len(wanted) * len(question.seeds)
    done = total - sum(len(batch.cells) * len(batch.seeds) for batch in batches)

    def tell() -> None:
        if progress is not None:
            progress(done // len(question.seeds), len(wanted))

    tell()
    if batches:
        with suppress(NotBuildable):  # a wrong option is a mistake here, not a worker's failure
            build(searched, wanted[0], task, options=settings.network)
        for rows in (executor or _ray_executor(address))(batches):
            journal.append(rows)
            done += len(rows)
            tell()
    command = (
        f"nas-harness tabulate --space {space} --dataset {dataset} --recipe {recipe}"
        f" --seeds {len(seeds)}{f' --sample {sample}' if sample else ''} --out {out.name}"
    )
    return pack(journal, out, name=out.stem, command=command)


def _counted(dataset: str, recipe: Recipe) -> tuple[Recipe, Task]:
    """A recipe with its shares of images and "all there are" as numbers, and what is classified.

    Raises:
        UserError: If the data set is unknown or has too few images, or none are for validation.
    """
    split = datasets.Split(recipe.train_images, recipe.valid_images, recipe.test_images)
    data = datasets.load(dataset, split)
    train, valid, test = map(len, (data.train, data.valid, data.test))
    if not valid:
        raise UserError(
            "a table needs validation images, by which it is searched: raise valid_images of the"
            " recipe"
        )
    counted = replace(recipe, train_images=train, valid_images=valid, test_images=test)
    channels, height, width = data.train.images.shape[1:]
    return counted, Task((channels, height, width), data.classes)


def _batches(
    cells: Sequence[Cell], question: Question, trained: set[tuple[Cell, int]]
) -> list[Batch]:
    """The trainings that are missing, in parts that are handed out one by one."""
    seeds, dataset, recipe = question.seeds, question.dataset, question.recipe
    pairs = [(cell, seed) for cell in cells for seed in seeds if (cell, seed) not in trained]
    if not side_by_side(question.space, dataset):
        return [
            Batch((cell,), (seed,), dataset, recipe, space=question.space) for cell, seed in pairs
        ]
    missing = list(dict.fromkeys(cell for cell, _ in pairs))
    return [
        Batch(tuple(missing[i : i + _CELLS_A_BATCH]), seeds, dataset, recipe, space=question.space)
        for i in range(0, len(missing), _CELLS_A_BATCH)
    ]


def _ray_executor(address: str | None) -> Executor:
    from harness.tune.pool import on_ray

    return on_ray(address)
