"""The cell of NATS-Bench: four nodes, six edges, one operation on each edge."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.networks.edges import live_edges
from harness.networks.operations import edge_layer
from harness.spaces.tss import EDGES


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

    def idle(self, x: Tensor) -> None:
        """Run the layers of the edges that `forward` leaves out, to have them counted."""
        for i, layer in self.edges.items():
            if int(i) not in self.live:
                channels = x.shape[1] if EDGES[int(i)][0] == 0 else self.channels
                layer(x[:, :1].expand(-1, channels, -1, -1))
