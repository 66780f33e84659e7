"""The cell of NATS-Bench: four nodes, six edges, one operation on each edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.networks.operations import NONE, edge_layer

EDGES: tuple[tuple[int, int], ...] = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from node, to node), in the order of an architecture's operations."""


def live_edges(operations: tuple[int, ...]) -> tuple[int, ...]:
    """Indices of the edges on some path of operations from the input node to the output node.

    The other edges cannot carry anything of the input to the output. A cell computes only its
    live edges, though it owns the layers of all, as the official networks do. The one difference
    from computing all: a convolution that is fed zeros everywhere would add its batch
    normalisation's learned shift, a constant, where this cell adds nothing.
    """
    used = [i for i, operation in enumerate(operations) if operation != NONE]
    reached, reaching = {0}, {3}
    for i in used:  # the edges are sorted by the node they enter, so one sweep is enough
        if EDGES[i][0] in reached:
            reached.add(EDGES[i][1])
    for i in sorted(used, key=lambda i: -EDGES[i][0]):
        if EDGES[i][1] in reaching:
            reaching.add(EDGES[i][0])
    return tuple(i for i in used if EDGES[i][0] in reached and EDGES[i][1] in reaching)


class Cell(nn.Module):
    """One cell with stride 1: node k is the sum of its incoming edges, node 3 the output.

    Args:
        operations: Six operation numbers in the order of `EDGES`.
        c_in: Channels of the input.
        c_out: Channels of every other node.
        copies: Independent networks that are computed together, as groups of channels.
    """

    def __init__(
        self, operations: tuple[int, ...], c_in: int, c_out: int, *, copies: int = 1
    ) -> None:
        super().__init__()
        if len(operations) != len(EDGES):
            raise ValueError(f"a cell has {len(EDGES)} operations, not {len(operations)}")
        self.channels = copies * c_out
        self.live = live_edges(operations)
        self.edges = nn.ModuleDict()
        for i, operation in enumerate(operations):
            layer = edge_layer(operation, c_in if EDGES[i][0] == 0 else c_out, c_out, copies)
            if layer is not None:
                self.edges[str(i)] = layer

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, copies * c_in, h, w) to (batch, copies * c_out, h, w)."""
        nodes: dict[int, Tensor] = {0: x}
        for i in self.live:
            start, end = EDGES[i]
            value = self.edges[str(i)](nodes[start])
            nodes[end] = nodes[end] + value if end in nodes else value
        if 3 not in nodes:  # nothing reaches the output: an all-zero feature map
            return torch.zeros_like(x[:, :1]).expand(-1, self.channels, -1, -1)
        return nodes[3]
