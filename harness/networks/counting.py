"""How large a network is, and how much it computes for one image."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

_LAYERS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


class Counts(NamedTuple):
    """What a network costs, whatever machine computes it.

    Attributes:
        parameters: Trainable numbers: weights, biases, batch normalisations' scales and shifts.
            Running statistics are none, nor are frozen parameters.
        flops: Multiply-adds for one image of all convolutions and linear layers, an added bias
            counting as one more: the rule behind the counts that NATS-Bench publishes. Not
            counted are normalisations, activations, poolings and sums.
    """

    parameters: int
    flops: int


def count(network: nn.Module, shape: tuple[int, int, int]) -> Counts:
    """Count a network's parameters and its multiply-adds for one image.

    Nothing is computed and nothing changed: the network runs on PyTorch's meta device, which has
    shapes without numbers. A network that was built there (``with torch.device("meta")``) is
    counted as well.

    A module may own layers that its ``forward`` leaves out because they cannot change the
    output. It then has a method ``idle(inputs)`` that runs them, and they count, as they do in
    the published figures.

    Args:
        network: Takes a batch of images; only layers that are modules of their own count.
        shape: Channels, height and width of the images.
    """
    # A copy without numbers: every tensor's place is taken by one that has its shape alone.
    tensors = [*network.parameters(), *network.buffers()]
    bare = deepcopy(network, {id(tensor): tensor.to("meta") for tensor in tensors}).eval()
    flops = multiply_adds(bare, torch.empty((1, *shape), device="meta"))
    parameters = sum(p.numel() for p in network.parameters() if p.requires_grad)
    return Counts(parameters, flops)


def multiply_adds(network: nn.Module, images: Tensor) -> int:
    """The multiply-adds of a forward pass, by the rule of `Counts`.

    This computes, on the images' device, and is the quicker way for a network that is small or
    will not be used again; its hooks stay.

    Args:
        network: In evaluation mode.
        images: One image [1, channels, height, width].
    """
    flops = 0

    def add(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        nonlocal flops
        weight: Any = layer.weight
        flops += output.numel() * (weight[0].numel() + (layer.bias is not None))

    def run_idle(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        idle: Any = module.idle
        idle(*inputs)

    for module in network.modules():
        if isinstance(module, _LAYERS):
            module.register_forward_hook(add)
        if hasattr(module, "idle"):
            module.register_forward_hook(run_idle)
    with torch.no_grad():
        network(images)
    return flops
