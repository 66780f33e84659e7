"""One training on several workers, each a process with its share of the images.

What a worker does stands in `work`. Who starts the workers is a `Launcher`:
`harness.training.processes.in_processes` on one machine, or `harness.tune.parallel.on_ray`.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import torch
import torch.distributed as dist
from torch import nn

from harness.errors import UserError, unknown
from harness.networks import Task, build
from harness.recipes import Recipe
from harness.spaces import Architecture, get_space
from harness.streams import key
from harness.training.curves import Curve
from harness.training.data import Tensors, tensors
from harness.training.loop import Training
from harness.training.reducers import Averaging, Mode, make_reducer

Share = Literal["sharded", "identical"]


@dataclass(frozen=True)
class Job:
    """One training on several workers.

    Attributes:
        space: Name of the search space.
        architecture: An element of it.
        dataset: Name of the data set.
        recipe: How to train. Its batch size is that of one worker.
        weights: Unsigned 64-bit seed of the initial weights.
        order: Likewise of the shards, and of each worker's order, augmentation and dropout.
        workers: Number of processes that train together, at least 1.
        mode: "batch" averages the gradients of every batch, "epoch" the weights once an epoch.
        data: "sharded" deals training and held-out images out to the workers; "identical" gives
            all of them the same training images in the same order, and the first the held-out
            images. Two identical workers equal one, which checks the machinery.
        device: "cpu", or "cuda" for one GPU a worker.
        until: Number of finished epochs to stop at, at most the recipe's.
        test_epochs: See `harness.training.Training`.
        state: What an earlier `Outcome` of the same job, up to fewer epochs, holds.
    """

    space: str
    architecture: Architecture
    dataset: str
    recipe: Recipe
    weights: int
    order: int
    workers: int
    mode: Mode
    data: Share
    device: str
    until: int
    test_epochs: tuple[int, ...] | None = None
    state: bytes | None = None

    def __post_init__(self) -> None:
        for kind, name, known in (
            ("mode of averaging", self.mode, get_args(Mode)),
            ("way to share images", self.data, get_args(Share)),
            ("device of workers", self.device, ("cpu", "cuda")),
        ):
            if name not in known:
                raise unknown(kind, name, known)
        if self.workers < 1:
            raise UserError(f"a training needs 1 worker or more, not {self.workers}")


@dataclass(frozen=True)
class Outcome:
    """What the workers gave together.

    Attributes:
        curve: See `merged`.
        communications: All-reduce operations since the start or the resumption.
        sent: Bytes that one worker gave to them.
        weights: SHA-256 of the final weights and running statistics, in which all workers agree.
        state: All workers' states, for `Job.state`; None after the recipe's last epoch, or
            where a worker's training diverged.
        peak_memory: Bytes, the most of any worker (telemetry).
    """

    curve: Curve
    communications: int
    sent: int
    weights: str
    state: bytes | None
    peak_memory: int


Launcher = Callable[[Job], Outcome]


def train_parallel(
    space_name: str,
    architecture: Architecture,
    dataset: str,
    recipe: Recipe,
    seed: int,
    *,
    workers: int,
    mode: Mode = "batch",
    data: Share = "sharded",
    device: str = "cpu",
    until: int,
    launch: Launcher,
) -> Curve:
    """Train one network on several workers; the arguments are described at `Job`.

    Args:
        seed: The seed that weights, shards and orders are derived from.
        launch: Who starts the workers.

    Returns:
        The curve of all workers together.

    Raises:
        UserError: If the training cannot be carried out as asked.
        NotBuildable: If the architecture has no network.
        HarnessError: If a worker fails.
    """
    name = get_space(space_name).key(architecture).hex()
    weights, order = key(seed, "live weights", name, 0), key(seed, "live order", name, 0)
    what = space_name, architecture, dataset, recipe, weights, order
    return launch(Job(*what, workers, mode, data, device, until)).curve


def work(
    job: Job, rank: int, device: torch.device, group: dist.ProcessGroup | None = None
) -> Outcome:
    """Train a worker's share with the others of a process group, by default the process's own.

    Errors that a person reads come from the job alone, before any communication, and to all
    workers alike, but for `harness.errors.OutOfMemory`.
    """
    training, reducer = _training(job, rank, device, group)
    diverged = False
    while training.epoch < job.until and not diverged:
        training.run(training.epoch + 1)
        # All stop together: a worker that went on would wait for the others for ever.
        flag = torch.tensor(int(training.diverged), device=device)
        dist.all_reduce(flag, group=group)
        diverged = bool(flag.item())
    resumable = not diverged and training.epoch < job.recipe.epochs
    mine = (training.curves()[0], training.peak_memory, training.state() if resumable else None)
    every = [mine] * job.workers
    dist.all_gather_object(every, mine, group=group)
    curves, memory, states = zip(*every, strict=True)
    return Outcome(
        merged(curves),
        reducer.communications,
        reducer.sent,
        _digest(training.network),
        _saved(states) if resumable else None,
        max(memory),
    )


def _training(
    job: Job, rank: int, device: torch.device, group: dist.ProcessGroup | None
) -> tuple[Training, Averaging]:
    """A worker's training, begun or resumed, and its reducer."""
    data = share(tensors(job.dataset, job.recipe, device), job, rank)
    task = Task(data.shape, data.classes)
    options = job.recipe.network
    network = build(
        get_space(job.space), job.architecture, task, seed=job.weights, options=options
    )
    reducer = make_reducer(job.mode, group)
    training = Training(
        network,
        data,
        job.recipe,
        [job.order if job.data == "identical" else key(job.order, "worker", rank)],
        device=device,
        reducer=reducer,
        test_epochs=job.test_epochs,
    )
    if job.state is not None:
        training.restore(_loaded(job.state)[rank])
    return training, reducer


def share(data: Tensors, job: Job, rank: int) -> Tensors:
    """One worker's images; see `Job.data`.

    Shards of training images are equally long, so that all workers take equally many steps: up to
    ``workers - 1`` images are left out.
    """
    valid, count = data.valid, len(data.labels)
    held = torch.arange(len(data.held_out_labels))
    if job.data == "identical":
        chosen = torch.arange(count)
        mine = slice(None) if rank == 0 else slice(0)
    else:
        chosen = shard(count, job.order, rank, job.workers)
        mine = slice(rank, None, job.workers)
    held = torch.cat([held[:valid][mine], held[valid:][mine]])
    chosen, held = chosen.to(data.labels.device), held.to(data.labels.device)
    return replace(
        data,
        images=data.images[chosen],
        labels=data.labels[chosen],
        held_out=data.held_out[held],
        held_out_labels=data.held_out_labels[held],
        valid=len(range(valid)[mine]),
    )


def shard(count: int, seed: int, rank: int, workers: int) -> torch.Tensor:
    """Numbers of one worker's images among `count`: equally long shards, shuffled by a seed."""
    shuffled = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    return shuffled[: count // workers * workers][rank::workers]


def merged(curves: Sequence[Curve]) -> Curve:
    """One curve of workers that have evaluated the same weights on disjoint images.

    Right answers add up, the loss is the workers' mean, and the slowest worker's seconds count.
    The curve ends with the last epoch that was sound on every worker.
    """
    worst = next((curve for curve in curves if curve.status != "ok"), curves[0])
    sound = range(min(len(curve.train_loss) for curve in curves))
    test = [[curve.test_correct[epoch] for curve in curves] for epoch in sound]
    return Curve(
        status=worst.status,
        reason=worst.reason,
        valid_correct=tuple(sum(c.valid_correct[e] for c in curves) for e in sound),
        test_correct=tuple(None if None in every else sum(every) for every in test),  # type: ignore[arg-type]
        train_seconds=tuple(max(c.train_seconds[e] for c in curves) for e in sound),
        evaluate_seconds=tuple(max(c.evaluate_seconds[e] for c in curves) for e in sound),
        train_loss=tuple(sum(c.train_loss[e] for c in curves) / len(curves) for e in sound),
    )


def _saved(states: Sequence[dict[str, Any]]) -> bytes:
    stream = io.BytesIO()
    torch.save(list(states), stream)
    return stream.getvalue()


def _loaded(state: bytes) -> list[dict[str, Any]]:
    states: list[dict[str, Any]] = torch.load(
        io.BytesIO(state), map_location="cpu", weights_only=True
    )
    return states


def _digest(network: nn.Module) -> str:
    found = hashlib.sha256()
    for name, value in network.state_dict().items():
        found.update(name.encode())
        found.update(value.cpu().contiguous().numpy().tobytes())
    return found.hexdigest()
