"""Whole trainings: of any network, and of a topology-space cell under several seeds at once."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from harness.networks.nats import build_tss
from harness.optimizers import Optimizer
from harness.recipes import Recipe
from harness.streams import key
from harness.training.curves import Curve
from harness.training.data import Tensors, tensors
from harness.training.loop import Training


def train(
    network: nn.Module,
    data: Tensors,
    recipe: Recipe,
    order_seeds: Sequence[int],
    optimizer: Optimizer | None = None,
) -> list[Curve]:
    """Train a network in place to the recipe's end, evaluating both parts after every epoch.

    Args:
        network: See `Training`.
        data: See `Training`.
        recipe: How to train.
        order_seeds: See `Training`.
        optimizer: See `Training`.

    Returns:
        One curve for each copy. Seconds are the copy's equal share of the common time.
    """
    device = data.labels.device
    training = Training(network, data, recipe, order_seeds, device=device, optimizer=optimizer)
    training.run(recipe.epochs)
    return training.curves()


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
        recipe: How to train; ``network`` may hold the ``width`` and ``depth``.
        seeds: The independent trainings of this cell; at least one.
        device: Where to train, in PyTorch's notation.
        optimizer: See `Training`.
    """
    data = tensors(dataset, recipe, device)
    network = build_tss(
        architecture,
        **recipe.network,  # type: ignore[arg-type]
        num_classes=data.classes,
        in_channels=data.shape[0],
        seeds=[key(seed, "weights", *architecture) for seed in seeds],
    )
    orders = [key(seed, "order", *architecture) for seed in seeds]
    return train(network, data, recipe, orders, optimizer)
