"""The supernet of the space `tss`: NATS-Bench's network with all operations on all edges.

Dong and Yang, "NAS-Bench-201" (ICLR 2020), search it so, with batch normalisations that learn
nothing inside the cells. The zero operation is no candidate: it is that an edge keeps none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from harness.errors import UserError
from harness.networks import options_of
from harness.networks.edges import live_edges
from harness.networks.initialise import initialise
from harness.networks.nats import staged
from harness.networks.operations import CONV_1X1, CONV_3X3, POOL_3X3, SKIP, convolution
from harness.spaces import Architecture
from harness.spaces.tss import EDGES, OPERATIONS
from searchers.one_shot.dag import Choice, SparseDAG
from searchers.one_shot.supernets.base import CellType, ScaledNorm, Supernet

if TYPE_CHECKING:
    from harness.one_shot import Problem

CELL = SparseDAG.complete(4, OPERATIONS[1:])
"""Four nodes and six edges, in the order of the space's decisions; operation k is its k + 1."""

_SOURCES = tuple(range(3))
_LEAVING = [[e for e, edge in enumerate(EDGES) if edge[0] == source] for source in _SOURCES]
"""For every node but the last the edges that leave it."""


class TopologySupernet(Supernet):
    """The networks of the topology space at once.

    Args:
        width: Channels of the first stage.
        depth: Cells in each of the three stages.
        channels: Of the images.
        classes: Number of logits.
        affine: Whether batch normalisations in the cells learn a scale and a shift.
    """

    def __init__(
        self, width: int, depth: int, channels: int, classes: int, *, affine: bool = False
    ) -> None:
        super().__init__()
        self.cells = (CellType("cell", CELL, 3 * depth),)
        self.network = staged(
            lambda _, c_out: MixedCell(c_out, affine), width, depth, classes, channels
        )

    def forward(self, images: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """See `Supernet.forward`."""
        rows = iter(self.rows(weights)[0])
        return self._through(images, lambda cell, x: cell(x, next(rows)))

    def run(self, images: Tensor, choices: Sequence[Choice]) -> Tensor:
        """See `Supernet.run`."""
        operations = _operations(choices[0])
        return self._through(images, lambda cell, x: cell.path(x, operations))

    def _through(self, images: Tensor, mixed: Callable[[MixedCell, Tensor], Tensor]) -> Tensor:
        """The network, with what is to be done in its cells."""
        features: Tensor = self.network.stem(images)
        for block in self.network.blocks:
            features = mixed(block, features) if isinstance(block, MixedCell) else block(features)
        return self.network.head(features)

    def architecture(self, choices: Sequence[Choice]) -> tuple[int, ...]:
        """The cell with these operations; an edge without one gets ``none``."""
        return _operations(self.checked(choices)[0])

    def choices(self, architecture: Architecture) -> list[Choice]:
        """See `Supernet.choices`."""
        return [tuple((o - 1,) if o else () for o in architecture)]  # type: ignore[attr-defined]


class MixedCell(nn.Module):
    """A cell with four operations on each of its six edges.

    Small layers take longer to start than to compute. What leaves one node is therefore computed
    together: one convolution of each size for all its edges.
    """

    def __init__(self, channels: int, affine: bool) -> None:
        super().__init__()
        self.thin = nn.ModuleList(Convolutions(channels, 1, len(e), affine) for e in _LEAVING)
        self.wide = nn.ModuleList(Convolutions(channels, 3, len(e), affine) for e in _LEAVING)
        self.pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        """Map [batch, c, h, w] to the same shape; ``weights`` are [edges, operations]."""
        scales = weights.unbind()
        nodes: list[Tensor | None] = [x, None, None, None]
        for source in _SOURCES:
            value = nodes[source]
            assert value is not None
            leaving = _LEAVING[source]
            skip, thin, wide, pool = torch.stack([scales[e] for e in leaving], 1).unbind()
            active, pooled = value.relu(), self.pool(value)
            total = self.thin[source](active, thin) + self.wide[source](active, wide)
            for i, part in enumerate(total.chunk(len(leaving), 1)):
                part = part.addcmul(value, skip[i]).addcmul(pooled, pool[i])
                target = EDGES[leaving[i]][1]
                before = nodes[target]
                nodes[target] = part if before is None else before + part
        assert nodes[3] is not None
        return nodes[3]

    def path(self, x: Tensor, operations: tuple[int, ...]) -> Tensor:
        """Map [batch, c, h, w] to the same shape by the operations of a cell of the space."""
        nodes = {0: x}
        for e in live_edges(operations):
            source, target = EDGES[e]
            value = self._edge(e, operations[e], nodes[source])
            nodes[target] = nodes[target] + value if target in nodes else value
        return nodes[3] if 3 in nodes else torch.zeros_like(x)

    def _edge(self, e: int, operation: int, x: Tensor) -> Tensor:
        if operation == SKIP:
            return x
        if operation == POOL_3X3:
            pooled: Tensor = self.pool(x)
            return pooled
        source = EDGES[e][0]
        layers = {CONV_1X1: self.thin, CONV_3X3: self.wide}[operation][source]
        assert isinstance(layers, Convolutions)
        return layers.single(x.relu(), _LEAVING[source].index(e))


class Convolutions(nn.Module):
    """Convolutions of one size on several edges that leave one node, each with its normalisation.

    Args:
        channels: Into and out of an edge.
        kernel: Side of the odd, square kernel.
        edges: How many.
        affine: Whether the normalisations learn a scale and a shift.
    """

    def __init__(self, channels: int, kernel: int, edges: int, affine: bool) -> None:
        super().__init__()
        self.channels, self.padding = channels, kernel // 2
        # A layer for each edge, so that a path gives gradients to its own weights alone.
        self.edges = nn.ModuleList(convolution(channels, channels, kernel) for _ in range(edges))
        self.norm = ScaledNorm(edges * channels, affine=affine)

    def forward(self, x: Tensor, scales: Tensor) -> Tensor:
        """Map [batch, c, h, w] to [batch, edges * c, h, w], each edge times its scale."""
        kernel = torch.cat([edge.weight for edge in self.edges])  # type: ignore[misc]
        outputs = nn.functional.conv2d(x, kernel, padding=self.padding)
        return self.norm.scaled(outputs, scales.repeat_interleave(self.channels))

    def single(self, x: Tensor, edge: int) -> Tensor:
        """Map [batch, c, h, w] to the same shape by one of the edges."""
        part = slice(edge * self.channels, (edge + 1) * self.channels)
        return self.norm.part(self.edges[edge](x), part)


def _operations(choice: Choice) -> tuple[int, ...]:
    """The space's operation numbers of a choice."""
    for (source, target), kept in zip(EDGES, choice, strict=True):
        if len(kept) > 1:
            raise UserError(
                f"edge {source}->{target} keeps {len(kept)} operations: cells of the space 'tss'"
                " have one on an edge, or none"
            )
    return tuple(kept[0] + 1 if kept else 0 for kept in choice)


def build(problem: Problem, seed: int, *, affine: bool = False) -> TopologySupernet:
    """The supernet of a problem in the space ``tss``; see `searchers.one_shot.supernets`.

    Args:
        problem: Its recipe's network options, ``width`` and ``depth``, are the supernet's too.
        seed: Unsigned 64-bit seed of the initial weights.
        affine: Whether batch normalisations in the cells learn a scale and a shift.
    """
    options: dict[str, Any] = {**options_of(problem.space), **problem.recipe.network}
    channels, classes = problem.task.shape[0], problem.task.classes
    network = TopologySupernet(**options, channels=channels, classes=classes, affine=affine)
    return initialise(network, [seed])
