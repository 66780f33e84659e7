"""Lane B: a Ray Tune trial is one evaluation, proposed by our searcher behind Tune's interface."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from harness.errors import HarnessError
from harness.experiment import Batch, Cell, telemetry
from harness.journal import Journal
from harness.traces import write_batch
from harness.tune.depot import benchmark_of, start_depot
from harness.tune.searcher import TuneSearcher
from harness.tune.searches import Watch, run_config
from harness.tune.session import ray_session
from harness.tune.sources import check_workers


class EvaluationTrial(tune.Trainable):
    """Measures the architecture of its configuration."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], cell: Cell, depot: Any
    ) -> None:
        self.benchmark = benchmark_of(cell, depot)
        self.asked = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.asked = new_config
        return True

    def step(self) -> dict[str, Any]:
        architecture = self.benchmark.space.from_string(self.asked["architecture"])
        value = self.benchmark.read(
            architecture, self.asked["fidelity"], self.asked["seed"], self.asked["visit"]
        )
        return {"done": True, "value": value, "searches": 0, "evaluations": 1}


def run_evaluations(
    batches: list[Batch],
    out: Path,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run searches one after the other, each evaluation as a trial, and write their traces.

    Raises:
        ReplayError: If a search's code changed since it was interrupted.
        HarnessError: If Tune ends before a search does.
    """
    with ray_session(address):
        check_workers()
        depot = start_depot(out, [batch.cell for batch in batches])
        for batch in batches:
            for seed in batch.seeds:
                _run_search(batch.cell, seed, out, depot, progress)
                if progress is not None:
                    progress(1, 0)


def _run_search(
    cell: Cell,
    seed: int,
    out: Path,
    depot: Any,
    progress: Callable[[int, int], None] | None,
) -> None:
    began = time.perf_counter()
    search = cell.start(benchmark_of(cell, depot), seed)
    journal = Journal(out / "journal" / cell.directory / f"seed-{seed:06d}.jsonl")
    with tempfile.TemporaryDirectory() as scratch:
        searcher = TuneSearcher(search, journal)
        if search.running:
            tune.Tuner(
                tune.with_parameters(EvaluationTrial, cell=cell, depot=depot),
                tune_config=tune.TuneConfig(
                    search_alg=searcher,
                    num_samples=-1,
                    reuse_actors=True,
                    max_concurrent_trials=search.workers,
                ),
                # The searcher issues a lost evaluation again, which Tune does not always do.
                run_config=run_config(scratch, Watch(progress), retries=0),
            ).fit()
    if search.running:
        raise HarnessError(
            f"Ray Tune ended before {cell.directory}, seed {seed}: run the command again to resume"
        )
    trace = search.trace(time.perf_counter() - began)
    write_batch(out / Batch(cell, (seed,)).path, [trace], telemetry())
    journal.remove()
