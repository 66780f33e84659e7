"""`nas-harness show-data`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.console import print_pairs

if TYPE_CHECKING:
    from harness.datasets import Part


def show_data(
    name: Annotated[
        str, typer.Argument(help="A data set by name, or a .yaml or .npz file or image folder.")
    ],
) -> None:
    """Show what a data set holds: its shape, images of each class, means and deviations.

    This reads all images, and downloads them if they are on no disk of this machine.

    Examples:

        nas-harness show-data digits

        nas-harness show-data mine.yaml
    """
    from harness import datasets
    from harness.datasets.splitting import moments

    short, read = datasets.find(name)
    source = read()
    channels, height, width = source.shape
    mean, deviation = moments(source.train.images)
    pairs: list[tuple[str, object]] = [
        ("data set", short),
        ("shape", f"{channels} x {height} x {width} (channels, height, width)"),
        ("stored as", source.train.images.dtype),
        ("classes", source.classes),
        ("train" if source.test else "images", _counts(source.train, source.classes)),
        *[
            (part_name, _counts(part, source.classes) if part else "none of its own")
            for part_name, part in (("valid", source.valid), ("test", source.test))
        ],
        ("mean", _numbers(mean)),
        ("deviation", _numbers(deviation)),
    ]
    if source.mean is not None or source.deviation is not None:
        used = f"{_numbers(source.mean or mean)} and {_numbers(source.deviation or deviation)}"
        pairs.append(("normalised by", used))
    print_pairs(pairs)


def _counts(part: Part, classes: int) -> str:
    """How many images there are, and of the rarest and the most frequent class."""
    import numpy as np

    counts = np.bincount(part.labels, minlength=classes)
    return f"{len(part):,} ({counts.min():,} .. {counts.max():,} a class)"


def _numbers(values: tuple[float, ...]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
