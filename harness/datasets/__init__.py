"""Data sets by name or path, split once and for all into train, valid and test.

A registered data set is a function without arguments that returns a `Source`; the first line of
its docstring is what `nas-harness list` says of it. Third parties add theirs as entry points of
the group ``nas_harness.datasets``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from harness.datasets.base import ImageData, Part, Source, Split
from harness.datasets.places import folders
from harness.errors import HarnessError, UserError, unknown
from harness.registry import Registry
from harness.typed import brief

registry = Registry(
    "data set",
    {
        "digits": "harness.datasets.digits:digits",
        "mnist": "harness.datasets.official:mnist",
        "fashion-mnist": "harness.datasets.official:fashion_mnist",
        "usps": "harness.datasets.official:usps",
        "cifar10": "harness.datasets.official:cifar10",
        "cifar100": "harness.datasets.official:cifar100",
        "imagenet16-120": "harness.datasets.imagenet16:imagenet16_120",
        "activity-recognition": "harness.datasets.activity:activity_recognition",
    },
    group="nas_harness.datasets",
)

_YAML = (".yaml", ".yml")
_SUFFIXES = (*_YAML, ".npz")


def names() -> tuple[str, ...]:
    """The data sets that `load` knows by name: registered ones, and files in the folders."""
    return tuple(sorted({*registry.names(), *_own_files()}))


def listed() -> list[tuple[str, str, str]]:
    """Name, description and origin of every data set in `names()`."""
    rows = []
    own = _own_files()
    for name in names():
        if name in registry.names():
            rows.append((name, _description(name), registry.origin(name)))
        else:
            rows.append((name, "your own", str(own[name])))
    return rows


def load(name: str, split: Split, *, pixel_noise: float = 0.0, tested: bool = True) -> ImageData:
    """Load a data set and deal its images, the same way every time.

    Args:
        name: One of `names()`, or the path of a data-set file (``.yaml``), of an ``.npz`` file or
            of a folder of images.
        split: How many images each part gets.
        pixel_noise: Standard deviation of Gaussian noise added once to every pixel of every
            image, in units of the pixels' standard deviation. It makes an easy data set hard
            enough to tell architectures apart.
        tested: Whether the test images are wanted; without them that part is empty and the others
            are as they are.

    Raises:
        UserError: If the name is unknown, the files are missing or not of the right form, or
            there are too few images.
        HarnessError: If a data set cannot be downloaded, or a third party's fails.
    """
    from harness.datasets.splitting import split_source

    short, read = find(name)
    return split_source(short, read(), split, pixel_noise=pixel_noise, tested=tested)


def find(name: str) -> tuple[str, Callable[[], Source]]:
    """A data set's short name, on which its splits depend, and what reads all of its images.

    Nothing is read yet but a data-set file: this checks a name before a long run.

    Raises:
        UserError: If the name is unknown, or a data-set file is not of the right form.
    """
    if name in registry.builtin or name in registry.names():
        return name, partial(_registered, name)
    path = _own_files().get(name, Path(name))
    if name and (_is_own(path) or path.is_dir()):
        return _own(path)
    if path.suffix in _SUFFIXES:
        raise UserError(
            f"there is no data set {path}: give a name of `nas-harness list`, or a path"
        )
    raise unknown("data set", name, names())


def _own_files() -> dict[str, Path]:
    """Users' data sets in the folders, by name.

    The first folder's count, and in a folder a data-set file before the images that it describes.
    """
    found: dict[str, Path] = {}
    for folder in folders():
        for suffix in _SUFFIXES:
            for file in sorted(folder.glob(f"*{suffix}")):
                if file.is_file():
                    found.setdefault(file.stem, file)
    return found


def _is_own(path: Path) -> bool:
    return path.suffix in _SUFFIXES and path.is_file()


def _own(path: Path) -> tuple[str, Callable[[], Source]]:
    """A user's data set at a path that exists."""
    if path.suffix in _YAML:
        from harness.datasets.entry import read_entry, source_of_entry

        entry = read_entry(path)
        short = entry.name or path.stem
        return short, partial(source_of_entry, short, entry, path.parent)
    if path.is_dir():
        from harness.datasets.image_folder import read_folder

        return path.resolve().name, partial(read_folder, path)
    from harness.datasets.npz import read_npz

    return path.stem, partial(read_npz, path)


def _description(name: str) -> str:
    """The first line of a registered data set's docstring, or why there is none."""
    try:
        return (getattr(registry.load(name), "__doc__", "") or "-").strip().splitlines()[0]
    except HarnessError as error:
        return str(error)


def _registered(name: str) -> Source:
    source = registry.make(name)
    if name in registry.builtin:
        made: Source = source
        return made
    origin = f"data set '{name}' of {registry.origin(name)}"
    if not isinstance(source, Source):
        raise HarnessError(f"{origin} makes {brief(source)}: it must make a Source")
    from harness.datasets.arrays import checked

    try:
        return checked(origin, source)
    except UserError as error:  # not this user's mistake
        raise HarnessError(str(error)) from None


__all__ = ["ImageData", "Part", "Source", "Split", "find", "listed", "load", "names", "registry"]
