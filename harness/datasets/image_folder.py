"""Image files in folders named after their classes, as torchvision's `ImageFolder` has them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from harness.datasets.arrays import source_of
from harness.datasets.base import Part, Source
from harness.errors import UserError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff", ".webp")


def read_folder(folder: Path, *, size: tuple[int, int] | None = None) -> Source:
    """A data set from ``train/CLASS/*`` and ``test/CLASS/*``, or from ``CLASS/*`` without tests.

    Images are grey if all are stored so, else RGB. Classes are numbered by the order of their
    names.

    Args:
        folder: Holds ``train`` and ``test``, or one folder a class.
        size: Height and width to resize all images to (bilinear, with antialiasing); default:
            they must be of one size.

    Raises:
        UserError: If there are no images, one cannot be read, or their sizes differ.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder of images {folder}")
    roots = [folder / "train", folder / "test"] if (folder / "train").is_dir() else [folder]
    found = [_files(root) for root in roots if root.is_dir()]
    classes = sorted(found[0])
    if sorted(found[-1]) != classes:
        odd = ", ".join(sorted({*found[0]} ^ {*found[-1]}))
        raise UserError(f"{folder}: train and test differ in their classes: {odd}")
    read = [_images([f for files in part.values() for f in files], size) for part in found]
    if len({images.shape[1] for images in read}) > 1:
        read = [np.broadcast_to(i, (len(i), 3, *i.shape[2:])) for i in read]  # grey ones as RGB
    parts = [
        Part(images, np.repeat(np.arange(len(classes)), [len(part[name]) for name in classes]))
        for images, part in zip(read, found, strict=True)
    ]
    test = parts[1] if len(parts) > 1 else None
    return source_of(str(folder), parts[0], test, len(classes))


def _files(root: Path) -> dict[str, list[Path]]:
    """The image files of every class, both in the order of their names."""
    folders = sorted(path for path in root.iterdir() if path.is_dir())
    found = {
        folder.name: sorted(f for f in folder.rglob("*") if f.suffix.lower() in SUFFIXES)
        for folder in folders
    }
    empty = [name for name, files in found.items() if not files]
    if empty or not found:
        raise UserError(
            f"{root} holds {f'no images of {empty[0]}' if empty else 'no folders of images'}: put"
            " those of every class into a folder named after it"
        )
    return found


def _images(files: list[Path], size: tuple[int, int] | None) -> np.ndarray:
    """uint8 of shape [n, 1 or 3, height, width]."""
    grey = all(_open(file).mode in ("1", "L") for file in files)
    images: np.ndarray | None = None
    for i, file in enumerate(files):
        pixels = _pixels(file, "L" if grey else "RGB", size)
        if images is None:
            images = np.empty((len(files), *pixels.shape), np.uint8)
        if pixels.shape != images.shape[1:]:
            raise UserError(
                f"{file} is {pixels.shape[0]} x {pixels.shape[1]}, others are {images.shape[1]} x"
                f" {images.shape[2]}: give `size: [height, width]` in a data-set file"
            )
        images[i] = pixels
    assert images is not None  # there are files in every folder
    return images[:, None] if grey else np.ascontiguousarray(images.transpose(0, 3, 1, 2))


def _open(file: Path) -> Any:
    try:
        from PIL import Image
    except ImportError:
        raise UserError(
            f"{file} is read by Pillow, which is not installed: install nas-harness[live]"
        ) from None
    try:
        return Image.open(file)
    except OSError as error:
        raise UserError(f"cannot read the image {file}: {error}") from None


def _pixels(file: Path, mode: str, size: tuple[int, int] | None) -> np.ndarray:
    from PIL.Image import Resampling

    with _open(file) as image:
        try:
            converted = image.convert(mode)
        except OSError as error:  # cut off
            raise UserError(f"cannot read the image {file}: {error}") from None
        if size is not None:
            converted = converted.resize(size[::-1], Resampling.BILINEAR)
        return np.asarray(converted)
