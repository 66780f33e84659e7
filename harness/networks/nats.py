"""The NATS-Bench networks: a stem, three stages of cells with reductions between, a head.

`build_tss` places one cell of the topology space in all stages; `build_sss` is the size space:
one fixed cell, five channel counts. Both follow the official ``TinyNetwork`` and
``DynamicShapeTinyNet`` and have their parameter counts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from torch import Tensor, nn

from harness.networks import Task
from harness.networks.cells import Cell
from harness.networks.initialise import initialise
from harness.networks.operations import ResidualReduction, convolution
from harness.spaces.sss import CHANNELS

SSS_CELL: tuple[int, ...] = (3, 3, 3, 1, 3, 3)
"""The size space's only cell: 3x3 convolutions on all edges, a skip from input to output."""


class NatsNetwork(nn.Module):
    """Stem, cells and reductions in the given order of channels, batch norm, pooling, classifier.

    Args:
        cell: Makes a cell of given input and output channels (supernets place their own here).
        channels: Output channels of every block after the stem, stages and reductions alike.
        reductions: Whether the block at the same place halves the image.
        stem_channels: Output channels of the stem convolution.
        num_classes: Number of logits.
        in_channels: Channels of the images (3 in the official networks).
        copies: Independent networks that are computed together. Small networks spend most of
            their time on starting layers, not in them, so several trainings side by side, each
            in its own group of channels, cost little more than one.
    """

    def __init__(
        self,
        cell: Callable[[int, int], nn.Module],
        channels: Sequence[int],
        reductions: Sequence[bool],
        stem_channels: int,
        num_classes: int,
        in_channels: int,
        copies: int = 1,
    ) -> None:
        super().__init__()
        self.copies = copies
        self.stem = nn.Sequential(
            convolution(in_channels, stem_channels, 3, copies=copies),
            nn.BatchNorm2d(copies * stem_channels),
        )
        blocks: list[nn.Module] = []
        before = stem_channels
        for width, reduction in zip(channels, reductions, strict=True):
            blocks.append(
                ResidualReduction(before, width, copies=copies)
                if reduction
                else cell(before, width)
            )
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(nn.BatchNorm2d(copies * before), nn.ReLU())
        # A linear layer for each copy, written as a convolution since those have groups.
        self.classifier = convolution(before, num_classes, 1, copies=copies, bias=True)

    def forward(self, images: Tensor) -> Tensor:
        """Map (batch, copies * in_channels, height, width) to (batch, copies * num_classes)."""
        return self.head(self.blocks(self.stem(images)))

    def head(self, features: Tensor) -> Tensor:
        """What follows the last block: normalisation, pooling, classifier."""
        pooled = self.last(features).mean((2, 3), keepdim=True)
        logits: Tensor = self.classifier(pooled)
        return logits.flatten(1)


def build_tss(
    architecture: tuple[int, ...],
    *,
    width: int = 16,
    depth: int = 5,
    num_classes: int = 10,
    in_channels: int = 3,
    seeds: Sequence[int] = (0,),
) -> NatsNetwork:
    """The network of a topology-space cell, with weights that depend on the arguments only.

    Args:
        architecture: Six operation numbers, edges 0->1, 0->2, 1->2, 0->3, 1->3, 2->3.
        width: Channels of the first stage (doubled in each later stage); officially 16.
        depth: Cells in each of the three stages; officially 5.
        num_classes: Number of logits.
        in_channels: Channels of the images.
        seeds: Unsigned 64-bit seeds of the initial weights, one for each copy of the network.
    """
    cell = partial(Cell, architecture, copies=len(seeds))
    network = staged(cell, width, depth, num_classes, in_channels, len(seeds))
    return initialise(network, seeds)


def staged(
    cell: Callable[[int, int], nn.Module],
    width: int,
    depth: int,
    num_classes: int,
    in_channels: int,
    copies: int = 1,
) -> NatsNetwork:
    """Three stages of ``depth`` cells each, a reduction and twice the channels between them."""
    stages = [width] * depth, [2 * width] * (depth + 1), [4 * width] * (depth + 1)
    channels = [c for stage in stages for c in stage]
    reductions = [False] * depth + ([True] + [False] * depth) * 2
    return NatsNetwork(cell, channels, reductions, width, num_classes, in_channels, copies)


def build_sss(
    channels: tuple[int, ...],
    *,
    num_classes: int = 10,
    in_channels: int = 3,
    seeds: Sequence[int] = (0,),
) -> NatsNetwork:
    """The network of a size-space architecture (five channel counts, 8 to 64 officially).

    Args:
        channels: Output channels of stem-and-first-cell, reduction, cell, reduction, cell.
        num_classes: Number of logits.
        in_channels: Channels of the images.
        seeds: Unsigned 64-bit seeds of the initial weights, one for each copy of the network.
    """
    if len(channels) != 5:
        raise ValueError(f"the size space has 5 channel counts, not {len(channels)}")
    reductions = [False, True, False, True, False]
    cell = partial(Cell, SSS_CELL, copies=len(seeds))
    network = NatsNetwork(
        cell, channels, reductions, channels[0], num_classes, in_channels, len(seeds)
    )
    return initialise(network, seeds)


def topology_network(
    architecture: tuple[int, ...], task: Task, *, seed: int, width: int = 16, depth: int = 5
) -> NatsNetwork:
    """The network of an architecture of the space ``tss``; see `harness.networks.build`.

    A cell without a path from input to output (341 of them) has the official network too: its
    cells hand on zeros, the reductions' batch normalisations turn those into constants, and the
    logits are the same for all images. It trains without an error, and stays at chance.

    Args:
        architecture: Six operation numbers.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        width: Channels of the first stage; officially 16.
        depth: Cells in each of the three stages; officially 5.
    """
    return build_tss(
        architecture,
        width=width,
        depth=depth,
        num_classes=task.classes,
        in_channels=task.shape[0],
        seeds=(seed,),
    )


def size_network(architecture: tuple[int, ...], task: Task, *, seed: int) -> NatsNetwork:
    """The network of an architecture of the space ``sss``; see `harness.networks.build`.

    Args:
        architecture: Five indices into the numbers of channels, `harness.spaces.sss.CHANNELS`.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
    """
    return build_sss(
        tuple(CHANNELS[value] for value in architecture),
        num_classes=task.classes,
        in_channels=task.shape[0],
        seeds=(seed,),
    )
