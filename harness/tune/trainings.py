"""Trainings as Ray tasks, on this machine or a cluster."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import ray

from harness.errors import HarnessError, UserError
from harness.live.batch import Job
from harness.live.question import LiveQuestion
from harness.live.record import Record
from harness.live.trainings import Trainings
from harness.resources import Resources
from harness.tune.depot import DepotStore, start_depot
from harness.tune.session import RETRIES, ray_session
from harness.tune.sources import check_workers


def run_trainings(
    question: LiveQuestion,
    checksum: str,
    jobs: Sequence[Job],
    out: Path,
    address: str | None,
    resources: Resources | None,
) -> Iterator[Record]:
    """Carry trainings out, each a task, and yield them as they end.

    Raises:
        UserError: If a worker has other data or versions, or a training does not fit.
        HarnessError: If a worker fails more often than it is retried.
    """
    share = resources or Resources()
    with ray_session(address):
        check_workers()
        depot = start_depot(out, [])
        # Workers that train together reserve their own.
        cpus, gpus = (0.0, 0.0) if question.workers > 1 else (share.cpus, share.gpus)
        task = ray.remote(num_cpus=cpus, num_gpus=gpus, max_retries=RETRIES)(_train)
        running: list[Any] = [task.remote(question, checksum, job, depot) for job in jobs]
        while running:
            ready, running = ray.wait(running, num_returns=1)
            for done in ready:
                try:
                    outcome = ray.get(done)
                except ray.exceptions.RayError as error:
                    last = str(error).strip().splitlines()[-1]
                    raise HarnessError(f"a training failed on a worker: {last}") from None
                if isinstance(outcome, HarnessError):
                    raise outcome
                yield outcome


def _train(question: LiveQuestion, checksum: str, job: Job, depot: Any) -> Record | HarnessError:
    """The body of a task; what cannot succeed is returned, for Ray would try it again."""
    try:
        trainings = _trainings(question)
        if trainings.checksum != checksum:
            raise UserError(
                f"{question} is not the driver's on a node: install the same versions and data on"
                " all nodes"
            )
        trainings.store = DepotStore(depot, checksum)
        architecture = trainings.space.from_string(job.architecture)
        record = trainings.train(architecture, trainings.recipe.epochs, job.seed, 0)
        assert record is not None
        return record
    except HarnessError as error:
        return error


@cache
def _trainings(question: LiveQuestion) -> Trainings:
    """One of a question a process: it holds the images."""
    trainings = Trainings(question)
    if question.workers > 1:
        from harness.tune.parallel import on_ray

        trainings.launch = on_ray
    return trainings
