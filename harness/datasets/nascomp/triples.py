"""AddNIST and MultNIST: three digits in three channels, to be added or multiplied.

Each image has one digit of MNIST as its red, one as its green and one as its blue channel. Classes
are equally frequent, and so are the triples of digits within a class.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product

import numpy as np

from harness.datasets.base import Source
from harness.datasets.nascomp.parts import NAMES, Progress, Sizes, assemble, pools, reported
from harness.streams import choice


def addnist(source: str, sizes: Sizes, seed: int, progress: Progress) -> Source:
    """Label r + g + b - 1; of all triples of digits those with labels in 0 .. 19 (20 classes).

    Args:
        source: MNIST, or any data set of ten classes (see `pools`).
        sizes: Numbers of images.
        seed: Of the deal of the source's images and of the draws.
        progress: Called with numbers of further images.

    Returns:
        Images of the source's height and width; the channels are what its first one is.
    """
    return _triples("addnist", 20, lambda r, g, b: r + g + b - 1, source, sizes, seed, progress)


def multnist(source: str, sizes: Sizes, seed: int, progress: Progress) -> Source:
    """Label (r g b) mod 10 (10 classes); otherwise as `addnist`."""
    return _triples("multnist", 10, lambda r, g, b: r * g * b % 10, source, sizes, seed, progress)


def _triples(
    name: str,
    classes: int,
    label_of: Callable[[int, int, int], int],
    source: str,
    sizes: Sizes,
    seed: int,
    progress: Progress,
) -> Source:
    triples: list[list[tuple[int, int, int]]] = [[] for _ in range(classes)]
    for r, g, b in product(range(10), repeat=3):
        if 0 <= label_of(r, g, b) < classes:
            triples[label_of(r, g, b)].append((r, g, b))
    pool_of = dict(zip(NAMES, pools(name, source, sizes, seed, least=1), strict=True))

    def compose(which: str, rng: random.Random, labels: list[int]) -> np.ndarray:
        pool = pool_of[which]
        drawn = np.empty((len(labels), 3), dtype=np.int64)
        for i, label in reported(labels, progress):
            drawn[i] = [choice(rng, pool.of_class[d]) for d in choice(rng, triples[label])]
        return pool.images[:, 0][drawn]

    return assemble(name, classes, sizes, seed, compose)
