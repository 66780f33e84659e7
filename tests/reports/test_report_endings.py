"""What every search found in the end: file by file as from all files at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import UserError
from harness.experiment import BenchmarkSpec, Experiment
from harness.testing.tables import synthetic_table
from reports.endings import read_endings
from reports.incumbents import incumbents
from reports.records import read_records
from tests.experiments import EVOLUTION, experiment


def test_endings_are_those_of_the_whole_records(tmp_path: Path) -> None:
    table = tmp_path / "partial.table"
    synthetic_table(table, coverage=0.5)
    # Later seeds come first: files are not in the order of the seeds.
    for seeds in ([5, 6], [0, 1, 2]):
        grid = Experiment(
            [BenchmarkSpec(str(table), options={"missing": "fail"})],
            searchers=["random_search", EVOLUTION],
            seeds=seeds,
            budget={"evaluations": 30},
        )
        grid.run(tmp_path / "out", inline=True)
    records = read_records(tmp_path / "out")
    described, endings = read_endings(tmp_path / "out")
    assert described.document == records.document and not described.cells
    assert set(endings) == set(records.cells)
    for key, cell in records.cells.items():
        followed = incumbents(cell)
        for role, values in endings[key].values.items():
            np.testing.assert_array_equal(values, followed.final(role))
        assert endings[key].failed == cell.statuses["failed"] + cell.statuses["missing"]


def test_a_directory_without_searches_is_refused(tmp_path: Path) -> None:
    table = tmp_path / "t.table"
    synthetic_table(table)
    experiment(table).record(tmp_path / "out")
    with pytest.raises(UserError, match="holds no finished search"):
        read_endings(tmp_path / "out")
    with pytest.raises(UserError, match="holds no experiment"):
        read_endings(tmp_path)
