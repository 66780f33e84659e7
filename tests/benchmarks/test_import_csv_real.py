"""The shipped descriptions turn the real files into tables that hold what the files say."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_tables import refused, values

from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.description_file import SHIPPED, load_description
from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.spaces import get_space
from harness.streams import stream

Import = Callable[[str, str], tuple[ImportReport, PackedTable]]


@pytest.fixture(scope="module")
def real(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Import:
    """Imports a file of the data folder with a shipped description, once."""
    done: dict[str, tuple[ImportReport, PackedTable]] = {}
    folder = tmp_path_factory.mktemp("real")

    def run(name: str, spec: str) -> tuple[ImportReport, PackedTable]:
        if spec not in done:
            report = import_csv(data_dir / spec / name, spec, folder / f"{spec}.table")
            done[spec] = report, PackedTable(report.path)
        return done[spec]

    return run


def lines(path: Path) -> list[dict[str, str]]:
    """The file as the csv module reads it, independently of the importer."""
    with gzip.open(path, "rt", newline="") as stream_:
        return list(csv.DictReader(stream_))


@pytest.mark.data
def test_nasbench201(real: Import, data_dir: Path) -> None:
    report, table = real("nb201_main.csv.gz", "nasbench201")
    assert (report.architectures, report.missing) == (15625, 0)
    best = {(o.dataset, o.protocol): round(o.value, 2) for o in report.optima}
    for protocol in ("val12-test200", "val200-test200"):
        assert best["cifar10", protocol] == 94.37
        assert best["cifar100", protocol] == 73.51
        assert best["ImageNet16-120", protocol] == 47.31
    rows = lines(data_dir / "nasbench201" / "nb201_main.csv.gz")
    space = get_space("tss")
    # The file's two notations agree, so the digits below are a check of the strings read.
    assert all(space.to_string(tuple(map(int, r["ops"]))) == r["arch_str"] for r in rows)
    for dataset, column_, seconds in (
        ("cifar10", "c10v_val_ep12", (12, "c10v_val_s_per_epoch", 1)),
        ("cifar100", "c100_val_ep12", (24, "c10v_test_s_per_epoch", 0.5)),
        ("ImageNet16-120", "in16_val_ep12", (12 * 6.068, "c10v_test_s_per_epoch", 0.3)),
    ):
        evaluate = TableBenchmark(table, dataset).evaluator(0)
        for row in rows[::97]:
            answer = evaluate(tuple(map(int, row["ops"])))
            assert answer.value == float(row[column_])
            train, name, factor = seconds
            cost = train * float(row["c10v_train_s_per_epoch"]) + factor * float(row[name])
            assert abs(answer.cost - cost * 1e6) <= 1
    # Every column of every tenth row, through the description's own names.
    description, _ = load_description("nasbench201")
    for name, source in description.columns.items():
        found = values(table, name, source.epoch)
        for row in rows[::10]:
            assert found[tuple(map(int, row["ops"]))] == [float(row[source.column or ""])]


@pytest.mark.data
def test_nasbench201_splits(real: Import) -> None:
    _, table = real("nb201_main.csv.gz", "nasbench201")
    for name, described in table.columns.items():
        quantity = name.rsplit("/", 1)[1]
        if "accuracy" in quantity or "loss" in quantity:
            assert described.split == quantity.split("_")[0]
            assert described.aggregate == ("mean" if "_mean" in quantity else "run")
        else:
            assert described.split == ""


@pytest.mark.data
def test_nasbench101(real: Import, data_dir: Path) -> None:
    report, table = real("nb101_30k.csv.gz", "nasbench101")
    assert (report.architectures, report.missing) == (30001, 423624 - 30001)
    rows = lines(data_dir / "nasbench101" / "nb101_30k.csv.gz")
    assert [bytes(key).hex() for key in table.keys] == [row["hash"] for row in rows]
    stored = table.values("cifar10/budgets/valid_accuracy")[:, 0]
    wanted = [[100 * float(row[f"val_ep{e}"]) for e in (4, 12, 36, 108)] for row in rows]
    np.testing.assert_allclose(stored, wanted, rtol=1e-15)
    assert table.columns["cifar10/budgets/valid_accuracy"].schedule == "separate"

    benchmark = TableBenchmark(table, protocol="budgets")
    row_of = {row["hash"]: row for row in rows}
    evaluate = benchmark.evaluator(0)
    space, rng = benchmark.search_space(), stream(1, "test")
    for _ in range(20):
        cell = space.sample(rng)  # only what the table covers
        row = row_of[benchmark.space.key(cell).hex()]
        for epochs in (4, 12, 36):
            answer = evaluate(cell, epochs)
            assert answer.value == pytest.approx(100 * float(row[f"val_ep{epochs}"]), rel=1e-15)
            seconds = float(row["train_s_ep108"]) * epochs / 108
            assert abs(answer.cost - 1e6 * seconds) <= 1


@pytest.mark.data
def test_spikenas(real: Import, data_dir: Path) -> None:
    report, table = real("spike_cifar10_meta.csv.gz", "spikenas")
    assert (report.architectures, report.missing) == (14935, 690)
    assert any("690 rows are left out" in line for line in report.warnings)
    rows = lines(data_dir / "spikenas" / "spike_cifar10_meta.csv.gz")
    arrays = np.load(data_dir / "spikenas" / "spike_cifar10_curves.npz")
    accuracies = arrays["val_acc_x250"]
    best = max(
        (row for row in rows if row["n_epochs"] == "100"), key=lambda r: float(r["test_acc"])
    )
    assert best["id"] == "12617"
    assert {o.value for o in report.optima} == {89.3}

    benchmark = TableBenchmark(table, protocol="curve100")
    evaluate = benchmark.evaluator(0)
    space = benchmark.search_space()
    assert space.sample(stream(0, "test")) in space
    for i in range(0, 15625, 53):
        row = rows[i]
        # Least significant digit first, recomputed from the number.
        cell = tuple(i // 5**place % 5 for place in range(6))
        assert "".join(map(str, cell)) == row["ops"] and int(row["id"]) == i
        covered = row["n_epochs"] == "100"
        assert (cell in space) == covered == (benchmark.row(cell) >= 0)
        if not covered:
            continue
        for epoch in (1, 10, 100):
            answer = evaluate(cell, epoch)
            assert answer.value == pytest.approx(accuracies[i, epoch - 1] / 250, rel=1e-12)
            assert abs(answer.cost - 1e4 * epoch * float(row["elapsed_s"])) <= 1
        test = table.values("cifar10/ep100/test_accuracy")[benchmark.row(cell), 0, 0]
        assert test == float(row["test_acc"])


@pytest.mark.data
def test_wrong_file_for_a_shipped_description(data_dir: Path, tmp_path: Path) -> None:
    path = data_dir / "nasbench201" / "nb201_hw.csv.gz"
    assert "wrong checksum" in refused(tmp_path, path, Path("nasbench201"), tmp_path / "out")


@pytest.mark.data
def test_an_altered_nasbench101_graph_is_refused(data_dir: Path, tmp_path: Path) -> None:
    text = gzip.decompress((data_dir / "nasbench101" / "nb101_30k.csv.gz").read_bytes()).decode()
    head = text.splitlines()[:4]
    description = yaml.safe_load((SHIPPED / "nasbench101.yaml").read_text())
    del description["file"]
    (tmp_path / "s.yaml").write_text(yaml.safe_dump(description))
    files = tmp_path / "t.csv", tmp_path / "s.yaml", tmp_path / "out"
    files[0].write_text("\n".join(head))
    assert import_csv(*files).architectures == 3
    files[2].unlink()
    cells = head[2].split(",")
    for i, wrong, line in (
        (3, "cccCC", "row 2, column 'hash': the graph's hash is"),
        (3, "cccC", "do not describe one graph"),
        (3, "cccCX", "operations must be"),
        (2, "0" * 21, "it needs a path"),
        (2, "2" * 21, "do not describe one graph"),
    ):
        files[0].write_text(
            "\n".join([head[0], head[1], ",".join([*cells[:i], wrong, *cells[i + 1 :]])])
        )
        assert line in refused(tmp_path, *files)
