"""Measure a whole space by training: the work behind ``nas-harness tabulate``.

Cells that compute the same function are trained once. Finished trainings are appended to a
journal and synced, so a kill loses only the work in flight; the journal says what was asked, and
is continued only by the same question. `harness.tabulation_table` packs it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from itertools import product
from pathlib import Path
from typing import Any

from harness import recipes
from harness.errors import HarnessError, UserError, unknown
from harness.recipes import Recipe
from harness.spaces.tss import TopologySpace
from harness.streams import shuffled, stream

Row = dict[str, Any]
"""One training: cell, seed, status, reason, and a list with one entry an epoch for each of
valid_correct, test_correct, train_seconds, evaluate_seconds (see `harness.training.Curve`)."""

_CELLS_A_BATCH = 10
_JOURNAL = "trainings.jsonl"
_QUESTION = "question.json"


@dataclass(frozen=True)
class Batch:
    """Some cells to train; what a worker process receives.

    Attributes:
        cells: Operation numbers of each cell.
        seeds: Training seeds; a cell's seeds are trained side by side in one network.
        dataset: A name known to `harness.datasets`.
        recipe: How to train.
    """

    cells: tuple[tuple[int, ...], ...]
    seeds: tuple[int, ...]
    dataset: str
    recipe: Recipe


Executor = Callable[[Sequence[Batch]], Iterable[list[Row]]]
"""Runs `train_batch` on every batch somewhere, and yields the results as they come."""


def train_batch(batch: Batch) -> list[Row]:
    """Train all cells of a batch in this process; one row a cell and seed."""
    from harness.training import train_cell

    rows = []
    for cell in batch.cells:
        curves = train_cell(cell, batch.dataset, batch.recipe, batch.seeds)
        for seed, curve in zip(batch.seeds, curves, strict=True):
            rows.append({"cell": list(cell), "seed": seed, **asdict(curve)})
    return rows


def on_processes(workers: int) -> Executor:
    """An executor on this machine's processes, without Ray.

    Args:
        workers: Number of processes; 0 trains in this one.
    """

    def run(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        if workers == 0:
            yield from map(train_batch, batches)
            return
        import multiprocessing
        from concurrent.futures import ProcessPoolExecutor, as_completed

        # Forked children of a process that has started threads can hang, so: fresh ones.
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(workers, mp_context=context) as pool:
            for future in as_completed([pool.submit(train_batch, batch) for batch in batches]):
                yield future.result()

    return run


def distinct_cells(space: TopologySpace) -> list[tuple[int, ...]]:
    """One representative of every set of equal networks, in a fixed shuffled order.

    The order is shuffled so that an unfinished tabulation is a fair sample of the space.
    """
    everything = product(*(range(size) for size in space.sizes))
    cells = sorted({space.functional(cell) for cell in everything})
    return shuffled(stream(0, "tabulate", space.name), cells)


def tabulate(
    space: str,
    dataset: str,
    recipe: str,
    seeds: int | Sequence[int],
    out: str | Path,
    *,
    executor: Executor | None = None,
    cells: Iterable[tuple[int, ...]] | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Train the distinct cells of a space, or those of them that the journal lacks.

    Args:
        space: Name of the space; "tss" is the only one with a network to train so far.
        dataset: A name known to `harness.datasets`.
        recipe: Name of a recipe, or the path of a YAML file.
        seeds: Number of training seeds (from 0 up), or the seeds.
        out: Directory of the journal; made if absent, continued if it asks the same.
        executor: Where to train; default: this process.
        cells: Train only these (a sample, a test); default: all distinct ones.
        progress: Called with the numbers of finished and of all cells.

    Returns:
        The journal directory.

    Raises:
        UserError: If a name is unknown, or the directory holds another question's journal.
    """
    if space != "tss":
        raise unknown("space with networks to train", space, ["tss"])
    chosen = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
    if not chosen or len(set(chosen)) != len(chosen):
        raise UserError("a tabulation needs one or more distinct seeds: raise --seeds")
    settings = recipes.load(recipe)
    topology = TopologySpace()
    wanted = distinct_cells(topology) if cells is None else list(cells)
    directory = Path(out)
    _ask(
        directory,
        {
            "space": space,
            "dataset": dataset,
            "recipe": settings.values(),
            "seeds": list(chosen),
            "torch": _torch_version(),
        },
    )
    done = {tuple(row["cell"]) for row in read_rows(directory)}
    missing = [cell for cell in wanted if cell not in done]
    batches = [
        Batch(tuple(missing[i : i + _CELLS_A_BATCH]), chosen, dataset, settings)
        for i in range(0, len(missing), _CELLS_A_BATCH)
    ]
    finished = len(wanted) - len(missing)
    progress(finished, len(wanted))
    run = executor or on_processes(0)
    with (directory / _JOURNAL).open("a", encoding="utf-8") as journal:
        for rows in run(batches):
            journal.write("".join(json.dumps(row) + "\n" for row in rows))
            journal.flush()
            os.fsync(journal.fileno())
            finished += len(rows) // len(chosen)
            progress(finished, len(wanted))
    return directory


def _torch_version() -> str:
    try:
        return version("torch")
    except PackageNotFoundError:
        raise UserError("training needs PyTorch: pip install 'nas-harness[live]'") from None


def _ask(directory: Path, question: dict[str, Any]) -> None:
    """Write down what a journal answers, or check that an old one answers the same."""
    path = directory / _QUESTION
    directory.mkdir(parents=True, exist_ok=True)
    if path.exists():
        if (old := read_question(directory)) != question:
            differing = ", ".join(k for k in question if old.get(k) != question[k])
            raise UserError(
                f"{directory} holds a tabulation with another {differing}: choose another --out"
            )
        _cut_torn_cell(directory / _JOURNAL, len(question["seeds"]))
    else:
        temporary = path.with_suffix(".tmp")
        temporary.write_text(json.dumps(question, indent=1), encoding="utf-8")
        temporary.replace(path)


def _cut_torn_cell(journal: Path, seeds: int) -> None:
    """Drop what a kill left half-written: a line without its end, a cell without all seeds."""
    if not journal.exists():
        return
    lines = journal.read_bytes().splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    keep = len(lines) - len(lines) % seeds
    size = sum(map(len, lines[:keep]))
    if size < journal.stat().st_size:
        os.truncate(journal, size)


def read_question(directory: str | Path) -> dict[str, Any]:
    """What a journal answers: space, dataset, recipe, seeds, torch version.

    Raises:
        UserError: If the directory holds no tabulation.
    """
    path = Path(directory) / _QUESTION
    try:
        question: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UserError(f"{directory} holds no tabulation: run nas-harness tabulate") from None
    return question


def read_rows(directory: str | Path) -> Iterator[Row]:
    """All finished trainings of a journal.

    Raises:
        HarnessError: If a line is damaged.
    """
    path = Path(directory) / _JOURNAL
    if not path.exists():
        return
    with path.open(encoding="utf-8") as journal:
        for number, line in enumerate(journal, 1):
            try:
                yield json.loads(line)
            except ValueError:
                raise HarnessError(f"{path}, line {number} is damaged: remove it") from None
