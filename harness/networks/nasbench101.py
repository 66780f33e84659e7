"""The networks of NAS-Bench-101: a stem and three stacks of three cells, with pooling between.

They compute what those of the package nasbench_pytorch do, a port of the official TensorFlow code,
from the same weights, and begin with its distributions; its division of channels is used. The
modules are our own: the package's add every vertex's inputs to zeros, make tensors of Python
numbers on the way, own parameters that nothing uses (its ``Placeholder`` and ``dev_param``, which
would be counted), and cannot be built on the meta device.
"""

from __future__ import annotations

import numpy as np
import torch
from nasbench_pytorch.model.model import compute_vertex_channels
from torch import Tensor, nn

from harness.networks import NotBuildable, Task
from harness.networks.narrow import NormRelu
from harness.networks.operations import convolution
from harness.spaces import Graph, get_space


class Cell(nn.Module):
    """A directed acyclic graph of convolutions and poolings.

    An inner vertex applies its operation to the sum of what feeds it. The output joins its inner
    vertices' channels and adds the cell's input, if that feeds it. The cell's input always passes
    a projection, a 1x1 convolution, to the channels of the vertex that it feeds.

    Args:
        graph: A pruned cell with the official names of operations.
        c_in: Channels of the input.
        c_out: Channels of the output.
    """

    def __init__(self, graph: Graph, c_in: int, c_out: int) -> None:
        super().__init__()
        matrix = graph.adjacency.astype(int)
        self.output = len(matrix) - 1
        inner = range(1, self.output)
        self.channels = compute_vertex_channels(c_in, c_out, matrix)
        self.sources = [[u for u in inner if matrix[u, v]] for v in range(self.output + 1)]
        self.operations = nn.ModuleDict(
            {str(v): _operation(graph.operations[v], self.channels[v]) for v in inner}
        )
        self.projections = nn.ModuleDict(
            {str(v): _convolution(c_in, self.channels[v], 1) for v in np.flatnonzero(matrix[0])}
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, c_in, h, w) to (batch, c_out, h, w)."""
        vertices = [x]
        for v in range(1, self.output):
            terms = [_first(self.channels[v], vertices[u]) for u in self.sources[v]]
            vertices.append(self.operations[str(v)](self._sum(v, terms, x)))
        parts = [vertices[u] for u in self.sources[self.output]]
        return self._sum(self.output, [torch.cat(parts, 1)] if len(parts) > 1 else parts, x)

    def _sum(self, vertex: int, terms: list[Tensor], x: Tensor) -> Tensor:
        """The sum of terms, and of the cell's input where that feeds the vertex."""
        if str(vertex) in self.projections:
            terms = [*terms, self.projections[str(vertex)](x)]
        total = terms[0]
        for term in terms[1:]:
            total = total + term
        return total


def _operation(name: str, channels: int) -> nn.Module:
    if name == "maxpool3x3":
        return nn.MaxPool2d(3, stride=1, padding=1)
    return _convolution(channels, channels, {"conv1x1-bn-relu": 1, "conv3x3-bn-relu": 3}[name])


def _convolution(c_in: int, c_out: int, kernel: int) -> nn.Module:
    return nn.Sequential(convolution(c_in, c_out, kernel), NormRelu(c_out))


def _first(channels: int, x: Tensor) -> Tensor:
    """The first channels of a vertex, which may have one more than the vertex that it feeds."""
    # Even a slice of everything would be copied on the way back.
    return x if x.shape[1] == channels else x[:, :channels]


def cell_network(
    architecture: tuple[int, ...],
    task: Task,
    *,
    seed: int,
    width: int = 128,
    stacks: int = 3,
    cells: int = 3,
) -> nn.Module:
    """The network of an architecture of the space ``nasbench101``; see `harness.networks.build`.

    Running statistics take in a tenth of each new batch, PyTorch's default. (The package's 0.997
    is TensorFlow's decay, which PyTorch reads as the weight of the new batch.)

    Args:
        architecture: 21 matrix bits and five operation numbers; unused vertices are pruned.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        width: Channels of the stem and the first stack, doubled in each later one; officially 128.
        stacks: Stacks of cells, each on half the side of the one before; officially 3.
        cells: Cells in a stack; officially 3.

    Raises:
        NotBuildable: If the output has fewer channels than vertices that feed it, or the images
            are too small for so many stacks.
    """
    graph = get_space("nasbench101").graph(architecture)
    feeding = int(graph.adjacency[1:, -1].sum())
    if feeding > width:
        raise NotBuildable(f"{width} channels cannot be divided among {feeding} vertices")
    if min(task.shape[1:]) < 2 ** (stacks - 1):
        size = "x".join(map(str, task.shape[1:]))
        raise NotBuildable(f"images of {size} pixels are too small for {stacks} stacks")
    layers: list[nn.Module] = [_convolution(task.shape[0], width, 3)]
    before = width
    for stack in range(stacks):
        if stack > 0:
            layers.append(nn.MaxPool2d(2))
        for _ in range(cells):
            layers.append(Cell(graph, before, width * 2**stack))
            before = width * 2**stack
    pooled = nn.AdaptiveAvgPool2d(1), nn.Flatten()
    return _initialise(nn.Sequential(*layers, *pooled, nn.Linear(before, task.classes)), seed)


def _initialise(network: nn.Module, seed: int) -> nn.Module:
    """Redraw all weights from the package's distributions: normal ones, biases 0."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(
                module.weight, mode="fan_out", nonlinearity="relu", generator=generator
            )
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=0.01, generator=generator)
            nn.init.zeros_(module.bias)
    return network
