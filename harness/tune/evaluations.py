"""Lane B: a Ray Tune trial is one evaluation, proposed by our searcher behind Tune's interface."""

from __future__ import annotations

import math
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import tune

from harness.benchmarks import Benchmark
from harness.benchmarks.live import LiveBenchmark
from harness.errors import HarnessError, UserError
from harness.experiment import Batch, Cell
from harness.journal import Journal, journal_path
from harness.live.question import LiveQuestion
from harness.loop import Search
from harness.resources import Resources
from harness.searcher import MultiFidelitySearcher
from harness.spec import searcher_class
from harness.traces import telemetry, write_batch
from harness.tune.depot import benchmark_of, start_depot
from harness.tune.fleet import Fleet, Member
from harness.tune.searcher import TuneSearcher
from harness.tune.searches import Watch, refusal, run_config
from harness.tune.session import ray_session
from harness.tune.sources import check_workers


class EvaluationTrial(tune.Trainable):
    """Measures the architecture of its configuration."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], cells: list[Cell], depot: Any
    ) -> None:
        self.cells = cells
        self.depot = depot
        self.asked = config

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.asked = new_config
        return True

    def step(self) -> dict[str, Any]:
        asked = self.asked
        try:
            benchmark = benchmark_of(self.cells[asked["cell"]], self.depot)
            architecture = benchmark.space.from_string(asked["architecture"])
            value = benchmark.read(architecture, asked["fidelity"], asked["seed"], asked["visit"])
            reason = ""
            if math.isnan(value):
                reason = benchmark.reason(architecture, asked["seed"], asked["visit"])
        except HarnessError as error:
            return refusal(error)
        # The test accuracy of a live training has gone to the depot: Tune does not see it.
        return {"done": True, "value": value, "reason": reason, "searches": 0, "evaluations": 1}


def run_evaluations(
    batches: list[Batch],
    out: Path,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    resources: Resources | None = None,
) -> None:
    """Run searches side by side, each evaluation as a trial, and write their traces.

    Args:
        batches: The searches.
        out: The experiment's directory.
        address: See `ray_session`.
        progress: Called with (finished searches, evaluations).
        resources: What a trial takes of the cluster.

    Raises:
        ReplayError: If a search's code changed since it was interrupted.
        UserError: If an evaluation cannot be carried out as asked, or the cluster cannot hold a
            trial.
        HarnessError: If Tune ends before a search does.
    """
    run = _Run(batches, out, resources or Resources(), progress)
    with ray_session(address):
        check_workers()
        run.begin()


class _Run:
    """The searches of one call."""

    def __init__(
        self,
        batches: list[Batch],
        out: Path,
        resources: Resources,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self.cells = list({batch.cell.directory: batch.cell for batch in batches}.values())
        self.searches = [(batch.cell, seed) for batch in batches for seed in batch.seeds]
        self.out, self.resources, self.progress = out, resources, progress
        self.in_flight: set[tuple[str, str]] = set()

    def begin(self) -> None:
        """Run those that go on side by side, then those that need Tune's scheduler."""
        at_once = self._fitting()
        self.depot = start_depot(self.out, self.cells)
        plain = [pair for pair in self.searches if not self._promotes(pair[0])]
        if plain:
            # Each search has as many trials as it has workers.
            searches = max(1, math.ceil(at_once / max(cell.workers for cell, _ in plain)))
            starts = [partial(self._member, cell, seed) for cell, seed in plain]
            fleet = Fleet(starts, searches)
            workers = sum(sorted((cell.workers for cell, _ in plain), reverse=True)[:searches])
            if not (fleet.over or fleet.failure):
                self._tune(EvaluationTrial, fleet, max_concurrent_trials=workers)
            if fleet.failure is not None:
                raise fleet.failure
            if not fleet.over:
                raise HarnessError("Ray Tune ended before the searches: run the command again")
        for cell, seed in self.searches:
            if self._promotes(cell):
                self._promoted(cell, seed)

    def _fitting(self) -> int:
        """How many trials the cluster can hold at a time."""
        has: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        together = self._together()
        wanted = {"CPU": self.resources.cpus, "GPU": self.resources.gpus}
        if together > 1:
            # One processor or one GPU a worker, whatever a trial alone would take.
            on_gpus = any(question.device == "cuda" for question in self._questions())
            wanted = {"CPU": float(together), "GPU": together * float(on_gpus)}
        for name, each in wanted.items():
            if each > has.get(name, 0.0):
                there = has.get(name, 0.0)
                raise UserError(
                    f"a trial takes {each:g} {name}s, the cluster has {there:g}: lower"
                    f" --{name.lower()}s-per-trial, or add nodes"
                )
        return int(min(has[name] // each for name, each in wanted.items() if each))

    def _together(self) -> int:
        """Most workers that train one network together."""
        return max((question.workers for question in self._questions()), default=1)

    def _questions(self) -> list[LiveQuestion]:
        sources = [cell.benchmark.source for cell in self.cells if cell.live]
        return [LiveQuestion.parse(source) for source in sources]

    def _promotes(self, cell: Cell) -> bool:
        kind = searcher_class(cell.searcher.name)
        continuing = cell.protocol.promotion == "continue"
        return continuing and issubclass(kind, MultiFidelitySearcher)

    def _tune(self, trial: type[tune.Trainable], searcher: Any, **how: Any) -> None:
        """Let Tune ask a searcher until it has no more."""
        watch = Watch(self.progress)
        share: Any = {"cpu": self.resources.cpus, "gpu": self.resources.gpus}
        if self._together() > 1:
            from harness.tune.parallel import TRIAL

            share = TRIAL
        with tempfile.TemporaryDirectory() as scratch:
            tune.Tuner(
                tune.with_resources(
                    tune.with_parameters(trial, cells=self.cells, depot=self.depot), share
                ),
                tune_config=tune.TuneConfig(
                    search_alg=searcher, num_samples=-1, reuse_actors=True, **how
                ),
                # The searcher issues a lost evaluation again, which Tune does not always do.
                run_config=run_config(scratch, watch, retries=0),
            ).fit()
        if watch.failure is not None and searcher.failure is None:
            raise watch.failure

    def _started(self, cell: Cell, seed: int) -> tuple[Search, Journal, Callable[[], None]]:
        """A search, its journal, and what records it when it has ended."""
        began = time.perf_counter()
        search = cell.start(self._planning(cell), seed)
        journal = Journal(journal_path(self.out, cell.directory, seed))

        def finish() -> None:
            trace = search.trace(time.perf_counter() - began)
            write_batch(self.out / Batch(cell, (seed,)).path, [trace], telemetry())
            journal.remove()
            if self.progress is not None:
                self.progress(1, 0)

        return search, journal, finish

    def _planning(self, cell: Cell) -> Benchmark:
        """The benchmark in this process, which trains nothing itself."""
        benchmark = benchmark_of(cell, self.depot)
        if isinstance(benchmark, LiveBenchmark):
            benchmark.trainings.carried_out = False
        return benchmark

    def _member(self, cell: Cell, seed: int) -> Member:
        search, journal, finish = self._started(cell, seed)
        place = self.cells.index(cell)
        return Member(TuneSearcher(search, journal, place, self.in_flight), finish)

    def _promoted(self, cell: Cell, seed: int) -> None:
        """Run a search that pauses its trials and resumes them."""
        from harness.tune.promotions import PromotedTrial, PromotingSearcher, Promotions

        search, journal, finish = self._started(cell, seed)
        strategy: Any = search.searcher
        place = self.cells.index(cell)
        searcher = PromotingSearcher(search, journal, strategy.rungs, place)
        if not searcher.ended:
            # Tune would count paused trials as concurrent; the search has no more running than
            # workers.
            self._tune(PromotedTrial, searcher, scheduler=Promotions(searcher))
        if searcher.failure is not None:
            raise searcher.failure
        if not searcher.ended:
            raise HarnessError(
                f"Ray Tune ended before {cell.directory}, seed {seed}: run the command again to"
                " resume"
            )
        finish()
