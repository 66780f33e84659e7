"""The networks of committees, for trainings."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from harness.networks import Task
from harness.networks.initialise import seeded


class Committee(nn.Module):
    """Perceptrons with one hidden layer each, whose logits are averaged.

    Args:
        widths: Hidden units of each member.
        pixels: Numbers in an image.
        classes: Number of logits.
    """

    def __init__(self, widths: tuple[int, ...], pixels: int, classes: int) -> None:
        super().__init__()
        self.members = nn.ModuleList(
            nn.Sequential(nn.Linear(pixels, width), nn.ReLU(), nn.Linear(width, classes))
            for width in widths
        )

    def forward(self, images: Tensor) -> Tensor:
        """Map (n, channels, height, width) to (n, classes)."""
        votes = [member(images.flatten(1)) for member in self.members]
        return torch.stack(votes).mean(0)


def committee(
    architecture: tuple[int, ...], task: Task, *, seed: int, widen: int = 1
) -> Committee:
    """The network of a committee.

    Args:
        architecture: Hidden units of each member.
        task: Shape of the images and number of classes.
        seed: Of the initial weights.
        widen: Factor of all hidden units.
    """
    channels, height, width = task.shape
    widths = tuple(widen * hidden for hidden in architecture)
    with seeded(seed):
        return Committee(widths, channels * height * width, task.classes)
