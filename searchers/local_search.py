"""Multi-start local search by best or first improvement.

Sources: White, Nolen and Savani, "Exploring the Loss Landscape in Neural Architecture Search"
(UAI 2021), for multi-start local search on tabular benchmarks; Lundberg, "Evolution of Residual
Architectures" (Lund University, 2020:E35), appendix, and the public HyperMapper repository's
`local_search.py` for starts from the best of a random sample and for neighbourhoods, which are
those of SMAC (Hutter, Hoos and Leyton-Brown, LION 2011).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from typing import Literal

from harness.searcher import Observation, Proposal, Searcher
from harness.spaces import Architecture, SearchSpace
from harness.streams import shuffled
from searchers.checks import at_least, at_most, one_of
from searchers.random_search import sample_unseen

WINDOW = 5
"""Options of an ordered decision that are near one another, the present one included."""


class LocalSearch(Searcher):
    """Rounds of random samples and ascents from the best of them.

    A round draws `initial_samples` fresh architectures and ascends from the best `starts` of
    them in turn. An ascent steps to better neighbours until there is none; after the round's
    last ascent the next round begins. An architecture is evaluated once and remembered, so that
    overlapping neighbourhoods cost nothing twice; the search ends when the space is exhausted.

    A step takes the best of the whole neighbourhood, or with first improvement the first better
    neighbour heard of, in random order. Of equals the first heard of wins. Failed evaluations
    are worse than all others.

    With several workers a neighbourhood is evaluated in parallel; an idle worker waits where
    nothing can be proposed before more is heard. With first improvement, a neighbour in flight
    when a step is taken still counts if it turns out better than where the search then stands.

    Args:
        space: Where to search.
        seed: The search's seed.
        improvement: Whether a step takes the best neighbour or the first better one.
        initial_samples: Random architectures a round. The thesis on ERA uses 50 with 10 starts;
            with 1 every ascent starts from a fresh random architecture.
        starts: Ascents a round.

    Raises:
        UserError: If an option is out of range.
    """

    def __init__(
        self,
        space: SearchSpace,
        seed: int,
        *,
        improvement: Literal["best", "first"] = "best",
        initial_samples: int = 1,
        starts: int = 1,
    ) -> None:
        super().__init__(space, seed)
        one_of(self, ("best", "first"), improvement=improvement)
        at_least(self, 1, initial_samples=initial_samples, starts=starts)
        at_most(self, initial_samples, "initial_samples", starts=starts)
        self.first = improvement == "first"
        self.initial_samples = initial_samples
        self.starts = starts
        # Value of everything proposed; -inf until it is known.
        self.values: dict[Architecture, float] = {}
        self.in_flight = 0
        # Where the ascent stands, and the best that was heard of since it came there.
        self.current: Architecture | None = None
        self.best: Architecture | None = None
        self.steps = self._rounds()

    def ask(self) -> Proposal | None:
        architecture = next(self.steps, None)
        if architecture is None:
            return None
        self.values[architecture] = -inf
        self.in_flight += 1
        return Proposal(architecture)

    def tell(self, observation: Observation) -> None:
        self.in_flight -= 1
        self.values[observation.architecture] = observation.value
        self._consider(observation.architecture)

    def _consider(self, architecture: Architecture) -> None:
        if self.current is not None and self.values[architecture] > self.values[self.best]:
            self.best = architecture

    def _rounds(self) -> Iterator[Architecture | None]:
        """What to evaluate next, or None to wait for results; ends with the space."""
        while samples := self._samples():
            self.current = None
            yield from samples
            while self.in_flight:
                yield None
            # Sorting is stable: of equals the first drawn stands first.
            samples.sort(key=self.values.__getitem__, reverse=True)
            for start in samples[: self.starts]:
                yield from self._ascend(start)

    def _samples(self) -> list[Architecture]:
        """Fresh random architectures; fewer, down to none, where the space is exhausted."""
        samples: list[Architecture] = []
        for _ in range(self.initial_samples):
            architecture = sample_unseen(self.space, self.initial, self.values)
            if architecture is None:
                break
            self.values[architecture] = -inf
            samples.append(architecture)
        return samples

    def _ascend(self, start: Architecture) -> Iterator[Architecture | None]:
        self.best = start
        while self.best is not self.current:
            self.current = self.best
            yield from self._look_around()

    def _look_around(self) -> Iterator[Architecture | None]:
        """Hear of all neighbours, or with first improvement until one is better."""
        neighbours = near(self.space, self.current)
        if self.first:
            neighbours = shuffled(self.rng, neighbours)
        for neighbour in neighbours:
            if neighbour in self.values:
                self._consider(neighbour)
            else:
                yield neighbour
            if self.first and self.best is not self.current:
                return
        while self.in_flight:
            yield None
            if self.first and self.best is not self.current:
                return


def near(space: SearchSpace, architecture: Architecture) -> list[Architecture]:
    """The neighbours in SMAC's sense, in the space's order.

    They differ in one decision. Of an ordered decision with more than five options, only the
    window of five around the present one counts (moved inwards at either end).
    """
    neighbours = space.neighbours(architecture)
    if space.sizes is None or space.ordinal is None or not any(space.ordinal):
        return neighbours
    windows = [
        window(value, size) if ordered else range(size)
        for value, size, ordered in zip(architecture, space.sizes, space.ordinal, strict=True)  # type: ignore[call-overload]
    ]
    return [
        neighbour
        for neighbour in neighbours
        if all(value in near for value, near in zip(neighbour, windows, strict=True))  # type: ignore[call-overload]
    ]


def window(value: int, size: int) -> range:
    """The options near one of an ordered decision with `size` options."""
    first = max(0, min(value - WINDOW // 2, size - WINDOW))
    return range(first, min(first + WINDOW, size))
