"""The archive that ships: complete, small, and what the strategies do today."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from harness.archive import Archive, read_archive
from harness.benchmarks import open_benchmark
from harness.experiment import Experiment
from harness.searcher import MultiFidelitySearcher
from harness.spec import searcher_class
from reports.baselines import baseline_archive
from searchers import registry
from tests.experiments import refused

LARGEST = 1_500_000
CHECKED_SEEDS = (0, 57)


@pytest.fixture(scope="module")
def archive() -> Archive:
    return read_archive(baseline_archive("tss-digits"))


@pytest.fixture(scope="module")
def grid() -> Experiment:
    folder = Path(str(files("reports.baselines")))
    return Experiment.from_yaml(folder / "tss-digits.yaml")


def test_it_holds_its_experiment(archive: Archive, grid: Experiment) -> None:
    described = grid.describe()
    for name in ("searchers", "seeds", "budget", "workers", "cells"):
        assert archive.document[name] == described[name]
    (ours,), (now,) = archive.document["benchmarks"], described["benchmarks"]
    assert (ours["checksum"], ours["protocol_hash"]) == (now["checksum"], now["protocol_hash"])
    assert ours["protocol_hash"] == open_benchmark("tss-digits").protocol.hash
    searches = archive.searches.select(["searcher", "seed"]).to_pylist()
    pairs = {(row["searcher"], row["seed"]) for row in searches}
    assert pairs == {(s.label, seed) for s in grid.searchers for seed in grid.seeds}
    assert len(searches) == len(pairs) == 900


def test_it_is_small(archive: Archive) -> None:
    assert archive.path.stat().st_size < LARGEST


def test_it_has_every_strategy_that_needs_nothing_else(archive: Archive) -> None:
    """All but those that train partially, need a library, or propose slowly."""
    cheap = {
        name
        for name in registry.builtin
        if not issubclass(searcher_class(name), MultiFidelitySearcher)
        and not searcher_class(name).libraries
        and searcher_class(name).slowness == 1
    }
    assert {searcher["strategy"] for searcher in archive.document["searchers"]} == cheap


def test_fresh_searches_are_the_archived_ones(archive: Archive, grid: Experiment) -> None:
    rows = archive.searches.select(["searcher", "seed", "digest"]).to_pylist()
    archived = {(row["searcher"], row["seed"]): row["digest"].hex() for row in rows}
    for cell in grid.cells:
        for trace in cell.run(grid.tables[cell.question], CHECKED_SEEDS):
            assert archived[cell.searcher.label, trace.header["seed"]] == trace.digest


def test_restored_searches_have_all_that_was_recorded(archive: Archive, grid: Experiment) -> None:
    (cell,) = (cell for cell in grid.cells if cell.searcher.label == "nord_evolution")
    (fresh,) = cell.run(grid.tables[cell.question], [0])
    restored = next(archive.traces("nord_evolution"))
    assert restored.header == fresh.header and restored.architectures == fresh.architectures
    for name, column in fresh.columns.items():
        assert column.tobytes() == restored.columns[name].tobytes()


@pytest.mark.slow
def test_all_fresh_searches_are_the_archived_ones(archive: Archive, grid: Experiment) -> None:
    for cell in grid.cells:
        fresh = [trace.digest for trace in cell.run(grid.tables[cell.question], grid.seeds)]
        assert fresh == [trace.digest for trace in archive.traces(cell.searcher.label)]


def test_other_benchmarks_have_none() -> None:
    assert "tss-digits" in refused(lambda: baseline_archive("tss-digit"))
