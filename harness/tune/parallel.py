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

from harness.errors import HarnessError, UserError
from harness.training.parallel import Job, Outcome, work
from harness.training.processes import failed

TRIAL = PlacementGroupFactory([{"memory": 1}])
"""What a trial reserves for itself, for ``tune.with_resources``: one byte, as Tune refuses nothing
at all. Its workers reserve their own."""

_SETTINGS = {
    # How often the end of the training is looked for; by default 2 s, more than a short one takes.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # Queueing for processors that other trials use is no failure, however long it takes.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "1000000",
}


def on_ray(job: Job) -> Outcome:
    """Run the workers in the Ray session that this process belongs to: one CPU or one GPU each.

    Metrics are not reported by Ray Train, which would refuse inside Tune: the first worker's
    outcome returns to the caller, who reports.

    Raises:
        UserError: If the cluster is smaller than the workers are many.
        HarnessError: If a worker fails. Nothing is retried here.
    """
    each = {"CPU": 1.0, "GPU": 1.0} if job.device == "cuda" else {"CPU": 1.0}
    _check_capacity(job, each)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    # Ray Train wants a folder, for checkpoints that we do not make.
    with tempfile.TemporaryDirectory() as scratch:
        trainer = TorchTrainer(
            _worker,  # type: ignore[arg-type]  # the annotation lacks what is returned
            train_loop_config={"job": job},
            scaling_config=ScalingConfig(
                num_workers=job.workers,
                use_gpu=job.device == "cuda",
                resources_per_worker=each,
            ),
            run_config=RunConfig(  # type: ignore[call-arg]  # mypy sees the classes of Train V1
                name="training",
                storage_path=scratch,
                failure_config=FailureConfig(max_failures=0, controller_failure_limit=3),  # type: ignore[call-arg]
                logging_config=LoggingConfig(log_level="ERROR"),
            ),
        )
        try:
            outcome: Any = trainer.fit().return_value  # type: ignore[attr-defined]
        except TrainingFailedError as error:
            raise _error(job, error) from None
    if not isinstance(outcome, Outcome):
        raise failed(job, "its first worker gave nothing back")
    return outcome


def _worker(config: dict[str, Any]) -> Outcome:
    """The body of a worker; Ray Train has made the process group."""
    device: torch.device = get_device()
    return work(config["job"], get_context().get_world_rank(), device)


def _error(job: Job, error: TrainingFailedError) -> HarnessError:
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


def _check_capacity(job: Job, each: dict[str, float]) -> None:
    """Refuse what would wait for ever."""
    there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    for kind, amount in each.items():
        if job.workers * amount > there.get(kind, 0.0):
            raise UserError(
                f"{job.workers} workers need {job.workers * amount:g} {kind}s, and Ray has"
                f" {there.get(kind, 0.0):g}: lower the number of workers"
            )
