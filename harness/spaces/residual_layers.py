"""Residual networks for small images, layer by layer; nothing here builds one.

Sources: He et al., "Deep Residual Learning" (CVPR 2016), section 4.2; Xie et al., "Aggregated
Residual Transformations" (CVPR 2017), for groups in bottlenecks; Lundberg, "Evolution of Residual
Architectures" (master's thesis, Lund University, 2020:E35), for groups in both kinds of block.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Literal, NamedTuple

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Graph

Block = Literal["basic", "bottleneck"]

LAYERS: dict[Block, int] = {"basic": 2, "bottleneck": 3}
"""Kind of block -> its weighted layers."""
EXPANSION: dict[Block, int] = {"basic": 1, "bottleneck": 4}
"""Kind of block -> how many times its inner channels come out of it."""


class Convolution(NamedTuple):
    """A convolution without bias, with the batch normalisation behind it."""

    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    groups: int = 1

    @property
    def parameters(self) -> int:
        """Its weights, and a scale and a shift for each output channel."""
        return self.kernel**2 * self.inputs * self.outputs // self.groups + 2 * self.outputs


class ResidualBlock(NamedTuple):
    """The convolutions of a block, and the one in its shortcut if that has parameters."""

    convolutions: tuple[Convolution, ...]
    shortcut: Convolution | None

    @property
    def inputs(self) -> int:
        """Channels that come in."""
        return self.convolutions[0].inputs

    @property
    def outputs(self) -> int:
        """Channels that go out."""
        return self.convolutions[-1].outputs

    @property
    def stride(self) -> int:
        """2 where the block halves the image, else 1."""
        return max(convolution.stride for convolution in self.convolutions)


@dataclass(frozen=True)
class ResidualConfiguration:
    """A residual network for small images: a stem, sections of blocks, pooling, a classifier.

    Attributes:
        block: Two 3x3 convolutions, or 1x1, 3x3 and 1x1.
        sections: Blocks of each section; each section but the first begins by halving the image.
        filters: Channels of the first section, before the expansion of bottlenecks.
        update: Factor of the channels from a section to the next.
        cardinality: Groups of the 3x3 convolutions, the same in all sections.
        projection: Whether a shortcut that changes its shape is a 1x1 convolution with batch
            normalisation. Otherwise it drops every other pixel and adds channels of zeros, and
            has no parameters (He et al.'s option A).
        skip_empty: Whether the section after an empty one takes its place: its width, and no
            halving. By default each section keeps its own.
    """

    block: Block
    sections: tuple[int, ...]
    filters: int
    update: int = 2
    cardinality: int = 1
    projection: bool = True
    skip_empty: bool = False

    @property
    def depth(self) -> int:
        """Weighted layers: stem, classifier and those of the blocks; shortcuts do not count."""
        return 2 + LAYERS[self.block] * sum(self.sections)

    def blocks(self) -> Iterator[ResidualBlock]:
        """All blocks from the stem on."""
        before = self.filters
        counted = [n for n in self.sections if n or not self.skip_empty]
        for place, blocks in enumerate(counted):
            inner = self.filters * self.update**place
            for number in range(blocks):
                block = self._block(before, inner, 2 if place > 0 and number == 0 else 1)
                yield block
                before = block.outputs

    def _block(self, inputs: int, inner: int, stride: int) -> ResidualBlock:
        outputs = EXPANSION[self.block] * inner
        groups = self.cardinality
        shortcut = None
        if self.projection and (stride > 1 or inputs != outputs):
            shortcut = Convolution(inputs, outputs, 1, stride)
        if self.block == "basic":
            first = Convolution(inputs, inner, 3, stride, groups)
            return ResidualBlock((first, Convolution(inner, inner, 3, 1, groups)), shortcut)
        first, last = Convolution(inputs, inner, 1), Convolution(inner, outputs, 1)
        between = Convolution(inner, inner, 3, stride, groups)
        return ResidualBlock((first, between, last), shortcut)

    def parameters(self, channels: int = 3, classes: int = 10) -> int:
        """Weights, scales, shifts and biases of the network; nothing is built.

        Args:
            channels: Channels of the images.
            classes: Number of logits.
        """
        total, after = Convolution(channels, self.filters, 3).parameters, self.filters
        for block in self.blocks():
            total += sum(convolution.parameters for convolution in block.convolutions)
            total += block.shortcut.parameters if block.shortcut else 0
            after = block.outputs
        return total + (after + 1) * classes

    def graph(self) -> Graph:
        """A chain: the stem, then runs of equal blocks, each run one node.

        ``5 x bottleneck 128 in 64 groups`` are five blocks of 128 inner channels; ``/2`` halves
        the image.
        """
        names = [f"stem {self.filters}"]
        for block, equal in groupby(self.blocks()):
            name = f"{self.block} {block.convolutions[0].outputs}"
            name += f" in {self.cardinality} groups" if self.cardinality > 1 else ""
            number = len(list(equal))
            if block.stride > 1:  # each begins a section
                names += [f"{name} /2"] * number
            else:
                names.append(f"{number} x {name}" if number > 1 else name)
        operations = ("input", *names, "output")
        return Graph(np.eye(len(operations), k=1, dtype=bool), operations)


def resnet(depth: int, filters: int = 16) -> ResidualConfiguration:
    """He et al.'s network of 6n + 2 layers for CIFAR, whose shortcuts have no parameters.

    Raises:
        UserError: If there is no network of so many layers.
    """
    blocks, rest = divmod(depth - 2, 6)
    if rest or blocks < 1:
        near = 6 * max(1, blocks) + 2
        raise UserError(
            f"no ResNet for CIFAR has {depth} layers: they have 6n + 2, such as {near}"
            f" or {near + 6}"
        )
    return ResidualConfiguration("basic", (blocks,) * 3, filters, projection=False)
