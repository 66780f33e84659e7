"""A tiny CSV file with its description, for the tests of the importer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from harness.benchmarks.importers.tabular import import_csv
from harness.benchmarks.packed import PackedTable
from harness.errors import UserError

# A space of 2 x 3 architectures, as digits, with leading zeros that count.
DIGITS: dict[str, Any] = {
    "name": "tiny",
    "space": {"name": "tiny", "options": [["a", "b"], ["x", "y", "z"]]},
    "architecture": {"digits": "code"},
    "columns": {
        "d/ep3/valid_accuracy": {"column": "acc", "epoch": 3, "split": "valid", "unit": "%"},
        "d/ep3/test_accuracy": {"column": "test", "epoch": 3, "split": "test", "unit": "%"},
    },
    "datasets": {
        "d": {
            "default": "plain",
            "protocols": {
                "plain": {
                    "search": {"column": "d/ep3/valid_accuracy", "epoch": 3},
                    "report": {"column": "d/ep3/test_accuracy", "epoch": 3},
                    "missing": "fail",
                }
            },
        }
    },
}
GOOD = "code,acc,test\n00,10.5,11\n02,30.25,31\n12,20,0.1\n"


def write(folder: Path, text: str = GOOD, **changes: Any) -> tuple[Path, Path, Path]:
    """A CSV file, its description (top-level fields replaced) and a place for the table."""
    (folder / "t.csv").write_text(text)
    (folder / "t.yaml").write_text(yaml.safe_dump({**DIGITS, **changes}, sort_keys=False))
    return folder / "t.csv", folder / "t.yaml", folder / "out.table"


def column(**changes: Any) -> dict[str, Any]:
    """The columns of `DIGITS` with fields of the first one replaced."""
    first = {"epoch": 3, "split": "valid", "unit": "%"} | changes
    if not {"epochs", "runs", "array"} & set(changes):
        first.setdefault("column", "acc")
    return {**DIGITS["columns"], "d/ep3/valid_accuracy": first}


def values(table: PackedTable, name: str, epoch: int) -> dict[tuple[int, ...], list[float]]:
    """Architecture -> the values of a column's seeds."""
    rows = table.values(name, epoch=epoch)[table.row_of].tolist()
    return dict(zip(map(tuple, table.keys.tolist()), rows, strict=True))


def refused(folder: Path, *files: Path) -> str:
    """The line with which an import is refused; nothing may be left behind."""
    before = {path.name for path in folder.iterdir()}
    with pytest.raises(UserError) as caught:
        import_csv(*files)
    line = str(caught.value)
    assert "\n" not in line and line
    assert {path.name for path in folder.iterdir()} == before
    return line
