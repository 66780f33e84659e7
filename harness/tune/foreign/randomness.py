"""Foreign code that draws from the global random generators, kept apart from everything else."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from harness.streams import key


class GlobalRandomness:
    """A context in which `random` and `numpy.random` are one search's own generators.

    Every visit goes on where the last one ended, and leaves the generators outside as they were.
    Two searches in turn thus do not disturb each other, and a search repeats itself. A visit
    costs one or two hundred microseconds.

    Args:
        seed: The search's seed.
    """

    def __init__(self, seed: int) -> None:
        self._inside = _seeded(key(seed, "foreign", "random"), key(seed, "foreign", "numpy"))
        self._outside: tuple[Any, Any] = ((), {})

    def __enter__(self) -> None:
        self._outside = _swapped(self._inside)

    def __exit__(self, *_: object) -> None:
        self._inside = _swapped(self._outside)


def _seeded(seed: int, numpy_seed: int) -> tuple[Any, Any]:
    return random.Random(seed).getstate(), np.random.RandomState(numpy_seed % 2**32).get_state()


def _swapped(states: tuple[Any, Any]) -> tuple[Any, Any]:
    """Set the states of both generators; returns what they were."""
    before = random.getstate(), np.random.get_state()
    random.setstate(states[0])
    np.random.set_state(states[1])
    return before
