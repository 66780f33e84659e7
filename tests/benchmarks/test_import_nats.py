"""Tables made from genuine NATS-Bench records answer what `nats_bench` itself answers."""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.benchmarks.base import OK
from harness.benchmarks.importers import ImportReport
from harness.benchmarks.importers.nats import import_nats
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark, row_means
from harness.protocol import LeakError, Protocol
from harness.spaces import get_space

pytestmark = pytest.mark.data

DIRECTORIES = {"tss": "NATS-tss-v1_0-3ffb9-simple", "sss": "NATS-sss-v1_0-50262-simple"}
SCHEDULES = {"tss": {"12": 12, "200": 200}, "sss": {"01": 1, "12": 12, "90": 90}}
INDICES = (0, 11, 284)
TRAINING_SETS = ("cifar10-valid", "cifar10", "cifar100", "ImageNet16-120")
SIX_DIGITS = 5e-6
"""Relative rounding of the numbers in the gathered file of curves."""
SPLITS = ("train", "valid", "test", "valtest")


def splits(training_set: str) -> dict[str, str]:
    """The records' names of a training set's splits, and the table's."""
    if training_set == "cifar10-valid":
        return {"train": "train", "x-valid": "valid", "ori-test": "test"}
    if training_set == "cifar10":
        return {"train": "train", "ori-test": "test"}
    return {"train": "train", "x-valid": "valid", "x-test": "test", "ori-test": "valtest"}


class Imported:
    """A table, what the import said, and quick access to single values."""

    def __init__(self, report: ImportReport, space: str) -> None:
        self.report = report
        self.table = PackedTable(report.path)
        self.space = get_space(space)
        self._values = {name: self.table.values(name) for name in self.table.columns}

    def value(self, row: int, column: str, seed: int = 0, epoch: int = 0) -> float:
        """One value; NaN if the table has no such column, seed or epoch."""
        known = self.table.columns.get(column)
        if known is None or seed not in known.seeds or epoch not in known.epochs:
            return math.nan
        values = self._values[column]
        return float(values[row, known.seeds.index(seed), known.epochs.index(epoch)])

    def mean(self, row: int, column: str, epoch: int = 0) -> float:
        """The mean over the seeds that the row has."""
        return float(row_means(self.table.values(column, epoch=epoch))[row])


@pytest.fixture(scope="module", params=["tss", "sss"])
def space(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def imported(space: str, data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Imported:
    out = tmp_path_factory.mktemp("nats") / f"{space}.table"
    report = import_nats(data_dir / "nats_official" / DIRECTORIES[space], out)
    return Imported(report, space)


@pytest.fixture(scope="module")
def api(space: str, data_dir: Path) -> Any:
    nats_bench = pytest.importorskip("nats_bench")
    path = str(data_dir / "nats_official" / DIRECTORIES[space])
    return nats_bench.create(path, space, fast_mode=True, verbose=False)


def trainings(api: Any, space: str) -> Iterator[tuple[int, int, str, int, str, int]]:
    """(row, index, name of the schedule, its epochs, training set, seed) of every training."""
    for row, index in enumerate(INDICES):
        for hp, epochs in SCHEDULES[space].items():
            results = api.query_meta_info_by_index(index, hp)
            for training_set in results.get_dataset_names():
                for seed in results.get_dataset_seeds(training_set):
                    yield row, index, hp, epochs, training_set, seed


# --- equal to the official answers ------------------------------------------------------------


def test_every_metric_split_epoch_seed_and_time(imported: Imported, api: Any, space: str) -> None:
    compared = absent = 0
    for row, index, hp, epochs, training_set, seed in trainings(api, space):
        for epoch in range(1, epochs + 1):
            info = api.get_more_info(index, training_set, epoch - 1, hp=hp, is_random=seed)
            for split in SPLITS:
                column = f"{training_set}/ep{epochs}/{split}"
                for metric in ("accuracy", "loss"):
                    value = imported.value(row, f"{column}_{metric}", seed, epoch)
                    if f"{split}-{metric}" in info:
                        assert value == pytest.approx(info[f"{split}-{metric}"], abs=1e-5, rel=0)
                        compared += 1
                    else:
                        # What the official API refuses is missing, not a number of some kind.
                        assert math.isnan(value)
                        absent += 1
                if f"{split}-all-time" in info:
                    seconds = imported.value(row, f"{column}_seconds", seed)
                    all_time, per_time = info[f"{split}-all-time"], info[f"{split}-per-time"]
                    assert seconds * epoch == pytest.approx(all_time, abs=1e-5, rel=0)
                    assert seconds == pytest.approx(per_time, abs=1e-5, rel=0)
                    compared += 2
    assert compared > 19_000 and absent > 2_000


def test_means_over_seeds(imported: Imported, api: Any, space: str) -> None:
    for row, index in enumerate(INDICES):
        for hp, epochs in SCHEDULES[space].items():
            for training_set in TRAINING_SETS:
                info = api.get_more_info(index, training_set, None, hp=hp, is_random=False)
                for split in SPLITS:
                    if f"{split}-accuracy" not in info:
                        continue
                    for metric in ("accuracy", "loss"):
                        name = f"{training_set}/ep{epochs}/{split}_{metric}"
                        mean = imported.mean(row, name, epochs)
                        assert mean == pytest.approx(info[f"{split}-{metric}"], abs=1e-5, rel=0)


def test_costs(imported: Imported, api: Any, space: str) -> None:
    for row, index in enumerate(INDICES):
        for hp, epochs in SCHEDULES[space].items():
            for training_set in TRAINING_SETS:
                prefix = f"{training_set}/ep{epochs}"
                info = api.get_cost_info(index, training_set, hp=hp)
                for name in ("flops", "params", "latency"):
                    value = imported.value(row, f"{prefix}/{name}")
                    assert value == pytest.approx(info[name], abs=1e-9, rel=0)
                for name, split in splits(training_set).items():
                    seconds = imported.mean(row, f"{prefix}/{split}_seconds")
                    assert seconds == pytest.approx(info[f"T-{name}@epoch"], abs=1e-5, rel=0)
                    total = info[f"T-{name}@total"]
                    assert seconds * epochs == pytest.approx(total, abs=1e-5, rel=0)


def test_seeds_and_epochs_are_the_records_own(imported: Imported, api: Any, space: str) -> None:
    seeds: dict[str, set[int]] = {}
    for _, _, _, epochs, training_set, seed in trainings(api, space):
        seeds.setdefault(f"{training_set}/ep{epochs}/train_accuracy", set()).add(seed)
    for name, expected in seeds.items():
        column = imported.table.columns[name]
        assert set(column.seeds) == expected
        assert column.epochs == tuple(range(1, len(column.epochs) + 1))


def test_the_curves_gathered_from_the_records(data_dir: Path, imported: Imported) -> None:
    if imported.space.name != "tss":
        pytest.skip("the file holds topology records")
    path = data_dir / "nasbench201" / "nats_tss_3archs_curves.csv.gz"
    compared = 0
    with gzip.open(path, "rt") as file:
        for line in csv.DictReader(file):
            row, seed, epoch = INDICES.index(int(line["index"])), int(line["seed"]), line["epoch"]
            prefix = f"{line['dataset']}/ep{line['hp']}"
            for name in ("train", "x-valid", "x-test", "ori-test"):
                column = f"{prefix}/{splits(line['dataset']).get(name)}"
                for short, metric in (("acc", "accuracy"), ("loss", "loss")):
                    text = line[f"{name}_{short}"]
                    value = imported.value(row, f"{column}_{metric}", seed, int(epoch) + 1)
                    if text:
                        assert value == pytest.approx(float(text), abs=1e-5, rel=SIX_DIGITS)
                        compared += 1
                    else:
                        assert math.isnan(value)
            seconds = imported.value(row, f"{prefix}/train_seconds", seed)
            assert seconds == pytest.approx(float(line["train_s"]), abs=1e-5, rel=SIX_DIGITS)
    assert compared > 20_000


# --- what a correct importer keeps apart ------------------------------------------------------


def test_schedules_are_trainings_of_their_own(imported: Imported) -> None:
    full = max(SCHEDULES[imported.space.name].values())
    short = imported.table.values("cifar10-valid/ep12/train_accuracy", seeds=[777])
    long = imported.table.values(f"cifar10-valid/ep{full}/train_accuracy", seeds=[777])
    assert np.abs(short - long[:, :, :12]).max() > 1.0


def test_curves_with_test_images_are_marked(imported: Imported) -> None:
    columns = imported.table.columns
    for name, column in columns.items():
        what = name.rsplit("/", 1)[1]
        mixed = what.startswith("valtest_") and not what.endswith("_seconds")
        assert (column.split == "valid+test") == mixed
        assert ("seconds" in what or column.unit != "s") or column.split == ""
    if imported.space.name == "tss":
        for training_set in ("cifar100", "ImageNet16-120"):
            assert columns[f"{training_set}/ep200/valid_accuracy"].epochs == (200,)
            assert columns[f"{training_set}/ep200/test_accuracy"].epochs == (200,)
            assert len(columns[f"{training_set}/ep200/valtest_accuracy"].epochs) == 200
        assert len(columns["cifar10-valid/ep200/valid_accuracy"].epochs) == 200
        assert "cifar10/ep200/valid_accuracy" not in columns


def test_an_incomplete_directory_says_what_is_missing(imported: Imported) -> None:
    total = len(imported.space)
    report = imported.report
    assert (report.architectures, report.missing, report.rows) == (3, total - 3, 3)
    assert f"{total - 3:,} of the {total:,}" in report.warnings[0] and len(report.warnings) == 1
    assert report.checksum == imported.table.checksum
    assert imported.table.header.provenance["missing"] == total - 3


def test_keys_are_those_of_the_space(imported: Imported, api: Any) -> None:
    for key, index in zip(imported.table.keys, INDICES, strict=True):
        architecture = imported.space.from_string(api.meta_archs[index])
        assert imported.space.key(architecture) == bytes(key)


def test_the_same_directory_gives_the_same_table(
    imported: Imported, data_dir: Path, tmp_path: Path
) -> None:
    steps: list[tuple[int, int]] = []
    source = data_dir / "nats_official" / DIRECTORIES[imported.space.name]
    report = import_nats(
        str(source), tmp_path / "again", progress=lambda *step: steps.append(step)
    )
    assert report.checksum == imported.report.checksum
    assert steps == [(1, 3), (2, 3), (3, 3)]


# --- protocols --------------------------------------------------------------------------------


def test_every_protocol_can_be_asked_unless_it_leaks(imported: Imported) -> None:
    full = max(SCHEDULES[imported.space.name].values())
    header = imported.table.header
    assert header.default_dataset == "cifar10"
    assert set(header.protocols) == {"cifar10", "cifar100", "ImageNet16-120"}
    for dataset, known in header.protocols.items():
        assert header.defaults[dataset] == f"val12-test{full}"
        singles = {f"val{epochs}-test{full}" for epochs in SCHEDULES[imported.space.name].values()}
        leaks = imported.space.name == "tss" and dataset != "cifar10"
        assert set(known) == singles | {f"curve{full}-leaks" if leaks else f"curve{full}"}
        for name in known:
            if not name.endswith("-leaks"):
                assert TableBenchmark(imported.table, dataset, name).leaks == []


@pytest.mark.parametrize("dataset", ["cifar100", "ImageNet16-120"])
def test_the_leaky_curve_is_refused_without_an_opt_in(imported: Imported, dataset: str) -> None:
    if imported.space.name != "tss":
        pytest.skip("all curves of the size space have validation images of their own")
    with pytest.raises(LeakError, match="validation and test images mixed"):
        TableBenchmark(imported.table, dataset, "curve200-leaks")
    protocol = Protocol.from_dict(imported.table.header.protocols[dataset]["curve200-leaks"])
    opted_in = TableBenchmark(imported.table, dataset, protocol.with_options(allow_leak=True))
    assert len(opted_in.leaks) == 2 and opted_in.protocol.fidelities == tuple(range(1, 201))


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "ImageNet16-120"])
def test_values_and_costs_are_those_of_the_official_simulation(
    imported: Imported, api: Any, dataset: str
) -> None:
    searched = "cifar10-valid" if dataset == "cifar10" else dataset
    for name, fields in imported.table.header.protocols[dataset].items():
        protocol = Protocol.from_dict(fields).with_options(allow_leak=True)
        epochs = protocol.search.epoch
        hp = f"{epochs:02d}"
        for fidelity in (None, 1, 7, epochs) if name.startswith("curve") else (None,):
            answer_of = TableBenchmark(imported.table, dataset, protocol).evaluator(seed=3)
            for index in INDICES:
                architecture = imported.space.from_string(api.meta_archs[index])
                answer = answer_of(architecture, fidelity)
                at = (fidelity or epochs) - 1
                _, _, cost, _ = api.simulate_train_eval(index, dataset, iepoch=at, hp=hp)
                assert answer.cost / 1e6 == pytest.approx(cost, abs=1e-5, rel=0)
                seeds = api.query_meta_info_by_index(index, hp).get_dataset_seeds(searched)
                infos = [api.get_more_info(index, searched, at, hp, seed) for seed in seeds]
                split = "valtest" if name.endswith("-leaks") else "valid"
                stored = [info[f"{split}-accuracy"] for info in infos]
                assert answer.status == OK
                assert min(abs(answer.value - value) for value in stored) < 1e-5


def test_the_report_is_the_mean_test_accuracy_of_the_full_schedule(
    imported: Imported, api: Any
) -> None:
    full = str(max(SCHEDULES[imported.space.name].values()))
    for dataset in imported.table.header.protocols:
        benchmark = TableBenchmark(imported.table, dataset)
        results = benchmark.results([], np.arange(3), np.zeros(3, int), np.zeros(3), seed=0)
        for value, index in zip(results["report"], INDICES, strict=True):
            info = api.get_more_info(index, dataset, None, hp=full, is_random=False)
            assert value == pytest.approx(info["test-accuracy"], abs=1e-5, rel=0)
