"""One small training loop: a recipe, images and a seed give a learning curve.

The curve depends on nothing but the arguments: the weights and the order of the images come from
generators seeded by (seed, network key), and the arithmetic runs on one thread of the CPU, where
PyTorch's kernels are repeatable bit for bit. (On a GPU it is repeatable within the seed spread.)
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness import datasets
from harness.networks.nats import build_tss
from harness.optimizers import Optimizer
from harness.recipes import Recipe
from harness.streams import key

_EVALUATION_BATCH = 400
"""Images in one forward pass of an evaluation: large enough to hide the cost of dispatching
layers, small enough for a small network's activations to stay in the processor's cache."""


@dataclass(frozen=True)
class Curve:
    """What one training gave, one entry an epoch.

    Attributes:
        status: "ok", or "diverged" if the loss stopped being a finite number; the curve then
            ends with the last sound epoch.
        reason: Empty, or what happened.
        valid_correct: Correctly classified validation images.
        test_correct: Correctly classified test images.
        train_seconds: Wall time of the epoch's training steps, shared equally between networks
            that were trained side by side (telemetry, not repeatable).
        evaluate_seconds: Likewise of the evaluation on both parts.
    """

    status: str
    reason: str
    valid_correct: tuple[int, ...]
    test_correct: tuple[int, ...]
    train_seconds: tuple[float, ...]
    evaluate_seconds: tuple[float, ...]


@contextmanager
def one_thread() -> Iterator[None]:
    """Run PyTorch's CPU kernels on one thread: repeatable, and faster for small networks."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@dataclass(frozen=True)
class Tensors:
    """A data set on the device; validation images stand before test images in one tensor."""

    images: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor
    valid: int
    classes: int


@lru_cache(maxsize=2)
def tensors(dataset: str, recipe: Recipe, device: str = "cpu") -> Tensors:
    """The data set as the recipe wants it, kept between trainings of one process."""
    data = datasets.load(
        dataset,
        train=recipe.train_images,
        valid=recipe.valid_images,
        test=recipe.test_images,
        pixel_noise=recipe.pixel_noise,
    )
    images, labels = torch.from_numpy(data.train.images), torch.from_numpy(data.train.labels)
    held_out = torch.cat([torch.from_numpy(p.images) for p in (data.valid, data.test)])
    held_labels = torch.cat([torch.from_numpy(p.labels) for p in (data.valid, data.test)])
    return Tensors(
        images.to(device),
        labels.to(device),
        held_out.to(device),
        held_labels.to(device),
        valid=len(data.valid.labels),
        classes=data.classes,
    )


def train_cell(
    architecture: tuple[int, ...],
    dataset: str,
    recipe: Recipe,
    seeds: Sequence[int],
    device: str = "cpu",
    optimizer: Optimizer | None = None,
) -> list[Curve]:
    """Train the network of one topology-space cell, once for each seed, side by side.

    Args:
        architecture: Six operation numbers (see `harness.networks.operations`). The random
            streams are derived from it, so pass a representative of all equal networks.
        dataset: A name known to `harness.datasets`.
        recipe: How to train.
        seeds: The independent trainings of this cell; at least one.
        device: Where to train, in PyTorch's notation.
        optimizer: See `train`.
    """
    data = tensors(dataset, recipe, device)
    network = build_tss(
        architecture,
        width=recipe.width,
        depth=recipe.depth,
        num_classes=data.classes,
        in_channels=data.images.shape[1],
        seeds=[key(seed, "weights", *architecture) for seed in seeds],
    ).to(device)
    network.to(memory_format=torch.channels_last)  # measured: evaluation takes 40 % less time
    orders = [key(seed, "order", *architecture) for seed in seeds]
    return train(network, data, recipe, orders, optimizer)


def train(
    network: nn.Module,
    data: Tensors,
    recipe: Recipe,
    order_seeds: Sequence[int],
    optimizer: Optimizer | None = None,
) -> list[Curve]:
    """Train a network in place and evaluate it after every epoch.

    Args:
        network: A classifier with initial weights, of as many copies as there are order seeds.
        data: The images, on the network's device.
        recipe: How to train.
        order_seeds: 64-bit seeds of the orders in which the copies see the training images.
        optimizer: Takes the place of the recipe's stochastic gradient descent and its falling
            rate; its own rate stays constant. Of the recipe, the weight decay counts.

    Returns:
        One curve for each copy. Seconds are the copy's equal share of the common time.
    """
    copies = len(order_seeds)
    generators = [torch.Generator().manual_seed(seed) for seed in order_seeds]
    stepper = _stepper(network, recipe, optimizer)
    falls = optimizer is None
    losses, right, seconds = [], [], []
    with one_thread():
        for epoch in range(recipe.epochs):
            start = time.perf_counter()
            at = epoch if falls else None
            losses.append(_train_epoch(network, data, recipe, stepper, generators, at))
            trained = time.perf_counter()
            right.append(_correct(network, data, copies))
            ended = time.perf_counter()
            seconds.append(((trained - start) / copies, (ended - trained) / copies))
            if not any(math.isfinite(loss) for loss in losses[-1]):
                break
    return [
        _curve([loss[i] for loss in losses], [r[i] for r in right], seconds) for i in range(copies)
    ]


def _stepper(
    network: nn.Module, recipe: Recipe, optimizer: Optimizer | None
) -> torch.optim.Optimizer:
    """What moves the weights."""
    if optimizer is not None:
        kind = getattr(torch.optim, optimizer.kind)
        made: torch.optim.Optimizer = kind(
            network.parameters(),
            lr=optimizer.rate,
            weight_decay=recipe.weight_decay,
            **optimizer.options,
        )
        return made
    return torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        nesterov=recipe.nesterov,
        weight_decay=recipe.weight_decay,
        fused=True,  # one call for all parameters instead of several for each
    )


def _curve(
    losses: list[float], right: list[tuple[int, int]], seconds: list[tuple[float, float]]
) -> Curve:
    """One copy's records, cut before its first epoch without a finite loss."""
    sound = next((i for i, loss in enumerate(losses) if not math.isfinite(loss)), len(losses))
    diverged = sound < len(losses)
    return Curve(
        status="diverged" if diverged else "ok",
        reason=f"the loss was not a finite number in epoch {sound + 1}" if diverged else "",
        valid_correct=tuple(valid for valid, _ in right[:sound]),
        test_correct=tuple(test for _, test in right[:sound]),
        train_seconds=tuple(train for train, _ in seconds[:sound]),
        evaluate_seconds=tuple(evaluate for _, evaluate in seconds[:sound]),
    )


def _train_epoch(
    network: nn.Module,
    data: Tensors,
    recipe: Recipe,
    optimizer: torch.optim.Optimizer,
    generators: Sequence[torch.Generator],
    epoch: int | None,
) -> list[float]:
    """One pass over the training images in fresh orders; returns each copy's sum of losses.

    The learning rate falls along a cosine by the number of the epoch, or stays where that is None.
    """
    network.train()
    copies, size = len(generators), recipe.batch_size
    steps = len(data.labels) // size
    # [image, copy]: every copy has an order of its own, side by side along the channels.
    orders = torch.stack([torch.randperm(len(data.labels), generator=g) for g in generators], 1)
    orders = orders.to(data.labels.device)
    images, labels = data.images[orders].flatten(1, 2), data.labels[orders]
    images = images.contiguous(memory_format=torch.channels_last)
    totals = torch.zeros(copies, device=data.labels.device)
    for step in range(steps):
        if epoch is not None:
            progress = (epoch * steps + step) / (recipe.epochs * steps)
            for group in optimizer.param_groups:
                group["lr"] = 0.5 * recipe.learning_rate * (1 + math.cos(math.pi * progress))
        batch = slice(step * size, (step + 1) * size)
        logits = network(images[batch]).view(size * copies, data.classes)
        losses = cross_entropy(logits, labels[batch].flatten(), reduction="none")
        means = losses.view(size, copies).mean(0)
        optimizer.zero_grad(set_to_none=True)
        # The copies share no parameter, so each gets its own gradient.
        means.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        totals += means.detach()
    return [float(total) for total in totals]


@torch.inference_mode()
def _correct(network: nn.Module, data: Tensors, copies: int) -> list[tuple[int, int]]:
    """Correctly classified (validation, test) images of each copy."""
    network.eval()
    predicted = [
        network(images.repeat(1, copies, 1, 1)).view(-1, copies, data.classes).argmax(2)
        for images in torch.split(data.held_out, _EVALUATION_BATCH)
    ]
    right = torch.cat(predicted) == data.held_out_labels[:, None]
    valid, test = right[: data.valid].sum(0), right[data.valid :].sum(0)
    return list(zip(valid.tolist(), test.tolist(), strict=True))
