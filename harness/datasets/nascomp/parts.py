"""What the generators share: pools of images that never mix, and labels in equal numbers."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from harness.datasets import find
from harness.datasets.base import Part, Source, Split
from harness.datasets.splitting import split_source
from harness.errors import UserError
from harness.streams import shuffled, stream

NAMES = ("train", "valid", "test")
Progress = Callable[[int], None]
_STEP = 500
"""Images between two calls of a `Progress`."""


@dataclass(frozen=True)
class Sizes:
    """Numbers of training, validation and test images.

    Raises:
        UserError: If one makes no sense; validation images may be left out.
    """

    train: int
    valid: int
    test: int

    def __post_init__(self) -> None:
        for name, least in (("train", 1), ("valid", 0), ("test", 1)):
            value = getattr(self, name)
            if value < least:
                raise UserError(f"{name}={value}; must be at least {least}")


@dataclass(frozen=True)
class Pool:
    """Images of ten classes that one part is made of.

    Attributes:
        images: uint8 of shape [n, channels, height, width].
        of_class: For each class the positions of its images.
    """

    images: np.ndarray
    of_class: tuple[list[int], ...]


def pools(name: str, source: str, sizes: Sizes, seed: int, *, least: int) -> list[Pool]:
    """A source's images for training, validation and test, without any in common.

    The source's training images are dealt to training and validation in proportion to the sizes.

    Args:
        name: What is built, for errors.
        source: A data set by name or path.
        sizes: Numbers of images to make.
        seed: Of the deal.
        least: Images that every class of every pool must have.

    Raises:
        UserError: If it has not ten classes of uint8 images, no test part, or too few images.
    """
    short, read = find(source)
    whole = read()
    if whole.classes != 10 or whole.train.images.dtype != np.uint8 or whole.test is None:
        raise UserError(
            f"data set '{name}' is made of ten classes of uint8 images with a test part:"
            f" '{short}' has not; take {'cifar10' if name == 'cifartile' else 'mnist'}"
        )
    share = sizes.valid / (sizes.train + sizes.valid)
    dealt = split_source(short, whole, Split(None, share, None, seed))
    found = []
    for part, wanted, which in zip(
        (dealt.train, dealt.valid, dealt.test), astuple(sizes), NAMES, strict=True
    ):
        of_class = tuple(np.flatnonzero(part.labels == c).tolist() for c in range(10))
        fewest = min(map(len, of_class))
        if wanted and fewest < least:
            raise UserError(
                f"data set '{name}': a class of '{short}' has {fewest} images for {which}, at"
                f" least {least} are needed: take a larger source"
            )
        found.append(Pool(part.images, of_class))
    return found


def balanced(rng: random.Random, classes: int, count: int) -> list[int]:
    """Labels of each class equally often (the first ones once more, if need be), shuffled."""
    return shuffled(rng, [i % classes for i in range(count)])


def assemble(
    name: str,
    classes: int,
    sizes: Sizes,
    seed: int,
    compose: Callable[[str, random.Random, list[int]], np.ndarray],
) -> Source:
    """The data set whose parts a function makes.

    Args:
        name: What is built; the random streams depend on it.
        classes: Number of classes.
        sizes: Numbers of images.
        seed: Of the random streams.
        compose: (name of the part, random stream, labels) -> its images, uint8 of shape
            [n, channels, height, width].
    """
    parts = []
    for which, count in zip(NAMES, astuple(sizes), strict=True):
        rng = stream(seed, name, which)
        labels = balanced(rng, classes, count)
        parts.append(Part(compose(which, rng, labels), np.array(labels, dtype=np.int64)))
    train, valid, test = parts
    return Source(classes, train, test, valid=valid if sizes.valid else None)


def reported(labels: Sequence[int], progress: Progress) -> Iterator[tuple[int, int]]:
    """Enumerate labels, and say now and then how many have been worked on."""
    for i, label in enumerate(labels):
        yield i, label
        if (i + 1) % _STEP == 0:
            progress(_STEP)
    progress(len(labels) % _STEP)
