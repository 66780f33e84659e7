"""Lane A: a Ray Tune trial runs batches of whole searches, one after the other.

Tune costs some ten milliseconds a result, a table's evaluation some microseconds: one trial an
evaluation would spend 99.9 % of the time on Tune.

Nor is a trial one batch. Tune hands the trial of a worker that is still starting to one that has
become idle, and stops the former: where a batch takes less time than a start, nodes that start
late would never get to work.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.experiment import Trial

from harness.errors import HarnessError, UserError
from harness.experiment import Batch
from harness.traces import batch_bytes, telemetry
from harness.tune.depot import benchmark_of, start_depot
from harness.tune.session import RETRIES, ray_session
from harness.tune.sources import Fingerprint, check_workers, refuse_other_code


class SearchTrial(tune.Trainable):
    """Takes batches from the depot until none is left, and sends their traces there."""

    def setup(  # type: ignore[override]  # `with_parameters` adds the rest
        self, config: dict[str, Any], batches: list[Batch], depot: Any, code: Fingerprint
    ) -> None:
        self.batches = batches
        self.depot = depot
        self.code = code

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        return True

    def step(self) -> dict[str, Any]:
        import ray

        number = ray.get(self.depot.take.remote())
        if number is None:
            return {"done": True}
        batch = self.batches[number]
        node = ray.get_runtime_context().get_node_id()
        try:
            refuse_other_code(self.code)
            traces = batch.cell.run(benchmark_of(batch.cell, self.depot), batch.seeds)
            content = batch_bytes(traces, {**telemetry(), "node": node})
        except HarnessError as error:
            return refusal(error)
        ray.get(self.depot.write.remote(batch.path, content))
        return {"searches": len(traces), "evaluations": sum(map(len, traces))}


def refusal(error: HarnessError) -> dict[str, Any]:
    """The result of a trial that cannot succeed: were it to raise, Tune would try it again."""
    return {"done": True, "failure": str(error), "exit_status": error.exit_status}


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
        self.hear(trial.last_result or {})

    def hear(self, result: dict[str, Any]) -> None:
        """Take in what is finished, or why it cannot be."""
        if "failure" in result:
            kind = UserError if result["exit_status"] == 2 else HarnessError
            self.failure = self.failure or kind(result["failure"])
        elif self.progress is not None:
            self.progress(result["searches"], result["evaluations"])

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        return self.failure is not None


class _BatchWatch(Watch):
    """Hears of every batch, and ends the trials after the last one, those too that wait."""

    def __init__(self, progress: Callable[[int, int], None] | None, batches: int) -> None:
        super().__init__(progress)
        self.left = batches

    def on_trial_result(
        self,
        iteration: int,
        trials: list[Trial],
        trial: Trial,
        result: dict[str, Any],
        **info: Any,
    ) -> None:
        if "searches" in result or "failure" in result:
            self.left -= 1
            self.hear(result)

    def on_trial_complete(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        """It has found no further batch."""

    def stop_all(self) -> bool:
        return self.left == 0 or super().stop_all()


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
        HarnessError: If the worker of a batch dies more often than it is retried.
    """
    with ray_session(address):
        code = check_workers()
        depot = start_depot(out, [batch.cell for batch in batches])
        # A batch whose worker died has no trace file. It is run again.
        fruitless = 0
        while batches:
            watch = _BatchWatch(progress, len(batches))
            message = _run_trials(batches, depot, code, watch)
            if watch.failure is not None:
                raise watch.failure
            left = [batch for batch in batches if not (out / batch.path).exists()]
            fruitless = fruitless + 1 if len(left) == len(batches) else 0
            if fruitless and message:
                raise HarnessError(f"no trial succeeded: {message}")
            if fruitless > RETRIES:
                raise HarnessError(
                    f"{left[0].path}: its worker died {fruitless} times; has it enough memory?"
                )
            batches = left


def _run_trials(batches: list[Batch], depot: Any, code: Fingerprint, watch: Watch) -> str:
    """Run the batches; the last line of the first trial's error, "" if there is none."""
    import ray

    ray.get(depot.offer.remote(len(batches)))
    # More than there are workers: the cluster may grow.
    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    trials = min(len(batches), 2 * int(resources.get("CPU", 1)) + 8)
    with tempfile.TemporaryDirectory() as scratch:
        results = tune.Tuner(
            tune.with_parameters(SearchTrial, batches=batches, depot=depot, code=code),
            param_space={"worker": tune.grid_search(list(range(trials)))},
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
