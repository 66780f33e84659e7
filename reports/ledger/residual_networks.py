"""Residual networks for CIFAR images as their parameters count them; no network is built.

Source: Lundberg, "Evolution of Residual Architectures" (master's thesis, Lund University,
2020:E35); He et al., "Deep Residual Learning" (CVPR 2016), section 4.2,
for the hand-made networks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Block = Literal["basic", "bottleneck"]

CLASSES = 10
EXPANSION = 4
"""A bottleneck block's output has so many times its inner channels."""


@dataclass(frozen=True)
class ResidualNetwork:
    """A network of the thesis.

    Attributes:
        block: Two 3x3 convolutions, or 1x1, 3x3 and 1x1.
        sections: Blocks of each section; a section but the first halves the image.
        filters: Channels of the first section.
        update: Factor of the channels from a section to the next.
        cardinality: Groups of the 3x3 convolutions.
        projection: Whether a shortcut that changes its shape is a 1x1 convolution with batch
            normalisation; otherwise it has no parameters.
    """

    block: Block
    sections: tuple[int, ...]
    filters: int
    update: int = 2
    cardinality: int = 1
    projection: bool = True

    @property
    def depth(self) -> int:
        """Weighted layers: stem, classifier and those of the blocks; shortcuts do not count."""
        return 2 + (2 if self.block == "basic" else 3) * sum(self.sections)

    @property
    def parameters(self) -> int:
        """Weights, scales, shifts and biases."""
        total = convolution(3, self.filters, 3)
        before = self.filters
        for place, blocks in enumerate(self.sections):
            inner = self.filters * self.update**place
            after = inner if self.block == "basic" else EXPANSION * inner
            for number in range(blocks):
                halves = place > 0 and number == 0
                if self.block == "basic":
                    total += convolution(before, inner, 3, self.cardinality)
                    total += convolution(inner, inner, 3, self.cardinality)
                else:
                    total += convolution(before, inner, 1)
                    total += convolution(inner, inner, 3, self.cardinality)
                    total += convolution(inner, after, 1)
                if self.projection and (halves or before != after):
                    total += convolution(before, after, 1)
                before = after
        return total + (before + 1) * CLASSES


def convolution(inputs: int, outputs: int, kernel: int, groups: int = 1) -> int:
    """Parameters of a convolution without bias and of the batch normalisation behind it."""
    return kernel * kernel * inputs * outputs // groups + 2 * outputs


def resnet(depth: int, filters: int = 16) -> ResidualNetwork:
    """He et al.'s network of 6n + 2 layers, whose shortcuts have no parameters."""
    blocks, rest = divmod(depth - 2, 6)
    if rest:
        raise ValueError(f"no network of this kind has {depth} layers")
    return ResidualNetwork("basic", (blocks,) * 3, filters, projection=False)


WINNERS = {
    "evolution": ResidualNetwork("bottleneck", (3, 6, 3, 1), 64, 2, 64),
    "regularised evolution": ResidualNetwork("bottleneck", (7, 9, 9, 1), 64, 2, 2),
    "crossover evolution": ResidualNetwork("basic", (1, 10, 1, 5), 32, 2, 1),
    "random search": ResidualNetwork("bottleneck", (0, 3, 5, 7), 64, 1, 2),
    "local search": ResidualNetwork("basic", (15, 2, 14, 5), 64, 1, 2),
    "Bayesian optimisation": ResidualNetwork("basic", (5, 2, 17, 1), 64, 2, 2),
}
"""The best network of each search, as Tables 10 and 11 print them."""
