"""Tabulation: resumed after a kill, the same on Ray, packed as a table that can be searched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.spaces.tss import TopologySpace
from harness.tabulate import tabulate
from harness.tabulation.cells import distinct_cells
from harness.tabulation.journal import Journal
from harness.tabulation.table import pack
from harness.tabulation.work import Batch, Row, in_this_process

_RECIPE = """
train_images: 32
valid_images: 40
test_images: 50
pixel_noise: 0.5
width: 2
depth: 1
epochs: 2
batch_size: 16
learning_rate: 0.1
momentum: 0.9
nesterov: true
weight_decay: 0.0005
"""
CELLS = distinct_cells(TopologySpace())[:12]


class Killed(Exception):
    """Stands for the end of the process."""


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    pytest.importorskip("torch", reason="torch is not installed (extra 'live')")
    path = tmp_path / "tiny.yaml"
    path.write_text(_RECIPE)
    return str(path)


def _results(journal: Path) -> dict[Any, Any]:
    """What does not depend on the clock."""
    return {
        (tuple(r["cell"]), r["seed"]): (r["status"], r["valid_correct"], r["test_correct"])
        for r in Journal(journal).rows()
    }


def test_a_killed_tabulation_goes_on(tmp_path: Path, recipe: str) -> None:
    trained: list[tuple[int, ...]] = []

    def counting(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        for batch in batches:
            trained.extend(batch.cells)
            yield from in_this_process([batch])

    def dying(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        yield from counting(batches[:1])
        raise Killed

    whole, resumed = tmp_path / "whole.table", tmp_path / "resumed.table"
    tabulate("tss", "digits", recipe, (0, 1), whole, executor=in_this_process, cells=CELLS)
    with pytest.raises(Killed):
        tabulate("tss", "digits", recipe, (0, 1), resumed, executor=dying, cells=CELLS)
    assert not resumed.exists()
    journal = tmp_path / "resumed.table.trainings"
    with (journal / "trainings.jsonl").open("a") as lines:
        lines.write('{"cell": [1, 1')  # killed while writing
    seen: list[tuple[int, int]] = []
    tabulate(
        "tss", "digits", recipe, (0, 1), resumed,
        executor=counting, cells=CELLS, progress=lambda done, total: seen.append((done, total)),
    )  # fmt: skip
    assert sorted(trained) == sorted(CELLS)  # each once
    assert seen == [(10, 12), (12, 12)]
    assert _results(journal) == _results(tmp_path / "whole.table.trainings")

    before = resumed.read_bytes()
    tabulate("tss", "digits", recipe, (0, 1), resumed, executor=dying, cells=CELLS)
    assert resumed.read_bytes() == before  # nothing left to do


def test_a_cell_without_all_seeds_is_trained_again(tmp_path: Path, recipe: str) -> None:
    out = tmp_path / "t.table"
    tabulate("tss", "digits", recipe, (0, 1), out, executor=in_this_process, cells=CELLS[:2])
    path = tmp_path / "t.table.trainings" / "trainings.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:3]))
    assert len(Journal(path.parent).finished()) == 1
    tabulate("tss", "digits", recipe, (0, 1), out, executor=in_this_process, cells=CELLS[:2])
    assert len(Journal(path.parent).finished()) == 2


def test_the_table_can_be_searched(tmp_path: Path, recipe: str) -> None:
    out = tmp_path / "small.table"
    tabulate("tss", "digits", recipe, (0, 1), out, executor=in_this_process, cells=CELLS[:3])
    table = PackedTable(out)
    table.verify()
    assert table.n_rows == 3
    assert table.header.training_source["recipe"]["epochs"] == 2
    benchmark = TableBenchmark(table)
    rows = _results(tmp_path / "small.table.trainings")
    space = TopologySpace()
    for cell in CELLS[:3]:
        row = benchmark.row(cell)
        stored = table.values("digits/ep2/valid_accuracy", epoch=2)[row]
        assert list(stored) == [100 * rows[cell, seed][1][-1] / 40 for seed in (0, 1)]
    shared = [c for c in map(tuple, table.keys.tolist()) if space.functional(c) == CELLS[0]]
    assert {benchmark.row(c) for c in shared} == {benchmark.row(CELLS[0])}
    for name in ("val2-test2", "curve2", "mean2"):
        assert TableBenchmark(table, protocol=name).protocol.hash


def test_a_diverged_training_is_a_failed_row(tmp_path: Path, recipe: str) -> None:
    def diverging(batches: Sequence[Batch]) -> Iterator[list[Row]]:
        for rows in in_this_process(batches):
            lists = ("valid_correct", "test_correct", "train_seconds", "evaluate_seconds")
            yield [{**row, "status": "diverged", **{k: row[k][:1] for k in lists}} for row in rows]

    out = tmp_path / "t.table"
    tabulate("tss", "digits", recipe, (0,), out, executor=diverging, cells=CELLS[:1])
    benchmark = TableBenchmark(PackedTable(out))
    assert benchmark.runs(benchmark.protocol.search) == [()]


def test_other_questions_are_refused(tmp_path: Path, recipe: str) -> None:
    out = tmp_path / "t.table"
    tabulate("tss", "digits", recipe, (0,), out, executor=in_this_process, cells=CELLS[:1])
    with pytest.raises(UserError, match="another seeds: choose another --out"):
        tabulate("tss", "digits", recipe, (0, 1), out, executor=in_this_process)
    with pytest.raises(UserError, match="unknown space"):
        tabulate("tsss", "digits", recipe, (0,), out)
    with pytest.raises(UserError, match=r"373,754,169 architectures.*give --sample"):
        tabulate("nasbench101", "digits", recipe, (0,), out)
    with pytest.raises(UserError, match=r"has no 5,261 distinct.*lower --sample"):
        tabulate("tss", "digits", recipe, (0,), out, sample=5_261)
    with pytest.raises(UserError, match="unknown data set 'digts'"):
        tabulate("tss", "digts", recipe, (0,), out)
    with pytest.raises(UserError, match="distinct seeds"):
        tabulate("tss", "digits", recipe, (), out)
    with pytest.raises(UserError, match="no trainings"):
        pack(Journal(tmp_path / "nothing"), out, name="t")


@pytest.mark.slow
def test_rows_on_ray_are_those_of_this_process(tmp_path: Path, recipe: str) -> None:
    here, there = tmp_path / "here.table", tmp_path / "there.table"
    tabulate("tss", "digits", recipe, (0, 1), here, executor=in_this_process, cells=CELLS)
    tabulate("tss", "digits", recipe, (0, 1), there, cells=CELLS)
    assert _results(tmp_path / "here.table.trainings") == _results(
        tmp_path / "there.table.trainings"
    )
