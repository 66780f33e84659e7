"""What a data set is: images with labels in three parts, or what they are split from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Part:
    """One part of a data set.

    Attributes:
        images: uint8 or float32 of shape [n, channels, height, width]. A series of length l is
            an image of shape [channels, l, 1].
        labels: int64 of shape [n], in 0 .. classes - 1.
    """

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Source:
    """A whole data set as its authors give it away, before it is split.

    Attributes:
        classes: Number of classes.
        train: The training images, from which validation images are taken as well, unless there
            are official ones.
        test: The official test images, or None where all images are in `train`.
        mean: What to take from the pixels of each channel, in their own units; default: the mean
            of the images that are trained on. All 0 if the pixels are normalised already.
        deviation: What to divide by then; default: likewise. All 1 if they are normalised.
        valid: The official validation images, if there are any.
    """

    classes: int
    train: Part
    test: Part | None = None
    mean: tuple[float, ...] | None = None
    deviation: tuple[float, ...] | None = None
    valid: Part | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of its images."""
        _, channels, height, width = self.train.images.shape
        return channels, height, width


@dataclass(frozen=True)
class ImageData:
    """Three disjoint parts of one data set: train, valid (guides searches) and test (reported).

    Attributes:
        name: As `harness.datasets.load` was asked for it.
        classes: Number of classes.
        train: What networks are trained on.
        valid: What searches are guided by; may be empty.
        test: What is reported.
        mean: Of the training part's pixels, for each channel, in units of the stored pixels;
            0 where these are normalised already.
        deviation: Their standard deviation, likewise; 1 where they are normalised already.
    """

    name: str
    classes: int
    train: Part
    valid: Part
    test: Part
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True)
class Split:
    """How many images each part gets, and which shuffle deals them.

    Attributes:
        train: Number of training images; None for all that are left.
        valid: Number of validation images, or, as a float in 0 .. 1, their share of the official
            training images (with official validation images: of both together). 0 for none
            (final trainings).
        test: Number of test images; None for all official ones.
        seed: Of the shuffle.
    """

    train: int | None
    valid: int | float
    test: int | None
    seed: int = 0
