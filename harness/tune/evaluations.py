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
from harness.journal import Journal, journal_path
from harness.loop import Search
from harness.searcher import MultiFidelitySearcher
from harness.traces import write_batch
from harness.tune.depot import benchmark_of, start_depot
from harness.tune.searcher import TuneSearcher
from harness.tune.searches import Watch, refusal, run_config
from harness.tune.session import ray_session
from harness.tune.sources import check_workers


class EvaluationTrial(tune.Trainable):
    """Measures the architecture of its configuration."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], cell: Cell, depot: Any
    ) -> None:
        self.cell = cell
        self.depot = depot
        self.asked = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.asked = new_config
        return True

    def step(self) -> dict[str, Any]:
        asked = self.asked
        try:
            benchmark = benchmark_of(self.cell, self.depot)
            architecture = benchmark.space.from_string(asked["architecture"])
            value = benchmark.read(architecture, asked["fidelity"], asked["seed"], asked["visit"])
        except HarnessError as error:
            return refusal(error)
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
        UserError: If an evaluation cannot be carried out as asked.
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


def _tuned(
    search: Search, journal: Journal
) -> tuple[type[EvaluationTrial], TuneSearcher, dict[str, Any]]:
    """What Tune runs, what proposes it, and Tune's settings for that."""
    strategy = search.searcher
    continuing = search.benchmark.protocol.promotion == "continue"
    if not (continuing and isinstance(strategy, MultiFidelitySearcher)):
        how = {"max_concurrent_trials": search.workers}
        return EvaluationTrial, TuneSearcher(search, journal), how
    from harness.tune.promotions import PromotedTrial, PromotingSearcher, Promotions

    searcher = PromotingSearcher(search, journal, strategy.rungs)
    # Tune would count paused trials as concurrent; the search has no more running than workers.
    return PromotedTrial, searcher, {"scheduler": Promotions(searcher)}


def _run_search(
    cell: Cell,
    seed: int,
    out: Path,
    depot: Any,
    progress: Callable[[int, int], None] | None,
) -> None:
    began = time.perf_counter()
    search = cell.start(benchmark_of(cell, depot), seed)
    journal = Journal(journal_path(out, cell.directory, seed))
    watch = Watch(progress)
    with tempfile.TemporaryDirectory() as scratch:
        trial, searcher, how = _tuned(search, journal)
        if search.running:
            tune.Tuner(
                tune.with_parameters(trial, cell=cell, depot=depot),
                tune_config=tune.TuneConfig(
                    search_alg=searcher, num_samples=-1, reuse_actors=True, **how
                ),
                # The searcher issues a lost evaluation again, which Tune does not always do.
                run_config=run_config(scratch, watch, retries=0),
            ).fit()
    failure = searcher.failure or watch.failure
    if failure is not None:
        raise failure
    if search.running:
        raise HarnessError(
            f"Ray Tune ended before {cell.directory}, seed {seed}: run the command again to resume"
        )
    trace = search.trace(time.perf_counter() - began)
    write_batch(out / Batch(cell, (seed,)).path, [trace], telemetry())
    journal.remove()
