"""Series of a chest-mounted accelerometer, for networks that take images.

"Activity Recognition from Single Chest-Mounted Accelerometer" (Casale, Pujol and Radeva, 2012;
UCI): 15 participants, 7 activities, 52 samples a second. NORD (Kyriakides, 2022, 3.5) searched for
networks on it. Its files have to be downloaded by hand from the UCI repository.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from harness.datasets.arrays import source_of
from harness.datasets.base import Part, Source
from harness.datasets.places import folders
from harness.errors import UserError

LENGTH = 52
"""Samples of a series: one second."""

TEST_PARTICIPANTS = 4
"""The last ones: nobody's movements are both trained on and tested."""

_UCI = "Activity Recognition from Single Chest-Mounted Accelerometer"
_CLASSES = 7


def activity_recognition() -> Source:
    """One-second series of an accelerometer, 3 axes x 52, seven activities (UCI, 2012)."""
    for folder in folders():
        for name in ("activity-recognition", _UCI):
            if (folder / name).is_dir():
                return read_activity(folder / name)
    raise UserError(
        f"data set 'activity-recognition' is not in {folders()[0]}: download '{_UCI}' from the"
        " UCI repository (archive.ics.uci.edu) and unpack it there"
    )


def read_activity(folder: Path, *, channels: int = 3) -> Source:
    """Series of shape [channels, 52, 1] from the participants' files ``1.csv`` .. ``15.csv``.

    A file has the columns number, x, y, z, activity (1 .. 7; 0 is no activity). As in NORD, a
    series holds the differences of one sample to the next (the sensor is not calibrated), and the
    last four participants are the test part. Unlike there, series do not overlap, so that no
    sample is in two parts, and each lies within one activity.

    Args:
        folder: Holds the files.
        channels: 3 for the axes, 1 for the length of their vector.

    Raises:
        UserError: If there are no such files, or one is of another form.
    """
    files = sorted(
        (f for f in folder.glob("*.csv") if re.fullmatch(r"\d+", f.stem)),
        key=lambda f: int(f.stem),
    )
    if len(files) <= TEST_PARTICIPANTS:
        raise UserError(
            f"{folder} holds {len(files)} files 1.csv, 2.csv, ...: more than {TEST_PARTICIPANTS}"
            " participants are needed; unpack all of them there"
        )
    if channels not in (1, 3):
        raise UserError(f"a series has 3 channels (axes) or 1 (their length), not {channels}")
    read = [_participant(file, channels) for file in files]
    train, test = (
        Part(np.concatenate([p.images for p in part]), np.concatenate([p.labels for p in part]))
        for part in (read[:-TEST_PARTICIPANTS], read[-TEST_PARTICIPANTS:])
    )
    if not len(train) or not len(test):
        raise UserError(f"{folder}: no activity lasts for {LENGTH} samples: are the files whole?")
    return source_of(str(folder), train, test, _CLASSES)


def _participant(file: Path, channels: int) -> Part:
    from pyarrow import ArrowInvalid, csv

    names = ["number", "x", "y", "z", "activity"]
    options = csv.ConvertOptions(column_types=dict.fromkeys(names, "float64"))
    try:
        table = csv.read_csv(
            file, read_options=csv.ReadOptions(column_names=names), convert_options=options
        )
    except (OSError, ArrowInvalid) as error:
        raise UserError(f"cannot read {file} as number, x, y, z, activity: {error}") from None
    samples = np.stack([table[axis].to_numpy() for axis in "xyz"])
    activity = table["activity"].to_numpy()
    if not np.isin(activity, range(_CLASSES + 1)).all() or not np.isfinite(samples).all():
        raise UserError(f"{file}: activities must be 0 .. {_CLASSES}, and samples finite numbers")
    if channels == 1:
        samples = np.sqrt(np.square(samples).sum(0, keepdims=True))
    steps, activity = np.diff(samples), activity[1:].astype(np.int64)
    # A run of one activity is cut into whole series from its first step on.
    ends = np.flatnonzero(np.diff(activity, append=-1)) + 1
    starts = [
        np.arange(start, end - LENGTH + 1, LENGTH)
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
        if activity[start] > 0
    ]
    first = np.concatenate([np.empty(0, np.int64), *starts])
    series = steps[:, first[:, None] + np.arange(LENGTH)].transpose(1, 0, 2)[..., None]
    return Part(np.ascontiguousarray(series, np.float32), activity[first] - 1)
