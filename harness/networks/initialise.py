"""Initial weights from explicit generators.

PyTorch's layers draw their weights from the process-wide generator when they are built. The
second draw here replaces those, with PyTorch's own default distributions, so a network's weights
depend on its seeds alone. `seeded` gives the same promise for modules of other libraries, whose
own initial distributions are to be kept.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


def initialise(network: Network, seeds: Sequence[int]) -> Network:
    """Redraw the weights of all convolutions and linear layers, in the order of ``modules()``.

    Weights and biases are uniform in +-1/sqrt(fan in), PyTorch's default; batch normalisation
    starts at scale 1 and shift 0, without a draw.

    Args:
        network: A network whose layers have one group for each copy of it.
        seeds: One unsigned 64-bit seed a copy. A copy's weights do not depend on the others.
    """
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            bound = 1.0 / math.sqrt(module.weight[0].numel())
            for parameter in module.parameters():
                copies = parameter.detach().chunk(len(seeds))
                for copy, generator in zip(copies, generators, strict=True):
                    copy.uniform_(-bound, bound, generator=generator)
    return network


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Let modules that draw from PyTorch's process-wide CPU generator draw from a seed instead.

    The generator goes back to where it was. Other threads that draw from it meanwhile see the
    seeded one, so `initialise` is preferred for our own networks.

    Args:
        seed: Unsigned 64-bit seed.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would reach the GPUs too
        yield
