"""Import of the official NAS-Bench-101 files: ``nasbench_full.tfrecord`` and ``_only108``.

The full file holds 423,624 cells, each trained three times for 4, 12, 36 and 108 epochs: 5.08
million records, 2.1 GB. They are read one by one into arrays, without TensorFlow; the arrays and
the names of the cells are all that stays in memory. `nasbench101_records` says what a record
holds.

Columns, each [cells, three repeats, budgets]:

* ``cifar10/budgets/...`` at the end of the trainings for 4, 12, 36 and 108 epochs. Each is a
  training of its own, and repeats of different budgets have nothing to do with each other.
* ``cifar10/halfway/...`` half-way through those same trainings: after 2, 6, 18 and 54 epochs.

Seconds are those of the training until then, which differ from repeat to repeat.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.nasbench101_records import (
    BUDGETS,
    METRICS,
    CellText,
    RecordError,
    Training,
    read_training,
)
from harness.benchmarks.importers.place import check_place
from harness.benchmarks.importers.report import write_examined
from harness.benchmarks.importers.tfrecord import TFRecordFile
from harness.benchmarks.packed import Column, TableHeader
from harness.errors import UserError
from harness.protocol import CostTerm, Measure, Protocol
from harness.spaces import get_space
from harness.spaces.nasbench101 import NasBench101Space

CELLS = 423_624
"""Distinct cells of the space."""

OFFICIAL = {
    "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c": "nasbench_full.tfrecord",
    "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1": (
        "nasbench_only108.tfrecord"
    ),
}
"""SHA-256 -> name of the two published files."""

_REPEATS = 3
_FULL = BUDGETS[-1]
_POINTS = {"halfway": tuple(epochs // 2 for epochs in BUDGETS), "budgets": BUDGETS}
_SPLITS = {"train_accuracy": "train", "valid_accuracy": "valid", "test_accuracy": "test"}
_STEP = 4096


def import_nasbench101(
    path: str | Path,
    out: str | Path,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Turn an official TFRecord file of NAS-Bench-101 into a packed table.

    Args:
        path: ``nasbench_full.tfrecord``, ``nasbench_only108.tfrecord``, or a part of one.
        out: Where to write the table. Nothing is written if anything is wrong.
        progress: Called now and then with the megabytes read and those of the file.

    Returns:
        What was written.

    Raises:
        UserError: If the file is damaged or no official one, lacks trainings of a budget for
            some cell, or the table cannot be written.
        HarnessError: If the written table reads back differently.
    """
    path, out = Path(path), Path(out)
    check_place(out, path)
    file = TFRecordFile(path)
    trainings = _Trainings()
    for payload in file:
        try:
            trainings.add(read_training(payload))
        except RecordError as error:
            raise UserError(f"{path.name}, record {file.count:,}: {error}") from None
        if progress is not None and file.count % _STEP == 0:
            progress(file.position >> 20, file.size >> 20)
    if progress is not None:
        progress(file.size >> 20, file.size >> 20)

    budgets = trainings.budgets(path.name)
    notes = [*_origin(path.name, file.sha256), *trainings.doubts()]
    columns, values = trainings.columns(budgets)
    asked = _protocols(budgets, complete=trainings.n_cells == CELLS)
    header = TableHeader(
        name="nasbench101",
        space="nasbench101",
        columns=tuple(columns),
        protocols={"cifar10": {name: protocol.to_dict() for name, protocol in asked.items()}},
        defaults={"cifar10": next(iter(asked))},
        default_dataset="cifar10",
        provenance={
            "source": f"NAS-Bench-101, {OFFICIAL.get(file.sha256, path.name)}",
            "paper": "Ying et al., NAS-Bench-101 (ICML 2019), arXiv 1902.09635",
            "licence": "Apache-2.0",
            "notes": notes,
            "files": {path.name: file.sha256},
        },
    )
    return write_examined(out, header, trainings.keys(), values, notes, CELLS)


class _Trainings:
    """The trainings of a file, entered one by one."""

    def __init__(self) -> None:
        self._row_of_key: dict[bytes, int] = {}
        self._row_of_text: dict[CellText, int] = {}
        self._parameters: list[int] = []
        # Trainings entered, for each cell and budget.
        self._count = bytearray()
        # No page of it costs memory before it is written to.
        self._values = np.empty((2 * len(METRICS), CELLS, _REPEATS, len(BUDGETS)))
        self._irregular = 0

    @property
    def n_cells(self) -> int:
        """The number of distinct cells."""
        return len(self._parameters)

    def add(self, training: Training) -> None:
        """Enter one training.

        Raises:
            RecordError: If its cell is none, or what it says contradicts earlier records.
        """
        row = self._row_of_text.get(training.cell)
        if row is None:
            row = self._new_text(training)
        if self._parameters[row] != training.parameters:
            raise RecordError(
                f"{training.parameters:,} parameters, where an earlier record of the cell says"
                f" {self._parameters[row]:,}"
            )
        budget = BUDGETS.index(training.epochs)
        place = row * len(BUDGETS) + budget
        repeat = self._count[place]
        if repeat == _REPEATS:
            raise RecordError(
                f"a fourth training of cell {training.cell.hash} for {training.epochs} epochs"
            )
        self._count[place] += 1
        self._values[:, row, repeat, budget] = training.values
        self._irregular += not training.regular

    def _new_text(self, training: Training) -> int:
        """The row of a cell that is spelled in a new way, or new altogether."""
        key = _key(training.cell)
        row = self._row_of_key.setdefault(key, len(self._row_of_key))
        if row == self.n_cells:
            self._parameters.append(training.parameters)
            self._count.extend(bytes(len(BUDGETS)))
            self._values[:, row] = np.nan
        self._row_of_text[training.cell] = row
        return row

    def keys(self) -> np.ndarray:
        """The cells' keys, uint8 [cells, 16]."""
        return np.frombuffer(b"".join(self._row_of_key), np.uint8).reshape(self.n_cells, -1)

    def _counts(self) -> np.ndarray:
        """Trainings of each cell and budget, uint8 [cells, budgets]."""
        return np.frombuffer(self._count, np.uint8).reshape(-1, len(BUDGETS))

    def budgets(self, source: str) -> tuple[int, ...]:
        """The numbers of epochs that the cells were trained for.

        Raises:
            UserError: If some cells lack one that others have, or all that of the report.
        """
        counts = self._counts()
        there = counts.sum(axis=0) > 0
        if not there[-1]:
            raise UserError(f"{source} holds no training for {_FULL} epochs: download it again")
        rows, lacking = np.nonzero((counts == 0) & there)
        if rows.size:
            raise UserError(
                f"{source} holds no training of cell {self.keys()[rows[0]].tobytes().hex()} for"
                f" {BUDGETS[lacking[0]]} epochs: is it cut off? Download it again"
            )
        return tuple(epochs for epochs, has in zip(BUDGETS, there, strict=True) if has)

    def doubts(self) -> list[str]:
        """What a reader of the table must know."""
        counts = self._counts()
        fewer = int(((counts > 0) & (counts < _REPEATS)).any(axis=1).sum())
        said = []
        if fewer:
            said.append(f"{fewer:,} cells have fewer than {_REPEATS} trainings for some budget")
        if self._irregular:
            said.append(
                f"{self._irregular:,} trainings do not say that they were evaluated at half of"
                " their epochs and at the end; their numbers are taken in that order"
            )
        return said

    def columns(self, budgets: tuple[int, ...]) -> tuple[list[Column], dict[str, np.ndarray]]:
        """The columns and their values, float64 [cells, repeats, budgets]. To be called once.

        Args:
            budgets: Those to describe.
        """
        places = [BUDGETS.index(epochs) for epochs in budgets]
        repeats = int(self._counts().max())
        found = self._values[:, : self.n_cells, :repeats]
        arrays = iter(found if budgets == BUDGETS else found[..., places])
        columns: list[Column] = []
        values: dict[str, np.ndarray] = {}
        for point, epochs in _POINTS.items():
            for metric in METRICS:
                array = next(arrays)
                percent = metric in _SPLITS
                # Official numbers are single precision, and are kept exactly in half the space.
                single = bool((array.astype(np.float32) == array)[~np.isnan(array)].all())
                if percent:
                    array *= 100.0  # in place: the fractions are not needed again
                column = Column(
                    f"cifar10/{point}/{metric}",
                    unit="%" if percent else "s",
                    split=_SPLITS.get(metric, ""),
                    seeds=tuple(range(repeats)),
                    epochs=tuple(epochs[place] for place in places),
                    schedule="separate",
                    dtype="float32" if single else "float64",
                    scale=100.0 if percent else 1.0,
                )
                columns.append(column)
                values[column.name] = array
        name = f"cifar10/ep{_FULL}/params"
        columns.append(Column(name, unit="M", split="", scale=1e-6, dtype="uint32"))
        values[name] = np.array(self._parameters, np.float64).reshape(-1, 1, 1) * 1e-6
        return columns, values


def _key(cell: CellText) -> bytes:
    """A cell's key.

    Raises:
        RecordError: If it is no cell of the space, or its hash is another one.
    """
    space = get_space("nasbench101")
    assert isinstance(space, NasBench101Space)
    operations = cell.operations.split(",")
    n = len(operations)
    if len(cell.adjacency) != n * n or set(cell.adjacency) - {"0", "1"}:
        raise RecordError(f"{n} operations need a matrix of {n * n} zeros and ones")
    matrix = np.array(list(map(int, cell.adjacency))).reshape(n, n)
    try:
        key = space.key(space.from_matrix(matrix, operations))
    except UserError as error:
        raise RecordError(str(error)) from None
    if key.hex() != cell.hash:
        raise RecordError(f"its cell's hash is {key.hex()}, not '{cell.hash[:40]}'")
    return key


def _origin(source: str, sha256: str) -> list[str]:
    if sha256 in OFFICIAL:
        return [f"the file is the official {OFFICIAL[sha256]} (SHA-256)"]
    return [f"{source} is neither of the two official files: its SHA-256 is {sha256[:12]}..."]


def _protocols(budgets: tuple[int, ...], *, complete: bool) -> dict[str, Protocol]:
    """The questions that the table can answer, the default first.

    ``val<n>-test108`` searches on one random repeat's validation accuracy after a training for n
    epochs, as the official `query` draws it, and reports the mean test accuracy of the repeats
    for 108. ``budgets`` lets the searcher choose n.

    Args:
        budgets: Numbers of epochs that the cells were trained for, ascending.
        complete: Whether the table covers the space.
    """
    report = Measure("cifar10/budgets/test_accuracy", _FULL, "mean")

    def protocol(name: str, epochs: int, fidelities: tuple[int, ...], note: str) -> Protocol:
        return Protocol(
            name=name,
            search=Measure("cifar10/budgets/valid_accuracy", epochs, "random"),
            report=report,
            fidelities=fidelities,
            cost=(CostTerm("cifar10/budgets/train_seconds", per="fidelity"),),
            missing="refuse" if complete else "resample",
            note=f"{note} Costs are the mean seconds of the repeats; reported is the mean test"
            f" accuracy after {_FULL} epochs.",
        )

    asked = [
        protocol(
            f"val{epochs}-test{_FULL}", epochs, (),
            f"One random repeat's validation accuracy after {epochs} epochs guides the search.",
        )
        for epochs in reversed(budgets)
    ]  # fmt: skip
    if len(budgets) > 1:
        asked.append(
            protocol(
                "budgets", _FULL, budgets,
                "Multi-fidelity: a searcher may ask for any budget, each a training of its own"
                " that starts anew and costs in full.",
            )
        )  # fmt: skip
    return {p.name: p for p in asked}
