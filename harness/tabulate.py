"""``nas-harness tabulate``: train every distinct cell of a space, and pack a table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from harness import datasets, recipes
from harness.errors import UserError, unknown
from harness.spaces.tss import TopologySpace
from harness.tabulation.journal import Journal, Question
from harness.tabulation.table import pack
from harness.tabulation.work import Batch, Executor, distinct_cells, torch_version

_CELLS_A_BATCH = 10


def tabulate(
    space: str,
    dataset: str,
    recipe: str,
    seeds: Sequence[int],
    out: str | Path,
    *,
    address: str | None = None,
    executor: Executor | None = None,
    cells: Iterable[tuple[int, ...]] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> str:
    """Measure a space by training, and write what came out as a packed table.

    Finished trainings are kept in the directory ``<out>.trainings``; the same call goes on from
    there, so a kill loses only the work in flight.

    Args:
        space: Name of the space; "tss" is the only one with a network to train so far.
        dataset: A name known to `harness.datasets`.
        recipe: Name of a recipe, or the path of a YAML file.
        seeds: Training seeds of every cell.
        out: The table's file; its stem is the table's name.
        address: Join this Ray cluster; default: start one on this machine.
        executor: Where to train; default: Ray tasks of one CPU each.
        cells: Train only these (a sample, a test); default: all distinct ones.
        progress: Called with the numbers of finished and of all distinct cells.

    Returns:
        The table's checksum.

    Raises:
        UserError: If a name is unknown, or the directory holds other trainings.
    """
    if space != "tss":
        raise unknown("space with networks to train", space, ["tss"])
    if dataset not in datasets.names():
        raise unknown("data set", dataset, datasets.names())
    if not seeds or len(set(seeds)) != len(seeds):
        raise UserError("a tabulation needs one or more distinct seeds: raise --seeds")
    settings = recipes.load(recipe)
    out = Path(out)
    question = Question(space, dataset, settings, tuple(seeds), torch_version())
    journal = Journal(out.with_name(f"{out.name}.trainings"), question)
    wanted = distinct_cells(TopologySpace()) if cells is None else sorted(set(cells))
    finished = journal.finished()
    missing = [cell for cell in wanted if cell not in finished]
    batches = [
        Batch(tuple(missing[i : i + _CELLS_A_BATCH]), question.seeds, dataset, settings)
        for i in range(0, len(missing), _CELLS_A_BATCH)
    ]
    done = len(wanted) - len(missing)
    if progress is not None:
        progress(done, len(wanted))
    if batches:
        for rows in (executor or _ray_executor(address))(batches):
            journal.append(rows)
            done += len(rows) // len(question.seeds)
            if progress is not None:
                progress(done, len(wanted))
    command = (
        f"nas-harness tabulate --space {space} --dataset {dataset} --recipe {recipe}"
        f" --seeds {len(seeds)} --out {out.name}"
    )
    return pack(journal, out, name=out.stem, command=command)


def _ray_executor(address: str | None) -> Executor:
    from harness.tune.pool import on_ray

    return on_ray(address)
