"""Random search: the baseline that every strategy must beat."""

from __future__ import annotations

import random
from collections.abc import Collection

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace


class RandomSearch(Searcher):
    """Uniform draws from the space.

    Args:
        space: Where to search.
        seed: The search's seed.
        replacement: Whether an architecture may be drawn again. Without replacement all
            proposals are distinct (as values: isomorphic networks still count as two), and the
            search ends when the space is exhausted.
    """

    def __init__(self, space: SearchSpace, seed: int, *, replacement: bool = True) -> None:
        super().__init__(space, seed)
        self.replacement = replacement
        self.drawn: set[Architecture] = set()

    def ask(self) -> Proposal | None:
        if self.replacement:
            return Proposal(self.space.sample(self.initial))
        architecture = sample_unseen(self.space, self.initial, self.drawn)
        if architecture is None:
            return None
        self.drawn.add(architecture)
        return Proposal(architecture)

    def tell(self, observation: Observation) -> None:
        """Nothing is learnt."""


def sample_unseen(
    space: SearchSpace, rng: random.Random, seen: Collection[Architecture]
) -> Architecture | None:
    """A uniformly drawn architecture that is not among `seen`; None if there is none left.

    The exact number of architectures is not always known (partial tables): with k seen and at
    least one more in the space, 50 (k + 1) draws in a row all fall on the seen ones with a
    probability below e**-50.
    """
    for tried in range(50 * (len(seen) + 1)):
        architecture = space.sample(rng)
        if architecture not in seen:
            return architecture
        if tried == 0 and len(seen) >= len(space):
            return None
    return None
