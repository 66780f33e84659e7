"""ImageNet16-120, the third data set of NATS-Bench: 16 x 16 images of ImageNet's first classes.

Its files are those of "A Downsampled Variant of ImageNet" (Chrabaszcz, Loshchilov and Hutter,
2017; arXiv:1707.08819), version 16 x 16: ``train_data_batch_1`` .. ``_10`` and ``val_data``. NATS-
Bench keeps the images with labels 1 .. 120. ImageNet asks for a registration, so that they have to
be downloaded by hand (image-net.org).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from harness.datasets.arrays import source_of
from harness.datasets.base import Part, Source
from harness.datasets.npz import read_npz
from harness.datasets.pickled import load_arrays
from harness.datasets.places import folders
from harness.errors import UserError

CLASSES = 120
SHAPE = (3, 16, 16)
_FOLDER = "ImageNet16"
_TRAIN = tuple(f"train_data_batch_{i}" for i in range(1, 11))
_SIZES = (151_700, 6_000)


def imagenet16_120() -> Source:
    """151,700 + 6,000 RGB images, 16 x 16, 120 classes of ImageNet (NATS-Bench, 2020)."""
    for folder in folders():
        if (folder / "imagenet16-120.npz").is_file():
            source = read_npz(folder / "imagenet16-120.npz", classes=CLASSES)
        elif (folder / _FOLDER).is_dir():
            source = read_imagenet16(folder / _FOLDER)
        else:
            continue
        sizes = len(source.train), 0 if source.test is None else len(source.test)
        if (sizes, source.shape) != (_SIZES, SHAPE):
            raise UserError(
                f"{folder} holds {sizes[0]:,} + {sizes[1]:,} images of shape {source.shape}, not"
                f" ImageNet16-120's {_SIZES[0]:,} + {_SIZES[1]:,} of {SHAPE}: download it again"
            )
        return source
    raise UserError(
        f"data set 'imagenet16-120' is not in {folders()[0]}: download the 16 x 16 version of"
        f" downsampled ImageNet (image-net.org) and unpack it into {_FOLDER} there"
    )


def read_imagenet16(folder: Path) -> Source:
    """The images of the first 120 classes from the official files.

    The official validation images are the test part, as ImageNet's test labels are secret.
    NATS-Bench splits these 6,000 once more into 3,000 for validation and 3,000 for testing; here
    validation images come from the training images, as with every other data set.

    Args:
        folder: Holds the official files.

    Raises:
        UserError: If a file is missing or of another form. Nothing in it is executed.
    """
    batches = [_batch(folder / name) for name in _TRAIN]
    train = Part(
        np.concatenate([batch.images for batch in batches]),
        np.concatenate([batch.labels for batch in batches]),
    )
    return source_of(str(folder), train, _batch(folder / "val_data"), CLASSES)


def _batch(file: Path) -> Part:
    """The images of a file that belong to the first classes."""
    found = load_arrays(file)
    images, listed = found.get("data"), found.get("labels")
    if (
        not isinstance(images, np.ndarray)
        or not isinstance(listed, list)
        or not all(type(label) is int for label in listed)
        or (images.dtype, images.shape) != (np.uint8, (len(listed), math.prod(SHAPE)))
    ):
        raise UserError(f"{file} is no file of ImageNet16: unpack the 16 x 16 version there")
    labels = np.array(listed, np.int64)
    kept = (labels >= 1) & (labels <= CLASSES)
    return Part(images[kept].reshape(-1, *SHAPE), labels[kept] - 1)
