"""The networks of DARTS: a stem, normal cells with two reduction cells among them, a classifier.

Liu, Simonyan and Yang (ICLR 2019), and their code (quark0/darts, ``cnn/model.py``), without the
auxiliary head; or with BayesNAS' layers, see `harness.networks.darts_operations`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import get_args

import torch
from torch import Tensor, nn

from harness.errors import unknown
from harness.networks import Task
from harness.networks.darts_operations import Layers, Style
from harness.networks.initialise import initialise
from harness.spaces import Architecture
from harness.spaces.darts import EDGES, INNER, INPUTS, OPERATIONS, Masks, cells_of, kept


class Inputs(nn.Module):
    """Fits a cell's two inputs to its channels and to the image that the later one has.

    Args:
        before: Channels of the last cell but one, and of the last.
        channels: Of the cell.
        shrunk: Whether the last cell was a reduction: the one before then has a larger image.
        layers: How they are made.
    """

    def __init__(
        self, before: tuple[int, int], channels: int, shrunk: bool, layers: Layers
    ) -> None:
        super().__init__()
        self.older = (layers.halving if shrunk else layers.pointwise)(before[0], channels)
        self.newer = layers.pointwise(before[1], channels)

    def forward(self, older: Tensor, newer: Tensor) -> list[Tensor]:
        """Nodes 0 and 1 of the cell."""
        return [self.older(older), self.newer(newer)]


class Cell(nn.Module):
    """Nodes that sum operations of earlier ones; the output joins the inner nodes' channels.

    Args:
        masks: The kept operations of each edge; those that nothing reaches are left out.
        inputs: What fits its inputs.
        channels: Of every node.
        reduction: Whether operations on inputs halve the image.
        layers: How its operations are made.
    """

    def __init__(
        self, masks: Masks, inputs: Inputs, channels: int, reduction: bool, layers: Layers
    ) -> None:
        super().__init__()
        self.inputs, self.channels, self.reduction = inputs, channels, reduction
        self.operations = nn.ModuleDict()
        fed = set(INPUTS)
        for e, (source, target) in enumerate(EDGES):
            if not masks[e] or source not in fed:
                continue
            fed.add(target)
            stride = 2 if reduction and source in INPUTS else 1
            for k in kept(masks[e]):
                name = f"{source}-{target} {OPERATIONS[k]}"
                self.operations[name] = layers.operation(OPERATIONS[k], channels, stride)

    def forward(self, older: Tensor, newer: Tensor) -> Tensor:
        """Map the outputs of the last two cells to [batch, 4 * channels, h, w]."""
        nodes = dict(enumerate(self.inputs(older, newer)))
        for name, operation in self.operations.items():
            source, target = map(int, name.split()[0].split("-"))
            value = operation(nodes[source])
            nodes[target] = nodes[target] + value if target in nodes else value
        return joined([nodes.get(node) for node in INNER], nodes[1], self.reduction)


def joined(inner: list[Tensor | None], like: Tensor, reduction: bool) -> Tensor:
    """The channels of the inner nodes side by side; zeros for those that sum nothing.

    Args:
        inner: The nodes.
        like: An input of the cell.
        reduction: Whether the inner nodes' images are half as large as the input's.
    """
    shape = list(like.shape)
    if reduction:
        shape[2:] = [-(-side // 2) for side in shape[2:]]
    return torch.cat([like.new_zeros(shape) if x is None else x for x in inner], 1)


class DartsNetwork(nn.Module):
    """Stem, cells, average over the image, classifier.

    Args:
        cell: Makes a cell of its inputs, channels, and whether it is a reduction.
        task: Shape of the images and number of classes.
        channels: Of the first cells' nodes; reductions double them. The stem has three times as
            many.
        cells: How many; those at one and two thirds are reductions.
        layers: How what is outside the cells is made; always affine in stem and head.
    """

    def __init__(
        self,
        cell: Callable[[Inputs, int, bool], nn.Module],
        task: Task,
        channels: int,
        cells: int,
        layers: Layers,
    ) -> None:
        super().__init__()
        stem = nn.Conv2d(task.shape[0], 3 * channels, 3, padding=1, bias=False)
        first = layers.style == "darts"  # else the head has the normalisation
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(3 * channels)) if first else stem
        self.cells = nn.ModuleList()
        before, shrunk = (3 * channels, 3 * channels), False
        for i in range(cells):
            reduction = i in reductions(cells)
            channels *= 2 if reduction else 1
            inputs = Inputs(before, channels, shrunk, layers)
            self.cells.append(cell(inputs, channels, reduction))
            before, shrunk = (before[1], len(INNER) * channels), reduction
        self.last = nn.Identity() if first else nn.BatchNorm2d(before[1])
        self.classifier = nn.Linear(before[1], task.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Map [batch, channels, height, width] to [batch, classes]."""
        return self.through(images, lambda cell, older, newer: cell(older, newer))

    def through(
        self, images: Tensor, apply: Callable[[nn.Module, Tensor, Tensor], Tensor]
    ) -> Tensor:
        """The same, with what is to be done in each cell."""
        older = newer = self.stem(images)
        for cell in self.cells:
            older, newer = newer, apply(cell, older, newer)
        logits: Tensor = self.classifier(self.last(newer).mean((2, 3)))
        return logits


def reductions(cells: int) -> tuple[int, ...]:
    """The places of the reduction cells; with fewer than three cells one may lie at the start."""
    return tuple(sorted({cells // 3, 2 * cells // 3}))


def cell_network(
    architecture: Architecture,
    task: Task,
    *,
    seed: int,
    channels: int = 36,
    cells: int = 20,
    style: str = "darts",
    full_dilation: bool = False,
) -> DartsNetwork:
    """The network of an architecture of the space ``darts``; see `harness.networks.build`.

    Args:
        architecture: The kept operations of 28 edges.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights, drawn from PyTorch's own distributions.
        channels: Of the first cells' nodes; 36 in the literature's final networks, 16 in searches.
        cells: 20 in final networks, 8 in searches.
        style: "darts" or "bayesnas", whose code this follows; see
            `harness.networks.darts_operations.Layers`. The released networks of BayesNAS have the
            latter's 2.576, 3.197 and 2.512 million parameters.
        full_dilation: Whether dilated convolutions join all channels in the style "darts", too.

    Raises:
        UserError: If there is no such style.
    """
    normal, reduction = cells_of(architecture)
    layers = Layers(checked_style(style), full_dilation=full_dilation)

    def cell(inputs: Inputs, width: int, reduces: bool) -> Cell:
        return Cell(reduction if reduces else normal, inputs, width, reduces, layers)

    return initialise(DartsNetwork(cell, task, channels, cells, layers), [seed])


def checked_style(style: str) -> Style:
    """A style, once it is sure to be one.

    Raises:
        UserError: If it is none.
    """
    for known in get_args(Style):
        if style == known:
            return known  # type: ignore[no-any-return]
    raise unknown("style of the darts networks", style, get_args(Style))
