"""A space seen through a partial table: every move is redrawn until the table covers it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from harness.errors import UserError
from harness.spaces import Architecture, Graph, SearchSpace
from harness.streams import choice


class CoveredSpace(SearchSpace):
    """The part of a space that a table covers, with the same moves.

    A protocol with ``missing=resample`` hands this to the searcher, so that no strategy needs to
    know about missing rows. A parent without covered children is left by a fresh sample.

    Args:
        space: The whole space.
        covered: Whether the table has an architecture.
        few: All that it has, where redrawing would hardly ever meet one (see `few_of`): samples
            are then drawn from these, each with the same chance. Empty: samples are redrawn.

    Attributes:
        resampled: How many architectures were drawn and discarded because the table lacks them.
    """

    TRIES = 1_000

    def __init__(
        self,
        space: SearchSpace,
        covered: Callable[[Architecture], bool],
        few: Sequence[Architecture] = (),
    ) -> None:
        self._space = space
        self._covered = covered
        self._few = few
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
        if self._few:
            return choice(rng, self._few)
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


def few_of(space: SearchSpace, keys: Collection[bytes]) -> list[Architecture]:
    """What a table covers of a space, if it is less than one architecture in `TRIES`.

    Empty if it is more, so that searches of large tables draw as they always did; also where keys
    are hashes, from which no architecture can be had.

    Args:
        space: The whole space.
        keys: The table's, see `SearchSpace.key`; the order of the answer is theirs.
    """
    if len(keys) * CoveredSpace.TRIES >= space.__len__():  # len() itself stops at 2**63
        return []
    # Spaces of tuples store them as they are, or in a canonical form that is in the space too.
    found: dict[bytes, Architecture] = {key: tuple(key) for key in keys}
    plain = all(a in space and space.key(a) == key for key, a in found.items())
    return list(found.values()) if plain else []
