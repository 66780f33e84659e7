"""The networks of the space `pyramid-tree`: PyramidNet bottlenecks around tree cells.

Han, Kim and Kim, "Deep Pyramidal Residual Networks" (CVPR 2017): channels grow by the same
amount in every block, blocks begin with a batch normalisation and do not end with an activation,
shortcuts have no parameters. `harness.spaces.pyramid_tree` says what a tree cell is.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import UserError
from harness.networks import Task
from harness.networks.initialise import initialise, seeded
from harness.spaces import Architecture
from harness.spaces.pyramid_tree import BRANCHES, LEAVES, PATHS, masks

EXPANSION = 4
"""How many times a bottleneck's inner channels come out of it."""


class TreeCell(nn.Module):
    """Three branches of three leaves; a path is a branch and then a leaf of its own.

    Args:
        channels: In and out.
        stride: Of the branches.
        kept: The paths; a branch or leaf on none of them is left out.
    """

    def __init__(self, channels: int, stride: int, kept: tuple[int, ...]) -> None:
        super().__init__()
        self.kept = kept
        branches = dict.fromkeys(PATHS[path][0] for path in kept)
        self.branches = nn.ModuleDict(
            {str(branch): _layer(BRANCHES[branch], channels, stride) for branch in branches}
        )
        self.leaves = nn.ModuleDict(
            {str(path): _layer(LEAVES[PATHS[path][1]], channels, 1) for path in kept}
        )

    def forward(
        self, x: Tensor, paths: Iterable[int] | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """Map [batch, c, h, w] to [batch, c, ceil(h / stride), ceil(w / stride)].

        Args:
            x: What comes in.
            paths: Those to add up, at least one; None: all that are kept.
            weights: What each of the nine paths is multiplied by; None: 1.
        """
        begun: dict[int, Tensor] = {}
        values = []
        for path in self.kept if paths is None else paths:
            branch = PATHS[path][0]
            if branch not in begun:
                begun[branch] = self.branches[str(branch)](x)
            value: Tensor = self.leaves[str(path)](begun[branch])
            values.append(value if weights is None else value * weights[path])
        return torch.stack(values).sum(0) if len(values) > 1 else values[0]


class Bottleneck(nn.Module):
    """1x1 convolution, tree cell and 1x1 convolution beside a shortcut without parameters.

    Args:
        inputs: Channels that come in.
        inner: Channels of the tree cell; four times as many come out.
        stride: 2 where the image is halved.
        kept: The cell's paths. With none of them the block is its shortcut.
    """

    def __init__(self, inputs: int, inner: int, stride: int, kept: tuple[int, ...]) -> None:
        super().__init__()
        self.added = EXPANSION * inner - inputs
        self.shortcut = (
            nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
            if stride > 1
            else nn.Identity()
        )
        self.before = self.tree = self.after = None
        if kept:
            self.before = nn.Sequential(
                nn.BatchNorm2d(inputs),
                nn.Conv2d(inputs, inner, 1, bias=False),
                nn.BatchNorm2d(inner),
                nn.ReLU(),
            )
            self.tree = TreeCell(inner, stride, kept)
            self.after = nn.Sequential(
                nn.BatchNorm2d(inner),
                nn.ReLU(),
                nn.Conv2d(inner, EXPANSION * inner, 1, bias=False),
                nn.BatchNorm2d(EXPANSION * inner),
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs, h, w] to [batch, 4 * inner, ceil(h / stride), ...]."""
        return self.skip(x) if self.tree is None else self.skip(x) + self.branch(x)

    def skip(self, x: Tensor) -> Tensor:
        """The shortcut."""
        return functional.pad(self.shortcut(x), (0, 0, 0, 0, 0, self.added))

    def branch(
        self, x: Tensor, paths: Iterable[int] | None = None, weights: Tensor | None = None
    ) -> Tensor:
        """What is beside the shortcut, where there is a tree cell; see `TreeCell.forward`."""
        assert self.before is not None and self.tree is not None and self.after is not None
        beside: Tensor = self.after(self.tree(self.before(x), paths, weights))
        return beside


class PyramidNetwork(nn.Module):
    """Stem, bottlenecks, average over the image, classifier.

    Args:
        kept: For each bottleneck the paths of its tree cell.
        stages: Stages; each but the first begins by halving the image.
        width: Channels of the stem.
        alpha: By how much a block's inner channels grow from the stem to the last bottleneck.
        task: Shape of the images and number of classes.
    """

    def __init__(
        self, kept: list[tuple[int, ...]], stages: int, width: int, alpha: int, task: Task
    ) -> None:
        super().__init__()
        channels = width
        self.stem = nn.Sequential(
            nn.Conv2d(task.shape[0], width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.blocks = nn.ModuleList()
        for number, paths in enumerate(kept):
            inner = inner_channels(width, alpha, number + 1, len(kept))
            first = number % (len(kept) // stages) == 0
            stride = 2 if first and number > 0 else 1
            self.blocks.append(Bottleneck(channels, inner, stride, paths))
            channels = EXPANSION * inner
        self.head = nn.Sequential(
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
            nn.Linear(channels, task.classes),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to (batch, classes)."""
        x = self.stem(images)
        for block in self.blocks:
            x = block(x)
        logits: Tensor = self.head(x)
        return logits


def inner_channels(width: int, alpha: int, number: int, blocks: int) -> int:
    """Inner channels of a block, ``number`` from 1 on: rounded, and up to an even number.

    PyramidNet rounds alone; two groups take an even number.
    """
    inner = round(width + alpha * number / blocks)
    return inner + inner % 2


def _layer(operation: str, channels: int, stride: int) -> nn.Module:
    """An operation of the tree; what has weights is ReLU, convolutions and normalisation."""
    if operation == "skip_connect":
        return nn.Identity()
    if operation == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, padding=1, count_include_pad=False)
    kind, _, size = operation.rpartition("_")
    kernel = int(size[0])
    groups = 2 if kind == "conv" else channels
    layers: list[nn.Module] = [
        nn.ReLU(),
        nn.Conv2d(channels, channels, kernel, stride, kernel // 2, groups=groups, bias=False),
    ]
    if kind == "sep_conv":
        layers.append(nn.Conv2d(channels, channels, 1, bias=False))
    return nn.Sequential(*layers, nn.BatchNorm2d(channels))


def pyramid(
    kept: list[tuple[int, ...]],
    task: Task,
    *,
    seed: int,
    stages: int = 3,
    width: int = 16,
    alpha: int = 84,
) -> PyramidNetwork:
    """A network with weights that depend on the arguments only; see `network` for those.

    Raises:
        UserError: If the bottlenecks do not fill the stages.
    """
    if len(kept) % stages:
        raise UserError(f"pyramid-tree: {len(kept)} bottlenecks do not fill {stages} stages")
    with seeded(seed):  # on the meta device, building so many layers takes four times as long
        made = PyramidNetwork(kept, stages, width, alpha, task)
    return initialise(made, [seed])


def network(
    architecture: Architecture,
    task: Task,
    *,
    seed: int,
    stages: int = 3,
    width: int = 16,
    alpha: int = 84,
) -> PyramidNetwork:
    """The network of an architecture of the space ``pyramid-tree``; see `harness.networks.build`.

    Args:
        architecture: Nine bits for each bottleneck.
        task: Shape of the images and number of classes.
        seed: Unsigned 64-bit seed of the initial weights.
        stages: Stages of the space.
        width: Channels of the stem.
        alpha: How much wider the last bottleneck is inside.
    """
    kept = masks(architecture)
    return pyramid(kept, task, seed=seed, stages=stages, width=width, alpha=alpha)
