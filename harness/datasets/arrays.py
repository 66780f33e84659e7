"""Arrays as people store them, brought into the form that trainings read, or refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from harness.datasets.base import Part, Source
from harness.errors import UserError, unknown

LAYOUTS = {"nhw": (0, 1, 2), "nchw": (0, 1, 2, 3), "nhwc": (0, 3, 1, 2), "ncl": (0, 1, 2)}
"""What the axes of stored images can be: n images, c channels, h rows, w columns; or n series of
length l with c channels."""


def images_of(array: np.ndarray, what: str, layout: str | None = None) -> np.ndarray:
    """Images of shape [n, channels, height, width], uint8 or float32.

    Args:
        array: uint8, any other integer in 0 .. 255, or floating point.
        what: What to call it in errors.
        layout: One of `LAYOUTS`. Default: with three axes nhw; with four the one in which there
            are 1 or 3 channels, nchw first.

    Raises:
        UserError: If it is none of these.
    """
    if layout is None:
        layout = _layout_of(array, what)
    if layout not in LAYOUTS:
        raise unknown("layout of images", layout, LAYOUTS)
    axes = LAYOUTS[layout]
    if array.ndim != len(axes) or min(array.shape) < 1:
        raise UserError(f"{what} has the shape {array.shape}: the layout {layout} does not fit")
    if array.dtype.kind == "f":
        if not np.isfinite(array).all():
            raise UserError(f"{what} has values that are not finite: replace them")
        array = array.astype(np.float32, copy=False)
    elif array.dtype != np.uint8:
        if array.dtype.kind not in "iu" or array.min() < 0 or array.max() > 255:
            raise UserError(
                f"{what} holds {array.dtype} values: pixels must be whole numbers in 0 .. 255 or"
                " floating point"
            )
        array = array.astype(np.uint8)
    if layout == "nhw":
        return array[:, None]
    if layout == "ncl":
        return array[..., None]
    return np.ascontiguousarray(array.transpose(axes))


def _layout_of(array: np.ndarray, what: str) -> str:
    if array.ndim == 3:
        return "nhw"
    if array.ndim == 4:
        for layout, channels in (("nchw", array.shape[1]), ("nhwc", array.shape[3])):
            if channels in (1, 3):
                return layout
    raise UserError(
        f"{what} has the shape {array.shape}, which is not that of grey or RGB images: name its"
        f" layout in a data-set file ({', '.join(LAYOUTS)})"
    )


def part_of(what: str, images: np.ndarray, labels: np.ndarray, layout: str | None = None) -> Part:
    """A part from stored images and labels.

    Raises:
        UserError: If one is not of a right form, or their numbers differ.
    """
    found = images_of(images, what, layout)
    if labels.dtype.kind not in "iu" or labels.shape not in ((len(found),), (len(found), 1)):
        raise UserError(
            f"{what}: there are {len(found):,} images and labels of shape {labels.shape},"
            f" {labels.dtype}: give one whole number an image"
        )
    return Part(found, labels.reshape(-1).astype(np.int64))


def source_of(
    what: str,
    train: Part,
    test: Part | None,
    classes: int | None = None,
    valid: Part | None = None,
) -> Source:
    """A data set of its parts.

    Args:
        what: What to call it in errors.
        train: The training images, or all.
        test: The official test images, if there are such.
        classes: Default: one more than the largest label.
        valid: The official validation images, if there are such.

    Raises:
        UserError: If the parts' images differ in shape or type, or a label is out of range.
    """
    parts = [part for part in (train, valid, test) if part is not None]
    if len({(part.images.shape[1:], part.images.dtype) for part in parts}) > 1:
        kinds = " and ".join(f"{part.images.shape[1:]} {part.images.dtype}" for part in parts)
        raise UserError(f"{what}: the parts' images differ ({kinds}): store them alike")
    low = min(int(part.labels.min()) for part in parts)
    high = max(int(part.labels.max()) for part in parts)
    count = high + 1 if classes is None else classes
    if count < 2:
        raise UserError(f"{what} has one class: there is nothing to tell apart")
    if low < 0 or high >= count:
        raise UserError(
            f"{what}: its labels are in {low} .. {high}, those of {count} classes must be in"
            f" 0 .. {count - 1}: number the classes from 0"
        )
    return Source(count, train, test, valid=valid)


def checked(what: str, source: Source) -> Source:
    """A data set that someone else's code has made, if its parts are of the right form.

    Raises:
        UserError: If they are not.
    """

    def form(part: Part | None) -> Part | None:
        return None if part is None else part_of(what, part.images, part.labels, "nchw")

    train = part_of(what, source.train.images, source.train.labels, "nchw")
    found = source_of(what, train, form(source.test), source.classes, form(source.valid))
    return replace(found, mean=source.mean, deviation=source.deviation)
