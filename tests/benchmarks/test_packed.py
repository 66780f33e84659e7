"""Packed tables: what goes in comes out, or a line says why it cannot."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.benchmarks.packed import (
    Column,
    PackedTable,
    TableHeader,
    write_table,
)
from harness.errors import UserError
from tests.small_table import COLUMNS, protocol, small_table

INTEGERS = {"uint8": 8, "uint16": 16, "uint32": 32, "int32": 31, "int64": 52}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packed")


# --- what goes in comes out -----------------------------------------------------------------


@st.composite
def columns(draw: st.DrawFn, rows: int, number: int) -> tuple[Column, np.ndarray]:
    """A column and values that it can hold, as they come out (multiples of its scale)."""
    dtype = draw(st.sampled_from([*INTEGERS, "float32", "float64"]))
    scale = draw(st.sampled_from([1.0, 0.01, 0.25, 3.0, 1e-6]))
    column = Column(
        f"column {number}",
        seeds=tuple(draw(st.lists(st.integers(0, 999), min_size=1, max_size=3, unique=True))),
        epochs=tuple(sorted(draw(st.sets(st.integers(0, 300), min_size=1, max_size=3)))),
        scale=scale,
        dtype=dtype,
    )
    if dtype in INTEGERS:
        top = 2 ** INTEGERS[dtype] - (2 if dtype.startswith("u") else 1)
        low = 0 if dtype.startswith("u") else -top
        numbers = st.integers(low, top).map(float)
    else:
        numbers = st.floats(-(2.0**99), 2.0**99, width=32)
    if not dtype.startswith("i"):
        numbers |= st.just(np.nan)
    shape = (rows, len(column.seeds), len(column.epochs))
    size = int(np.prod(shape))
    drawn = draw(st.lists(numbers, min_size=size, max_size=size))
    return column, np.array(drawn).reshape(shape) * (scale if scale != 1.0 else 1.0)


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_round_trip(folder: Path, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 7))
    one_key = st.binary(min_size=width, max_size=width)
    keys = data.draw(st.lists(one_key, min_size=1, max_size=6, unique=True))
    row_of = data.draw(st.lists(st.integers(0, 4), min_size=len(keys), max_size=len(keys)))
    rows = max(row_of) + 1
    drawn = [data.draw(columns(rows, i)) for i in range(data.draw(st.integers(1, 3)))]
    provenance = data.draw(st.dictionaries(st.text(), st.text() | st.integers(), max_size=2))
    header = TableHeader("t", "tss", tuple(c for c, _ in drawn), provenance=provenance)
    packed = np.frombuffer(b"".join(keys), np.uint8).reshape(-1, width)
    path = folder / "round-trip.table"
    given = {column.name: values for column, values in drawn}
    checksum = write_table(path, header, packed, np.array(row_of), given)

    table = PackedTable(path)
    table.verify()
    assert table.checksum == checksum
    assert table.header == header
    assert table.keys.tolist() == packed.tolist()
    assert table.row_of.tolist() == row_of
    assert table.n_rows == rows
    for column, values in drawn:
        found = table.values(column.name)
        assert np.array_equal(np.isnan(found), np.isnan(values))
        np.testing.assert_allclose(
            found, values, rtol=2e-7 if column.dtype == "float32" else 1e-12
        )
        last, seeds = column.epochs[-1], column.seeds[::-1]
        part = table.values(column.name, seeds=seeds, epoch=last)
        assert np.array_equal(part, found[:, ::-1, -1], equal_nan=True)


def test_same_content_same_file(folder: Path) -> None:
    first = small_table(folder / "a.table").table
    second = small_table(folder / "b.table").table
    other = small_table(folder / "c.table", seed=1).table
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.checksum == second.checksum != other.checksum


def test_rounding_is_to_the_nearest_stored_number(folder: Path) -> None:
    column = Column("c", scale=0.01, dtype="uint16")
    header = TableHeader("t", "tss", (column,))
    values = np.array([0.004, 0.006, 93.417, 655.34]).reshape(4, 1, 1)
    keys = np.arange(4, dtype=np.uint8).reshape(4, 1)
    write_table(folder / "r.table", header, keys, np.arange(4), {"c": values})
    found = PackedTable(folder / "r.table").values("c").ravel()
    assert found.tolist() == pytest.approx([0.0, 0.01, 93.42, 655.34])


def test_unknown_columns_seeds_and_epochs(folder: Path) -> None:
    table = small_table(folder / "unknown.table").table
    with pytest.raises(UserError, match="did you mean d/valid_accuracy"):
        table.values("d/valid_acuracy")
    with pytest.raises(UserError, match=r"has epochs \(1, 2, 4\).* asked for epoch 3"):
        table.values("d/valid_accuracy", epoch=3)
    with pytest.raises(UserError, match=r"seeds \(7, 8, 9\)"):
        table.values("d/valid_accuracy", seeds=[5])


# --- what cannot be written -----------------------------------------------------------------


def write_one(path: Path, column: Column, values: Any, keys: Any = ((0,), (1,))) -> None:
    numbers = np.asarray(values, dtype=float).reshape(-1, 1, 1)
    packed = np.array(keys, np.uint8)
    header = TableHeader("t", "tss", (column,))
    write_table(path, header, packed, np.arange(len(packed)), {column.name: numbers})


@pytest.mark.parametrize(
    ("dtype", "value"),
    [
        ("uint8", 255), ("uint8", -1), ("uint16", 65535), ("uint32", 2**32 - 1),
        ("int32", 2**31), ("int32", -(2**31) - 1), ("int32", np.nan), ("int64", 2**63),
        ("int64", np.inf), ("uint8", np.inf), ("float32", 1e39), ("float64", np.inf),
    ],
)  # fmt: skip
def test_a_value_that_does_not_fit_is_refused(tmp_path: Path, dtype: str, value: float) -> None:
    with pytest.raises(UserError, match=f"column 'c': .*{dtype}"):
        write_one(tmp_path / "t.table", Column("c", dtype=dtype), [1, value])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("dtype", "value"),
    [("uint8", 254), ("int32", 2**31 - 1), ("int32", -(2**31)), ("int64", -(2**63))],
)
def test_the_last_value_that_fits(tmp_path: Path, dtype: str, value: int) -> None:
    write_one(tmp_path / "t.table", Column("c", dtype=dtype), [1, value])
    assert PackedTable(tmp_path / "t.table").values("c").ravel().tolist() == [1, value]


def test_duplicate_architectures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="an architecture occurs twice"):
        write_one(tmp_path / "t.table", Column("c"), [1, 2, 3], [(0, 1), (1, 0), (0, 1)])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("keys", "row_of", "values", "message"),
    [
        ([], [], {"c": np.zeros((0, 1, 1))}, "at least one architecture"),
        ([[]], [0], {"c": np.zeros((1, 1, 1))}, "at least one architecture"),
        ([[1], [2]], [0], {"c": np.zeros((1, 1, 1))}, "a row for each"),
        ([[1], [2]], [0, -1], {"c": np.zeros((1, 1, 1))}, "a row for each"),
        ([[1], [2]], [0, 1], {"c": np.zeros((3, 1, 1))}, r"shape \(3, 1, 1\), expected \(2,"),
        ([[1], [2]], [0, 1], {"c": np.zeros((2, 2, 1))}, r"shape \(2, 2, 1\)"),
        ([[1], [2]], [0, 1], {"d": np.zeros((2, 1, 1))}, "do not match the header's"),
        ([[1], [2]], [0, 1], {}, "do not match the header's"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    tmp_path: Path, keys: Any, row_of: Any, values: Any, message: str
) -> None:
    header = TableHeader("t", "tss", (Column("c"),))
    packed = np.array(keys, np.uint8).reshape(len(keys), -1) if keys else np.zeros((0, 1))
    with pytest.raises(UserError, match=message):
        write_table(tmp_path / "t.table", header, packed, np.array(row_of, int), values)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"split": "tset"}, "unknown split 'tset'"),
        ({"schedule": "cosine"}, "unknown schedule"),
        ({"aggregate": "median"}, "unknown aggregate"),
        ({"dtype": "float16"}, "unknown dtype"),
        ({"seeds": ()}, "needs seeds"),
        ({"seeds": (1, 1)}, "a seed occurs twice"),
        ({"epochs": (3, 2)}, "ascending epochs"),
        ({"scale": 0.0}, "scale=0.0; must be positive"),
        ({"scale": float("nan")}, "scale=nan; must be a finite number"),
        ({"seeds": ("a",)}, "seeds=.*; must be a list, each a whole number"),
    ],
)
def test_malformed_columns_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=f"column 'c': .*{message}"):
        Column("c", **changes)


def test_malformed_headers_are_refused() -> None:
    one = Column("c")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"columns": ()}, "distinct names"),
        ({"columns": (one, one)}, "distinct names"),
        ({"columns": (Column("#keys"),)}, "distinct names"),
        ({"protocols": {"d": {}}}, "no data set ''"),
        ({"protocols": {"d": {"p": {}}}, "default_dataset": "d"}, "'d' has no default protocol"),
        ({"provenance": []}, "provenance"),
    ]
    for changes, message in wrong:
        with pytest.raises(UserError, match=f"table 't': .*{message}"):
            TableHeader(**{"name": "t", "space": "tss", "columns": (one,)} | changes)


# --- nothing half-written -------------------------------------------------------------------


@pytest.mark.parametrize("failing", ["fsync", "replace"])
def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    path = tmp_path / "t.table"
    before = small_table(path).table.path.read_bytes()

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    place: Any = os if failing == "fsync" else Path
    monkeypatch.setattr(place, failing, full)
    with pytest.raises(OSError, match="No space"):
        small_table(path, seed=1)
    assert [p.name for p in tmp_path.iterdir()] == ["t.table"]
    assert path.read_bytes() == before


def test_a_killed_write_leaves_no_table(tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    program = (
        "import os, signal, sys, pathlib; from tests.small_table import small_table\n"
        "pathlib.Path.replace = lambda *args: os.kill(os.getpid(), signal.SIGKILL)\n"
        f"small_table(pathlib.Path({str(path)!r}))"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", program], check=False, cwd=root)
    assert done.returncode == -9
    assert not path.exists()
    assert not list(tmp_path.glob("*.table"))


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        small_table(tmp_path / "t.table")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "t.table").stat().st_mode) == 0o640


def test_a_table_answers_after_its_file_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "t.table"
    old = small_table(path)
    small_table(path, seed=1)
    name = COLUMNS[0].name
    assert np.array_equal(old.table.values(name), old.values[name], equal_nan=True)
    assert protocol().search.column == name
