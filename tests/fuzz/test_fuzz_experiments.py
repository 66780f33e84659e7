"""Whatever an experiment file says: a line that tells the mistake, or an experiment that runs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given

from harness.errors import HarnessError
from harness.experiment import Experiment
from harness.traces import read_batch, trace_files
from reports.build import experiment_file
from tests.fuzz.strategies import (
    command,
    documents,
    fuzz,
    fuzzed,
    one_line,
    refused,
    strict_warnings,
)
from tests.small_table import CELLS, PER_EPOCH, TEST, VALID, small_table


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a whole table, `whole.table`, and half of one, `half.table`."""
    place = tmp_path_factory.mktemp("fuzz")
    small_table(place / "whole.table")
    small_table(place / "half.table", cells=CELLS[::2], seed=1)
    return place


SOUND: list[Any] = [
    {
        "benchmarks": [
            "whole.table",
            {"source": "half.table", "options": {"missing": "resample"}},
        ],
        "searchers": ["random_search", {"reinforce": {"learning_rate": 0.5, "label": "r"}}],
        "seeds": [3, 1],
        "budget": {"evaluations": 5, "seconds": 1000, "epochs": 100},
        "workers": 2,
    },
    {
        "benchmarks": [
            {
                "source": "whole.table#d",
                "protocol": "plain",
                "options": {
                    "search": {"column": VALID, "epoch": 2, "seeds": "random"},
                    "report": {"column": TEST, "epoch": 4, "seeds": "mean"},
                    "select": {"column": VALID, "epoch": 4, "seeds": 7},
                    "maximize": False,
                    "fidelities": [1, 2, 4],
                    "cost": [{"column": PER_EPOCH, "per": "epoch", "factor": 0.5, "epoch": 1}],
                    "repeat": "fresh",
                    "charge_repeats": False,
                    "time_noise": 0.1,
                    "allow_leak": True,
                    "note": "n",
                },
            }
        ],
        "searchers": [
            {"regularized_evolution": {"population_size": 3, "tournament_size": 2}},
            {"classic_evolution": {"population_size": 3, "tournament_size": 2}},
            "local_search:initial_samples=2",
            {"era_evolution": None},
        ],
        "seeds": 1,
        "budget": {"evaluations": 6},
    },
]

DOMAIN: list[Any] = [
    "whole.table", "half.table", "whole.table#e", "json:loads", "json:x", "a..b:c", ":",
    "tss-digits", "plain", VALID, TEST, PER_EPOCH,
    "random_search", "random_search:replacement=false", "local_search:starts=0x" + "f" * 9999,
    "regularized_evolution", "random", "mean", "epoch", "evaluation", "refuse", "resample", "fail",
    "cached", {"label": "b"}, {"random_search": {"replacement": False}}, {"evaluations": 2},
    {"missing": "fail"}, {"self": 1}, {"name": "other"}, {"column": VALID, "epoch": 1},
]  # fmt: skip


def small(grid: Experiment) -> bool:
    """Whether all of an experiment takes no more than a moment."""
    evaluations = grid.budget.evaluations
    searches = len(grid.cells) * len(grid.seeds)
    return evaluations is not None and evaluations <= 20 and searches <= 20 and grid.workers < 999


@fuzzed(45, 500)
def test_experiment_files(examples: int, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, out = folder / "experiment.yaml", folder / "out"
    monkeypatch.setenv("COLUMNS", "200")

    @fuzz(examples)
    @given(text=documents(SOUND, DOMAIN))
    def check(text: bytes) -> None:
        path.write_bytes(text)
        shutil.rmtree(out, ignore_errors=True)
        words = ["run", path, "--out", out, "--inline"]
        try:
            with strict_warnings():
                grid = Experiment.from_yaml(path)
                description = plain(grid.describe())
        except HarnessError as error:
            outcome = command(*words)
            refused(outcome)
            assert outcome.err == f"nas-harness: {one_line(error)}\n"
            assert outcome.status == error.exit_status == 2 and not out.exists()
            return
        if not small(grid):
            return
        with strict_warnings():
            outcome = command(*words)
        if outcome.status:
            refused(outcome)
            return
        assert outcome.err == ""
        assert json.loads((out / "experiment.json").read_text()) == description
        complete(grid, out)
        reproduced(grid, description, folder / "again.yaml")

    check()


def plain(description: dict[str, Any]) -> dict[str, Any]:
    """As it is read back from JSON."""
    read: dict[str, Any] = json.loads(json.dumps(description, allow_nan=False))
    return read


def complete(grid: Experiment, out: Path) -> None:
    """Every search of the grid has one intact trace within its budget."""
    found = set()
    for path in trace_files(out):
        for trace in read_batch(path):
            header = trace.header
            found.add((path.parent.name, header["seed"]))
            assert header["budget"] == grid.budget.limits
            assert len(trace) <= 20 or header["stopped"] == "nothing new"
    assert found == {(cell.directory, seed) for cell in grid.cells for seed in grid.seeds}
    assert grid.pending(out) == []


def reproduced(grid: Experiment, description: dict[str, Any], path: Path) -> None:
    """The file that a report prints asks for the same searches."""
    path.write_text(experiment_file(description), encoding="utf-8")
    again = Experiment.from_yaml(path).describe()
    for name in ("cells", "seeds", "budget", "workers"):
        assert plain(again)[name] == description[name], path.read_text()
