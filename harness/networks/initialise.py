"""Initial weights from explicit generators.

PyTorch's layers draw their weights from the process-wide generator when they are built. The
second draw here replaces those, with PyTorch's own default distributions, so a network's weights
depend on its seeds alone; building under ``torch.random.fork_rng`` would give the same promise,
but would also reset global state that other threads of the process may be using.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def initialise(network: Network, seeds: Sequence[int]) -> Network:
    """Redraw the weights of all convolutions, in the order of ``modules()``.

    Weights and biases are uniform in +-1/sqrt(fan in), PyTorch's default; batch normalisation
    starts at scale 1 and shift 0, without a draw.

    Args:
        network: A network whose convolutions have one group for each copy of it.
        seeds: One unsigned 64-bit seed a copy. A copy's weights do not depend on the others.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            bound = 1.0 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters():
                copies = parameter.detach().chunk(len(seeds))
                for copy, generator in zip(copies, generators, strict=True):
                    copy.uniform_(-bound, bound, generator=generator)
    return network
