"""One training on several workers through Ray Train, from inside a Tune trial or from a driver.

A trial that trains so only waits for its workers: give it no CPU (`TRIAL`). Ray Train reserves
the workers' processors as one group, all or none. Trials that hold a processor of their own while
they wait could together hold what none of their workers then gets, and wait for ever.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import ray
import torch
from ray.train import (
    FailureConfig,
    LoggingConfig,
    RunConfig,
    ScalingConfig,
    TrainingFailedError,
    get_context,
)
from ray.train.torch import TorchTrainer, get_device
from ray.tune import PlacementGroupFactory

from harness.errors import HarnessError, OutOfMemory, UserError
from harness.training.parallel import Job, Outcome, work
from harness.training.processes import Body, Team, failed
from harness.tune.session import RETRIES

TRIAL = PlacementGroupFactory([{"memory": 1}])
"""What a trial reserves for itself, for ``tune.with_resources``: one byte of memory, since Tune
accepts no empty reservation. Its workers reserve their own."""

_SETTINGS = {
    # How often the end of the training is looked for; by default 2 s, more than a short one takes.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # Queueing for processors that other trials use is no failure, however long it takes.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1000000",
}


class _Trainer(TorchTrainer):
    """Ray Train without the actor that removes the processors' reservation if the controller dies.

    Ray does so anyway, as the controller made it. And the actor asks the dashboard, which our
    sessions lack: every training would end with a wait of 12 seconds (measured, Ray 2.60).
    """

    def _create_default_callbacks(self) -> list[Any]:
        callbacks: list[Any] = super()._create_default_callbacks()  # type: ignore[misc]
        return [c for c in callbacks if type(c).__name__ != "PlacementGroupCleanerCallback"]


def on_ray(job: Job, retries: int = RETRIES) -> Outcome:
    """Run a training's workers: see `run_on_ray`; retries go on from `Job.state`."""
    outcome = run_on_ray(job, work, retries)
    if not isinstance(outcome, Outcome):
        raise failed(job, "its first worker gave nothing back")
    return outcome


def run_on_ray(job: Team, body: Body, retries: int = RETRIES) -> Any:
    """Run workers in the Ray session that this process belongs to: one CPU or one GPU each.

    Metrics are not reported by Ray Train, which would refuse inside Tune: the first worker's
    outcome returns to the caller, who reports.

    Args:
        job: What they do together.
        body: What each of them runs.
        retries: How often all of them are started again after a failure.

    Returns:
        What the first worker's body returned.

    Raises:
        UserError: If the cluster is smaller than the workers are many.
        HarnessError: If workers fail more often than they are retried.
    """
    each = {"CPU": 1.0, "GPU": 1.0} if job.device == "cuda" else {"CPU": 1.0}
    _check_capacity(job, each)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # Ray Train wants a folder, for checkpoints that we do not make.
    with tempfile.TemporaryDirectory() as scratch:
        trainer = _Trainer(
            _worker,
            train_loop_config={"job": job, "body": body},
            scaling_config=ScalingConfig(
                num_workers=job.workers,
                use_gpu=job.device == "cuda",
                resources_per_worker=each,
            ),
            run_config=RunConfig(  # type: ignore[call-arg]  # mypy sees the classes of Train V1
                name="training",
                storage_path=scratch,
                failure_config=FailureConfig(  # type: ignore[call-arg]
                    max_failures=retries, controller_failure_limit=3
                ),
                logging_config=LoggingConfig(log_level="ERROR"),
            ),
        )
        try:
            outcome: Any = trainer.fit().return_value  # type: ignore[attr-defined]
        except (TrainingFailedError, ray.exceptions.RayError) as error:
            raise _error(job, error) from None
    if isinstance(outcome, HarnessError):
        raise outcome
    return outcome


def _worker(config: dict[str, Any]) -> Any:
    """The body of a worker; Ray Train has made the process group.

    What all workers refuse alike is given back, for it would fail again.
    """
    device: torch.device = get_device()
    try:
        return config["body"](config["job"], get_context().get_world_rank(), device)
    except OutOfMemory:
        raise  # one worker's own: the others wait for it
    except HarnessError as error:
        return error


def _error(job: Team, error: Exception) -> HarnessError:
    """A worker's own clear error, or the first line of what happened on each that failed."""
    failures: dict[int, Exception] = dict(sorted(getattr(error, "worker_failures", {}).items()))
    for cause in failures.values():
        if isinstance(cause, HarnessError):
            return cause
    lines = [
        f"worker {rank}: {type(cause).__name__}: {str(cause).partition(chr(10))[0]}"
        for rank, cause in failures.items()
    ]
    return failed(job, "; ".join(lines) or str(error).strip().splitlines()[-1])


def _check_capacity(job: Team, each: dict[str, float]) -> None:
    """Refuse what would wait for ever."""
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for kind, amount in each.items():
        if job.workers * amount > there.get(kind, 0.0):
            raise UserError(
                f"{job.workers} workers need {job.workers * amount:g} {kind}s, and Ray has"
                f" {there.get(kind, 0.0):g}: lower the number of workers"
            )
