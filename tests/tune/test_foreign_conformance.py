"""Ray Tune searchers pass the suite of all searchers, and agree on all lanes."""

from __future__ import annotations

from pathlib import Path

import pytest
import ray

from harness import experiment
from harness.experiment import Experiment
from harness.testing import SearcherSuite
from harness.tune.foreign.adapter import ForeignSearcher
from tests.tune.helpers import digests

CLIMBER = "tune:tests.tune.ray_searchers:Climber"


class TestOptuna(SearcherSuite):
    searcher = "tune:optuna"
    asks = 60


class TestOptunaNsgaii(SearcherSuite):
    searcher = "tune:optuna:sampler=nsgaii,population_size=10"
    asks = 60


class TestHyperOpt(SearcherSuite):
    searcher = "tune:hyperopt:n_initial_points=10"
    asks = 40


class TestByPath(SearcherSuite):
    searcher = f"{CLIMBER}:restart=0.1"


@pytest.mark.parametrize("cpus", [1, 2])
def test_workers_leave_the_traces_of_the_plain_loop(
    table: Path, tmp_path: Path, cpus: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lane A on one and on two Ray workers, two searches a trial."""
    monkeypatch.setattr(experiment, "BATCH_EVALUATIONS", 60 * ForeignSearcher.slowness)
    searchers = ["tune:optuna", "tune:hyperopt", CLIMBER]
    grid = Experiment([str(table)], searchers, 4, {"evaluations": 30})
    assert len(grid.pending()) == 6
    expected = digests(grid.run(tmp_path / "inline", inline=True))
    ray.init("local", num_cpus=cpus, include_dashboard=False, log_to_driver=False)
    try:
        assert digests(grid.run(tmp_path / "ray")) == expected
    finally:
        ray.shutdown()
    assert len(expected) == 12
