"""Workers that train together as processes of this machine, without Ray."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch.multiprocessing.spawn import ProcessException, spawn

from harness.errors import HarnessError, UserError
from harness.training.parallel import Job, Outcome, work


class Team(Protocol):
    """What several workers do together; it travels to them by pickle."""

    @property
    def workers(self) -> int:
        """Their number."""

    @property
    def device(self) -> str:
        """Where they compute: "cpu", or "cuda" for one GPU a worker."""


Body = Callable[[Any, int, torch.device], Any]
"""A function of a module, run by each worker: of what is to be done (a `Team`), the worker's rank
and its device. What the first worker's returns is the outcome."""


def in_processes(job: Job) -> Outcome:
    """Run a training's workers as processes of this machine: see `run_in_processes`."""
    outcome: Outcome = run_in_processes(job, work)
    return outcome


def run_in_processes(job: Team, body: Body) -> Any:
    """Run workers as processes of this machine: gloo on the CPU, NCCL on GPUs.

    A script that calls this guards itself by ``if __name__ == "__main__"``, as
    `multiprocessing` wants it.

    Args:
        job: What they do together.
        body: What each of them runs.

    Returns:
        What the first worker's body returned.

    Raises:
        UserError: If there are fewer GPUs than workers.
        HarnessError: If a worker fails; none is left behind.
    """
    gpus = torch.cuda.device_count()
    if job.device == "cuda" and job.workers > gpus:
        raise UserError(
            f"{job.workers} workers need a GPU each and {gpus} are here: lower the workers' number"
        )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            spawn(_process, (job, body, folder), nprocs=job.workers)  # type: ignore[no-untyped-call]
        except ProcessException as error:
            for written in sorted(folder.glob("error-*")):
                raise pickle.loads(written.read_bytes()) from None
            # The last line of a traceback is the error; other messages have one line.
            raise failed(job, str(error).strip().splitlines()[-1]) from None
        return pickle.loads((folder / "outcome").read_bytes())


def failed(job: Team, reason: str) -> HarnessError:
    """The error for a training whose worker crashed."""
    return HarnessError(f"a training on {job.workers} workers failed: {reason}")


def _process(rank: int, job: Team, body: Body, folder: Path) -> None:
    """A worker's process; the first leaves the outcome in the folder, each its own error."""
    cuda = job.device == "cuda"
    if cuda:
        torch.cuda.set_device(rank)
    rendezvous = (folder / "rendezvous").as_uri()
    dist.init_process_group(
        "nccl" if cuda else "gloo", rendezvous, world_size=job.workers, rank=rank
    )
    try:
        outcome = body(job, rank, torch.device("cuda", rank) if cuda else torch.device("cpu"))
    except HarnessError as error:
        (folder / f"error-{rank}").write_bytes(pickle.dumps(error))
        raise
    if rank == 0:
        (folder / "outcome").write_bytes(pickle.dumps(outcome))
    dist.destroy_process_group()
