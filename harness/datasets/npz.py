"""Data sets in NumPy's ``.npz`` files, read without pickle."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from harness.datasets.arrays import part_of, source_of
from harness.datasets.base import Source
from harness.errors import UserError

KEYS: tuple[tuple[str, ...], ...] = (
    ("train_images", "train_labels", "test_images", "test_labels"),
    ("x_train", "y_train", "x_test", "y_test"),  # as Keras gives MNIST away
    ("images", "labels"),
    ("x", "y"),
)
"""What the arrays of a file may be called: with a test part, or all images in one."""

VALID = ("valid_images", "valid_labels")
"""The official validation part, beside those of the first row, where there is one."""


def read_npz(
    path: Path,
    keys: Mapping[str, str] | None = None,
    *,
    layout: str | None = None,
    classes: int | None = None,
) -> Source:
    """A data set from the arrays of a file.

    Args:
        path: The file.
        keys: A name of `KEYS` -> what the file calls it; default: the first row of `KEYS` that
            the file has.
        layout: See `harness.datasets.arrays.images_of`.
        classes: Default: one more than the largest label.

    Raises:
        UserError: If the file cannot be read, lacks an array, or one is not of a right form.
    """
    arrays = list(read_arrays(path, lambda found: _names(path, found, keys)).items())
    parts = [
        part_of(f"{path}, '{name}'", images, labels, layout)
        for (name, images), (_, labels) in zip(arrays[::2], arrays[1::2], strict=True)
    ]
    train, test, valid, *_ = [*parts, None, None]
    assert train is not None
    return source_of(str(path), train, test, classes, valid)


def read_arrays(path: Path, choose: Callable[[list[str]], list[str]]) -> dict[str, np.ndarray]:
    """Some arrays of an ``.npz`` file.

    Args:
        path: The file.
        choose: Is given the names of its arrays, returns those to read.

    Raises:
        UserError: If it cannot be read, is damaged, or holds more than arrays of plain numbers.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return {name: arrays[name] for name in choose(list(arrays.files))}
    except OSError as error:
        raise UserError(f"cannot read the data set {path}: {error.strerror or error}") from None
    except UserError:
        raise
    except Exception as error:  # a damaged archive, a pickle, an array that is no mapping
        raise UserError(
            f"{path} is no .npz file of plain arrays ({error}): make it with numpy.savez"
        ) from None


def _names(path: Path, found: list[str], keys: Mapping[str, str] | None) -> list[str]:
    """What the arrays are called in the file, images and labels in turns."""
    for row in KEYS:
        names = [row_name if keys is None else keys.get(row_name, "") for row_name in row]
        if set(names) <= set(found) and (keys is None or set(keys) == set(row)):
            official = keys is None and row == KEYS[0] and set(VALID) <= set(found)
            return [*names, *VALID] if official else names
    raise UserError(
        f"{path} holds {', '.join(found) or 'nothing'}: name its arrays {', '.join(KEYS[0])}, or"
        f" {' and '.join(KEYS[2])}, or say by `keys:` of a data-set file which is which"
    )


def write_npz(source: Source, path: Path) -> None:
    """Store a data set as `read_npz` reads it; a file of that name is replaced in one step.

    Args:
        source: Its images and labels are stored; its mean and deviation are not.
        path: Ends in ``.npz``.
    """
    # Labels are small: one byte each where they fit.
    kind = np.uint8 if source.classes <= 256 else np.int64
    names = KEYS[2] if source.test is None else KEYS[0]
    arrays = {names[0]: source.train.images, names[1]: source.train.labels.astype(kind)}
    if source.test is not None:
        arrays |= {names[2]: source.test.images, names[3]: source.test.labels.astype(kind)}
    if source.valid is not None:
        labels = source.valid.labels.astype(kind)
        arrays |= dict(zip(VALID, (source.valid.images, labels), strict=True))
    save_arrays(path, arrays)


def save_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write an ``.npz`` file, so that it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f"{path.stem}.") as half:
        file = Path(half) / path.name
        np.savez(file, allow_pickle=False, **arrays)
        file.replace(path)
