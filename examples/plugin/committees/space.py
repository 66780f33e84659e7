"""A search space whose architectures have no fixed length, and where order does not matter."""
# A space is asked for its own architectures alone.
# mypy: disable-error-code=override

from __future__ import annotations

import random
from itertools import product

import numpy as np

from harness.spaces import Graph, SearchSpace
from harness.streams import choice

WIDTHS = (2, 4, 8, 16)
"""The hidden units that a member may have."""

MOST_MEMBERS = 4
MOST_UNITS = 24

Widths = tuple[int, ...]


class Committees(SearchSpace):
    """Committees of small networks that vote by averaging what they predict.

    An architecture is a tuple of one to four members, each given by its number of hidden units,
    with at most 24 units in all: few wide members, or many narrow ones. Members have no order:
    ``(4, 8)`` and ``(8, 4)`` are one network.
    """

    name = "committees"
    network = "committees.network:committee"

    def __init__(self) -> None:
        lengths = range(1, MOST_MEMBERS + 1)
        every = (widths for n in lengths for widths in product(WIDTHS, repeat=n))
        self._all: list[Widths] = [widths for widths in every if widths in self]

    # --- what is inside ---------------------------------------------------------------------

    def __contains__(self, architecture: object) -> bool:
        return (
            isinstance(architecture, tuple)
            and 1 <= len(architecture) <= MOST_MEMBERS
            and all(type(width) is int and width in WIDTHS for width in architecture)
            and sum(architecture) <= MOST_UNITS
        )

    def __len__(self) -> int:
        return len(self._all)

    def sample(self, rng: random.Random) -> Widths:
        return choice(rng, self._all)

    # --- moves ------------------------------------------------------------------------------

    def neighbours(self, architecture: Widths) -> list[Widths]:
        """One member has another width, the last one leaves, or one more joins."""
        widths = architecture
        changed = [
            (*widths[:i], width, *widths[i + 1 :])
            for i in range(len(widths))
            for width in WIDTHS
            if width != widths[i]
        ]
        joined = [(*widths, width) for width in WIDTHS]
        return [near for near in [*changed, widths[:-1], *joined] if near in self]

    def mutate(
        self, architecture: Widths, rng: random.Random, *, new_value: bool = True
    ) -> Widths:
        near = self.neighbours(architecture)
        return choice(rng, near if new_value else [architecture, *near])

    def crossover(self, a: Widths, b: Widths, rng: random.Random) -> Widths:
        """As many members as either parent has, each from a parent that has that many."""
        length = len(choice(rng, (a, b)))
        child = tuple(
            choice(rng, [parent[i] for parent in (a, b) if i < len(parent)]) for i in range(length)
        )
        return child if child in self else a

    # --- equal networks ---------------------------------------------------------------------

    def canonical(self, architecture: Widths) -> Widths:
        """The members in ascending order."""
        return tuple(sorted(architecture))

    def key(self, architecture: Widths) -> bytes:
        """What a table stores: equal for equal networks, which then share a row."""
        return bytes(self.canonical(architecture)).ljust(MOST_MEMBERS, b"\0")

    # --- notation ---------------------------------------------------------------------------

    def to_string(self, architecture: Widths) -> str:
        """The widths, joined: ``4+8``."""
        return "+".join(map(str, architecture))

    def from_string(self, text: str) -> Widths:
        known = {str(width): width for width in WIDTHS}
        widths = tuple(known.get(name, 0) for name in text.split("+"))
        if widths not in self:
            raise self.not_inside(text)
        return widths

    # --- for predictors ---------------------------------------------------------------------

    def features(self, architecture: Widths) -> np.ndarray:
        """How many members there are of each width, float64 [4]."""
        return np.array([architecture.count(width) for width in WIDTHS], float)

    def graph(self, architecture: Widths) -> Graph:
        """The members side by side; the output averages them."""
        operations = ("input", *(f"mlp{width}" for width in architecture), "output")
        adjacency = np.zeros((len(operations), len(operations)), bool)
        adjacency[0, 1:-1] = adjacency[1:-1, -1] = True
        return Graph(adjacency, operations)
