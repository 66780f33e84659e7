"""A data set on the device; its pixels are normalised batch by batch."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from harness import datasets
from harness.datasets import ImageData, Part, Split
from harness.recipes import Recipe
from harness.training.memory import within_memory


@dataclass(frozen=True)
class Tensors:
    """A data set on the device, as stored: uint8, or float32 if the pixels are normalised.

    Attributes:
        images: Training images, [n, channels, height, width]; channels last in memory.
        labels: int64, [n].
        held_out: Validation images, then test images, [m, channels, height, width].
        held_out_labels: int64, [m].
        valid: Number of validation images.
        classes: Number of classes.
        scale: What normalisation multiplies a row of pixels by, [width * channels]; None if the
            pixels are normalised already.
        shift: What it then adds, likewise.
    """

    images: Tensor
    labels: Tensor
    held_out: Tensor
    held_out_labels: Tensor
    valid: int
    classes: int
    scale: Tensor | None = None
    shift: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        _, channels, height, width = self.images.shape
        return channels, height, width

    def normalised(self, pixels: Tensor) -> Tensor:
        """Stored pixels as float32, each channel about 0 mean and 1 deviation, [n, c, h, w]."""
        if self.scale is None or self.shift is None:
            return pixels
        last = pixels.permute(0, 2, 3, 1)
        # By whole rows: the three numbers of one pixel are too few for vector instructions.
        rows = (last.reshape(-1, len(self.scale)) * self.scale).add_(self.shift)
        return rows.view(last.shape).permute(0, 3, 1, 2)


def tensors(dataset: str, recipe: Recipe, device: str | torch.device = "cpu") -> Tensors:
    """The data set as the recipe wants it, kept between trainings of one process.

    Args:
        dataset: A name known to `harness.datasets`.
        recipe: Its numbers of images, and noise count.
        device: Where the trainings run, in PyTorch's notation.

    Raises:
        OutOfMemory: If the data set does not fit on the device.
        UserError: If it is unknown or has too few images.
    """
    split = Split(recipe.train_images, recipe.valid_images, recipe.test_images)
    noise = recipe.pixel_noise
    return within_memory(
        torch.device(device), lambda: _tensors(dataset, split, noise, str(device))
    )


@lru_cache(maxsize=2)
def _tensors(dataset: str, split: Split, noise: float, device: str) -> Tensors:
    return on_device(datasets.load(dataset, split, pixel_noise=noise), device)


def on_device(data: ImageData, device: str | torch.device = "cpu") -> Tensors:
    """A loaded data set on a device."""
    mean, deviation = np.array(data.mean), np.array(data.deviation)
    normalised = not mean.any() and (deviation == 1).all()

    def row(values: np.ndarray) -> Tensor | None:
        if normalised:
            return None
        width = data.train.images.shape[3]
        return torch.tensor(values, dtype=torch.float32, device=device).repeat(width)

    def images(*parts: Part) -> Tensor:
        together = torch.cat([torch.from_numpy(part.images) for part in parts])
        return together.to(device).contiguous(memory_format=torch.channels_last)

    def labels(*parts: Part) -> Tensor:
        return torch.cat([torch.from_numpy(part.labels) for part in parts]).to(device)

    return Tensors(
        images=images(data.train),
        labels=labels(data.train),
        held_out=images(data.valid, data.test),
        held_out_labels=labels(data.valid, data.test),
        valid=len(data.valid.labels),
        classes=data.classes,
        scale=row(1 / deviation),
        shift=row(-mean / deviation),
    )
