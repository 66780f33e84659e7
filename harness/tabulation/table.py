"""From the trainings of a tabulation to a packed table."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from harness.benchmarks.packed import Column, TableHeader, write_table
from harness.errors import UserError
from harness.protocol import CostTerm, Measure, Protocol
from harness.spaces.tss import TopologySpace
from harness.tabulation.journal import Journal, Question
from harness.tabulation.times import additive, least


def pack(journal: Journal, out: str | Path, *, name: str, command: str = "") -> str:
    """Write the table of all cells whose trainings are finished.

    Cells that train as the same network share one row. A training that diverged has no values
    from that epoch on.

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
    recipe, epochs = question.recipe, question.recipe.epochs
    cells = sorted(journal.finished())
    if not cells:
        raise UserError(f"{journal.directory} holds no finished cell: run the command again")
    row_of_cell = {cell: row for row, cell in enumerate(cells)}
    seed_of = {seed: i for i, seed in enumerate(question.seeds)}
    shape = len(cells), len(question.seeds), epochs
    arrays = {
        name: np.full(shape, np.nan)
        for name in ("valid_correct", "test_correct", "train_seconds", "evaluate_seconds")
    }
    for row in journal.rows():
        place = row_of_cell.get(tuple(row["cell"])), seed_of[row["seed"]]
        if place[0] is not None:
            for what, array in arrays.items():
                array[place][: len(row[what])] = row[what]

    train, evaluate = (least(arrays[f"{what}_seconds"]) for what in ("train", "evaluate"))
    valid, test, *seconds = columns(question)
    values = {
        valid.name: 100 * arrays["valid_correct"] / recipe.valid_images,
        test.name: 100 * arrays["test_correct"] / recipe.test_images,
    }
    times = additive(train, cells), additive(evaluate, cells), train, evaluate
    for column, time in zip(seconds, times, strict=True):
        values[column.name] = time[:, None, None]
    space = TopologySpace()
    everything = list(product(*(range(size) for size in space.sizes)))
    covered = [cell for cell in everything if space.functional(cell) in row_of_cell]
    found = protocols(question)
    header = TableHeader(
        name=name,
        space=space.name,
        columns=columns(question),
        protocols={question.dataset: {p.name: p.to_dict() for p in found}},
        defaults={question.dataset: found[0].name},
        default_dataset=question.dataset,
        provenance=_provenance(journal, command),
        training_source={
            "dataset": question.dataset,
            "recipe": recipe.values(),
            "network": "harness.networks.nats:build_tss",
            "seeds": list(question.seeds),
        },
    )
    return write_table(
        out,
        header,
        np.array(covered, dtype=np.uint8),
        np.array([row_of_cell[space.functional(cell)] for cell in covered], dtype=np.int32),
        values,
    )


def columns(question: Question) -> tuple[Column, ...]:
    """The table's columns.

    Validation and test accuracy by seed and epoch; then seconds an epoch, of training and of
    evaluating both held-out parts, without the noise of the machine (`additive`) and as measured.
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
            dtype="uint16",
        )

    def seconds(what: str) -> Column:
        return Column(
            name=f"{prefix}/{what}_seconds", unit="s", split="", seeds=(0,), aggregate="mean"
        )

    return (
        accuracy("valid", recipe.valid_images),
        accuracy("test", recipe.test_images),
        seconds("train"),
        seconds("evaluate"),
        seconds("measured_train"),
        seconds("measured_evaluate"),
    )


def protocols(question: Question) -> list[Protocol]:
    """The questions that the table can answer, the default first.

    ``val<n>-test<n>``: one random seed's validation accuracy after the last epoch guides the
    search, the mean test accuracy over the seeds is reported. ``curve<n>``: every epoch may be
    asked for, too. ``mean<n>``: the mean over the seeds guides the search, so there is no noise.
    """
    valid, test, train_s, evaluate_s, *_ = columns(question)
    last = question.recipe.epochs
    recipe = question.recipe
    # Both held-out parts are evaluated together; a search would evaluate on one of them.
    share = recipe.valid_images / (recipe.valid_images + recipe.test_images)
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


def _provenance(journal: Journal, command: str) -> dict[str, Any]:
    question = journal.question
    date = datetime.fromtimestamp(journal.finished_at(), tz=UTC).date().isoformat()
    trained = len(journal.finished())
    return {
        "source": "trained by this project (harness.tabulate)",
        "command": command,
        "date": date,
        "machine": f"{platform.machine()}, one CPU thread a training",
        "torch": question.torch,
        "scikit-learn": version("scikit-learn"),
        "trainings": trained * len(question.seeds),
        "networks": f"{trained:,} distinct (cells that train as the same network share one row)",
        "seconds": "of one epoch; the seeds of a network are trained side by side and share the"
        " time equally; measured: the least of all epochs; otherwise: fitted to those as a sum"
        " over the cell's operations",
        "licence": "data set: CC BY 4.0 (UCI, Optical Recognition of Handwritten Digits)",
    }
