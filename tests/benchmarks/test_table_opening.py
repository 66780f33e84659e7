"""Finding tables, data sets and protocols by name, and tables that cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.benchmarks import open_benchmark, open_table
from harness.benchmarks.packed import PackedTable, TableHeader, write_table
from harness.benchmarks.table import TableBenchmark
from harness.errors import HarnessError, UserError
from harness.protocol import LeakError
from harness.testing import synthetic_table
from tests.small_table import (
    COLUMNS,
    protocol,
    small_table,
)


@pytest.fixture(scope="module")
def synthetic(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("table") / "synthetic.table"
    return synthetic_table(path, coverage=0.02, datasets=["one", "two"]).path


def test_data_sets_and_protocols_by_name(synthetic: Path) -> None:
    one, two = open_benchmark(synthetic), open_benchmark(f"{synthetic}#two", "mean")
    assert (one.name, one.dataset, one.protocol.name) == ("synthetic#one", "one", "val-test")
    assert (two.name, two.dataset, two.protocol.name) == ("synthetic#two", "two", "mean")
    assert one.checksum == two.checksum and one.table is two.table
    fail = open_benchmark(synthetic, options={"missing": "fail"})
    assert fail.protocol.missing == "fail" and fail.protocol.hash != one.protocol.hash
    opted = open_benchmark(synthetic, "leaky", {"allow_leak": True})
    assert len(opted.leaks) == 2


def test_unknown_data_sets_and_protocols(synthetic: Path) -> None:
    with pytest.raises(UserError, match="unknown data set of synthetic 'tow': did you mean two"):
        open_benchmark(f"{synthetic}#tow")
    with pytest.raises(UserError, match="protocol of synthetic#one 'means': did you mean mean"):
        open_benchmark(synthetic, "means")
    with pytest.raises(UserError, match="unknown protocol field 'mising': did you mean missing"):
        open_benchmark(synthetic, options={"mising": "fail"})
    with pytest.raises(LeakError):
        open_benchmark(synthetic, "leaky")


@pytest.mark.parametrize(
    "name",
    ["tss-digit", "no/such.table", "x.table", "a" * 5000, "a/" + "b" * 300, "nul\0", "", "."],
)
def test_a_table_that_is_not_there(name: str) -> None:
    with pytest.raises(UserError) as caught:
        open_table(name)
    assert len(str(caught.value).splitlines()) == 1
    if name == "tss-digit":
        assert "did you mean tss-digits?" in str(caught.value)


def test_a_table_is_opened_once_and_again_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    small_table(path)
    first = open_table(path)
    assert open_table(str(path)) is first
    small_table(path, seed=1)
    assert open_table(path).checksum != first.checksum


@pytest.mark.parametrize(
    "space",
    [
        {}, {"name": "x"}, {"name": "x", "options": []}, {"name": "x", "options": [["a", "a"]]},
        {"name": 5, "options": [["a"]]}, {"name": "x", "options": "abc"},
        {"name": "x", "options": [["a"]], "ordinal": [True, False]}, "no-such-space",
        {"name": "x", "options": [[1, 2]]}, {"name": "x", "options": [["a"]], "ordinal": 1},
    ],
)  # fmt: skip
def test_a_malformed_space_is_refused(tmp_path: Path, space: Any) -> None:
    header = TableHeader("t", space, COLUMNS, {"d": {"p": protocol().to_dict()}}, {"d": "p"}, "d")
    values = {c.name: np.ones((1, len(c.seeds), len(c.epochs))) for c in COLUMNS}
    write_table(tmp_path / "t.table", header, np.zeros((1, 1), np.uint8), np.zeros(1, int), values)
    with pytest.raises(HarnessError) as caught:
        TableBenchmark(PackedTable(tmp_path / "t.table"))
    assert len(str(caught.value).splitlines()) == 1


def test_a_table_without_protocols_says_so(tmp_path: Path) -> None:
    values = {c.name: np.ones((1, len(c.seeds), len(c.epochs))) for c in COLUMNS}
    header = TableHeader("t", "tss", COLUMNS)
    write_table(tmp_path / "t.table", header, np.zeros((1, 6), np.uint8), np.zeros(1, int), values)
    with pytest.raises(UserError, match="unknown data set of t '': known: none"):
        open_benchmark(tmp_path / "t.table")
