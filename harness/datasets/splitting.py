"""Splitting a data set once and for all, by a shuffle that depends on its name and a seed alone.

Every network of a study sees the same training images and is judged on the same others, whatever
the seeds of its training. Validation images are dealt first, so that a smaller training set
leaves them as they are. Official test images never serve for anything else.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.datasets.base import ImageData, Part, Source, Split
from harness.errors import UserError
from harness.streams import key, shuffled, stream

_BLOCK = 1024
"""Images that are worked on at a time where numbers wider than the pixels are needed."""


def split_source(
    name: str, source: Source, split: Split, *, pixel_noise: float = 0.0, tested: bool = True
) -> ImageData:
    """Deal the images of a data set into three parts, and roughen them if asked to.

    Args:
        name: Of the data set; the shuffle and the noise depend on it.
        source: All of its images.
        split: How many go where.
        pixel_noise: Standard deviation of Gaussian noise added once to every pixel of every
            image, in units of the pixels' standard deviation. The images are then normalised
            float32.
        tested: Whether the test images are wanted; without them that part is empty.

    Raises:
        UserError: If there are too few images.
    """
    tests = None if source.test is None else len(source.test)
    if source.valid is None:
        train, valid, test = deal(name, len(source.train), tests, split)
    else:
        train, _, test = deal(name, len(source.train), tests, replace(split, valid=0))
        valid = _deal_official(name, source, split)
    if not tested:
        test = test[:0]
    whole_valid = source.train if source.valid is None else source.valid
    whole_test = source.train if source.test is None else source.test
    dealt = [_part(source.train, train), _part(whole_valid, valid), _part(whole_test, test)]
    mean, deviation = source.mean, source.deviation
    if mean is None or deviation is None:
        found = moments(dealt[0].images)
        mean, deviation = mean or found[0], deviation or found[1]
    if pixel_noise > 0:
        # The noise is an image's own, whichever part it is dealt to.
        seed = key(0, "pixel noise", name)
        valid_seed = seed if source.valid is None else key(0, "pixel noise", name, "valid")
        test_seed = seed if source.test is None else key(0, "pixel noise", name, "test")
        noises = (
            _noise(source.train.images.shape, train, seed),
            _noise(whole_valid.images.shape, valid, valid_seed),
            _noise(whole_test.images.shape, test, test_seed),
        )
        dealt = [
            Part(_roughened(part.images, mean, deviation, noise, pixel_noise), part.labels)
            for part, noise in zip(dealt, noises, strict=True)
        ]
        mean, deviation = (0.0,) * len(mean), (1.0,) * len(mean)
    return ImageData(name, source.classes, dealt[0], dealt[1], dealt[2], mean, deviation)


def deal(
    name: str, images: int, tests: int | None, split: Split
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positions of the training, validation and test images.

    Args:
        name: Of the data set; the shuffle depends on it.
        images: Number of the official training images, or of all where there are no others.
        tests: Number of the official test images; positions of test images count in these.
            None: they count in the whole, between validation and training images.
        split: How many go where.

    Raises:
        UserError: If there are too few images, or a number makes no sense.
    """
    valid = split.valid
    if isinstance(valid, float):
        if not 0 <= valid < 1:
            raise UserError(
                f"valid_images: {valid} is no share of the training images: give a number in"
                " 0 .. 1, or a whole number of images"
            )
        valid = round(valid * images)
    test = tests if split.test is None else split.test
    if test is None:
        raise UserError(
            f"data set '{name}' has no test images of its own: give test_images a number in the"
            " recipe, or choose a recipe that does, such as quick"
        )
    before = valid if tests is not None else valid + test
    train = images - before if split.train is None else split.train
    room = images if tests is None else tests
    if min(train, test) < 1 or valid < 0 or before + train > images or test > room:
        official = "" if tests is None else f" and {tests:,} for testing"
        raise UserError(
            f"data set '{name}' has {images:,} images{official}: {train} + {valid} + {test} do"
            " not fit; lower train_images, valid_images or test_images of the recipe"
        )
    order = _order(images, split.seed, name)
    held = order[valid:before] if tests is None else _order(tests, split.seed, name, "test")[:test]
    return order[before : before + train], order[:valid], held


def _deal_official(name: str, source: Source, split: Split) -> np.ndarray:
    """Positions of the validation images among the official ones.

    Raises:
        UserError: If there are too few.
    """
    assert source.valid is not None
    valid, there = split.valid, len(source.valid)
    if isinstance(valid, float):
        valid = round(valid * (len(source.train) + there))
    if not 0 <= valid <= there:
        raise UserError(
            f"data set '{name}' has {there:,} validation images of its own: valid_images"
            f" {split.valid} do not fit; give a number up to {there}"
        )
    return _order(there, split.seed, name, "valid")[:valid]


def set_apart(name: str, source: Source, test: int | float) -> Source:
    """Give a data set that has no official test images such ones, the same for every seed.

    Args:
        name: Of the data set; the choice depends on it.
        source: Has all images in one part.
        test: How many, or, as a float in 0 .. 1, which share.

    Raises:
        UserError: If it has official test images already, or too few images.
    """
    if source.test is not None:
        raise UserError(f"data set '{name}' has test images of its own: leave `test` out")
    n = len(source.train)
    count = round(test * n) if isinstance(test, float) else test
    if not 0 < count < n:
        raise UserError(
            f"data set '{name}' has {n:,} images: {test} cannot be set apart for tests"
        )
    order = _order(n, 0, name, "official test")
    rest = np.sort(order[count:])
    return replace(
        source, train=_part(source.train, rest), test=_part(source.train, order[:count])
    )


def moments(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and standard deviation of images' pixels, for each channel.

    A channel that is the same everywhere gets the deviation 1: it can be divided by.
    """
    whole = images.dtype == np.uint8
    total, squares = np.zeros((2, images.shape[1]))
    for start in range(0, len(images), _BLOCK):
        block = images[start : start + _BLOCK]
        square = np.square(block, dtype=np.uint16 if whole else np.float64)
        for sums, values in ((total, block), (squares, square)):
            sums += values.sum((0, 2, 3), dtype=np.int64 if whole else np.float64)
    pixels = images[:, 0].size
    mean = total / pixels
    deviation = np.sqrt(np.maximum(squares / pixels - mean**2, 0.0))
    deviation[deviation == 0] = 1.0
    return tuple(mean.tolist()), tuple(deviation.tolist())


def _order(n: int, seed: int, *purpose: str) -> np.ndarray:
    return np.array(shuffled(stream(seed, "split", *purpose), range(n)))


def _part(whole: Part, chosen: np.ndarray) -> Part:
    return Part(whole.images[chosen], whole.labels[chosen].astype(np.int64))


def _noise(shape: tuple[int, ...], chosen: np.ndarray, seed: int) -> np.ndarray:
    """Standard normal noise for the chosen ones among all images, drawn for all in their order."""
    generator = np.random.Generator(np.random.PCG64(seed))
    noise = np.empty((len(chosen), *shape[1:]), np.float32)
    place = np.full(shape[0], -1)
    place[chosen] = np.arange(len(chosen))
    for start in range(0, shape[0], _BLOCK):
        here = place[start : start + _BLOCK]
        drawn = generator.standard_normal((len(here), *shape[1:]), np.float32)
        noise[here[here >= 0]] = drawn[here >= 0]
    return noise


def _roughened(
    images: np.ndarray,
    mean: tuple[float, ...],
    deviation: tuple[float, ...],
    noise: np.ndarray,
    amount: float,
) -> np.ndarray:
    shift, scale = (np.array(values, np.float32)[:, None, None] for values in (mean, deviation))
    pixels: np.ndarray = (images.astype(np.float32) - shift) / scale
    pixels += np.float32(amount) * noise
    return pixels
