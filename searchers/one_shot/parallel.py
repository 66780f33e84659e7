"""One supernet trained by several workers, each a process with its part of the images.

G. Kyriakides (thesis 2022, chapter 8) trains DARTS so in two ways. Algorithm 1: every worker takes
its own steps for an epoch, then the workers average network weights and architecture parameters.
Algorithm 2: every step of weights, and every step of architecture parameters, is taken with the
workers' mean gradient. Here a method takes part through its attribute ``reducer``, which it calls
as `harness.training.Reducer` says: `gradients` before each of its optimizers' steps, `epoch`
after an epoch's last one.

What a worker does stands in `work`. `harness.training.processes.run_in_processes` starts workers
on one machine, `harness.tune.parallel.run_on_ray` on a cluster: ``run_in_processes(job, work)``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

import torch
import torch.distributed as dist

from harness.datasets import ImageData
from harness.datasets.base import Part
from harness.errors import UserError, unknown
from harness.one_shot import Diverged, OneShot, Problem
from harness.spaces import Architecture
from harness.streams import key
from harness.training.parallel import Share, shard
from harness.training.reducers import Averaging, Mode, make_reducer
from harness.training.repeatable import one_thread

if TYPE_CHECKING:
    from harness.one_shot.images import Images


@dataclass(frozen=True)
class ParallelSearch:
    """One search by a supernet on several workers.

    Attributes:
        method: A one-shot method that calls its ``reducer``, the last time before it raises
            `Diverged`, and knows the image passes of a step, ``step_passes``.
        problem: Space, images and recipe, whose batch size is that of one worker. Its device is
            "cpu", or "cuda" for one GPU a worker.
        seed: Of the search. All workers draw the same initial weights from it, which stands for
            the broadcast of the published algorithms.
        epochs: How often every worker sees its training images.
        workers: Number of processes that train together; one trains as if there were none.
        mode: "epoch" averages weights and architecture parameters once an epoch (Algorithm 1),
            "batch" the gradients of every step (Algorithm 2).
        data: "sharded" deals training and validation images out to the workers; "identical" gives
            all of them all images in the same order. Two or four identical workers equal one, to
            the last bit on a CPU, which checks the machinery.
        options: Of the method.

    Raises:
        UserError: If an option is unknown or out of range, or the method takes no reducer.
    """

    method: type[OneShot]
    problem: Problem
    seed: int
    epochs: int
    workers: int
    mode: Mode = "epoch"
    data: Share = "sharded"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("mode of averaging", self.mode, get_args(Mode)),
            ("way to share images", self.data, get_args(Share)),
        ):
            if name not in known:
                raise unknown(kind, name, known)
        if self.workers < 1 or self.epochs < 1:
            raise UserError(
                f"a search with workers={self.workers}, epochs={self.epochs}; each at least 1"
            )
        if not hasattr(self.method, "reducer"):
            raise UserError(
                f"{self.method.__name__} is trained by one worker alone: darts can have several"
            )

    @property
    def device(self) -> str:
        """Where the workers compute."""
        return self.problem.device

    @property
    def steps(self) -> int:
        """Steps of an epoch that each worker takes.

        Raises:
            UserError: If it is none.
        """
        shared = self.workers if self.data == "sharded" else 1
        images, size = self.problem.train_images // shared, self.problem.recipe.batch_size
        if images < size:
            raise UserError(
                f"{self.workers} workers with {images} training images each have no batch of"
                f" {size}: fewer workers, or a smaller batch_size"
            )
        return images // size


@dataclass(frozen=True)
class ParallelFound:
    """What the workers gave together.

    Attributes:
        architecture: What the first worker derived after the last epoch.
        seconds: Wall seconds of the training, of the slowest worker: without the start of
            processes and the loading of images.
        waited: Mean share of these seconds that a worker spent in all-reduces, most of it waiting
            for the others. On a GPU a part of it passes unseen by the processor's clock.
        passes: Image passes of all workers together.
        communications: All-reduces of a worker, without the flag by which all hear after an epoch
            whether they go on.
        sent: Bytes that one worker gave to them.
    """

    architecture: Architecture
    seconds: float
    waited: float
    passes: int
    communications: int
    sent: int


def work(
    job: ParallelSearch,
    rank: int,
    device: torch.device,
    group: dist.ProcessGroup | None = None,
) -> ParallelFound | None:
    """A worker's part of a search, with the others of a process group.

    Args:
        job: The search.
        rank: Number of the worker, from 0.
        device: Where it computes.
        group: The workers; None stands for all of the process.

    Returns:
        On the first worker what all found, on the others None.

    Raises:
        Diverged: On all workers, if the supernet of one cannot go on.
    """
    method, reducer = started(job, rank, device, group)
    each = job.steps * method.step_passes
    dist.barrier(group)
    begun = time.perf_counter()
    with one_thread():
        passes = sum(_epoch(method, each, device, group) for _ in range(job.epochs))
    seconds = time.perf_counter() - begun
    mine = (seconds, reducer.seconds / seconds, passes)
    every = [mine] * job.workers
    dist.all_gather_object(every, mine, group=group)
    if rank:
        return None
    times, waits, passed = zip(*every, strict=True)
    return ParallelFound(
        architecture=method.derive(),
        seconds=max(times),
        waited=sum(waits) / job.workers,
        passes=sum(passed),
        communications=reducer.communications,
        sent=reducer.sent,
    )


def _epoch(
    method: OneShot, passes: int, device: torch.device, group: dist.ProcessGroup | None
) -> int:
    """Train for an epoch. All stop together: who went on would wait for the others for ever."""
    used, reason = 0, ""
    try:
        used = method.epoch(passes)
    except Diverged as error:
        reason = str(error)
    flag = torch.tensor(int(bool(reason)), device=device)
    dist.all_reduce(flag, group=group)
    if flag.item():
        raise Diverged(reason or "the supernet of another worker cannot go on")
    return used


def started(
    job: ParallelSearch,
    rank: int,
    device: torch.device,
    group: dist.ProcessGroup | None = None,
) -> tuple[Any, Averaging]:
    """A worker's method, ready for its first epoch, and its reducer; see `work`."""
    problem = replace(job.problem, device=str(device))
    if job.workers > 1 and job.data == "sharded":
        problem = Shard.of(problem, key(job.seed, "shards"), rank, job.workers)
    reducer = make_reducer(job.mode, group)
    method: Any = job.method(problem, job.seed, epochs=job.epochs, **job.options)
    if job.workers > 1:
        method.reducer = reducer
    with one_thread():
        method.start(job.epochs * job.steps * method.step_passes)
    return method, reducer


@dataclass(frozen=True)
class Shard(Problem):
    """One worker's part of a problem: its own images, and an order of its own.

    Shards are equally long, so that all workers take equally many steps: up to ``workers - 1``
    images of a part are left out. Pixels are normalised as those of the whole data set are.

    Attributes:
        deal: Seed by which images are dealt out.
        rank: Number of the worker.
        workers: How many there are.
    """

    deal: int = 0
    rank: int = 0
    workers: int = 1

    @classmethod
    def of(cls, problem: Problem, deal: int, rank: int, workers: int) -> Shard:
        """A worker's part of a problem."""
        whole = problem.space, problem.dataset, problem.recipe, problem.device
        return cls(*whole, deal, rank, workers)

    @cached_property
    def data(self) -> ImageData:
        """The worker's images."""
        whole = Problem(self.space, self.dataset, self.recipe, self.device).data
        return replace(
            whole, train=self._dealt(whole.train, "train"), valid=self._dealt(whole.valid, "valid")
        )

    def images(self, part: str, seed: int) -> Images:
        """See `Problem.images`; every worker has an order and augmentation of its own."""
        return super().images(part, key(seed, "worker", self.rank))

    def _dealt(self, part: Part, name: str) -> Part:
        numbers = shard(len(part), key(self.deal, name), self.rank, self.workers).numpy()
        return Part(part.images[numbers], part.labels[numbers])


def communications(mode: Mode, steps: int, *, updates: int = 2, statistics: bool = True) -> int:
    """All-reduces of one epoch.

    Args:
        mode: As of `ParallelSearch`.
        steps: Steps that a worker takes in an epoch.
        updates: All-reduced gradients of a step: weights, then architecture parameters.
        statistics: Whether the network has running statistics, which "batch" averages at the end.
    """
    return 1 if mode == "epoch" else updates * steps + statistics


def fewer(images: int, batch_size: int) -> float:
    """How many times less often Algorithm 1 communicates, as published: images / batch size.

    60,000 / 64 = 937.5 (thesis, section 8.2). The thesis takes half of the images to train
    weights and half to train the architecture: 468.75 steps an epoch, each with two all-reduces,
    give the same number.
    """
    return images / batch_size
