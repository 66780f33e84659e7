"""Official NAS-Bench-101 files become tables that hold every number as it was written."""

from __future__ import annotations

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import yaml

from harness.benchmarks.importers import nasbench101
from harness.benchmarks.importers.description_file import SHIPPED
from harness.benchmarks.importers.nasbench101 import import_nasbench101
from harness.benchmarks.importers.nasbench101_records import BUDGETS, read_training
from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.importers.tfrecord import TFRecordFile
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.protocol import Protocol
from harness.spaces import get_space
from harness.spaces.nasbench101 import NasBench101Space
from tests.official_nasbench101 import (
    FIRST_CHECKSUMS,
    FIRST_RECORD,
    Evaluation,
    Run,
    payload,
    runs,
    write,
)

METRICS = {"seconds": "train_seconds"} | {
    split: f"{split}_accuracy" for split in ("train", "valid", "test")
}


def imported(folder: Path, trainings: Sequence[Run], name: str = "nb") -> PackedTable:
    path = write(folder / f"{name}.tfrecord", map(payload, trainings))
    return PackedTable(import_nasbench101(path, folder / f"{name}.table").path)


def check(table: PackedTable, trainings: Sequence[Run]) -> int:
    """Compare every number of a table with the trainings, exactly; the number of numbers."""
    row_of = dict(zip([bytes(key).hex() for key in table.keys], table.row_of, strict=True))
    stored = {name: table.values(name) for name in table.columns}
    repeat_of: defaultdict[tuple[str, int], int] = defaultdict(int)
    compared = 0
    for run in trainings:
        row, repeat = row_of[run.hash], repeat_of[run.hash, run.epochs]
        repeat_of[run.hash, run.epochs] += 1
        for point, evaluation in (("halfway", run.half), ("budgets", run.final)):
            for field, metric in METRICS.items():
                name = f"cifar10/{point}/{metric}"
                epochs = run.epochs if point == "budgets" else run.epochs // 2
                value = stored[name][row, repeat, table.columns[name].epochs.index(epochs)]
                factor = 1.0 if field == "seconds" else 100.0
                assert value == factor * getattr(evaluation, field)
                compared += 1
        assert stored["cifar10/ep108/params"][row, 0, 0] == run.parameters * 1e-6
    # And nothing else is in the table.
    present = sum(int((~np.isnan(v)).sum()) for n, v in stored.items() if "params" not in n)
    assert present == compared and set(repeat_of) == {(r.hash, r.epochs) for r in trainings}
    return compared


def encoding(run: Run) -> tuple[int, ...]:
    space = get_space("nasbench101")
    assert isinstance(space, NasBench101Space)
    return space.from_matrix(run.matrix, run.operations)


# --- the official format --------------------------------------------------------------------


def test_the_first_official_record(tmp_path: Path) -> None:
    path = write(tmp_path / "one.tfrecord", [FIRST_RECORD])
    # The framing is that of the official file.
    framed = path.read_bytes()
    length = len(FIRST_RECORD).to_bytes(8, "little")
    crcs = [crc.to_bytes(4, "little") for crc in FIRST_CHECKSUMS]
    assert framed == length + crcs[0] + FIRST_RECORD + crcs[1]
    assert list(TFRecordFile(path)) == [FIRST_RECORD]

    training = read_training(FIRST_RECORD)
    assert (training.cell.hash, training.epochs) == ("00005c142e6f48ac74fdcf73e3439874", 4)
    assert (training.parameters, training.regular) == (8555530, True)
    assert training.values == (
        45.152000427246094, 0.10166265815496445, 0.10526842623949051, 0.10436698794364929,
        89.90399932861328, 0.3498597741127014, 0.3489583432674408, 0.3504607379436493,
    )  # fmt: skip
    with pytest.raises(UserError, match="no training for 108 epochs"):
        import_nasbench101(path, tmp_path / "one.table")


# --- every number ---------------------------------------------------------------------------


def test_every_number_of_the_full_format(tmp_path: Path) -> None:
    trainings = runs(25)
    table = imported(tmp_path, trainings)
    assert check(table, trainings) == 25 * 4 * 3 * 2 * 4
    for name, column in table.columns.items():
        quantity = name.rsplit("/", 1)[1]
        split = quantity.removesuffix("_accuracy")
        assert column.split == (split if split != quantity else "")
        assert column.unit == {"train_seconds": "s", "params": "M"}.get(quantity, "%")
        if quantity != "params":
            # Official numbers are single precision: half the space, and exact.
            assert (column.dtype, column.schedule) == ("float32", "separate")
            assert column.seeds == (0, 1, 2)
            assert column.epochs == ((2, 6, 18, 54) if "/halfway/" in name else (4, 12, 36, 108))


def test_only_108_epochs(tmp_path: Path) -> None:
    trainings = runs(10, budgets=(108,))
    table = imported(tmp_path, trainings)
    assert check(table, trainings) == 10 * 3 * 2 * 4
    assert list(table.header.protocols["cifar10"]) == ["val108-test108"]
    assert table.columns["cifar10/halfway/test_accuracy"].epochs == (54,)


def test_some_budgets(tmp_path: Path) -> None:
    trainings = runs(10, budgets=(108, 12))
    table = imported(tmp_path, trainings)
    check(table, trainings)
    assert table.columns["cifar10/budgets/test_accuracy"].epochs == (12, 108)
    protocol = Protocol.from_dict(table.header.protocols["cifar10"]["budgets"])
    assert protocol.fidelities == (12, 108)


def test_double_precision_is_kept(tmp_path: Path) -> None:
    trainings = [
        run._replace(evaluations=[Evaluation(*(v / 3 for v in e)) for e in run.evaluations])
        for run in runs(5)
    ]
    path = write(tmp_path / "nb.tfrecord", map(payload, trainings))
    report = import_nasbench101(path, tmp_path / "nb.table")
    check(PackedTable(report.path), trainings)
    # Their stated epochs are no longer a half and all of the training.
    assert any("60 trainings do not say" in warning for warning in report.warnings)


def test_any_order_gives_the_same_table(tmp_path: Path) -> None:
    trainings = runs(10)
    by_cell = sorted(trainings, key=lambda run: run.hash)  # stable: repeats keep their order
    shuffled = random.Random(1).sample(trainings, len(trainings))
    for name, order in (("a", trainings), ("b", by_cell), ("c", shuffled)):
        check(imported(tmp_path, order, name), order)


def test_other_spellings_of_a_cell_are_the_same_cell(tmp_path: Path) -> None:
    edges = {"input>a", "input>b", "a>output", "b>output"}
    names = {"a": "conv3x3-bn-relu", "b": "maxpool3x3"}

    def spelled(run: Run, *order: str) -> Run:
        vertices = ("input", *order, "output")
        matrix = np.array([[f"{x}>{y}" in edges for y in vertices] for x in vertices]).astype(int)
        return run._replace(matrix=matrix, operations=[names.get(v, v) for v in vertices])

    one, two, three = runs(1, budgets=(108,))
    name = get_space("nasbench101").key(encoding(spelled(one, "a", "b"))).hex()
    trainings = [
        run._replace(hash=name)
        for run in (spelled(one, "a", "b"), spelled(two, "b", "a"), spelled(three, "a", "b"))
    ]
    table = imported(tmp_path, trainings)
    assert table.n_rows == 1
    check(table, trainings)


def test_fewer_repeats_are_missing_values(tmp_path: Path) -> None:
    trainings = runs(6)
    short = [run for run in trainings if run.hash == trainings[0].hash and run.epochs == 12]
    kept = [run for run in trainings if run not in short[1:]]
    path = write(tmp_path / "nb.tfrecord", map(payload, kept))
    report = import_nasbench101(path, tmp_path / "nb.table")
    table = PackedTable(report.path)
    check(table, kept)
    assert any(w.startswith("1 cells have fewer than 3 trainings") for w in report.warnings)
    benchmark = TableBenchmark(table, protocol="val12-test108")
    for seed in range(10):
        answer = benchmark.evaluator(seed)(encoding(short[0]))
        assert answer.value == 100 * short[0].final.valid


# --- what may be asked ----------------------------------------------------------------------


def test_protocols(tmp_path: Path) -> None:
    trainings = runs(12)
    table = imported(tmp_path, trainings)
    known = table.header.protocols["cifar10"]
    assert set(known) == {"budgets", *(f"val{epochs}-test108" for epochs in BUDGETS)}
    assert table.header.defaults == {"cifar10": "val108-test108"}

    def of(cell: str, epochs: int) -> list[Evaluation]:
        return [r.final for r in trainings if (r.hash, r.epochs) == (cell, epochs)]

    budgets = TableBenchmark(table, protocol="budgets")
    assert budgets.protocol.fidelities == BUDGETS and not budgets.leaks
    assert budgets.protocol.promotion == "restart"  # every budget is a training of its own
    for run in trainings[:12]:
        cell, drawn = encoding(run), set()
        results = [100 * e.test for e in of(run.hash, 108)]
        for epochs in BUDGETS:
            alone = TableBenchmark(table, protocol=f"val{epochs}-test108")
            seconds = np.mean([e.seconds for e in of(run.hash, epochs)])
            for seed in range(8):
                answer = budgets.evaluator(seed)(cell, epochs)
                assert answer == alone.evaluator(seed)(cell)
                assert answer.value in [100 * e.valid for e in of(run.hash, epochs)]
                assert abs(answer.cost - 1e6 * seconds) <= 1
                assert answer.epochs == epochs
                drawn.add(answer.value)
        assert len(drawn) > len(BUDGETS)  # repeats are drawn at random
        reported = budgets.means(budgets.protocol.report)[budgets.row(cell)]
        assert reported == pytest.approx(np.mean(results), rel=1e-14)


def test_a_complete_table_refuses_what_it_lacks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policies = {}
    for cells in (4, 5):
        monkeypatch.setattr(nasbench101, "CELLS", cells)
        table = imported(tmp_path, runs(4, budgets=(108,)))
        policies[cells] = TableBenchmark(table).protocol.missing
    assert policies == {4: "refuse", 5: "resample"}


def test_the_official_file_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "mine", map(payload, runs(2, budgets=(108,))))
    first = import_nasbench101(path, tmp_path / "a.table")
    assert any("mine is neither of the two official files" in w for w in first.warnings)
    provenance = PackedTable(first.path).header.provenance
    monkeypatch.setitem(nasbench101.OFFICIAL, provenance["files"]["mine"], "official.tfrecord")
    second = import_nasbench101(path, tmp_path / "b.table")
    assert any("the official official.tfrecord" in w for w in second.warnings)
    assert "official.tfrecord" in PackedTable(second.path).header.provenance["source"]


def test_progress_in_megabytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nasbench101, "_STEP", 10)
    said: list[tuple[int, int]] = []
    path = write(tmp_path / "nb", map(payload, runs(300)))
    import_nasbench101(path, tmp_path / "t", progress=lambda *done: said.append(done))
    size = path.stat().st_size >> 20
    assert size >= 1 and said[-1] == (size, size) and len(said) == 361
    assert all(0 <= done <= total == size for done, total in said)


# --- beside the other importer --------------------------------------------------------------


@pytest.mark.data
def test_equal_to_the_csv_importer(data_dir: Path, tmp_path: Path) -> None:
    """The same cells through both importers: a slice in CSV, and records made from it."""
    with gzip.open(data_dir / "nasbench101" / "nb101_30k.csv.gz", "rt", newline="") as file:
        reader = csv.DictReader(file)
        lines = list(reader)[::150]
        names = list(reader.fieldnames or ())
    with (tmp_path / "slice.csv").open("w", newline="") as sliced:
        writer = csv.DictWriter(sliced, names)
        writer.writeheader()
        writer.writerows(lines)
    description = yaml.safe_load((SHIPPED / "nasbench101.yaml").read_text())
    letters = description["architecture"]["graph"]["letters"]
    del description["file"]
    (tmp_path / "slice.yaml").write_text(yaml.safe_dump(description))
    report = import_csv(tmp_path / "slice.csv", tmp_path / "slice.yaml", tmp_path / "csv.table")

    trainings = []
    for line in lines:
        n = int(line["n_vertices"])
        matrix = np.zeros((n, n), int)
        matrix[np.triu_indices(n, 1)] = list(map(int, line["adj_upper"]))
        operations = ["input", *(letters[letter] for letter in line["ops"]), "output"]
        for epochs in BUDGETS:
            seconds = float(line["train_s_ep108"]) * epochs / 108
            accuracy = float(line[f"val_ep{epochs}"])
            evaluations = [
                Evaluation(epochs * part / 2, seconds * part / 2, 0.5, accuracy, 0.25)
                for part in range(3)
            ]
            size = int(line["params"])
            trainings.append(Run(line["hash"], epochs, matrix, operations, evaluations, size))
    one, other = PackedTable(report.path), imported(tmp_path, trainings)
    check(other, trainings)

    assert np.array_equal(one.keys, other.keys) and np.array_equal(one.row_of, other.row_of)
    for name in ("cifar10/budgets/valid_accuracy", "cifar10/ep108/params"):
        assert np.array_equal(one.values(name), other.values(name))
        a, b = one.columns[name], other.columns[name]
        assert (a.epochs, a.schedule, a.split, a.unit) == (b.epochs, b.schedule, b.split, b.unit)
    scaled, real = TableBenchmark(one, protocol="budgets"), TableBenchmark(other, None, "budgets")
    for run in trainings:
        if run.epochs in scaled.protocol.fidelities:
            mine = real.evaluator(0)(encoding(run), run.epochs)
            theirs = scaled.evaluator(0)(encoding(run), run.epochs)
            assert mine.value == theirs.value and abs(mine.cost - theirs.cost) <= 1
