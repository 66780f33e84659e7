"""A memory of the steps that a learning agent took."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Transition(NamedTuple):
    """A step; or a batch of steps, with one row for each.

    Attributes:
        state: Where it was taken, zeros and ones [width].
        chosen: The neurons that it chose, over all heads of the network, int [choices].
        following: Where it led, [width].
        allowed: Which neurons may be chosen there, bool [neurons].
        reward: What it earned.
        ended: Whether it was the episode's last.
    """

    state: Any
    chosen: Any
    following: Any
    allowed: Any
    reward: Any
    ended: Any


class Replay:
    """The last steps taken; a new one takes the place of the oldest.

    Args:
        capacity: How many.
        width: Length of an encoded state.
        neurons: Neurons of all heads.
        choices: Neurons that a step chooses.
    """

    def __init__(self, capacity: int, width: int, neurons: int, choices: int) -> None:
        self.capacity = capacity
        self._added = 0
        self._columns = Transition(
            np.zeros((capacity, width), np.uint8),
            np.zeros((capacity, choices), np.intp),
            np.zeros((capacity, width), np.uint8),
            np.zeros((capacity, neurons), bool),
            np.zeros(capacity),
            np.zeros(capacity, bool),
        )

    def __len__(self) -> int:
        return min(self._added, self.capacity)

    def add(self, step: Transition) -> None:
        """Remember a step."""
        place = self._added % self.capacity
        for column, value in zip(self._columns, step, strict=True):
            column[place] = value
        self._added += 1

    def sample(self, size: int, draw: Callable[[], float]) -> Transition:
        """A batch of uniformly drawn steps, with replacement; states as floats.

        Args:
            size: How many.
            draw: Uniform random numbers in [0, 1).
        """
        count = len(self)
        rows = np.array([int(draw() * count) for _ in range(size)])
        batch = Transition(*[column[rows] for column in self._columns])
        return batch._replace(state=batch.state * 1.0, following=batch.following * 1.0)
