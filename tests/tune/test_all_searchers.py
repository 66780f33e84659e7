"""Every registered searcher gives one digest on all lanes (long: each evaluation is a trial)."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.experiment import BenchmarkSpec, Experiment
from harness.tune.session import ray_session
from searchers import registry
from tests.tune.helpers import digests


@pytest.mark.slow
def test_every_searcher_agrees_on_all_lanes(table: Path, tmp_path: Path) -> None:
    for workers in (1, 4):
        # Its protocol suits those that choose epochs, and the others take its last.
        benchmark = BenchmarkSpec(str(table), "multi-fidelity")
        grid = Experiment([benchmark], registry.names(), 2, {"evaluations": 60}, workers)
        expected = digests(grid.run(tmp_path / f"inline-{workers}", inline=True))
        assert len(expected) == 2 * len(registry.names())
        with ray_session(None):
            assert digests(grid.run(tmp_path / f"a-{workers}")) == expected
            out = grid.run(tmp_path / f"b-{workers}", trials="evaluation")
            assert digests(out) == expected
