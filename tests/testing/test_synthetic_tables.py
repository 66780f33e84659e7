"""Synthetic tables are what their documentation says."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest

from harness.benchmarks.packed import PackedTable
from harness.benchmarks.table import TableBenchmark
from harness.errors import UserError
from harness.protocol import LeakError
from harness.spaces import CategoricalSpace
from harness.testing import SyntheticTable, synthetic_table

MIXED = CategoricalSpace("mixed", [["a", "b"], [str(v) for v in range(7)]], [False, True])


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> PackedTable:
    return synthetic_table(tmp_path_factory.mktemp("tables") / "t.table")


def test_holds_the_whole_topology_space(table: PackedTable) -> None:
    assert len(table.keys) == table.n_rows == 15_625
    table.verify()


def test_seeds_are_ragged(table: PackedTable) -> None:
    absent = np.isnan(table.values("synthetic/ep12/valid_accuracy")).mean(axis=(0, 2))
    assert absent == pytest.approx([0, 1 / 6, 1 / 3], abs=0.01)
    test = np.isnan(table.values("synthetic/ep12/test_accuracy")).mean(axis=(0, 2))
    assert (test == absent).all()


def test_values_are_the_documented_function(table: PackedTable) -> None:
    made = SyntheticTable()
    cells = np.array(made.architectures())
    quality, half = made.quality(cells, "synthetic"), made.slowness(cells, "synthetic")
    assert 0 <= quality.min() < 0.2 < 0.8 < quality.max() <= 1
    values = table.values("synthetic/ep12/valid_accuracy")
    final = 10 + 84 * (1 - (1 - quality) ** 2)
    for epoch in (1, 5, 12):
        expected = 10 + (final - 10) * epoch / (epoch + half) * (12 + half) / 12
        noise = values[:, 0, epoch - 1] - expected
        assert abs(noise.mean()) < 0.05
        assert noise.std() == pytest.approx(0.6, rel=0.05)
    seconds = table.values("synthetic/time/train_seconds")
    assert seconds.min() >= 2
    assert seconds.max() <= 10


def test_rows_are_found_by_architecture(table: PackedTable) -> None:
    benchmark = TableBenchmark(table)
    made = SyntheticTable()
    for row in (0, 77, 15_624):
        assert benchmark.row(made.architectures()[row]) == row


def test_default_protocols(table: PackedTable) -> None:
    assert TableBenchmark(table).protocol.name == "val-test"
    assert TableBenchmark(table, protocol="multi-fidelity").level(3).epochs == 3
    with pytest.raises(LeakError):
        TableBenchmark(table, protocol="leaky")


def test_a_space_of_the_users_own_with_two_landscapes(tmp_path: Path) -> None:
    made = synthetic_table(tmp_path / "m.table", MIXED, datasets=("one", "two"), failing=0.3)
    benchmark = TableBenchmark(made, "two")
    assert benchmark.space.options == MIXED.options  # type: ignore[attr-defined]
    assert benchmark.space.ordinal == MIXED.ordinal
    assert [benchmark.row(cell) for cell in product(range(2), range(7))] == list(range(14))
    one, two = (made.values(f"{name}/ep12/valid_accuracy", epoch=12) for name in ("one", "two"))
    failed = np.isnan(one).all(axis=1)
    assert 0 < failed.sum() < 14
    assert (failed == np.isnan(two).all(axis=1)).all()
    assert not np.allclose(one[~failed, 0], two[~failed, 0])


def test_same_bytes_again(tmp_path: Path) -> None:
    first, second = (synthetic_table(tmp_path / name, MIXED) for name in ("a", "b"))
    assert first.path.read_bytes() == second.path.read_bytes()


def test_partial_coverage(tmp_path: Path) -> None:
    made = synthetic_table(tmp_path / "p.table", coverage=0.3)
    assert len(made.keys) / 15_625 == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize("option", [{"failing": 1.5}, {"coverage": -0.1}])
def test_shares_are_checked(option: dict[str, float]) -> None:
    with pytest.raises(UserError, match="must be within 0 and 1"):
        SyntheticTable(**option)  # type: ignore[arg-type]
