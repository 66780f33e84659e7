"""The digits that scikit-learn brings along: a data set without a download."""

from __future__ import annotations

import numpy as np

from harness.datasets.base import Part, Source


def digits() -> Source:
    """1,797 handwritten digits, 8 x 8, ten classes, inside scikit-learn (UCI, 1998)."""
    from sklearn.datasets import load_digits  # ships the images inside the package: no download

    images, labels = load_digits(return_X_y=True)
    # Normalised over all parts: the packed table `tss-digits` was measured so.
    pixels = ((images - images.mean()) / images.std()).astype(np.float32)
    part = Part(pixels.reshape(-1, 1, 8, 8), labels)
    return Source(10, part, mean=(0.0,), deviation=(1.0,))
