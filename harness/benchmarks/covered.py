"""A space seen through a partial table: every move is redrawn until the table covers it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.spaces import Architecture, Graph, SearchSpace


class CoveredSpace(SearchSpace):
    """The part of a space that a table covers, with the same moves.

    A protocol with ``missing=resample`` hands this to the searcher, so that no strategy needs to
    know about missing rows. A parent without covered children is left by a fresh sample.

    Attributes:
        resampled: How many architectures were drawn and discarded because the table lacks them.
    """

    TRIES = 1_000

    def __init__(self, space: SearchSpace, covered: Callable[[Architecture], bool]) -> None:
        self._space = space
        self._covered = covered
        self.resampled = 0
        self.name = space.name
        self.sizes = space.sizes
        self.ordinal = space.ordinal
        self.network = space.network

    def __getattr__(self, name: str) -> Any:
        # What only some spaces have: options, ...
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._space, name)

    def _redrawn(self, draw: Callable[[], Architecture]) -> Architecture | None:
        for _ in range(self.TRIES):
            architecture = draw()
            if self._covered(architecture):
                return architecture
            self.resampled += 1
        return None

    def sample(self, rng: random.Random) -> Architecture:
        for _ in range(self.TRIES):
            architecture = self._redrawn(lambda: self._space.sample(rng))
            if architecture is not None:
                return architecture
        raise UserError(f"the table covers hardly any architecture of '{self._space.name}'")

    def mutate(
        self, architecture: Architecture, rng: random.Random, *, new_value: bool = True
    ) -> Architecture:
        child = self._redrawn(lambda: self._space.mutate(architecture, rng, new_value=new_value))
        return self.sample(rng) if child is None else child

    def crossover(self, a: Architecture, b: Architecture, rng: random.Random) -> Architecture:
        child = self._redrawn(lambda: self._space.crossover(a, b, rng))
        return a if child is None else child

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        return [a for a in self._space.neighbours(architecture) if self._covered(a)]

    def __contains__(self, architecture: object) -> bool:
        return architecture in self._space and self._covered(architecture)

    def __len__(self) -> int:
        return len(self._space)

    def canonical(self, architecture: Architecture) -> Architecture:
        return self._space.canonical(architecture)

    def features(self, architecture: Architecture) -> np.ndarray:
        return self._space.features(architecture)

    def graph(self, architecture: Architecture) -> Graph:
        return self._space.graph(architecture)

    def to_string(self, architecture: Architecture) -> str:
        return self._space.to_string(architecture)

    def from_string(self, text: str) -> Architecture:
        return self._space.from_string(text)

    def key(self, architecture: Architecture) -> bytes:
        return self._space.key(architecture)
