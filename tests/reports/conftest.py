"""Small experiments and their reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.experiment import BenchmarkSpec, Experiment
from harness.testing.tables import synthetic_table
from reports import write_report

SEARCHERS = ("random_search", "regularized_evolution:population_size=5,tournament_size=2")


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic topology-space table with two data sets and some failing architectures."""
    path = tmp_path_factory.mktemp("table") / "synthetic.table"
    synthetic_table(path, datasets=("one", "two"), failing=0.1)
    return path


@pytest.fixture(scope="session")
def results(table: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An experiment of two strategies on two benchmarks, one of which leaks by an opt-in."""
    out = tmp_path_factory.mktemp("results")
    leaky = BenchmarkSpec(f"{table}#two", "leaky", {"allow_leak": True})
    Experiment([f"{table}#one", leaky], SEARCHERS, 12, {"evaluations": 30}).run(out, inline=True)
    return out


@pytest.fixture(scope="session")
def page(results: Path) -> Path:
    """The page of the experiment, with its files beside it."""
    return write_report(results)


def edited(results: Path, copy: Path, **changes: Any) -> Path:
    """A copy of an experiment's directory whose `experiment.json` has other fields.

    A change may be a function of the field's value.
    """
    copy.mkdir(parents=True, exist_ok=True)
    document = json.loads((results / "experiment.json").read_text())
    for name, change in changes.items():
        document[name] = change(document[name]) if callable(change) else change
    (copy / "experiment.json").write_text(json.dumps(document))
    (copy / "traces").symlink_to(results / "traces")
    return copy
