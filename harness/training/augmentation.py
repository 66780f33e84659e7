"""Random crops, mirrored images and erased rectangles, for whole batches at once.

The random numbers of an epoch are drawn on the CPU, whatever the device, so that a seed stands
for the same augmentation everywhere. Crop and mirror are one gather of pixels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from harness.recipes import Recipe
from harness.training.data import Tensors

_AREA, _RATIO, _TRIES = (0.02, 0.33), (0.3, 3.3), 10
"""Share of the image, height over width, and tries of ``torchvision.transforms.RandomErasing``."""


@dataclass(frozen=True)
class Draws:
    """What happens to a number of images; None where a recipe leaves something out.

    Attributes:
        flip: Whether to mirror, bool [n].
        corner: Top and left of the crop within the image with its border, int64 [n, 2].
        erased: Top, left, height and width of the erased rectangle, int64 [n, 4]; nothing is
            erased where the height is 0.
    """

    flip: Tensor | None = None
    corner: Tensor | None = None
    erased: Tensor | None = None

    def of(self, chosen: slice) -> Draws:
        """The draws of some of the images."""
        return Draws(*[None if part is None else part[chosen] for part in self.parts])

    def to(self, device: torch.device) -> Draws:
        """The draws on a device."""
        return Draws(*[None if part is None else part.to(device) for part in self.parts])

    @property
    def parts(self) -> tuple[Tensor | None, ...]:
        """All three."""
        return self.flip, self.corner, self.erased


def draw(recipe: Recipe, count: int, shape: tuple[int, int], generator: torch.Generator) -> Draws:
    """Draw for one epoch of one training.

    Args:
        recipe: Its flip, crop and erasing count.
        count: Number of images.
        shape: Height and width of an image.
        generator: Of the CPU; a recipe without augmentation leaves it as it is.
    """
    flip = corner = erased = None
    if recipe.flip:
        flip = torch.rand(count, generator=generator) < 0.5
    if recipe.crop:
        corner = torch.randint(0, 2 * recipe.crop + 1, (count, 2), generator=generator)
    if recipe.erasing:
        erased = _rectangles(recipe.erasing, count, shape, generator)
    return Draws(flip, corner, erased)


def _rectangles(
    probability: float, count: int, shape: tuple[int, int], generator: torch.Generator
) -> Tensor:
    """Rectangles to erase, [count, 4], drawn as torchvision draws them.

    Area and ratio are drawn up to ten times until the rectangle is smaller than the image.
    """
    size = torch.tensor(shape)
    wanted = torch.rand(count, generator=generator) < probability
    u = torch.rand(count, _TRIES, 2, generator=generator, dtype=torch.float64)
    area = math.prod(shape) * (_AREA[0] + (_AREA[1] - _AREA[0]) * u[..., 0])
    low, high = map(math.log, _RATIO)
    ratio = torch.exp(low + (high - low) * u[..., 1])
    sides = torch.stack([area * ratio, area / ratio], 2).sqrt().round().long()
    fits = (sides < size).all(2)
    first = fits.int().argmax(1)  # of equal values the first
    sides = sides[torch.arange(count), first]
    place = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    corner = (place * (size - sides + 1)).long()
    erased: Tensor = torch.cat([corner, sides], 1)
    return erased * (wanted & fits.any(1))[:, None]


def side_by_side(draws: Sequence[Draws]) -> Draws:
    """The draws of several copies, [n] each, as one of [n * copies]: image by image."""
    if len(draws) == 1:
        return draws[0]

    def beside(parts: Sequence[Tensor | None]) -> Tensor | None:
        some = [part for part in parts if part is not None]
        return torch.stack(some, 1).flatten(0, 1) if some else None

    return Draws(*map(beside, zip(*(each.parts for each in draws), strict=True)))


def bordered(images: Tensor, border: int) -> Tensor:
    """Stored images [n, c, h, w] laid out for `augmented`: [n, h + 2 border, w + 2 border, c].

    The border is 0, which is black where images are stored as bytes.
    """
    pixels = images.permute(0, 2, 3, 1)
    return (pad(pixels, (0, 0, *[border] * 4)) if border else pixels).contiguous()


def augmented(data: Tensors, pixels: Tensor, chosen: Tensor, draws: Draws) -> Tensor:
    """Training images as the network sees them, float32 [n, channels, height, width].

    Args:
        data: The data set.
        pixels: Its training images, with the border that crops are drawn for (`bordered`).
        chosen: Numbers of training images, int64 [n].
        draws: What happens to each, on the data's device.
    """
    if draws.flip is None and draws.corner is None:
        found = pixels.index_select(0, chosen)
    else:
        _, rows, columns, channels = pixels.shape
        y, x = _places(data, chosen, draws)
        at = (chosen[:, None] * rows + y)[:, :, None] * columns + x[:, None, :]
        found = pixels.view(-1, channels).index_select(0, at.flatten()).view(*at.shape, channels)
    images = data.normalised(found.permute(0, 3, 1, 2))
    if draws.erased is not None:
        images.masked_fill_(_inside(data, draws.erased)[:, None], 0.0)
    return images


def _places(data: Tensors, chosen: Tensor, draws: Draws) -> tuple[Tensor, Tensor]:
    """Row [n, height] and column [n, width] that each pixel comes from, border included."""
    _, height, width = data.shape
    y = torch.arange(height, device=chosen.device).expand(len(chosen), -1)
    x = torch.arange(width, device=chosen.device).expand(len(chosen), -1)
    if draws.flip is not None:
        x = torch.where(draws.flip[:, None], width - 1 - x, x)
    if draws.corner is not None:
        y, x = draws.corner[:, :1] + y, draws.corner[:, 1:] + x
    return y, x


def _inside(data: Tensors, rectangles: Tensor) -> Tensor:
    """Whether each pixel is inside its image's rectangle, bool [n, height, width]."""
    _, height, width = data.shape
    top, left, high, wide = rectangles.T[:, :, None]
    y = torch.arange(height, device=rectangles.device)
    x = torch.arange(width, device=rectangles.device)
    rows, columns = (y >= top) & (y < top + high), (x >= left) & (x < left + wide)
    inside: Tensor = rows[:, :, None] & columns[:, None, :]
    return inside
