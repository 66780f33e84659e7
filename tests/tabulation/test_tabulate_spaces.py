"""Tabulation of spaces other than the topology space: samples, failures, sizes, third parties'."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import harness
from harness.benchmarks.base import FAILED
from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.spaces import CategoricalSpace, get_space, registry
from harness.tabulate import tabulate
from harness.tabulation.cells import class_of, distinct_cells
from harness.tabulation.journal import Journal
from harness.tabulation.work import Batch, Row, in_this_process

_RECIPE = """
train_images: {train}
valid_images: {valid}
test_images: {test}
epochs: 2
batch_size: 16
learning_rate: 0.05
momentum: 0.9
network: {network}
"""


class Widths(CategoricalSpace):
    """A third party's space: three widths for each of two layers, the order of which is free."""

    network = "tests.tabulation.test_tabulate_spaces:two_layers"

    def __init__(self) -> None:
        super().__init__("widths", [("2", "3", "40")] * 2)

    def canonical(self, architecture: Any) -> Any:
        return tuple(sorted(architecture))


def two_layers(architecture: tuple[int, ...], task: Any, *, seed: int) -> Any:
    """Two convolutions; no network where both are wide."""
    from torch import nn

    from harness.errors import OutOfMemory
    from harness.networks import NotBuildable
    from harness.networks.initialise import seeded

    first, second = ((2, 3, 40)[value] for value in sorted(architecture))
    if first == 40:
        raise NotBuildable("two layers of 40 channels are too many")
    if (first, second) == (3, 40):
        raise OutOfMemory("cpu", 1 << 30)
    with seeded(seed):
        return nn.Sequential(
            nn.Conv2d(task.shape[0], first, 3), nn.ReLU(), nn.Conv2d(first, second, 3),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(second, task.classes),
        )  # fmt: skip


@pytest.fixture
def widths(monkeypatch: pytest.MonkeyPatch) -> Iterator[CategoricalSpace]:
    monkeypatch.setitem(registry.builtin, "widths", f"{__name__}:Widths")
    get_space.cache_clear()
    space = get_space("widths")
    assert isinstance(space, CategoricalSpace)
    yield space
    get_space.cache_clear()


def recipe(
    folder: Path, network: str = "{}", *, train: int = 32, valid: float = 40, test: int = 50
) -> str:
    pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    path = folder / "recipe.yaml"
    path.write_text(_RECIPE.format(network=network, train=train, valid=valid, test=test))
    return str(path)


def test_samples_are_distinct_and_larger_ones_hold_smaller_ones() -> None:
    for name in ("tss", "sss", "nasbench101", "residual-text"):
        space = get_space(name)
        cells = distinct_cells(space, 40)
        assert len({class_of(space)(cell) for cell in cells}) == 40
        assert cells[:7] == distinct_cells(space, 7)
        assert all(cell in space for cell in cells)


def test_a_sample_grows_and_is_searched_among_its_own(tmp_path: Path) -> None:
    words = recipe(tmp_path), (0, 3), tmp_path / "sample.table"
    tabulate("sss", "digits", *words, sample=2, executor=in_this_process)
    trained: list[tuple[tuple[int, ...], int]] = []

    def counting(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        for batch in batches:
            trained.extend((cell, seed) for cell in batch.cells for seed in batch.seeds)
            yield from in_this_process([batch])

    tabulate("sss", "digits", *words, sample=3, executor=counting)
    space = get_space("sss")
    cells = distinct_cells(space, 3)
    assert trained == [(cells[2], 0), (cells[2], 3)]  # none again
    table = PackedTable(words[2])
    table.verify()
    assert table.n_rows == 3
    assert "--sample 3" in table.header.provenance["command"]
    benchmark = TableBenchmark(table)
    assert benchmark.protocol.missing == "resample"
    assert min(benchmark.level(None).costs) > 1
    trace = harness.search(benchmark, "random_search", seed=1, evaluations=6)
    assert set(trace.architectures) <= {space.to_string(cell) for cell in cells}


def test_options_and_sizes_of_networks(tmp_path: Path) -> None:
    options, out = {"width": 4, "stacks": 2, "cells": 1}, tmp_path / "t.table"
    words = recipe(tmp_path, str(options)), (0,), out
    tabulate("nasbench101", "digits", *words, sample=2, executor=in_this_process)
    from harness.networks import Task, build
    from harness.networks.counting import count

    space, table = get_space("nasbench101"), PackedTable(out)
    assert table.header.training_source["network"] == space.network
    benchmark = TableBenchmark(table)
    for cell in distinct_cells(space, 2):
        counted = count(build(space, cell, Task((1, 8, 8), 10), options=options), (1, 8, 8))
        row = benchmark.row(cell)
        stored = [table.values(f"digits/ep2/{name}")[row, 0, 0] for name in ("params", "flops")]
        assert tuple(round(1e6 * value) for value in stored) == counted


def test_a_third_partys_space_with_failures(tmp_path: Path, widths: CategoricalSpace) -> None:
    out = tmp_path / "widths.table"
    tabulate("widths", "digits", recipe(tmp_path), (0, 1), out, executor=in_this_process)
    table = PackedTable(out)
    assert (len(table.keys), table.n_rows) == (9, 6)  # pairs in either order share a row
    benchmark = TableBenchmark(table)
    assert benchmark.protocol.missing == "refuse"  # nothing is missing
    assert benchmark.row((0, 2)) == benchmark.row((2, 0))
    runs = benchmark.runs(benchmark.protocol.search)
    assert runs[benchmark.row((2, 2))] == runs[benchmark.row((1, 2))] == ()
    assert all(len(runs[benchmark.row(cell)]) == 2 for cell in ((0, 0), (0, 1), (1, 1), (0, 2)))
    said = table.header.provenance["failed"]
    assert "2 x two layers of 40 channels are too many" in said
    assert "2 x out of memory" in said
    assert np.isnan(table.values("digits/ep2/params")[benchmark.row((2, 2))]).all()
    trace = harness.search(benchmark, "random_search:replacement=false", seed=0, evaluations=9)
    assert trace.columns["status"].tolist().count(FAILED) == 3
    rows = Journal(f"{out}.trainings").rows()
    assert {r["status"] for r in rows if r["cell"] == [2, 2]} == {"failed"}


def test_shares_of_images_become_numbers(tmp_path: Path, widths: CategoricalSpace) -> None:
    out = tmp_path / "t.table"
    words = recipe(tmp_path, valid=0.05), (0,), out
    tabulate("widths", "digits", *words, cells=[(0, 0)], executor=in_this_process)
    settings = PackedTable(out).header.training_source["recipe"]
    assert settings["valid_images"] == round(0.05 * 1797)
    none = recipe(tmp_path, valid=0), (0,), tmp_path / "none.table"
    with pytest.raises(UserError, match="needs validation images"):
        tabulate("widths", "digits", *none, executor=in_this_process)


def test_spaces_without_networks_are_refused(
    tmp_path: Path, widths: CategoricalSpace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Widths, "network", "")
    with pytest.raises(UserError, match="'widths' has no networks to train: name a builder"):
        tabulate("widths", "digits", recipe(tmp_path), (0,), tmp_path / "t.table")


def test_a_wrong_option_is_one_line_before_any_training(tmp_path: Path) -> None:
    words = recipe(tmp_path, "{widht: 4}"), (0,), tmp_path / "t.table"
    with pytest.raises(UserError, match="unknown nasbench101 network option 'widht'"):
        tabulate("nasbench101", "digits", *words, sample=1)


def test_networks_of_the_residual_space(tmp_path: Path) -> None:
    out = tmp_path / "residual.table"
    cells = [(0, 0, 0, 0, 0, 0, 0, 0), (1, 1, 0, 0, 0, 1, 0, 1)]
    words = recipe(tmp_path), (0,), out
    tabulate("residual", "digits", *words, cells=cells, executor=in_this_process)
    benchmark = TableBenchmark(PackedTable(out))
    assert [len(benchmark.runs(benchmark.protocol.search)[benchmark.row(c)]) for c in cells] == [
        1,
        1,
    ]


@pytest.mark.slow
@pytest.mark.data
def test_the_size_space_on_real_images(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NAS_HARNESS_DATA", str(data_dir / "images"))
    out = tmp_path / "usps.table"
    words = recipe(tmp_path, train=320, valid=200, test=200), (0,), out
    tabulate("sss", "usps", *words, sample=3, executor=in_this_process)
    benchmark = TableBenchmark(PackedTable(out))
    trace = harness.search(benchmark, "random_search:replacement=false", seed=0, evaluations=3)
    assert len(set(trace.architectures)) == 3
    best = benchmark.optimum
    assert best is not None and best > 30  # ten classes: far from chance after 40 steps
