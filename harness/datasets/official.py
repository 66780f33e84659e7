"""The data sets that papers share, from files on this machine or their official addresses."""

from __future__ import annotations

import fcntl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from harness.datasets.arrays import part_of, source_of
from harness.datasets.base import Source
from harness.datasets.npz import read_npz, write_npz
from harness.datasets.places import VARIABLE, folders
from harness.errors import HarnessError, UserError


@dataclass(frozen=True)
class Official:
    """What a data set is like as its authors give it away.

    Attributes:
        name: Its name here, and that of our ``.npz`` file.
        kind: Its class in ``torchvision.datasets``.
        files: What torchvision keeps of it in its folder.
        classes: Number of classes.
        train: Number of training images.
        test: Number of test images.
        shape: Of an image: channels, height, width.
    """

    name: str
    kind: str
    files: str
    classes: int
    train: int
    test: int
    shape: tuple[int, int, int]


_MNIST = Official("mnist", "MNIST", "MNIST/raw", 10, 60_000, 10_000, (1, 28, 28))
_FASHION = Official(
    "fashion-mnist", "FashionMNIST", "FashionMNIST/raw", 10, 60_000, 10_000, (1, 28, 28)
)
_USPS = Official("usps", "USPS", "usps.bz2", 10, 7_291, 2_007, (1, 16, 16))
_CIFAR10 = Official("cifar10", "CIFAR10", "cifar-10-batches-py", 10, 50_000, 10_000, (3, 32, 32))
_CIFAR100 = Official("cifar100", "CIFAR100", "cifar-100-python", 100, 50_000, 10_000, (3, 32, 32))


def mnist() -> Source:
    """60,000 + 10,000 handwritten digits, 28 x 28, ten classes (LeCun et al., 1998)."""
    return read_official(_MNIST)


def fashion_mnist() -> Source:
    """60,000 + 10,000 pieces of clothing, 28 x 28, ten classes (Xiao et al., 2017)."""
    return read_official(_FASHION)


def usps() -> Source:
    """7,291 + 2,007 handwritten digits of envelopes, 16 x 16, ten classes (Hull, 1994)."""
    return read_official(_USPS)


def cifar10() -> Source:
    """50,000 + 10,000 RGB images, 32 x 32, ten classes (Krizhevsky, 2009)."""
    return read_official(_CIFAR10)


def cifar100() -> Source:
    """50,000 + 10,000 RGB images, 32 x 32, a hundred classes (Krizhevsky, 2009)."""
    return read_official(_CIFAR100)


def read_official(official: Official) -> Source:
    """A data set from our own file, from torchvision's files, or else from the internet.

    Raises:
        UserError: If the files on this machine are not the official data set.
        HarnessError: If there are none and it cannot be downloaded.
    """
    source = _local(official) or _downloaded(official)
    test = 0 if source.test is None else len(source.test)
    found = (len(source.train), test, source.shape)
    if found != (official.train, official.test, official.shape):
        raise UserError(
            f"the file of data set '{official.name}' holds {found[0]:,} + {found[1]:,} images of"
            f" shape {found[2]}, not {official.train:,} + {official.test:,} of {official.shape}:"
            " give it another name"
        )
    return source


def _local(official: Official) -> Source | None:
    for folder in folders():
        file = folder / f"{official.name}.npz"
        if file.is_file():
            return read_npz(file, classes=official.classes)
        if (folder / official.files).exists():
            return _by_torchvision(official, folder)
    return None


def _by_torchvision(official: Official, folder: Path) -> Source:
    """Read the files that torchvision keeps in a folder.

    Its reader of CIFAR unpickles, but only files with the MD5 sums of the official ones.
    """
    kind = _torchvision(official)
    try:
        train, test = (kind(folder, train=train) for train in (True, False))
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(
            f"the files of data set '{official.name}' in {folder} are incomplete or altered"
            f" ({error}): delete them, and they are downloaded again"
        ) from None
    parts = [
        part_of(official.name, np.asarray(part.data), np.asarray(part.targets))
        for part in (train, test)
    ]
    return source_of(official.name, parts[0], parts[1], official.classes)


def _downloaded(official: Official) -> Source:
    """Download a data set through torchvision, and keep it as one ``.npz`` file."""
    folder = folders()[0]
    kind = _torchvision(official)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f".{official.name}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # of many workers on a node, one downloads
            found = _local(official)
            if found is not None:
                return found
            with tempfile.TemporaryDirectory(dir=folder, prefix=f"{official.name}.") as half:
                for train in (True, False):
                    kind(half, train=train, download=True)
                source = _by_torchvision(official, Path(half))
            write_npz(source, folder / f"{official.name}.npz")
            return source
    except (RuntimeError, OSError) as error:
        places = " or ".join(map(str, folders()))
        raise HarnessError(
            f"data set '{official.name}' is not in {places}, and cannot be downloaded"
            f" ({error}): put {official.name}.npz or torchvision's {official.files} there, or set"
            f" ${VARIABLE} to their folder"
        ) from None


def _torchvision(official: Official) -> Any:
    """The class of torchvision that reads and downloads a data set."""
    try:
        from torchvision import datasets
    except ImportError:
        raise UserError(
            f"data set '{official.name}' needs torchvision: install nas-harness[live], or put"
            f" {official.name}.npz into {folders()[0]}"
        ) from None
    return getattr(datasets, official.kind)
