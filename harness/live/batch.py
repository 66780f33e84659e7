"""Many trainings of one question, in this process or as Ray tasks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from harness.live.question import LiveQuestion
from harness.live.record import Record
from harness.live.store import DirectoryStore, training_directory
from harness.live.trainings import Trainings
from harness.locks import sole_writer
from harness.resources import Resources


class Job(NamedTuple):
    """One training to the recipe's end: an architecture in its space's notation, and a seed."""

    architecture: str
    seed: int


def carry_out(
    question: LiveQuestion,
    jobs: Sequence[Job],
    out: Path,
    *,
    inline: bool = False,
    address: str | None = None,
    resources: Resources | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Record]:
    """Train, and keep every finished training below a directory: the same call goes on there.

    Args:
        question: What is trained on what, how and where.
        jobs: The trainings.
        out: Holds ``trainings/``.
        inline: In this process, without Ray.
        address: Address of a Ray cluster to join; None starts a local one.
        resources: What a training takes of the cluster.
        progress: Called with (done, all) trainings.

    Returns:
        What came out, in the order of the jobs.

    Raises:
        UserError: If an architecture is none of the space, or something does not fit.
        HarnessError: If a worker fails.
    """
    trainings = Trainings(question)
    architectures = [trainings.space.from_string(job.architecture) for job in jobs]
    epochs, checksum = trainings.recipe.epochs, trainings.checksum
    with sole_writer(out):
        store = DirectoryStore(training_directory(out, checksum))
        trainings.store = store
        keys = [trainings.key(a, job.seed, 0) for a, job in zip(architectures, jobs, strict=True)]
        known = [store.find(key) for key in keys]
        todo = [
            job
            for job, record in zip(jobs, known, strict=True)
            if record is None or not record.answers(epochs)
        ]
        done = len(jobs) - len(todo)
        if progress is not None:
            progress(done, len(jobs))
        if todo and not inline:
            from harness.tune.trainings import run_trainings

            run: Iterable[object] = run_trainings(
                question, checksum, todo, out, address, resources
            )
        else:
            run = (
                trainings.train(trainings.space.from_string(job.architecture), epochs, job.seed, 0)
                for job in todo
            )
        for number, _ in enumerate(run, start=done + 1):
            if progress is not None:
                progress(number, len(jobs))
        if todo and not inline:
            # The depot has written them.
            store = DirectoryStore(training_directory(out, checksum))
    found = [store.find(key) for key in keys]
    return [record for record in found if record is not None]
