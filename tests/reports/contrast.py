"""The contrast of two colours (WCAG 2.2), for tests of pages and palettes."""

from __future__ import annotations

import re

import numpy as np


def linear(colour: str) -> np.ndarray:
    """`#rrggbb` or `rgb(r, g, b)` as linear RGB."""
    if colour.startswith("#"):
        parts = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    else:
        parts = [int(part) for part in re.findall(r"\d+", colour)[:3]]
    v = np.array(parts) / 255
    return np.where(v <= 0.04045, v / 12.92, ((v + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """From 1, no contrast, to 21, black on white."""
    weights = np.array([0.2126, 0.7152, 0.0722])
    low, high = sorted(float(weights @ linear(colour)) for colour in (one, other))
    return (high + 0.05) / (low + 0.05)
