"""A data set of one's own, described by a short YAML file."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import numpy as np

from harness.datasets.activity import read_activity
from harness.datasets.base import Part, Source
from harness.datasets.image_folder import read_folder
from harness.datasets.npz import read_npz
from harness.datasets.splitting import set_apart
from harness.errors import UserError, unknown
from harness.typed import check_types
from harness.yaml_file import read_yaml

KINDS = ("npz", "images", "activity")


@dataclass(frozen=True)
class Entry:
    """The fields of a data-set file.

    Attributes:
        path: Where the images are, relative to the data-set file.
        kind: "npz", "images" (folders named after classes) or "activity" (see
            `harness.datasets.activity`).
        name: What the data set is called; default: as the file. The split depends on it.
        keys: npz: what `harness.datasets.npz.KEYS` are called in it.
        layout: npz: one of `harness.datasets.arrays.LAYOUTS`.
        classes: npz: how many there are; default: one more than the largest label.
        size: images: height and width to resize to.
        channels: activity: 3 (axes) or 1 (the length of their vector).
        width: Of series: repeat them side by side, as images of so many columns, for networks
            that halve images.
        test: How many images (or, as a float, which share) to set apart as the test part, where
            the data set has none of its own.
        mean: Of the pixels, for each channel; default: measured on the training images.
        deviation: Likewise. Zeros as means and ones as deviations stand for images that are
            normalised already.
    """

    path: str
    kind: str = "npz"
    name: str = ""
    keys: dict[str, str] = field(default_factory=dict)
    layout: str | None = None
    classes: int | None = None
    size: list[int] | None = None
    channels: int = 3
    width: int | None = None
    test: int | float | None = None
    mean: list[float] | None = None
    deviation: list[float] | None = None


def read_entry(file: Path) -> Entry:
    """The content of a data-set file.

    Raises:
        UserError: If it is no such file; one line names the field.
    """
    data, _ = read_yaml(file, "data set")
    if not isinstance(data, dict) or "path" not in data:
        raise UserError(f"data set {file}: it needs `path:`, where its images are")
    known = [f.name for f in fields(Entry)]
    for name in data:
        if name not in known:
            raise unknown(f"field of data set {file}:", str(name), known)
    entry = Entry(**data)
    check_types(entry, f"data set {file}")
    if entry.kind not in KINDS:
        raise unknown(f"kind of data set {file}:", entry.kind, KINDS)
    if entry.size is not None and (len(entry.size) != 2 or min(entry.size) < 1):
        raise UserError(f"data set {file}: size={entry.size}; must be [height, width]")
    return entry


def source_of_entry(name: str, entry: Entry, folder: Path) -> Source:
    """The images that a data-set file stands for.

    Args:
        name: Of the data set.
        entry: The file's content.
        folder: Where the file is.

    Raises:
        UserError: If the images cannot be read, or do not fit the description.
    """
    try:
        path = folder / Path(entry.path).expanduser()
    except RuntimeError as error:  # the home of nobody
        raise UserError(f"data set '{name}': {entry.path}: {error}") from None
    if entry.kind == "npz":
        source = read_npz(path, entry.keys or None, layout=entry.layout, classes=entry.classes)
    elif entry.kind == "images":
        height, width = entry.size or (0, 0)
        source = read_folder(path, size=(height, width) if entry.size else None)
    else:
        source = read_activity(path, channels=entry.channels)
    if entry.width is not None:
        source = _widened(name, source, entry.width)
    if entry.test is not None:
        source = set_apart(name, source, entry.test)
    for field_name, values in (("mean", entry.mean), ("deviation", entry.deviation)):
        if values is not None and len(values) != source.shape[0]:
            raise UserError(
                f"data set '{name}': {field_name} has {len(values)} values for {source.shape[0]}"
                " channels: give one a channel"
            )
    if entry.deviation is not None and min(entry.deviation) <= 0:
        raise UserError(f"data set '{name}': a deviation must be above 0")
    return replace(
        source,
        mean=source.mean if entry.mean is None else tuple(map(float, entry.mean)),
        deviation=source.deviation
        if entry.deviation is None
        else tuple(map(float, entry.deviation)),
    )


def _widened(name: str, source: Source, width: int) -> Source:
    """Series as images of several equal columns."""
    if source.shape[2] != 1 or width < 1:
        raise UserError(
            f"data set '{name}': width={width}; it must be 1 or more, and is for series: images"
            f" of {source.shape[1]} x {source.shape[2]} have one"
        )

    def widen(part: Part) -> Part:
        return Part(np.repeat(part.images, width, axis=3), part.labels)

    test = None if source.test is None else widen(source.test)
    valid = None if source.valid is None else widen(source.valid)
    return replace(source, train=widen(source.train), test=test, valid=valid)
