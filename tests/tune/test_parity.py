"""One search, three lanes, one digest."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.experiment import BenchmarkSpec, Experiment
from harness.tune import depot
from harness.tune.session import ray_session
from tests.tune.helpers import SEARCHERS, digests


def experiment(table: Path, workers: int, seeds: int = 3) -> Experiment:
    return Experiment([str(table)], SEARCHERS, seeds, {"evaluations": 20}, workers)


def test_lanes_agree(table: Path, tmp_path: Path) -> None:
    """In-process, whole searches as trials, and evaluations as trials, with 1 and 3 workers."""
    with ray_session(None):
        for workers in (1, 3):
            outs = {
                lane: tmp_path / f"{lane}-{workers}" for lane in ("inline", "search", "evaluation")
            }
            experiment(table, workers).run(outs["inline"], inline=True)
            experiment(table, workers).run(outs["search"])
            experiment(table, workers, seeds=1).run(outs["evaluation"], trials="evaluation")
            expected = digests(outs["inline"])
            assert len(expected) == 6
            assert digests(outs["search"]) == expected
            few = {key: value for key, value in expected.items() if key[1] == 0}
            assert digests(outs["evaluation"]) == few
            assert not list(outs["evaluation"].glob("journal/*/*.jsonl"))


def test_a_mistake_in_a_worker_is_one_clear_error(tmp_path: Path) -> None:
    """A partial table whose protocol refuses what it lacks ends the experiment at once."""
    from harness.errors import UserError
    from harness.testing.tables import synthetic_table

    partial = tmp_path / "partial.table"
    synthetic_table(partial, coverage=0.5)
    grid = Experiment([str(partial)], ["random_search"], 2, {"evaluations": 50})
    with ray_session(None):
        for trials in ("search", "evaluation"):
            with pytest.raises(UserError, match=r"lacks .*missing=resample"):
                grid.run(tmp_path / trials, trials=trials)


def test_a_table_that_a_node_lacks_comes_from_the_driver(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By content: the worker knows only a name that means nothing on its node."""
    grid = experiment(table, 1)
    cell = grid.cells[0]
    monkeypatch.setattr(depot, "table_cache", lambda: tmp_path / "cache")
    monkeypatch.setattr(depot, "_benchmarks", {})
    with ray_session(None):
        actor = depot.start_depot(tmp_path / "out", [cell])
        elsewhere = replace(cell, benchmark=BenchmarkSpec("/nowhere/synthetic.table"))
        fetched = depot.benchmark_of(elsewhere, actor)
    assert fetched.checksum == cell.checksum
    assert fetched.table.path == tmp_path / "cache" / f"{cell.checksum}.table"
    ours, theirs = (cell.run(benchmark, [0])[0] for benchmark in (grid.opened[0], fetched))
    assert ours.digest == theirs.digest
