"""Turn images of your own format into a data set that nas-harness loads.

As an example, this reads an archive of all CIFAR-10 images as JPEG files that share one header:
image i is ``header + body[offset[i]:offset[i + 1]]``. For another format, write another
`read_images`; the rest stays.

    python convert.py cifar10_jpeg.npz cifar10-jpeg.npz
    nas-harness show-data cifar10-jpeg.npz
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from harness.datasets import Part, Source
from harness.datasets.npz import write_npz


def read_images(archive: Path, *, every: int = 1) -> Source:
    """The archive's images with their official split.

    Args:
        archive: The file.
        every: Read one image of so many.
    """
    with np.load(archive, allow_pickle=False) as arrays:
        header, body = arrays["header"].tobytes(), arrays["body"].tobytes()
        offset, label, is_train = arrays["offset"], arrays["label"], arrays["is_train"]
    chosen = np.arange(0, len(label), every)
    images = np.empty((len(chosen), 32, 32, 3), np.uint8)
    for place, i in enumerate(chosen):
        images[place] = Image.open(io.BytesIO(header + body[offset[i] : offset[i + 1]]))
    images = np.ascontiguousarray(images.transpose(0, 3, 1, 2))  # to [n, channels, height, width]
    label, is_train = label[chosen].astype(np.int64), is_train[chosen]
    return Source(
        classes=10,
        train=Part(images[is_train], label[is_train]),
        test=Part(images[~is_train], label[~is_train]),
    )


if __name__ == "__main__":
    write_npz(read_images(Path(sys.argv[1])), Path(sys.argv[2]))
