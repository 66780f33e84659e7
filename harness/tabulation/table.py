"""From the trainings of a tabulation to a packed table."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Hashable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.packed import Column, TableHeader, write_table
from harness.errors import UserError
from harness.protocol import CostTerm, Measure, Protocol
from harness.spaces import CategoricalSpace, SearchSpace, get_space
from harness.tabulation.cells import Cell, class_of, combinations, is_large
from harness.tabulation.journal import COUNTS, Journal, Question
from harness.tabulation.times import additive, least
from harness.tabulation.work import side_by_side

_MEGA = 1e6


def pack(journal: Journal, out: str | Path, *, name: str, command: str = "") -> str:
    """Write the table of all cells whose trainings are finished.

    Cells that train as the same network share one row. A training that diverged has no values
    from that epoch on, one that failed has none at all.

    Args:
        journal: The trainings.
        out: The table's file.
        name: The table's name.
        command: The command line that makes the table, for its provenance.

    Returns:
        The table's checksum.

    Raises:
        UserError: If no cell is finished.
    """
    question = journal.question
    space = get_space(question.space)
    named = class_of(space)
    first: dict[Hashable, Cell] = {}
    for cell in sorted(journal.finished()):
        first.setdefault(named(cell), cell)
    if not first:
        raise UserError(f"{journal.directory} holds no finished cell: run the command again")
    row_of = {network: row for row, network in enumerate(first)}
    rows, whole = _covered(space, row_of, first.values())
    found = protocols(question, whole)
    header = TableHeader(
        name=name,
        space=space.name,
        columns=columns(question),
        protocols={question.dataset: {p.name: p.to_dict() for p in found}},
        defaults={question.dataset: found[0].name},
        default_dataset=question.dataset,
        provenance=_provenance(journal, command, len(first)),
        training_source={
            "dataset": question.dataset,
            "recipe": question.recipe.values(),
            "network": space.network,
            "seeds": list(question.seeds),
        },
    )
    return write_table(
        out,
        header,
        np.frombuffer(b"".join(rows), dtype=np.uint8).reshape(len(rows), -1),
        np.array(list(rows.values()), dtype=np.int32),
        _values(journal, row_of, list(first.values())),
    )


def _covered(
    space: SearchSpace, row_of: Mapping[Hashable, int], trained: Iterable[Cell]
) -> tuple[dict[bytes, int], bool]:
    """The rows of all keys that stand for a trained network, and whether nothing is missing."""
    named = class_of(space)
    rows: dict[bytes, int] = {}
    if isinstance(space, CategoricalSpace) and not is_large(space):
        cells, whole = iter(combinations(space)), True
    else:
        cells, whole = iter(trained), False
    for cell in cells:
        row = row_of.get(named(cell))
        if row is None:
            whole = False
        else:
            rows.setdefault(space.key(cell), row)
    return rows, whole


def _values(
    journal: Journal, row_of: Mapping[Hashable, int], cells: list[Cell]
) -> dict[str, np.ndarray]:
    """The columns' arrays, [rows, seeds, epochs]; a row's cell is the one at its place."""
    question = journal.question
    recipe, named = question.recipe, class_of(get_space(question.space))
    shape = len(cells), len(question.seeds), recipe.epochs
    curves = {
        name: np.full(shape, np.nan)
        for name in ("valid_correct", "test_correct", "train_seconds", "evaluate_seconds")
    }
    counts = {name: np.full(shape[0], np.nan) for name in COUNTS}
    for record in journal.rows():
        row = row_of.get(named(tuple(record["cell"])))
        if row is None:
            continue  # its other seeds are not finished
        for what, array in curves.items():
            array[row, question.seeds.index(record["seed"]), : len(record[what])] = record[what]
        for what, sizes in counts.items():
            if record.get(what) is not None:
                sizes[row] = record[what] / _MEGA
    train, evaluate = (least(curves[f"{what}_seconds"]) for what in ("train", "evaluate"))
    last = [train, evaluate, *counts.values()]
    if _is_fitted(question):
        last = [additive(train, cells), additive(evaluate, cells), *last]
    arrays = [
        100 * curves["valid_correct"] / question.images[0],
        100 * curves["test_correct"] / question.images[1],
        *[values[:, None, None] for values in last],
    ]
    names = [column.name for column in columns(question)]
    return dict(zip(names, arrays, strict=True))


def _is_fitted(question: Question) -> bool:
    """Whether seconds come from a sum over a cell's operations, which only tss knows."""
    return question.space == "tss"


def columns(question: Question) -> tuple[Column, ...]:
    """The table's columns.

    Validation and test accuracy by seed and epoch; then seconds an epoch, of training and of
    evaluating both held-out parts: for the topology space without the noise of the machine
    (`additive`) and as measured, for others as measured; then millions of parameters and of
    multiply-adds for one image.
    """
    recipe = question.recipe
    prefix = f"{question.dataset}/ep{recipe.epochs}"
    epochs = tuple(range(1, recipe.epochs + 1))

    def accuracy(split: str, images: int) -> Column:
        # Counts of correct images, so that nothing is rounded.
        return Column(
            name=f"{prefix}/{split}_accuracy",
            split=split,
            seeds=question.seeds,
            epochs=epochs,
            scale=100 / images,
            dtype="uint16" if images < np.iinfo(np.uint16).max else "uint32",
        )

    def one(what: str, unit: str, dtype: str = "float32") -> Column:
        return Column(f"{prefix}/{what}", unit, split="", dtype=dtype, aggregate="mean")

    seconds = ["train_seconds", "evaluate_seconds"]
    if _is_fitted(question):
        seconds += ["measured_train_seconds", "measured_evaluate_seconds"]
    return (
        accuracy("valid", question.images[0]),
        accuracy("test", question.images[1]),
        *[one(what, "s") for what in seconds],
        *[one(what, "M", "float64") for what in COUNTS],
    )


def protocols(question: Question, whole: bool = True) -> list[Protocol]:
    """The questions that the table can answer, the default first.

    ``val<n>-test<n>``: one random seed's validation accuracy after the last epoch guides the
    search, the mean test accuracy over the seeds is reported. ``curve<n>``: every epoch may be
    asked for, too. ``mean<n>``: the mean over the seeds guides the search, so there is no noise.

    Args:
        question: What the trainings answer.
        whole: Whether the table has all architectures; searches stay among those that it has.
    """
    valid, test, train_s, evaluate_s, *_ = columns(question)
    last = question.recipe.epochs
    # Both held-out parts are evaluated together; a search would evaluate on one of them.
    share = question.images[0] / sum(question.images)
    cost = (
        CostTerm(train_s.name, per="epoch"),
        CostTerm(evaluate_s.name, per="epoch", factor=share),
    )

    def protocol(name: str, search: Measure, fidelities: tuple[int, ...], note: str) -> Protocol:
        return Protocol(
            name=name,
            search=search,
            report=Measure(test.name, last, "mean"),
            fidelities=fidelities,
            promotion="continue" if fidelities else "restart",
            cost=cost,
            missing="refuse" if whole else "resample",
            note=note,
        )

    random = Measure(valid.name, last, "random")
    reported = "reported is the mean test accuracy over seeds"
    return [
        protocol(
            f"val{last}-test{last}", random, (), f"one random seed guides the search; {reported}"
        ),
        protocol(
            f"curve{last}",
            random,
            valid.epochs,
            f"one random seed guides the search, at any epoch; {reported}",
        ),
        protocol(
            f"mean{last}",
            Measure(valid.name, last, "mean"),
            (),
            f"the mean over seeds guides the search; {reported}",
        ),
    ]


def _provenance(journal: Journal, command: str, networks: int) -> dict[str, Any]:
    question = journal.question
    date = datetime.fromtimestamp(journal.finished_at(), tz=UTC).date().isoformat()
    measured = "the least of all epochs and seeds"
    found = {
        "source": "trained by this project (harness.tabulate)",
        "command": command,
        "date": date,
        "machine": f"{platform.machine()}, one CPU thread a training",
        "torch": question.torch,
        "trainings": networks * len(question.seeds),
        "networks": f"{networks:,} distinct (cells that train as the same network share one row)",
        "seconds": f"of one epoch; measured: {measured}; otherwise: fitted to those as a sum over"
        " the cell's operations"
        if _is_fitted(question)
        else f"of one epoch, as measured: {measured}",
    }
    if side_by_side(question.space, question.dataset):
        found["seeds"] = "of a network: trained side by side, sharing the time equally"
    if question.dataset == "digits":
        found["scikit-learn"] = version("scikit-learn")
        found["licence"] = "data set: CC BY 4.0 (UCI, Optical Recognition of Handwritten Digits)"
    failures = Counter(row["reason"] for row in journal.rows() if row["status"] != "ok")
    if failures:
        found["failed"] = "; ".join(f"{n:,} x {why}" for why, n in failures.most_common(5))
    return found
