"""Small image data sets as arrays in memory, split once and for all into train, valid and test.

The split depends on the data set alone, never on a training seed: every network of a table has
seen the same training images and is judged on the same others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.errors import UserError, unknown
from harness.streams import key, shuffled, stream


@dataclass(frozen=True)
class Part:
    """One part of a data set.

    Attributes:
        images: float32 of shape [n, channels, height, width], about 0 mean and 1 deviation.
        labels: int64 of shape [n], in 0 .. classes - 1.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class ImageData:
    """Three disjoint parts of one data set: train, valid (guides searches) and test (reported)."""

    name: str
    classes: int
    train: Part
    valid: Part
    test: Part


def _digits() -> tuple[np.ndarray, np.ndarray]:
    """1,797 handwritten digits, 8 x 8, ten classes (UCI, Alpaydin and Kaynak, 1998)."""
    from sklearn.datasets import load_digits  # ships the images inside the package: no download

    images, labels = load_digits(return_X_y=True)
    return images.reshape(-1, 1, 8, 8), labels


_SOURCES: dict[str, Callable[[], tuple[np.ndarray, np.ndarray]]] = {"digits": _digits}


def names() -> tuple[str, ...]:
    """The data sets that `load` knows."""
    return tuple(sorted(_SOURCES))


def load(name: str, *, train: int, valid: int, test: int, pixel_noise: float = 0.0) -> ImageData:
    """Load, normalise, roughen and split a data set, the same way every time.

    Validation and test images are taken first from one fixed shuffle, training images after
    them, so that a smaller training set leaves the other two as they are.

    Args:
        name: One of `names()`.
        train: Number of training images.
        valid: Number of validation images.
        test: Number of test images.
        pixel_noise: Standard deviation of Gaussian noise added once to every pixel of every
            image, in units of the pixels' standard deviation. It makes an easy data set hard
            enough to tell architectures apart.

    Raises:
        UserError: If the name is unknown or the data set has too few images.
    """
    if name not in _SOURCES:
        raise unknown("data set", name, _SOURCES)
    images, labels = _SOURCES[name]()
    if min(train, valid, test) < 1 or train + valid + test > len(images):
        raise UserError(
            f"data set '{name}' has {len(images):,} images: {train} + {valid} + {test} do not"
            " fit; lower train_images, valid_images or test_images of the recipe"
        )
    pixels = ((images - images.mean()) / images.std()).astype(np.float32)
    if pixel_noise > 0:
        noise = np.random.Generator(np.random.PCG64(key(0, "pixel noise", name)))
        pixels += np.float32(pixel_noise) * noise.standard_normal(pixels.shape, np.float32)
    order = np.array(shuffled(stream(0, "split", name), range(len(images))))

    def part(start: int, count: int) -> Part:
        chosen = order[start : start + count]
        return Part(pixels[chosen], labels[chosen].astype(np.int64))

    return ImageData(
        name=name,
        classes=int(labels.max()) + 1,
        train=part(valid + test, train),
        valid=part(0, valid),
        test=part(valid, test),
    )
