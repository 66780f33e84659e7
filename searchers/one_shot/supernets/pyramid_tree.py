"""The supernet of the space `pyramid-tree`: every path of every bottleneck, without a proxy.

M. Yang (2019), section 5.1: weights are per path, and each bottleneck has its own. A cell is thus
one edge with nine candidates, the paths, of which it may keep several.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from harness.networks.pyramid_tree import Bottleneck, PyramidNetwork, pyramid
from harness.spaces import Architecture
from harness.spaces.pyramid_tree import BRANCHES, LEAVES, PATHS, PyramidTreeSpace, masks, of_masks
from searchers.one_shot.dag import Choice, SparseDAG
from searchers.one_shot.supernets.base import CellType, Supernet

if TYPE_CHECKING:
    from harness.one_shot import Problem

CELL = SparseDAG(
    2, (0,), (1,), ((0, 1),), tuple(f"{BRANCHES[branch]}+{LEAVES[leaf]}" for branch, leaf in PATHS)
)
"""Input and output; the candidates between them are the paths."""


class PyramidTreeSupernet(Supernet):
    """The network that keeps all paths, each times a weight.

    A bottleneck whose weights are all zero is its shortcut, as in the network of a mask of zero:
    otherwise its batch normalisations would make a constant of nothing.

    Args:
        network: All of its tree cells have nine paths.
        stages: Of them.
    """

    def __init__(self, network: PyramidNetwork, stages: int) -> None:
        super().__init__()
        self.network = network
        in_a_stage = len(network.blocks) // stages
        self.cells = tuple(
            CellType(f"{number // in_a_stage + 1}.{number % in_a_stage + 1}", CELL, 1)
            for number in range(len(network.blocks))
        )

    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """See `Supernet.forward`."""
        x = self.network.stem(images)
        for block, (row,) in zip(self.network.blocks, self.rows(weights), strict=True):
            assert isinstance(block, Bottleneck)
            paths = row[0]
            x = block.skip(x) + (paths != 0).any() * block.branch(x, weights=paths)
        logits: Tensor = self.network.head(x)
        return logits

    def run(self, images: Tensor, choices: Sequence[Choice]) -> Tensor:
        """See `Supernet.run`."""
        x = self.network.stem(images)
        for block, (kept,) in zip(self.network.blocks, self.checked(choices), strict=True):
            assert isinstance(block, Bottleneck)
            x = block.skip(x) + block.branch(x, kept) if kept else block.skip(x)
        logits: Tensor = self.network.head(x)
        return logits

    def architecture(self, choices: Sequence[Choice]) -> tuple[int, ...]:
        """The bits of the kept paths; every choice has its architecture."""
        return of_masks([kept for (kept,) in self.checked(choices)])

    def choices(self, architecture: Architecture) -> list[Choice]:
        """See `Supernet.choices`."""
        return [(kept,) for kept in masks(architecture)]


def build(problem: Problem, seed: int) -> PyramidTreeSupernet:
    """The supernet of a problem in the space ``pyramid-tree``; see `searchers.one_shot.supernets`.

    Args:
        problem: Its recipe's network options, ``width`` and ``alpha``, are the supernet's too.
        seed: Unsigned 64-bit seed of the initial weights.
    """
    space = problem.space
    assert isinstance(space, PyramidTreeSpace)
    everything = [tuple(range(len(PATHS)))] * (space.stages * space.bottlenecks)
    options = {**problem.recipe.network, "stages": space.stages}
    network = pyramid(everything, problem.task, seed=seed, **options)  # type: ignore[arg-type]
    return PyramidTreeSupernet(network, space.stages)
