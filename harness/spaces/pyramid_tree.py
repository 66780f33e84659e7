"""PyramidNet whose 3x3 convolutions are tree cells, each bottleneck with paths of its own.

M. Yang, "Efficient Neural Network Architecture Search" (TU Delft, 2019), searches it without a
proxy: three stages of 18 bottlenecks, alpha 84, every 3x3 convolution replaced by a tree cell of
nine paths, two groups. The cell's topology is left to Cai et al., "Path-Level Network
Transformation for Efficient Architecture Search" (ICML 2018), whose trees have no fixed shape.
Here a cell is the smallest tree with nine paths in which paths share operations: three branches
of three leaves each, whose results are added.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

import numpy as np

from harness.errors import UserError
from harness.spaces.base import Architecture, CategoricalSpace, Graph

BRANCHES = ("conv_3x3", "sep_conv_3x3", "sep_conv_5x5")
"""The operations at the root; the first has two groups, the others are depthwise separable."""

LEAVES = ("skip_connect", "sep_conv_3x3", "avg_pool_3x3")
"""The operations that follow each of them."""

PATHS = tuple((branch, leaf) for branch in range(len(BRANCHES)) for leaf in range(len(LEAVES)))
"""(branch, leaf) of the nine paths: bit 0 of a cell's mask is the first."""

_DIGITS = 3


class PyramidTreeSpace(CategoricalSpace):
    """Which of nine paths each bottleneck's tree cell keeps (``pyramid-tree``).

    Architectures are tuples of bits, nine for each bottleneck, from the first stage on. A cell
    may keep several paths, or none: then nothing but its shortcut is left of the bottleneck.

    Args:
        stages: Stages; each but the first begins by halving the image.
        bottlenecks: Bottlenecks in a stage.
        name: Of the space.
    """

    network = "harness.networks.pyramid_tree:network"

    def __init__(
        self, stages: int = 3, bottlenecks: int = 18, *, name: str = "pyramid-tree"
    ) -> None:
        if stages < 1 or bottlenecks < 1:
            raise UserError(f"space '{name}': at least one stage and one bottleneck in it")
        super().__init__(name, [("0", "1")] * (len(PATHS) * stages * bottlenecks))
        self.stages = stages
        self.bottlenecks = bottlenecks

    def __len__(self) -> int:
        """The number of architectures, or the largest length that Python knows."""
        return min(1 << len(self.sizes), sys.maxsize)

    def key(self, architecture: Architecture) -> bytes:
        """The bits, eight a byte."""
        return np.packbits(np.array(architecture, dtype=np.uint8)).tobytes()

    def features(self, architecture: Architecture) -> np.ndarray:
        """The bits, float64 of shape [9 * bottlenecks]."""
        return np.array(architecture, dtype=np.float64)

    def to_string(self, architecture: Architecture) -> str:
        """A mask of three hexadecimal digits for each bottleneck, joined by dots."""
        if architecture not in self:
            raise UserError(
                f"{architecture!r:.200} is not an architecture of the space '{self.name}': it"
                f" takes a tuple of {len(self.sizes)} bits"
            )
        return ".".join(f"{mask:03x}" for mask in self._masks(architecture))

    def from_string(self, text: str) -> tuple[int, ...]:
        parts = text.split(".")
        digits = all(len(p) == _DIGITS and set(p) <= set("0123456789abcdef") for p in parts)
        cells = len(self.sizes) // len(PATHS)
        if not digits or len(parts) != cells or any(int(p, 16) >> len(PATHS) for p in parts):
            raise UserError(
                f"{self.not_inside(text)}: expected {cells} masks from 000 to 1ff, joined by dots"
            )
        return tuple(int(p, 16) >> path & 1 for p in parts for path in range(len(PATHS)))

    def graph(self, architecture: Architecture) -> Graph:
        """Bottlenecks one after the other: a tree with its mask, added to the shortcut beside it.

        Bottlenecks that are nothing but their shortcut are left out. The graph does not look into
        the trees, which would make 800 nodes of the registered space.
        """
        names, edges, before = ["input"], [], 0
        for mask in self._masks(architecture):
            if mask:
                tree, total = len(names), len(names) + 1
                names += [f"tree_{mask:03x}", "sum"]
                edges += [(before, tree), (before, total), (tree, total)]
                before = total
        edges.append((before, len(names)))
        adjacency = np.zeros((len(names) + 1,) * 2, dtype=bool)
        adjacency[tuple(np.array(edges).T)] = True
        return Graph(adjacency, (*names, "output"))

    def _masks(self, architecture: Architecture) -> list[int]:
        return [sum(1 << path for path in kept) for kept in masks(architecture)]


def masks(architecture: Architecture) -> list[tuple[int, ...]]:
    """For each bottleneck the numbers of its paths, ascending."""
    bits: tuple[int, ...] = architecture  # type: ignore[assignment]
    cells = (bits[start : start + len(PATHS)] for start in range(0, len(bits), len(PATHS)))
    return [tuple(path for path, bit in enumerate(cell) if bit) for cell in cells]


def of_masks(kept: Sequence[Sequence[int]]) -> tuple[int, ...]:
    """The inverse of `masks`."""
    return tuple(int(path in paths) for paths in kept for path in range(len(PATHS)))
