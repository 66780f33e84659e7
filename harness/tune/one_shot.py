"""Lane C: a Ray Tune trial is one search by a supernet, with a checkpoint where an epoch ends.

Checkpoints, logs and traces go to the depot, on the driver's node. A trial whose worker dies is
started again by Tune, and goes on from the last checkpoint; so does a search whose driver died.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune

from harness.errors import HarnessError
from harness.experiment import Batch
from harness.one_shot.recorded import RecordedSearch
from harness.resources import Resources
from harness.tune.depot import DepotFiles, benchmark_of, start_depot
from harness.tune.searches import Watch, refusal, run_config
from harness.tune.session import RETRIES, ray_session
from harness.tune.sources import check_workers


class OneShotTrial(tune.Trainable):
    """Trains the supernet of one search, an epoch a step."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], batches: list[Batch], depot: Any
    ) -> None:
        self.batches, self.depot = batches, depot
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.batch = self.batches[new_config["batch"]]
        self.search: RecordedSearch | None = None
        return True

    def step(self) -> dict[str, Any]:
        try:
            if self.search is None:
                self.search = self._started()
            trace = self.search.advance()
        except HarnessError as error:
            return refusal(error)
        if trace is None:
            return {"epoch": self.search.search.epoch}
        self.search = None
        return {"done": True, "searches": 1, "evaluations": len(trace)}

    def _started(self) -> RecordedSearch:
        benchmark = benchmark_of(self.batch.cell, self.depot)
        return RecordedSearch(self.batch, benchmark, DepotFiles(self.depot))


def run_one_shot(
    batches: list[Batch],
    out: Path,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    resources: Resources | None = None,
) -> None:
    """Run searches by supernets on Ray Tune and write their traces below `out`.

    Args:
        batches: One search each.
        out: The experiment's directory.
        address: See `ray_session`.
        progress: Called with (finished searches, derivations).
        resources: What a trial takes of the cluster.

    Raises:
        UserError: If a search cannot be carried out as asked.
        HarnessError: If the worker of a search dies more often than it is retried.
    """
    share = resources or Resources()
    watch = Watch(progress)
    with ray_session(address):
        check_workers()
        depot = start_depot(out, [batch.cell for batch in batches])
        with tempfile.TemporaryDirectory() as scratch:
            results = tune.Tuner(
                tune.with_resources(
                    tune.with_parameters(OneShotTrial, batches=batches, depot=depot),
                    {"cpu": share.cpus, "gpu": share.gpus},
                ),
                param_space={"batch": tune.grid_search(list(range(len(batches))))},
                tune_config=tune.TuneConfig(reuse_actors=True),
                run_config=run_config(scratch, watch, RETRIES),
            ).fit()
        if watch.failure is not None:
            raise watch.failure
        if results.errors:
            reason = str(results.errors[0]).strip().splitlines()[-1]
            raise HarnessError(f"the worker of a search died {RETRIES + 1} times: {reason}")
