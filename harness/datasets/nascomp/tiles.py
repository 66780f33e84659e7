"""CIFARTile: four images in a square, and the question of how many classes they are of."""

from __future__ import annotations

import random

import numpy as np

from harness.datasets.base import Source
from harness.datasets.nascomp.parts import (
    NAMES,
    Pool,
    Progress,
    Sizes,
    assemble,
    pools,
    reported,
)
from harness.streams import below, distinct, shuffled

PATTERNS = ((4,), (2, 2), (2, 1, 1), (1, 1, 1, 1))
"""Label -> how many of the four images are of the first class, the second, ..."""

_PADDING = 4


def cifartile(source: str, sizes: Sizes, seed: int, progress: Progress) -> Source:
    """Label: distinct classes among the four tiles, minus 1 (4 classes, equally frequent).

    The classes of an image are drawn without replacement, its tiles from them likewise, and their
    places at random. Tiles of training and validation images are cropped at random after padding
    by 4 black pixels, and mirrored or not; those of test images are left as they are.

    Args:
        source: CIFAR-10, or any data set of ten classes (see `pools`).
        sizes: Numbers of images.
        seed: Of the deal of the source's images and of the draws.
        progress: Called with numbers of further images.

    Returns:
        Images of twice the source's height and width.
    """
    pool_of = dict(zip(NAMES, pools("cifartile", source, sizes, seed, least=4), strict=True))

    def compose(which: str, rng: random.Random, labels: list[int]) -> np.ndarray:
        pool = pool_of[which]
        _, channels, height, width = pool.images.shape
        images = np.empty((len(labels), channels, 2 * height, 2 * width), dtype=np.uint8)
        for i, label in reported(labels, progress):
            for place, tile in enumerate(_draw(pool, rng, PATTERNS[label])):
                row, column = height * (place // 2), width * (place % 2)
                pixels = pool.images[tile]
                if which != "test":
                    pixels = _augmented(pixels, rng)
                images[i, :, row : row + height, column : column + width] = pixels
        return images

    return assemble("cifartile", len(PATTERNS), sizes, seed, compose)


def _draw(pool: Pool, rng: random.Random, pattern: tuple[int, ...]) -> list[int]:
    """Positions of four images: so many of each of so many classes, in random order."""
    kinds = distinct(rng, len(pool.of_class), len(pattern))
    members = [pool.of_class[kind] for kind in kinds]
    drawn = [
        of_kind[i]
        for of_kind, count in zip(members, pattern, strict=True)
        for i in distinct(rng, len(of_kind), count)
    ]
    return shuffled(rng, drawn)


def _augmented(tile: np.ndarray, rng: random.Random) -> np.ndarray:
    """A random crop of the padded tile [channels, height, width], mirrored half of the time."""
    channels, height, width = tile.shape
    padded = np.zeros((channels, height + 2 * _PADDING, width + 2 * _PADDING), dtype=np.uint8)
    padded[:, _PADDING : _PADDING + height, _PADDING : _PADDING + width] = tile
    top, left = below(rng, 2 * _PADDING + 1), below(rng, 2 * _PADDING + 1)
    cropped = padded[:, top : top + height, left : left + width]
    return cropped[:, :, ::-1] if rng.random() < 0.5 else cropped
