"""Lane A: a Ray Tune trial is a batch of whole searches.

Tune costs some ten milliseconds a trial, a table's evaluation some microseconds: one trial an
evaluation would spend 99.9 % of the time on Tune.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from harness.errors import HarnessError, UserError
from harness.experiment import Batch, telemetry
from harness.traces import batch_bytes
from harness.tune.depot import benchmark_of, start_depot
from harness.tune.session import RETRIES, ray_session
from harness.tune.sources import check_workers


class SearchTrial(tune.Trainable):
    """Runs the batch that its configuration numbers, and sends the traces to the depot."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], batches: list[Batch], depot: Any
    ) -> None:
        self.number = config["batch"]
        self.batches = batches
        self.depot = depot

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        self.number = new_config["batch"]
        return True

    def step(self) -> dict[str, Any]:
        import ray

        batch = self.batches[self.number]
        try:
            traces = batch.cell.run(benchmark_of(batch.cell, self.depot), batch.seeds)
            content = batch_bytes(traces, telemetry())
        except HarnessError as error:
            # Tune would try again; the mistake would stay.
            return {"done": True, "failure": str(error), "exit_status": error.exit_status}
        ray.get(self.depot.write.remote(batch.path, content))
        return {"done": True, "searches": len(traces), "evaluations": sum(map(len, traces))}


class Watch(tune.Callback, tune.Stopper):
    """Reports progress, and ends the experiment at the first failure that a retry cannot mend."""

    def __init__(self, progress: Callable[[int, int], None] | None) -> None:
        self.progress = progress
        self.failure: HarnessError | None = None

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its callbacks for a `Tuner.restore` that we never use.
        return {}

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        result = trial.last_result or {}
        if "failure" in result:
            kind = UserError if result["exit_status"] == 2 else HarnessError
            self.failure = self.failure or kind(result["failure"])
        elif self.progress is not None:
            self.progress(result["searches"], result["evaluations"])

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.failure is not None


def run_searches(
    batches: list[Batch],
    out: Path,
    *,
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Run batches of searches on Ray Tune and write their traces below `out`.

    Raises:
        UserError: If a search cannot be carried out as asked, or a worker runs other code.
        HarnessError: If a trial fails more often than it is retried.
    """
    watch = Watch(progress)
    with ray_session(address):
        check_workers()
        depot = start_depot(out, [batch.cell for batch in batches])
        # Tune does not repeat a trial whose worker dies just before it starts there. What has no
        # trace file is run again, as long as something comes of it.
        while batches:
            message = _run_trials(batches, depot, watch)
            if watch.failure is not None:
                raise watch.failure
            left = [batch for batch in batches if not (out / batch.path).exists()]
            if len(left) == len(batches):
                raise HarnessError(f"no trial succeeded: {message or 'Ray Tune ended early'}")
            batches = left


def _run_trials(batches: list[Batch], depot: Any, watch: Watch) -> str:
    """Run every batch as a trial; the last line of the first error, "" if there is none."""
    with tempfile.TemporaryDirectory() as scratch:
        results = tune.Tuner(
            tune.with_parameters(SearchTrial, batches=batches, depot=depot),
            param_space={"batch": tune.grid_search(list(range(len(batches))))},
            tune_config=tune.TuneConfig(reuse_actors=True),
            run_config=run_config(scratch, watch, RETRIES),
        ).fit()
    return str(results.errors[0]).strip().splitlines()[-1] if results.errors else ""


def run_config(scratch: str, watch: Watch, retries: int) -> tune.RunConfig:
    """Tune's settings for our trials; its own files go to a scratch directory."""
    return tune.RunConfig(
        storage_path=scratch,
        name="trials",
        verbose=0,
        stop=watch,
        callbacks=[watch],
        failure_config=tune.FailureConfig(max_failures=retries),
        checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=False),
    )
